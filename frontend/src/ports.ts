/** What the chat needs of the world around it, so that it runs on any clock, socket and storage. */

import type { Written } from './core/outbox';

export interface RoomListing {
  readonly name: string;
  readonly title: string;
  readonly canPost: boolean;
  readonly restricted: boolean;
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

export interface Ports {
  readonly api: Api;
  readonly outbox: OutboxStore;
  openSocket(room: string, token: string | null, handlers: SocketHandlers): Socket;
  /** Call once at `at`; returns what forgets it. */
  wakeAt(at: number, call: () => void): () => void;
  now(): number;
  random(): number;
  uuid(): string;
}
