/** What is known of one room: its events by sequence, whatever order and however often they came. */

import type { Change, ChatMessage } from './frames';

export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly level: string;
  readonly receivedAt: number;
  readonly until: number | null;
  /** The message that it stands below. */
  readonly after: number;
}

export interface Room {
  /** Ascending by sequence, each once, as the held changes left them. There may be holes until they are repaired. */
  readonly messages: readonly ChatMessage[];
  /** Ascending by sequence, each once: events like the messages, with numbers of the same count. */
  readonly changes: readonly Change[];
  /** The sequence up to which nothing is held and nothing missed: older events come by scrolling up. */
  readonly floor: number;
  /** The highest sequence that the server has named. */
  readonly latest: number;
  /** Whether a page of history has come, so that what is missing can be told from what isn't loaded. */
  readonly loaded: boolean;
  /** Whether nothing older is there to be loaded. */
  readonly complete: boolean;
  readonly notices: readonly Notice[];
}

export const EMPTY_ROOM: Room = {
  messages: [],
  changes: [],
  floor: 0,
  latest: 0,
  loaded: false,
  complete: false,
  notices: [],
};

/** A hole wider than this is not filled: the older messages are let go and come back by scrolling up. */
const WIDEST_HOLE = 200;

export function addMessage(room: Room, message: ChatMessage): Room {
  return hold({ ...room, latest: Math.max(room.latest, message.sequence) }, [message], []);
}

/** An edit or a deletion, pushed like a message and perhaps before the message that it changes. */
export function addChange(room: Room, change: Change): Room {
  return hold({ ...room, latest: Math.max(room.latest, change.sequence) }, [], [change]);
}

/**
 * Take in a page of history, whichever request it answers. A late page from further up, not adjoining what is
 * loaded, would only open a hole, so it is left out.
 */
export function addPage(
  room: Room,
  messages: readonly ChatMessage[],
  latest: number,
  changes: readonly Change[] = [],
): Room {
  const page = sequences(messages, changes);
  const [start, end] = [page[0], page.at(-1)];
  const known = Math.max(room.latest, latest, end ?? 0);
  if (room.loaded && end !== undefined && end < room.floor) return { ...room, latest: known };
  const below = start === undefined ? latest : start - 1;
  const floor = room.loaded ? Math.min(room.floor, start === undefined ? room.floor : below) : below;
  const held = hold({ ...room, floor, latest: known, loaded: true }, messages, changes);
  return letGoBelowWideHole({ ...held, complete: room.complete || floor === 0 });
}

/** The server says that nothing older is there, although the count doesn't begin at 1. */
export function markComplete(room: Room): Room {
  return { ...room, complete: true };
}

/** What followed is no longer kept, or what we hold was never: begin with the newest page. */
export function startAgain(room: Room): Room {
  return { ...EMPTY_ROOM, notices: room.notices };
}

export function addNotice(room: Room, notice: Omit<Notice, 'after'>): Room {
  return { ...room, notices: [...room.notices, { ...notice, after: room.latest }] };
}

/** The sequence after which the first event is missing, if one is. */
export function holeAfter(room: Room): number | null {
  if (!room.loaded) return null;
  let known = room.floor;
  for (const sequence of sequences(room.messages, room.changes)) {
    if (sequence > known + 1) return known;
    known = Math.max(known, sequence);
  }
  return known < room.latest ? known : null;
}

/** The highest sequence that is held: where to go on from. */
export function position(room: Room): number {
  return Math.max(room.floor, room.messages.at(-1)?.sequence ?? 0, room.changes.at(-1)?.sequence ?? 0);
}

/** The sequence before which older messages can be asked for, if there may be any. */
export function olderThan(room: Room): number | null {
  return room.loaded && !room.complete ? room.floor + 1 : null;
}

/** Keep the newest messages only; the others come back by scrolling up. */
export function keepNewest(room: Room, count: number): Room {
  const first = room.messages.at(-count);
  return room.messages.length <= count || first === undefined ? room : keepFrom(room, first.sequence);
}

function keepFrom(room: Room, first: number): Room {
  return {
    ...room,
    messages: room.messages.filter(({ sequence }) => sequence >= first),
    changes: room.changes.filter(({ sequence }) => sequence >= first),
    floor: first - 1,
    complete: false,
    notices: room.notices.filter(({ after }) => after >= first),
  };
}

function letGoBelowWideHole(room: Room): Room {
  const held = [room.floor, ...sequences(room.messages, room.changes)];
  for (let index = held.length - 1; index > 0; index -= 1) {
    const upper = held[index] as number;
    if (upper - (held[index - 1] as number) > WIDEST_HOLE) return keepFrom(room, upper);
  }
  return room;
}

/** Whichever of a message and its change comes first, and however old a page is: the latest state is shown. */
function hold(room: Room, messages: readonly ChatMessage[], changes: readonly Change[]): Room {
  const allChanges = above(room, merge(room.changes, changes, () => false));
  const all = above(room, merge(room.messages, messages, (held, came) => came.revision > held.revision));
  return { ...room, changes: allChanges, messages: apply(allChanges, all) };
}

/** What is older than all that is loaded, as the answer to something sent days ago, comes by scrolling up. */
function above<Event extends Numbered>({ loaded, floor }: Room, events: readonly Event[]): readonly Event[] {
  const lowest = events[0]?.sequence;
  if (!loaded || lowest === undefined || lowest > floor) return events;
  return events.filter(({ sequence }) => sequence > floor);
}

function apply(changes: readonly Change[], messages: readonly ChatMessage[]): readonly ChatMessage[] {
  if (changes.length === 0) return messages;
  const latest = new Map(changes.map((change) => [change.target, change]));
  const isOutdated = (message: ChatMessage): boolean =>
    (latest.get(message.sequence)?.sequence ?? 0) > message.revision;
  if (!messages.some(isOutdated)) return messages;
  return messages.map((message) => {
    const change = latest.get(message.sequence);
    if (change === undefined || change.sequence <= message.revision) return message;
    const removed = change.text === null;
    return { ...message, text: change.text ?? '', removed, edited: !removed, revision: change.sequence };
  });
}

interface Numbered {
  readonly sequence: number;
}

function merge<Event extends Numbered>(
  held: readonly Event[],
  added: readonly Event[],
  replaces: (held: Event, came: Event) => boolean,
): readonly Event[] {
  const last = held.at(-1)?.sequence ?? 0;
  if (added.length === 1 && added[0] !== undefined && added[0].sequence > last) return [...held, added[0]];
  const bySequence = new Map(held.map((event) => [event.sequence, event]));
  let changed = false;
  for (const event of added) {
    const known = bySequence.get(event.sequence);
    if (known !== undefined && !replaces(known, event)) continue;
    bySequence.set(event.sequence, event);
    changed = true;
  }
  if (!changed) return held;
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

function sequences(messages: readonly Numbered[], changes: readonly Numbered[]): readonly number[] {
  const numbers = messages.map(({ sequence }) => sequence);
  if (changes.length === 0) return numbers;
  return [...numbers, ...changes.map(({ sequence }) => sequence)].sort((a, b) => a - b);
}
