/** Who was called while nobody looked. */

import type { ChatMessage } from './frames';
import { mentions } from './mentions';
import type { Room } from './room';

export interface Attention {
  readonly room: string;
  /** The highest sequence that was looked through for calls. */
  readonly heard: number;
}

export interface Looked {
  readonly attention: Attention;
  readonly calls: readonly ChatMessage[];
}

export const NOWHERE: Attention = { room: '', heard: 0 };

/** Look after a room, shown on a page that is `hidden` or not, for `author`. */
export function look(before: Attention, room: string, known: Room, author: string | null, hidden: boolean): Looked {
  if (!known.loaded) return { attention: NOWHERE, calls: [] };
  const newest = known.messages.at(-1)?.sequence ?? 0;
  const isNew = before.room !== room;
  const calls =
    hidden && !isNew && author !== null
      ? known.messages.filter(
          ({ sequence, guest, username, text }) =>
            sequence > before.heard && (guest || username !== author) && mentions(text, author),
        )
      : [];
  return { attention: { room, heard: isNew ? newest : Math.max(before.heard, newest) }, calls };
}
