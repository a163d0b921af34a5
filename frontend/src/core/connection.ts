/**
 * The connection as a state machine without I/O: events in, the next state and what to do out.
 *
 * Every attempt has a number. What an earlier attempt still reports is ignored, so that there is never more than one
 * socket, whichever of the network, the tab, a timer or a person starts the next.
 */

import { backoff } from './backoff';

export type Phase =
  | { readonly name: 'idle' }
  /** Asking who we are, and for a token. */
  | { readonly name: 'preparing'; readonly since: number }
  | { readonly name: 'opening'; readonly since: number }
  | {
      readonly name: 'live';
      readonly since: number;
      readonly heardAt: number;
      readonly pingedAt: number | null;
      readonly pingEvery: number;
      readonly renewAt: number;
    }
  | { readonly name: 'waiting'; readonly until: number }
  /** Nothing to be gained by trying again until something changes. */
  | { readonly name: 'refused' };

export interface Connection {
  readonly phase: Phase;
  readonly attempt: number;
  /** Attempts in a row that led to no lasting connection. */
  readonly failures: number;
  /** Whether to ask who we are before the next attempt: a browser doesn't say why a socket was refused. */
  readonly verify: boolean;
  readonly hidden: boolean;
  /** A planned reconnection, which nobody needs to notice. */
  readonly renewing: boolean;
}

export type Event =
  | { readonly type: 'start' | 'resume' | 'pause' }
  | { readonly type: 'prepared' | 'opened' | 'closed' | 'unreachable' | 'forbidden' | 'heard'; readonly attempt: number }
  | { readonly type: 'visible' | 'hidden' | 'network' | 'reconnect' | 'clock' }
  /** The other end answers no more, or who we are has changed: connect anew. */
  | { readonly type: 'replace'; readonly verify: boolean };

export type Effect = 'prepare' | 'open' | 'close' | 'ping';

export interface Step {
  readonly connection: Connection;
  readonly effects: readonly Effect[];
}

export const PREPARE_TIMEOUT = 15_000;
export const OPEN_TIMEOUT = 10_000;
export const PONG_TIMEOUT = 8_000;
/** Below API Gateway's and CloudFront's ten idle minutes, with a wide margin. */
const PING_EVERY = 4 * 60_000;
const RENEW_AFTER = 105 * 60_000;
const RENEW_SPREAD = 10 * 60_000;
/** A connection that lasted this long was a good one: its end is no failure of ours. */
const LASTING = 10_000;
/** Heard this recently, the other end needs no probe. */
const FRESH = 3_000;

export const IDLE: Connection = {
  phase: { name: 'idle' },
  attempt: 0,
  failures: 0,
  verify: true,
  hidden: false,
  renewing: false,
};

export function step(connection: Connection, event: Event, now: number, random: () => number): Step {
  if ('attempt' in event && event.attempt !== connection.attempt) return unchanged(connection);
  const { phase } = connection;
  switch (event.type) {
    case 'start':
    case 'resume':
      return phase.name === 'idle' ? prepare({ ...connection, verify: true, failures: 0 }, now) : unchanged(connection);
    case 'pause':
      return { connection: { ...connection, phase: { name: 'idle' }, attempt: connection.attempt + 1 }, effects: ['close'] };
    case 'prepared':
      if (phase.name !== 'preparing') return unchanged(connection);
      return { connection: { ...connection, phase: { name: 'opening', since: now }, verify: false }, effects: ['open'] };
    case 'unreachable':
      return phase.name === 'preparing' ? fail(connection, now, random) : unchanged(connection);
    case 'forbidden':
      if (phase.name !== 'preparing') return unchanged(connection);
      return { connection: { ...connection, phase: { name: 'refused' }, verify: true, renewing: false }, effects: [] };
    case 'opened':
      return phase.name === 'opening' ? live(connection, now, random) : unchanged(connection);
    case 'closed':
      if (phase.name === 'opening') return fail({ ...connection, verify: true }, now, random);
      return phase.name === 'live' ? fail(connection, now, random) : unchanged(connection);
    case 'heard':
      if (phase.name !== 'live') return unchanged(connection);
      return { connection: { ...connection, phase: { ...phase, heardAt: now, pingedAt: null } }, effects: [] };
    case 'hidden':
      return { connection: { ...connection, hidden: true }, effects: [] };
    case 'visible':
      return wake({ ...connection, hidden: false }, now);
    case 'network':
    case 'reconnect':
      return wake(connection, now);
    case 'replace':
      if (phase.name === 'idle') return unchanged(connection);
      return prepare({ ...connection, verify: connection.verify || event.verify }, now, ['close']);
    case 'clock':
      return onClock(connection, now, random);
  }
}

/** When the clock must be looked at next. */
export function clockAt({ phase, hidden }: Connection): number | null {
  switch (phase.name) {
    case 'preparing':
      return phase.since + PREPARE_TIMEOUT;
    case 'opening':
      return phase.since + OPEN_TIMEOUT;
    case 'waiting':
      // Nobody looks: the tab's return starts the next attempt at once.
      return hidden ? null : phase.until;
    case 'live':
      return phase.pingedAt === null
        ? Math.min(phase.heardAt + phase.pingEvery, phase.renewAt)
        : phase.pingedAt + PONG_TIMEOUT;
    default:
      return null;
  }
}

function onClock(connection: Connection, now: number, random: () => number): Step {
  const at = clockAt(connection);
  if (at === null || now < at) return unchanged(connection);
  const { phase } = connection;
  switch (phase.name) {
    case 'preparing':
      return fail(connection, now, random);
    case 'opening':
      return fail({ ...connection, verify: true }, now, random, ['close']);
    case 'waiting':
      return prepare(connection, now);
    case 'live':
      if (phase.pingedAt !== null) return fail(connection, now, random, ['close']);
      if (now >= phase.renewAt) return prepare({ ...connection, renewing: true }, now, ['close']);
      return probe(connection, now);
    default:
      return unchanged(connection);
  }
}

/** Somebody is back, or the network changed: connect at once, or find out whether the connection still carries. */
function wake(connection: Connection, now: number): Step {
  const { phase } = connection;
  if (phase.name === 'waiting') return prepare(connection, now);
  if (phase.name === 'refused') return prepare({ ...connection, verify: true }, now);
  if (phase.name === 'live' && phase.pingedAt === null && now - phase.heardAt > FRESH) return probe(connection, now);
  return unchanged(connection);
}

function probe(connection: Connection, now: number): Step {
  if (connection.phase.name !== 'live') return unchanged(connection);
  return { connection: { ...connection, phase: { ...connection.phase, pingedAt: now } }, effects: ['ping'] };
}

function prepare(connection: Connection, now: number, before: readonly Effect[] = []): Step {
  const phase: Phase = { name: 'preparing', since: now };
  return { connection: { ...connection, phase, attempt: connection.attempt + 1 }, effects: [...before, 'prepare'] };
}

function live(connection: Connection, now: number, random: () => number): Step {
  const phase: Phase = {
    name: 'live',
    since: now,
    heardAt: now,
    pingedAt: null,
    pingEvery: PING_EVERY * (0.85 + 0.15 * random()),
    renewAt: now + RENEW_AFTER + RENEW_SPREAD * random(),
  };
  return { connection: { ...connection, phase, renewing: false }, effects: [] };
}

function fail(connection: Connection, now: number, random: () => number, effects: readonly Effect[] = []): Step {
  const { phase } = connection;
  const lasted = phase.name === 'live' && now - phase.since >= LASTING;
  const failures = lasted ? 1 : connection.failures + 1;
  const waiting: Phase = { name: 'waiting', until: now + backoff(failures, random) };
  return {
    connection: { ...connection, phase: waiting, failures, renewing: false, attempt: connection.attempt + 1 },
    effects,
  };
}

function unchanged(connection: Connection): Step {
  return { connection, effects: [] };
}
