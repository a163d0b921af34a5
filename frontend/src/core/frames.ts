/** What the chat sends: each frame is read strictly, and what isn't understood is said to be so. */

import type { Presence } from './company';
import type { Count } from './unread';

export interface ChatMessage {
  readonly sequence: number;
  readonly username: string;
  readonly guest: boolean;
  readonly text: string;
  readonly clientId: string | null;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  /** The sequence of the change that made it what it is; 0 for a message as it was written. */
  readonly revision: number;
  readonly edited: boolean;
  /** Deleted: who wrote it when is all that is left. */
  readonly removed: boolean;
}

/** An edit or a deletion: an event with a number of its own, like a message. */
export interface Change {
  readonly sequence: number;
  /** The sequence of the message that was changed. */
  readonly target: number;
  /** What it says now, null where it was deleted. */
  readonly text: string | null;
}

export interface Refusal {
  readonly code: string;
  readonly sentence: string;
  readonly clientId: string | null;
  readonly room: string | null;
  /** Milliseconds to wait before the same may be tried again. */
  readonly retryAfter: number | null;
  /** What of several things it is that forbids it. */
  readonly reason: string | null;
  /** Refused by a room in slow mode. */
  readonly slow: boolean;
}

export type Inbound =
  | { readonly kind: 'message'; readonly room: string; readonly message: ChatMessage }
  | { readonly kind: 'change'; readonly room: string; readonly change: Change }
  | {
      readonly kind: 'history';
      readonly room: string;
      readonly messages: readonly ChatMessage[];
      readonly changes: readonly Change[];
      readonly latest: number;
      /** What followed our position is no longer kept, or the position was never reached. */
      readonly restart: boolean;
    }
  | {
      readonly kind: 'accepted';
      readonly clientId: string | null;
      readonly sequence: number;
      readonly writtenAt: number;
    }
  | { readonly kind: 'room-changed'; readonly room: string }
  | {
      readonly kind: 'system';
      readonly text: string;
      readonly room: string | null;
      readonly level: string;
      readonly createdAt: number;
      /** It tells what somebody may do from now on. */
      readonly aboutYou: boolean;
      /** From when on it no longer holds. */
      readonly until: number | null;
    }
  | { readonly kind: 'unread'; readonly counts: Readonly<Record<string, Count>> }
  | { readonly kind: 'presence'; readonly presence: Presence }
  | { readonly kind: 'typing'; readonly room: string; readonly username: string; readonly guest: boolean; readonly duration: number }
  /** When the next hint may go out, in milliseconds; null where the room is too large for them. */
  | { readonly kind: 'typing-accepted'; readonly againAfter: number | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'pong' }
  /** API Gateway's own word that a function failed; it doesn't say which request. */
  | { readonly kind: 'gateway-error' }
  | { readonly kind: 'altered'; readonly clientId: string | null; readonly sequence: number }
  /** A report or a moderator's decision was taken in. */
  | { readonly kind: 'moderated'; readonly clientId: string | null; readonly id: number | null; readonly until: number | null }
  | { readonly kind: 'unknown' };

type Fields = Readonly<Record<string, unknown>>;

export function readFrame(frame: string): Inbound {
  const fields = parseObject(frame);
  if (fields === null) return { kind: 'unknown' };
  switch (fields['type']) {
    case 'chat_message':
      return readMessageFrame(fields);
    case 'message_edited':
    case 'message_deleted':
      return readChangeFrame(fields);
    case 'history':
      return readHistory(fields);
    case 'message_accepted':
      return readAccepted(fields);
    case 'change_accepted':
      return readAltered(fields);
    case 'report_accepted':
    case 'restriction_accepted':
    case 'restriction_lifted':
      return readModerated(fields);
    case 'channel_changed':
      return isText(fields['channel']) ? { kind: 'room-changed', room: fields['channel'] } : { kind: 'unknown' };
    case 'system':
      return readSystem(fields);
    case 'unread':
      return readUnread(fields);
    case 'presence':
      return readPresence(fields);
    case 'typing':
      return readTyping(fields);
    case 'typing_accepted':
      return { kind: 'typing-accepted', againAfter: readSeconds(fields['again_after']) };
    case 'error':
      return { kind: 'refused', refusal: readRefusal(fields) };
    case 'pong':
      return { kind: 'pong' };
    case undefined:
      return isText(fields['requestId']) ? { kind: 'gateway-error' } : { kind: 'unknown' };
    default:
      return { kind: 'unknown' };
  }
}

function readMessageFrame(fields: Fields): Inbound {
  const message = readMessage(fields);
  const room = fields['room'];
  return message !== null && isText(room) ? { kind: 'message', room, message } : { kind: 'unknown' };
}

function readChangeFrame(fields: Fields): Inbound {
  const change = readChange(fields);
  const room = fields['room'];
  return change !== null && isText(room) ? { kind: 'change', room, change } : { kind: 'unknown' };
}

function readHistory(fields: Fields): Inbound {
  const { room, messages: events, latest_sequence: latest, restart } = fields;
  if (!isText(room) || !Array.isArray(events) || !isSequence(latest)) return { kind: 'unknown' };
  const messages: ChatMessage[] = [];
  const changes: Change[] = [];
  for (const event of events.filter(isObject)) {
    const message = isMessage(event) ? readMessage(event) : null;
    const change = isMessage(event) ? null : readChange(event);
    if (message !== null) messages.push(message);
    if (change !== null) changes.push(change);
  }
  return { kind: 'history', room, messages, changes, latest, restart: restart === true };
}

function isMessage({ type }: Fields): boolean {
  return type === undefined || type === 'chat_message';
}

/** An event that we don't know changes nothing, but its number is taken. */
function readChange(fields: Fields): Change | null {
  const { sequence, target, message, deleted } = fields;
  if (!isSequence(sequence)) return null;
  if (!isSequence(target) || !isText(message)) return { sequence, target: 0, text: null };
  return { sequence, target, text: deleted === true ? null : message };
}

function readAccepted(fields: Fields): Inbound {
  const { client_id: clientId, sequence } = fields;
  if (!isSequence(sequence)) return { kind: 'unknown' };
  const writtenAt = readTime(fields['created_at']);
  return { kind: 'accepted', clientId: isText(clientId) ? clientId : null, sequence, writtenAt };
}

function readAltered(fields: Fields): Inbound {
  const { client_id: clientId, sequence } = fields;
  if (!isSequence(sequence)) return { kind: 'unknown' };
  return { kind: 'altered', clientId: isText(clientId) ? clientId : null, sequence };
}

function readModerated({ client_id: clientId, id, until }: Fields): Inbound {
  return {
    kind: 'moderated',
    clientId: isText(clientId) ? clientId : null,
    id: isSequence(id) ? id : null,
    until: readTime(until) || null,
  };
}

function readSystem(fields: Fields): Inbound {
  const { message, room, level, created_at: createdAt, until, about } = fields;
  if (!isText(message)) return { kind: 'unknown' };
  return {
    kind: 'system',
    text: message,
    room: isText(room) ? room : null,
    level: isText(level) ? level : 'info',
    createdAt: readTime(createdAt),
    aboutYou: about === 'you',
    until: readTime(until) || null,
  };
}

function readUnread({ rooms }: Fields): Inbound {
  if (!isObject(rooms)) return { kind: 'unknown' };
  const counts: Record<string, Count> = {};
  for (const [room, count] of Object.entries(rooms)) {
    if (!isObject(count)) continue;
    const { unread, mentions, latest_sequence: latest, capped } = count;
    if (!isSequence(unread) || !isSequence(mentions) || !isSequence(latest)) continue;
    counts[room] = { unread, mentions, latest, capped: capped === true };
  }
  return { kind: 'unread', counts };
}

function readPresence({ room, people, guests, total }: Fields): Inbound {
  if (!isText(room) || !Array.isArray(people) || !isSequence(guests) || !isSequence(total)) return { kind: 'unknown' };
  return { kind: 'presence', presence: { room, people: people.filter(isText), guests, total } };
}

function readTyping({ room, username, guest, seconds }: Fields): Inbound {
  const duration = readSeconds(seconds);
  if (!isText(room) || !isText(username) || duration === null) return { kind: 'unknown' };
  return { kind: 'typing', room, username, guest: guest === true, duration };
}

/** Milliseconds, null where nothing is said or it is no time to wait. */
function readSeconds(value: unknown): number | null {
  return typeof value === 'number' && value > 0 ? value * 1000 : null;
}

function readMessage(fields: Fields): ChatMessage | null {
  const { sequence, username, message, guest, client_id: clientId, revision, deleted } = fields;
  if (!isSequence(sequence) || !isText(username) || !isText(message)) return null;
  return {
    sequence,
    username,
    guest: guest === true,
    text: message,
    clientId: isText(clientId) ? clientId : null,
    writtenAt: readTime(fields['created_at']),
    revision: isSequence(revision) ? revision : 0,
    edited: isText(fields['edited_at']),
    removed: deleted === true,
  };
}

function readRefusal(fields: Fields): Refusal {
  const { error, code, client_id: clientId, room, retry_after: seconds, reason, slow_mode: slow } = fields;
  return {
    code: isText(code) ? code : '',
    sentence: isText(error) ? error : '',
    clientId: isText(clientId) ? clientId : null,
    room: isText(room) ? room : null,
    retryAfter: readSeconds(seconds),
    reason: isText(reason) ? reason : null,
    slow: typeof slow === 'number' && slow > 0,
  };
}

function readTime(value: unknown): number {
  const time = isText(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? 0 : time;
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
