/** What is known of one room: its messages by sequence, whatever order and however often they came. */

import type { ChatMessage } from './frames';

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly level: string;
  readonly receivedAt: number;
  /** The message that it stands below. */
  readonly after: number;
}

export interface Room {
  /** Ascending by sequence, each once. There may be holes until they are repaired. */
  readonly messages: readonly ChatMessage[];
  /** The highest sequence that the server has named. */
  readonly latest: number;
  /** Whether a page of history has come, so that what is missing can be told from what isn't loaded. */
  readonly loaded: boolean;
  /** Whether the room's first message is among them. */
  readonly complete: boolean;
  readonly notices: readonly Notice[];
}

export const EMPTY_ROOM: Room = { messages: [], latest: 0, loaded: false, complete: false, notices: [] };

/** A hole wider than this is not filled: the older messages are let go and come back by scrolling up. */
const WIDEST_HOLE = 200;

export function addMessage(room: Room, message: ChatMessage): Room {
  return { ...room, messages: merge(room.messages, [message]), latest: Math.max(room.latest, message.sequence) };
}

/**
 * Take in a page of history, whichever request it answers. A late page from further up, not adjoining what is
 * loaded, would only open a hole, so it is left out.
 */
export function addPage(room: Room, page: readonly ChatMessage[], latest: number): Room {
  const oldest = room.messages[0]?.sequence;
  const end = page.at(-1)?.sequence;
  const adjoins = !room.loaded || oldest === undefined || end === undefined || end >= oldest - 1;
  const messages = adjoins ? merge(room.messages, page) : room.messages;
  const known = Math.max(room.latest, latest, messages.at(-1)?.sequence ?? 0);
  return letGoBelowWideHole({
    ...room,
    messages,
    latest: known,
    loaded: true,
    complete: room.complete || known === 0 || messages[0]?.sequence === 1,
  });
}

/** The server says that nothing older is there, although the count doesn't begin at 1. */
export function markComplete(room: Room): Room {
  return { ...room, complete: true };
}

export function addNotice(room: Room, notice: Omit<Notice, 'after'>): Room {
  return { ...room, notices: [...room.notices, { ...notice, after: room.latest }] };
}

/** The sequence after which the first message is missing, if one is. */
export function holeAfter(room: Room): number | null {
  const { messages, latest, loaded } = room;
  if (!loaded) return null;
  let expected = messages[0]?.sequence ?? 1;
  for (const { sequence } of messages) {
    if (sequence !== expected) return expected - 1;
    expected += 1;
  }
  return expected <= latest ? expected - 1 : null;
}

/** The sequence before which older messages can be asked for, if there may be any. */
export function olderThan(room: Room): number | null {
  return room.loaded && !room.complete ? (room.messages[0]?.sequence ?? null) : null;
}

/** Keep the newest messages only; the others come back by scrolling up. */
export function keepNewest(room: Room, count: number): Room {
  if (room.messages.length <= count) return room;
  const messages = room.messages.slice(-count);
  const first = messages[0]?.sequence ?? 0;
  return { ...room, messages, complete: false, notices: room.notices.filter(({ after }) => after >= first) };
}

function letGoBelowWideHole(room: Room): Room {
  for (let index = room.messages.length - 1; index > 0; index -= 1) {
    const above = room.messages[index] as ChatMessage;
    const below = room.messages[index - 1] as ChatMessage;
    if (above.sequence - below.sequence > WIDEST_HOLE) return keepNewest(room, room.messages.length - index);
  }
  return room;
}

function merge(held: readonly ChatMessage[], added: readonly ChatMessage[]): readonly ChatMessage[] {
  const last = held.at(-1)?.sequence ?? 0;
  if (added.length === 1 && added[0] !== undefined && added[0].sequence > last) return [...held, added[0]];
  const bySequence = new Map(held.map((message) => [message.sequence, message]));
  for (const message of added) {
    if (!bySequence.has(message.sequence)) bySequence.set(message.sequence, message);
  }
  if (bySequence.size === held.length) return held;
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}
