/** What somebody has not read yet, room by room. */

import type { ChatMessage } from './frames';
import { mentions } from './mentions';
import type { Room } from './room';

export interface Count {
  readonly unread: number;
  /** How many of them call the reader by name. */
  readonly mentions: number;
  /** The room's last number when this was counted. */
  readonly latest: number;
  /** Whether there are more. */
  readonly capped: boolean;
}

export const NOTHING: Count = { unread: 0, mentions: 0, latest: 0, capped: false };
const MOST = 99;

/** What others said after a position and didn't take back, as far as it is held. */
export function newsAfter(room: Room, seen: number, author: string | null): readonly ChatMessage[] {
  const news: ChatMessage[] = [];
  for (let index = room.messages.length - 1; index >= 0; index -= 1) {
    const message = room.messages[index] as ChatMessage;
    if (message.sequence <= seen) break;
    if (!message.removed && (message.guest || message.username !== author)) news.push(message);
  }
  return news.reverse();
}

/** Count a room whose newest messages are held. What is older than these only the server has counted. */
export function countHeld(room: Room, seen: number, author: string | null, counted: Count): Count {
  const news = newsAfter(room, seen, author);
  const calls = author === null ? 0 : news.filter(({ text }) => mentions(text, author)).length;
  const known = room.floor > seen && counted.latest > seen ? counted : NOTHING;
  return {
    unread: Math.min(MOST, Math.max(news.length, known.unread)),
    mentions: Math.min(MOST, Math.max(calls, known.mentions)),
    latest: room.latest,
    capped: news.length > MOST || known.capped,
  };
}

export function sum(counts: readonly Count[]): Count {
  const add = (of: (count: Count) => number): number => counts.reduce((total, count) => total + of(count), 0);
  return {
    unread: add(({ unread }) => unread),
    mentions: add((count) => count.mentions),
    latest: 0,
    capped: counts.some(({ capped }) => capped),
  };
}

/** `3`, `99+` */
export function written({ unread, capped }: Count): string {
  return unread === 0 ? '' : `${unread}${capped ? '+' : ''}`;
}
