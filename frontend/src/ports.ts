/** What the chat needs of the world around it, so that it runs on any clock, socket and storage. */

import type { Written } from './core/outbox';

export interface RoomListing {
  readonly name: string;
  readonly title: string;
  readonly canPost: boolean;
  readonly restricted: boolean;
  /** Only some write here. */
  readonly readOnly: boolean;
  /** Nobody writes here any more. */
  readonly archived: boolean;
  /** Seconds between two messages of a person; 0 for none. */
  readonly slowMode: number;
  readonly canModerate: boolean;
  /** A moderator has taken the word away, until a time in milliseconds or, with null, without end. */
  readonly muted: boolean;
  readonly mutedUntil: number | null;
  /** The number of its last event when the session was asked for. */
  readonly latest: number;
}

export interface Session {
  readonly username: string | null;
  readonly rooms: readonly RoomListing[];
  readonly messageLength: number;
}

export interface Api {
  /** Rejects where the server can't be reached or doesn't answer as it should. */
  session(): Promise<Session>;
  /** A one-time token for one connection; null where the server says that we may have none. */
  token(): Promise<string | null>;
}

export interface SocketHandlers {
  opened(): void;
  received(frame: string): void;
  closed(): void;
}

export interface Socket {
  send(frame: string): void;
  /** After this, none of the handlers is called. */
  close(): void;
}

export interface OutboxStore {
  all(): readonly Written[];
  put(written: Written): void;
  remove(clientId: string): void;
}

/** Up to where somebody has read each room. */
export interface PositionStore {
  position(author: string | null, room: string): number | null;
  keepPosition(author: string | null, room: string, sequence: number): void;
}

/** A system message to everyone, until it is dismissed or no longer holds. */
export interface Announcement {
  readonly key: string;
  readonly text: string;
  readonly level: string;
  readonly receivedAt: number;
  readonly until: number | null;
}

export interface AnnouncementStore {
  announcements(): readonly Announcement[];
  keepAnnouncement(announcement: Announcement): void;
  dropAnnouncement(key: string): void;
}

export interface Ports {
  readonly api: Api;
  readonly outbox: OutboxStore;
  readonly positions: PositionStore;
  readonly announcements: AnnouncementStore;
  openSocket(room: string, token: string | null, handlers: SocketHandlers): Socket;
  /** Call once at `at`; returns what forgets it. */
  wakeAt(at: number, call: () => void): () => void;
  now(): number;
  random(): number;
  uuid(): string;
}
