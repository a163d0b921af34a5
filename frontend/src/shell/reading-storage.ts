/** What of reading survives a reload: positions and announcements. Where storage is blocked, it holds until then. */

import type { Announcement, AnnouncementStore, PositionStore } from '../ports';

const SEEN = 'parlor.seen.';
const ANNOUNCED = 'parlor.announced.';

export class ReadingStorage implements PositionStore, AnnouncementStore {
  /** What the browser's storage didn't take. */
  private readonly inMemory = new Map<string, string>();

  constructor(private readonly storage: globalThis.Storage | null) {}

  position(author: string | null, room: string): number | null {
    const kept = this.get(seenKey(author, room));
    return kept !== null && /^\d{1,15}$/u.test(kept) ? Number(kept) : null;
  }

  keepPosition(author: string | null, room: string, sequence: number): void {
    this.set(seenKey(author, room), String(sequence));
  }

  // Each under a key of its own, so that two tabs never overwrite each other's.

  announcements(): readonly Announcement[] {
    return this.keys(ANNOUNCED)
      .map((key) => readAnnouncement(key.slice(ANNOUNCED.length), this.get(key)))
      .filter((each) => each !== null)
      .sort((a, b) => a.receivedAt - b.receivedAt);
  }

  keepAnnouncement({ key, ...rest }: Announcement): void {
    this.set(ANNOUNCED + key, JSON.stringify(rest));
  }

  dropAnnouncement(key: string): void {
    this.inMemory.delete(ANNOUNCED + key);
    try {
      this.storage?.removeItem(ANNOUNCED + key);
    } catch {
      // It was never kept.
    }
  }

  /** Call when another tab has read on, or dismissed something. */
  follow(changed: () => void): void {
    addEventListener('storage', ({ key }) => {
      if (key === null || key.startsWith(SEEN) || key.startsWith(ANNOUNCED)) changed();
    });
  }

  private keys(prefix: string): readonly string[] {
    let kept: string[] = [];
    try {
      kept = Object.keys(this.storage ?? {});
    } catch {
      // Only what is in memory.
    }
    return [...new Set([...kept, ...this.inMemory.keys()])].filter((key) => key.startsWith(prefix));
  }

  private get(key: string): string | null {
    const inMemory = this.inMemory.get(key);
    if (inMemory !== undefined) return inMemory;
    try {
      return this.storage?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  private set(key: string, value: string): void {
    try {
      if (this.storage === null) throw new Error('there is no storage');
      this.storage.setItem(key, value);
      this.inMemory.delete(key);
    } catch {
      this.inMemory.set(key, value);
    }
  }
}

function seenKey(author: string | null, room: string): string {
  return `${SEEN}${room}.${author ?? ''}`;
}

function readAnnouncement(key: string, kept: string | null): Announcement | null {
  try {
    const { text, level, receivedAt, until } = JSON.parse(kept ?? '') as Partial<Announcement>;
    if (typeof text !== 'string' || typeof level !== 'string' || typeof receivedAt !== 'number') return null;
    return { key, text, level, receivedAt, until: typeof until === 'number' ? until : null };
  } catch {
    return null;
  }
}
