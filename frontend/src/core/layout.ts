/** What stands in the conversation, from top to bottom: days, messages, notices, and what is on its way out. */

import type { ChatMessage } from './frames';
import { dayKey } from './moments';
import type { Outgoing } from './outbox';
import type { Notice, Room } from './room';

export type Row =
  | { readonly kind: 'day'; readonly key: string; readonly time: number }
  | { readonly kind: 'message'; readonly key: string; readonly message: ChatMessage; readonly continued: boolean }
  | { readonly kind: 'outgoing'; readonly key: string; readonly item: Outgoing; readonly continued: boolean }
  | { readonly kind: 'notice'; readonly key: string; readonly notice: Notice }
  /** Where the reader left off. */
  | { readonly kind: 'line'; readonly key: string };

/** The message below which a line stands, and the one after which a name stands again. */
export interface Break {
  readonly line: number | null;
  readonly broken: number | null;
}

const UNBROKEN: Break = { line: null, broken: null };

/** Messages of one person that follow each other within this time stand together under one name. */
const TOGETHER = 5 * 60_000;

export function layOut(room: Room, unsent: readonly Outgoing[], { line, broken }: Break = UNBROKEN): readonly Row[] {
  const rows: Row[] = [];
  let speaker: { readonly name: string; readonly time: number } | null = null;
  let latest = -Infinity;

  const openDay = (time: number): void => {
    // A clock that is behind must not open a day that has passed.
    if (time <= latest || dayKey(time) === dayKey(latest)) return;
    speaker = null;
    rows.push({ kind: 'day', key: `day ${dayKey(time)}`, time });
    latest = time;
  };
  const continues = (name: string | null, time: number): boolean => {
    const continued = name !== null && speaker?.name === name && time - speaker.time < TOGETHER;
    // All guests have one name, so two messages in a row need not be one guest's.
    speaker = name === null ? null : { name, time };
    return continued;
  };

  let pending = [...room.notices];
  const placeNotices = (before: number): void => {
    for (const notice of pending.filter(({ after }) => after < before)) {
      rows.push({ kind: 'notice', key: `notice ${notice.id}`, notice });
      speaker = null;
    }
    pending = pending.filter(({ after }) => after >= before);
  };

  // Above what isn't loaded nobody left off.
  let drawn = line === null || line < room.floor;
  let previous = 0;
  for (const message of room.messages) {
    placeNotices(message.sequence);
    openDay(message.writtenAt);
    if (broken !== null && previous <= broken && message.sequence > broken) speaker = null;
    if (!drawn && line !== null && message.sequence > line) {
      rows.push({ kind: 'line', key: 'line' });
      drawn = true;
    }
    previous = message.sequence;
    const continued = continues(message.guest ? null : message.username, message.writtenAt);
    rows.push({ kind: 'message', key: `message ${message.sequence}`, message, continued });
  }
  placeNotices(Infinity);
  for (const item of unsent) {
    openDay(item.writtenAt);
    const continued = continues(item.author, item.writtenAt);
    rows.push({ kind: 'outgoing', key: `outgoing ${item.clientId}`, item, continued });
  }
  return rows;
}
