/** What came while nobody looked: how much of it there is, and who was called by it. */

import type { ChatMessage } from './frames';
import { mentions } from './mentions';
import type { Room } from './room';

export interface Attention {
  readonly room: string;
  /** The highest sequence that was there while somebody looked. */
  readonly seen: number;
  /** The highest sequence that was looked through for calls. */
  readonly heard: number;
}

export interface Looked {
  readonly attention: Attention;
  readonly unseen: number;
  readonly calls: readonly ChatMessage[];
}

export const NOWHERE: Attention = { room: '', seen: 0, heard: 0 };

/** Look after a room, shown on a page that is `hidden` or not, for `author`. */
export function look(before: Attention, room: string, known: Room, author: string | null, hidden: boolean): Looked {
  if (!known.loaded) return { attention: NOWHERE, unseen: 0, calls: [] };
  const newest = known.messages.at(-1)?.sequence ?? 0;
  const isNew = before.room !== room;
  const heard = isNew ? newest : Math.max(before.heard, newest);
  const seen = isNew || !hidden ? heard : before.seen;
  const since = (sequence: number): readonly ChatMessage[] =>
    known.messages.filter((message) => message.sequence > sequence && (message.guest || message.username !== author));
  const calls = hidden && !isNew && author !== null ? since(before.heard).filter(({ text }) => mentions(text, author)) : [];
  return { attention: { room, seen, heard }, unseen: hidden ? since(seen).length : 0, calls };
}
