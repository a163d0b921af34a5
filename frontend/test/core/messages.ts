/** Messages for tests. */

import type { ChatMessage } from '../../src/core/frames';

export function message(sequence: number, changes: Partial<ChatMessage> = {}): ChatMessage {
  return {
    sequence,
    username: 'ann',
    guest: false,
    text: `message ${sequence}`,
    clientId: null,
    writtenAt: Date.UTC(2026, 10, 25, 10, 0, sequence),
    revision: 0,
    edited: false,
    removed: false,
    ...changes,
  };
}

export function messages(first: number, last: number): readonly ChatMessage[] {
  return Array.from({ length: last - first + 1 }, (_, index) => message(first + index));
}
