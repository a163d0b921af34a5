/** What the chat knows, and what is on its way: one for all parts of the chat, each of which changes its share of it. */

import type { Alterations } from '../core/alterations';
import * as membership from '../core/membership';
import * as outbox from '../core/outbox';
import * as paging from '../core/paging';
import * as rooms from '../core/room';
import type { Announcement, Ports, RoomListing, Session } from '../ports';
import { texts } from '../texts';

/** A sentence above the conversation, until it is dismissed. */
export interface Banner {
  readonly id: number;
  readonly text: string;
  readonly level: string;
  /** By what it is kept; null for what this page says of itself. */
  readonly key: string | null;
  readonly until: number | null;
}

/** The page of history that was asked for, until it comes. */
export interface Asking {
  readonly room: string;
  readonly id: string;
  readonly kind: paging.PageRequest['kind'];
  readonly floor: number;
  readonly since: number;
}

export class State {
  session: Session | null = null;
  membership: membership.Membership;
  outbox: outbox.Outbox;
  alterations: Alterations = [];
  banners: readonly Banner[] = [];
  asking: Asking | null = null;
  /** Messages that went out on this connection and may still land in the room that it is in. */
  readonly unanswered = new Set<string>();

  private readonly rooms = new Map<string, rooms.Room>();
  private readonly paging = new Map<string, paging.Paging>();
  private lastId = 0;

  constructor(
    readonly ports: Ports,
    room: string,
  ) {
    this.membership = membership.inRoom(room);
    this.outbox = outbox.restored(ports.outbox.all(), ports.now());
  }

  get author(): string | null {
    return this.session?.username ?? null;
  }

  room(name: string): rooms.Room {
    return this.rooms.get(name) ?? rooms.EMPTY_ROOM;
  }

  listing(name: string): RoomListing | null {
    return this.session?.rooms.find((room) => room.name === name) ?? null;
  }

  /** What the server has told of a room since it was asked who we are. */
  amendListing(name: string, changes: Partial<RoomListing>): void {
    if (this.session === null) return;
    const rooms = this.session.rooms.map((room) => (room.name === name ? { ...room, ...changes } : room));
    this.session = { ...this.session, rooms };
  }

  keepRoom(name: string, room: rooms.Room): void {
    this.rooms.set(name, room);
  }

  eachRoom(call: (name: string, room: rooms.Room) => void): void {
    for (const [name, room] of this.rooms) call(name, room);
  }

  forgetRoom(name: string): void {
    this.rooms.delete(name);
  }

  forgetRooms(): void {
    this.rooms.clear();
    this.paging.clear();
  }

  pagingOf(room: string): paging.Paging {
    return this.paging.get(room) ?? paging.FRESH_PAGING;
  }

  keepPaging(room: string, kept: paging.Paging): void {
    this.paging.set(room, kept);
  }

  postponePage(delay: number): void {
    if (this.asking === null) return;
    const { room } = this.asking;
    this.asking = null;
    this.keepPaging(room, { ...this.pagingOf(room), notBefore: this.ports.now() + delay });
  }

  joined(room: string): void {
    this.membership = membership.join(this.membership, room);
  }

  /** We hear no more of the room that we were in. */
  left(): void {
    const { joined } = this.membership;
    if (joined !== null) this.keepPaging(joined, { ...this.pagingOf(joined), stale: true, notBefore: 0 });
  }

  /** A message that needs no sending any more. */
  forget(clientId: string): void {
    this.ports.outbox.remove(clientId);
    this.unanswered.delete(clientId);
    this.outbox = outbox.remove(this.outbox, clientId);
  }

  /** Edits and deletions that don't happen. */
  giveUp(ids: readonly string[], sentence: string): void {
    if (ids.length === 0) return;
    this.alterations = this.alterations.filter(({ id }) => !ids.includes(id));
    this.say(`${texts.notChanged} ${sentence}`, 'warning');
  }

  /** Show a sentence above the conversation until it is dismissed. */
  say(text: string, level: string): void {
    const banner = { id: this.nextId(), text, level, key: null, until: null };
    this.banners = [...this.banners.filter((each) => each.text !== text), banner];
  }

  /** The same with what somebody said to everyone. */
  announce({ key, text, level, until }: Announcement): void {
    this.banners = [...this.banners.filter((each) => each.text !== text), { id: this.nextId(), text, level, key, until }];
  }

  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }
}
