/** What survives a reload: unsent messages and drafts. Storage may be blocked or full; then nothing is promised. */

import type { Written } from '../core/outbox';
import type { OutboxStore } from '../ports';

const UNSENT = 'parlor.unsent.';
const DRAFT = 'parlor.draft.';

export class Storage implements OutboxStore {
  private readonly notKept = new Set<string>();

  constructor(private readonly storage: globalThis.Storage | null) {}

  /** Unsent messages that a reload would lose. */
  get atRisk(): number {
    return this.notKept.size;
  }

  // Each under a key of its own, so that two tabs never overwrite each other's.

  all(): readonly Written[] {
    return this.keys(UNSENT)
      .map((key) => readWritten(this.get(key)))
      .filter((item) => item !== null);
  }

  put(written: Written): void {
    if (!this.set(UNSENT + written.clientId, JSON.stringify(written))) this.notKept.add(written.clientId);
  }

  remove(clientId: string): void {
    this.notKept.delete(clientId);
    this.set(UNSENT + clientId, '');
  }

  /** What somebody was writing in a room; what they began as a guest goes on after signing in. */
  draft(author: string | null, room: string): string {
    return this.get(draftKey(author, room)) ?? this.get(draftKey(null, room)) ?? '';
  }

  keepDraft(author: string | null, room: string, text: string): void {
    this.set(draftKey(author, room), text);
    if (author !== null) this.set(draftKey(null, room), '');
  }

  private keys(prefix: string): readonly string[] {
    try {
      return Object.keys(this.storage ?? {}).filter((key) => key.startsWith(prefix));
    } catch {
      return [];
    }
  }

  private get(key: string): string | null {
    try {
      return this.storage?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  private set(key: string, value: string): boolean {
    try {
      if (this.storage === null) return false;
      if (value === '') this.storage.removeItem(key);
      else this.storage.setItem(key, value);
      return true;
    } catch {
      return false;
    }
  }
}

/** The browser's storage, null where it may not be used: even naming it can throw. */
export function browserStorage(): globalThis.Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

function draftKey(author: string | null, room: string): string {
  return `${DRAFT}${room}.${author ?? ''}`;
}

function readWritten(kept: string | null): Written | null {
  try {
    const { clientId, room, author, text, writtenAt } = JSON.parse(kept ?? '') as Partial<Written>;
    if (typeof clientId !== 'string' || typeof room !== 'string' || typeof text !== 'string') return null;
    return {
      clientId,
      room,
      text,
      author: typeof author === 'string' ? author : null,
      writtenAt: typeof writtenAt === 'number' ? writtenAt : 0,
    };
  } catch {
    return null;
  }
}
