/** Calling somebody by name: `@ada`. */

import type { ChatMessage } from './frames';

/** What names are made of, next to letters and digits. */
const IN_A_NAME = '\\p{L}\\p{M}\\p{N}_@+\\-';
const BEFORE = `(?<![${IN_A_NAME}.])`;
// A dot ends a sentence, or stands within a name.
const AFTER = `(?![${IN_A_NAME}]|\\.[${IN_A_NAME}])`;
const TYPED = new RegExp(`${BEFORE}@([${IN_A_NAME}.]*)$`, 'u');
/** Longer than any name. */
const LONGEST = 160;
const RECENT = 200;

/** Whether a text calls somebody, however the name is capitalised. */
export function mentions(text: string, username: string): boolean {
  if (!text.includes('@')) return false;
  const name = username.normalize('NFC').replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');
  return new RegExp(`${BEFORE}@${name}${AFTER}`, 'iu').test(text.normalize('NFC'));
}

/** Who spoke lately in a room and can be called, the last one first. */
export function speakers(messages: readonly ChatMessage[], except: string | null): readonly string[] {
  const names = new Set<string>();
  for (const { guest, username } of messages.slice(-RECENT).reverse()) {
    if (!guest && username !== except) names.add(username);
  }
  return [...names];
}

export interface Typed {
  /** Where the `@` stands. */
  readonly start: number;
  readonly begun: string;
}

/** The name that is being typed before the caret, if one is. */
export function typedAt(text: string, caret: number): Typed | null {
  const begun = TYPED.exec(text.slice(Math.max(0, caret - LONGEST), caret))?.[1];
  return begun === undefined ? null : { start: caret - begun.length - 1, begun };
}

export function beginningWith(names: readonly string[], begun: string, most: number): readonly string[] {
  const wanted = begun.toLocaleLowerCase();
  return names.filter((name) => name.toLocaleLowerCase().startsWith(wanted)).slice(0, most);
}
