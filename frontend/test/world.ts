/** A world for the chat to live in: a clock that is moved by hand, and a server that keeps to the protocol. */

import { Chat } from '../src/chat';
import type { ChatMessage } from '../src/core/frames';
import type { Written } from '../src/core/outbox';
import type { Announcement, Ports, RoomListing, Session, SocketHandlers } from '../src/ports';

export type Frame = Record<string, unknown>;

const MODERATION: Readonly<Record<string, string>> = {
  report_message: 'report_accepted',
  restrict_person: 'restriction_accepted',
  lift_restriction: 'restriction_lifted',
};

export class Connection {
  open = false;
  room: string;
  /** Answers that the server holds back. */
  readonly held: (() => void)[] = [];

  constructor(
    private readonly world: World,
    room: string,
    readonly token: string | null,
    private readonly handlers: SocketHandlers,
  ) {
    this.room = room;
  }

  accept(): void {
    this.open = true;
    this.handlers.opened();
  }

  end(): void {
    this.open = false;
    this.handlers.closed();
  }

  cut(): void {
    this.open = false;
  }

  say(frame: Frame): void {
    if (this.open) this.handlers.received(JSON.stringify(frame));
  }

  receive(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.world.sent.push({ ...frame, room: this.room, at: this.world.now });
    const answer = (): void => this.answer(frame);
    if (this.world.holds.has(String(frame['action']))) this.held.push(answer);
    else this.world.later(this.world.latency, answer);
  }

  private answer(frame: Frame): void {
    if (!this.open) return;
    const { action, client_id: clientId } = frame;
    if (action === 'ping') this.say({ type: 'pong' });
    if (action === 'change_channel') {
      this.room = String(frame['channel']);
      this.say({ ok: true, type: 'channel_changed', channel: this.room });
    }
    if (action === 'fetch_history') this.say(this.world.page(this.room, frame));
    if (action === 'fetch_unread') this.say(this.world.unread(frame));
    if (action === 'who_is_here') {
      const { others } = this.world;
      this.say({ type: 'presence', room: this.room, people: others, guests: 1, total: others.length + 1, client_id: clientId });
    }
    if (action === 'typing') this.say({ ok: true, type: 'typing_accepted', again_after: this.world.typingAgain });
    const asked = MODERATION[String(action)];
    if (asked !== undefined) this.say({ ok: true, type: asked, id: 7, until: null, client_id: clientId, ...this.world.answer });
    const refused = this.world.refusal;
    if (action === 'chat_message' || action === 'edit_message' || action === 'delete_message') {
      if (refused !== null) this.say({ ok: false, type: 'error', error: 'No.', ...refused, client_id: clientId });
      else if (action === 'chat_message') this.say(this.world.accept(this.room, frame));
      else this.say(this.world.alter(this.room, frame));
    }
  }
}

export const AN_OPEN_ROOM = {
  canPost: true,
  restricted: false,
  readOnly: false,
  archived: false,
  slowMode: 0,
  canModerate: false,
  muted: false,
  mutedUntil: null,
};

export class World {
  now = Date.UTC(2026, 10, 25, 10);
  readonly sent: Frame[] = [];
  readonly connections: Connection[] = [];
  readonly holds = new Set<string>();
  readonly stored: Record<string, Frame[]> = { general: [], support: [], random: [] };
  readonly kept = new Map<string, Written>();
  readonly positions = new Map<string, number>();
  readonly announced = new Map<string, Announcement>();
  /** Who is in the room besides this chat. */
  others: string[] = [];
  typingAgain: number | null = 10;
  /** What sets a room apart from an open one. */
  readonly listings: Record<string, Partial<RoomListing>> = {};
  username: string | null = null;
  rooms = ['general', 'support', 'random'];
  refusal: Frame | null = null;
  /** What is different in the answer to a report or a moderator's decision. */
  answer: Frame = {};
  reachable = true;
  accepts = true;
  latency = 10;
  tokens = 0;
  sessions = 0;
  private timers: { at: number; call: () => void }[] = [];
  private ids = 0;
  seed = 1;

  readonly ports: Ports = {
    now: () => this.now,
    random: () => (this.seed = (this.seed * 48_271) % 2_147_483_647) / 2_147_483_647,
    uuid: () => `id-${(this.ids += 1)}`,
    wakeAt: (at, call) => {
      const timer = { at, call };
      this.timers.push(timer);
      return () => {
        this.timers = this.timers.filter((each) => each !== timer);
      };
    },
    outbox: {
      all: () => [...this.kept.values()],
      put: (written) => void this.kept.set(written.clientId, written),
      remove: (clientId) => void this.kept.delete(clientId),
    },
    api: {
      session: async () => {
        this.sessions += 1;
        if (!this.reachable) throw new Error('unreachable');
        return this.session();
      },
      token: async () => {
        if (!this.reachable) throw new Error('unreachable');
        return this.username === null ? null : `token-${(this.tokens += 1)}`;
      },
    },
    positions: {
      position: (author, room) => this.positions.get(`${author} ${room}`) ?? null,
      keepPosition: (author, room, sequence) => void this.positions.set(`${author} ${room}`, sequence),
    },
    announcements: {
      announcements: () => [...this.announced.values()],
      keepAnnouncement: (each) => void this.announced.set(each.key, each),
      dropAnnouncement: (key) => void this.announced.delete(key),
    },
    openSocket: (room, token, handlers) => {
      const connection = new Connection(this, room, token, handlers);
      this.connections.push(connection);
      const known = this.rooms.includes(room);
      this.later(this.latency, () => {
        if (this.reachable && this.accepts && known) connection.accept();
        else connection.end();
      });
      return { send: (frame) => connection.receive(frame), close: () => connection.cut() };
    },
  };

  async chat(room = 'general'): Promise<Chat> {
    const chat = new Chat(this.ports, room, () => undefined);
    chat.notice({ type: 'start' });
    await this.pass(100);
    return chat;
  }

  get connection(): Connection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('never connected');
    return last;
  }

  get openConnections(): number {
    return this.connections.filter(({ open }) => open).length;
  }

  /** When frames of an action went out. */
  sentAt(action: string): number[] {
    return this.sentActions(action).map(({ at }) => Number(at));
  }

  sentActions(action: string): Frame[] {
    return this.sent.filter((frame) => frame['action'] === action);
  }

  /** Let time pass, with everything that falls due in it. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + milliseconds;
    for (let turns = 0; ; turns += 1) {
      if (turns > 50_000) throw new Error('The chat never comes to rest');
      await settle();
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = Math.max(this.now, next.at);
      next.call();
    }
    this.now = end;
  }

  later(milliseconds: number, call: () => void): void {
    this.timers.push({ at: this.now + milliseconds, call });
  }

  /** Somebody says something; the push of it is returned and goes to nobody by itself. */
  store(room: string, message: string, changes: Frame = {}): Frame {
    const messages = this.stored[room] ?? [];
    const frame = {
      sequence: Number(messages.at(-1)?.['sequence'] ?? 0) + 1,
      username: 'bob',
      message,
      created_at: new Date(this.now).toISOString(),
      ...changes,
    };
    messages.push(frame);
    return { type: 'chat_message', room, ...frame };
  }

  /** Somebody edits or deletes what was said; the push of it is returned. */
  change(room: string, target: number, message: string | null): Frame {
    const changed = this.stored[room]?.find(({ sequence }) => sequence === target);
    const [type, rest] = message === null ? ['message_deleted', { deleted: true }] : ['message_edited', {}];
    const event = this.store(room, message ?? '', { type, target, ...rest });
    Object.assign(changed ?? {}, { message: message ?? '', revision: event['sequence'], ...rest });
    if (message !== null) Object.assign(changed ?? {}, { edited_at: event['created_at'] });
    return event;
  }

  fill(room: string, count: number): void {
    for (let number = 1; number <= count; number += 1) this.store(room, `${room} ${number}`);
  }

  accept(room: string, { message, client_id: clientId }: Frame): Frame {
    const known = this.stored[room]?.find((each) => each['client_id'] === clientId);
    const changes = { username: this.username ?? 'Anonymous', guest: this.username === null, client_id: clientId };
    const { sequence, created_at } = known ?? this.store(room, String(message), changes);
    return { ok: true, type: 'message_accepted', client_id: clientId, sequence, created_at };
  }

  alter(room: string, { sequence: target, message = null, client_id: clientId }: Frame): Frame {
    const { sequence, created_at } = this.change(room, Number(target), message === null ? null : String(message));
    return { ok: true, type: 'change_accepted', client_id: clientId, room, target, sequence, created_at };
  }

  page(room: string, { before, after }: Frame): Frame {
    const all = this.stored[room] ?? [];
    const number = (frame: Frame): number => Number(frame['sequence']);
    const messages =
      after !== undefined
        ? all.filter((each) => number(each) > Number(after)).slice(0, 50)
        : all.filter((each) => before === undefined || number(each) < Number(before)).slice(-50);
    const latest = number(all.at(-1) ?? { sequence: 0 });
    const next = messages[0] === undefined ? latest + 1 : number(messages[0]);
    const restart = after !== undefined && next !== Number(after) + 1;
    return { type: 'history', room, messages, has_more: true, latest_sequence: latest, ...(restart && { restart }) };
  }

  unread({ seen, client_id }: Frame): Frame {
    const rooms: Frame = {};
    for (const [room, position] of Object.entries(seen as Record<string, number>)) {
      const news = (this.stored[room] ?? []).filter(
        ({ sequence, username }) => Number(sequence) > position && username !== this.username,
      );
      const mentions = news.filter(({ message }) => String(message).includes(`@${this.username}`)).length;
      rooms[room] = { unread: news.length, mentions, latest_sequence: this.latest(room), capped: false };
    }
    return { type: 'unread', rooms, client_id };
  }

  private latest(room: string): number {
    return Number(this.stored[room]?.at(-1)?.['sequence'] ?? 0);
  }

  private session(): Session {
    return {
      username: this.username,
      messageLength: 4_000,
      rooms: this.rooms.map((name) => ({ ...AN_OPEN_ROOM, name, title: name, latest: this.latest(name), ...this.listings[name] })),
    };
  }
}

export function spoken(messages: readonly ChatMessage[]): readonly string[] {
  return messages.map(({ text }) => text);
}

/** Let every promise that can go on do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}
