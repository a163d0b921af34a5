/** Messages on their way out: each in its room, in order, until the server has acknowledged it. */

import type { Refusal } from './frames';

export interface Outgoing {
  /** Chosen once: repeating it can never make a second message. */
  readonly clientId: string;
  /** The room that it was written in; it is never sent into another. */
  readonly room: string;
  /** Who wrote it, null for a guest; it is never sent as somebody else. */
  readonly author: string | null;
  readonly text: string;
  readonly writtenAt: number;
  readonly state: 'waiting' | 'sending' | 'failed';
  /** When it may be sent at the earliest. */
  readonly notBefore: number;
  readonly sentAt: number;
  /** Sends that got no answer or a passing refusal. */
  readonly tries: number;
  readonly failure: Failure | null;
  /** It waits since the room is in slow mode. */
  readonly slow: boolean;
}

export type Failure =
  | { readonly kind: 'no-answer' }
  | { readonly kind: 'old' }
  | { readonly kind: 'refused'; readonly sentence: string; readonly final: boolean };

export type Outbox = readonly Outgoing[];

export type Written = Pick<Outgoing, 'clientId' | 'room' | 'author' | 'text' | 'writtenAt'>;

export const ANSWER_TIMEOUT = 10_000;
const OLD = 24 * 3_600_000;
const MOST_TRIES = 3;
const RETRY_DELAY = 1_500;
/** What will be refused again however often it is sent. */
const FINAL = new Set(['empty_message', 'message_too_long', 'invalid_message', 'invalid_request']);
/** What ends with the connection's state, not with the message. */
/** What a moderator or the room forbids: whoever wrote it decides whether to try later. */
const FORBIDDEN = new Set(['muted', 'posting_forbidden']);
const OF_THE_CONNECTION = new Set(['session_ended', 'room_forbidden']);

export function write(outbox: Outbox, written: Written): Outbox {
  const fresh = { ...written, state: 'waiting', notBefore: 0, sentAt: 0, tries: 0, failure: null, slow: false } as const;
  return [...outbox, fresh];
}

/** What was kept over a reload. After a day nobody expects words to leave by themselves. */
export function restored(kept: readonly Written[], now: number): Outbox {
  const inOrder = [...kept].sort((a, b) => a.writtenAt - b.writtenAt);
  return inOrder.reduce(write, [] as Outbox).map((item) =>
    now - item.writtenAt > OLD ? { ...item, state: 'failed', failure: { kind: 'old' } } : item,
  );
}

/** The one message that may go out now: one at a time, since frames sent together may be committed in any order. */
export function nextToSend(outbox: Outbox, room: string, author: string | null, now: number): Outgoing | null {
  if (outbox.some(({ state }) => state === 'sending')) return null;
  const next = nextWaiting(outbox, room, author);
  return next !== null && next.notBefore <= now ? next : null;
}

/** When something is next due: a send that waits, or the end of waiting for an answer. */
export function dueAt(outbox: Outbox, room: string, author: string | null): number | null {
  const sending = outbox.find(({ state }) => state === 'sending');
  if (sending !== undefined) return sending.sentAt + ANSWER_TIMEOUT;
  return nextWaiting(outbox, room, author)?.notBefore ?? null;
}

export function markSending(outbox: Outbox, clientId: string, now: number): Outbox {
  return change(outbox, clientId, (item) => ({ ...item, state: 'sending', sentAt: now, failure: null }));
}

export function find(outbox: Outbox, clientId: string | null): Outgoing | null {
  return outbox.find((item) => item.clientId === clientId) ?? null;
}

export function remove(outbox: Outbox, clientId: string): Outbox {
  return outbox.filter((item) => item.clientId !== clientId);
}

/** The server refused it: for now (it is sent again by itself) or for good. */
export function refuse(outbox: Outbox, refusal: Refusal, now: number): Outbox {
  const { clientId, code, retryAfter, sentence, slow } = refusal;
  if (clientId === null) return outbox;
  return change(outbox, clientId, (item) => {
    if (code === 'rate_limited') return { ...item, slow, state: 'waiting', notBefore: now + (retryAfter ?? RETRY_DELAY) };
    if (OF_THE_CONNECTION.has(code)) return { ...item, state: 'waiting', notBefore: now + RETRY_DELAY };
    const tries = item.tries + 1;
    const final = FINAL.has(code);
    if (final || FORBIDDEN.has(code) || tries >= MOST_TRIES) return { ...item, tries, state: 'failed', failure: { kind: 'refused', sentence, final } };
    return { ...item, tries, state: 'waiting', notBefore: now + (retryAfter ?? RETRY_DELAY * tries) };
  });
}

/** The gateway said that something failed, not what: send it again in a moment. */
export function stumble(outbox: Outbox, sentence: string, now: number): Outbox {
  const sending = outbox.find(({ state }) => state === 'sending');
  if (sending === undefined) return outbox;
  const { clientId } = sending;
  return refuse(outbox, { code: 'gateway', sentence, clientId, room: null, retryAfter: null, reason: null, slow: false }, now);
}

/** Give up waiting for an answer that should long have come. */
export function expire(outbox: Outbox, now: number): Outbox {
  if (!outbox.some((item) => isOverdue(item, now))) return outbox;
  return outbox.map((item) =>
    isOverdue(item, now) ? { ...item, state: 'failed', tries: item.tries + 1, failure: { kind: 'no-answer' } } : item,
  );
}

/** The connection is gone, so what had no answer over it is sent again over the next. */
export function disconnected(outbox: Outbox): Outbox {
  return outbox.map((item) =>
    item.state === 'sending' || item.failure?.kind === 'no-answer'
      ? { ...item, state: 'waiting', failure: null, notBefore: 0 }
      : item,
  );
}

/** Somebody asked to try again. */
export function retry(outbox: Outbox, clientId: string): Outbox {
  return change(outbox, clientId, (item) =>
    item.state === 'failed' ? { ...item, state: 'waiting', tries: 0, notBefore: 0, failure: null } : item,
  );
}

function nextWaiting(outbox: Outbox, room: string, author: string | null): Outgoing | null {
  return outbox.find((item) => item.state === 'waiting' && item.room === room && item.author === author) ?? null;
}

function isOverdue(item: Outgoing, now: number): boolean {
  return item.state === 'sending' && now - item.sentAt >= ANSWER_TIMEOUT;
}

function change(outbox: Outbox, clientId: string, to: (item: Outgoing) => Outgoing): Outbox {
  return outbox.map((item) => (item.clientId === clientId ? to(item) : item));
}
