/** The HTTP side of the server. */

import type { Api, RoomListing, Session } from '../ports';

const TIMEOUT = 12_000;
const MESSAGE_LENGTH = 4_000;

export const api: Api = {
  async session() {
    const response = await request('/api/session', { method: 'GET' });
    if (!response.ok) throw new Error(`/api/session answered ${response.status}`);
    return readSession(await response.json());
  },

  async token() {
    const response = await request('/api/ws-token', { method: 'POST', headers: { 'X-CSRFToken': csrfToken() } });
    if (response.status === 401 || response.status === 403) return null;
    if (!response.ok) throw new Error(`/api/ws-token answered ${response.status}`);
    const { token } = (await response.json()) as { token?: unknown };
    if (typeof token !== 'string') throw new Error('/api/ws-token brought no token');
    return token;
  },
};

/** The token that Django's forms and POST requests carry; it changes when somebody signs in. */
export function csrfToken(): string {
  return /(?:^|;\s*)(?:__Host-)?csrftoken=([^;]+)/u.exec(document.cookie)?.[1] ?? '';
}

export function readSession(value: unknown): Session {
  const { user, rooms, limits } = value as { user?: unknown; rooms?: unknown; limits?: unknown };
  if (!Array.isArray(rooms)) throw new Error('/api/session has no rooms');
  const username = (user as { username?: unknown } | null)?.username;
  const length = (limits as { message_length?: unknown } | undefined)?.message_length;
  return {
    username: typeof username === 'string' ? username : null,
    rooms: rooms.map(readRoom),
    messageLength: typeof length === 'number' ? length : MESSAGE_LENGTH,
  };
}

function readRoom(value: unknown): RoomListing {
  const room = value as {
    name?: unknown;
    title?: unknown;
    can_post?: unknown;
    restricted?: unknown;
    read_only?: unknown;
    archived?: unknown;
    slow_mode?: unknown;
    can_moderate?: unknown;
    muted?: unknown;
    muted_until?: unknown;
    latest_sequence?: unknown;
  };
  const name = String(room.name);
  return {
    name,
    title: typeof room.title === 'string' && room.title !== '' ? room.title : name,
    canPost: room.can_post !== false,
    restricted: room.restricted === true,
    readOnly: room.read_only === true,
    archived: room.archived === true,
    slowMode: typeof room.slow_mode === 'number' ? room.slow_mode : 0,
    canModerate: room.can_moderate === true,
    muted: room.muted === true,
    mutedUntil: typeof room.muted_until === 'string' ? Date.parse(room.muted_until) || null : null,
    latest: typeof room.latest_sequence === 'number' ? room.latest_sequence : 0,
  };
}

function request(path: string, options: RequestInit): Promise<Response> {
  return fetch(path, {
    ...options,
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT),
  });
}
