/** What is read and what is not: counts at the rooms, positions that move on, and the line where somebody left off. */

import type { ChatMessage, Refusal } from '../core/frames';
import * as leftOff from '../core/left-off';
import { position } from '../core/room';
import { type Count, NOTHING, countHeld, newsAfter, sum } from '../core/unread';
import type { Link } from './link';
import type { State } from './state';

const EVERY = 60_000;
/** However much happens, no more often than this. */
const SELDOM = 3_000;
const PATIENCE = 10_000;
/** As many as the server counts at once. */
const MOST_ROOMS = 100;

export class Reading {
  left: leftOff.LeftOff = leftOff.enter('', 0);

  private counts: Readonly<Record<string, Count>> = {};
  private asking: { readonly id: string; readonly since: number } | null = null;
  private earliest = 0;
  private next = 0;
  private wasVisible = false;
  private author: string | null = null;

  constructor(
    private readonly state: State,
    private readonly link: Link,
  ) {}

  get total(): Count {
    return sum((this.state.session?.rooms ?? []).map(({ name }) => this.count(name)));
  }

  count(room: string): Count {
    const seen = this.seen(room);
    const counted = this.counts[room] ?? NOTHING;
    const held = this.state.room(room);
    const { joined, changing } = this.state.membership;
    // Of the room that we are in we hear everything; of the others only what the server has counted.
    if (joined === room && changing === null && held.loaded) return countHeld(held, seen, this.state.author, counted);
    return counted.latest > seen ? counted : NOTHING;
  }

  /** The page shows a room, with its newest message in view or not. */
  look(room: string, reads: boolean, lineSeen: boolean): void {
    if (this.left.room !== room || this.author !== this.state.author) {
      this.author = this.state.author;
      this.left = leftOff.enter(room, this.seen(room));
    }
    const held = this.state.room(room);
    const isKnown = this.state.membership.joined === room && held.loaded && !this.state.pagingOf(room).stale;
    if (!reads) {
      this.left = leftOff.lookAway(this.left);
    } else if (isKnown) {
      const sequence = position(held);
      const hasNews = newsAfter(held, this.left.mark, this.state.author).length > 0;
      this.left = leftOff.read(this.left, sequence, hasNews, lineSeen, this.state.ports.now());
      if (sequence > this.seen(room)) this.state.ports.positions.keepPosition(this.state.author, room, sequence);
    }
  }

  answers(): void {
    this.left = leftOff.answer(this.left);
  }

  /** Something says that there may be news elsewhere. */
  hint(): void {
    this.next = 0;
  }

  received(counts: Readonly<Record<string, Count>>): void {
    this.asking = null;
    this.counts = counts;
    for (const [room, { latest }] of Object.entries(counts)) {
      // The room was set back: what is beyond its end was never read.
      if (this.seen(room) > latest && this.state.membership.joined !== room) {
        this.state.ports.positions.keepPosition(this.state.author, room, latest);
      }
    }
  }

  /** Whether a refusal was one of a request made here. */
  refused({ clientId, retryAfter }: Refusal): boolean {
    if (this.asking === null || clientId !== this.asking.id) return false;
    this.asking = null;
    this.earliest = this.state.ports.now() + (retryAfter ?? EVERY);
    return true;
  }

  disconnected(): void {
    this.asking = null;
    this.next = 0;
  }

  proceed(now: number): void {
    const { hidden } = this.link.connection;
    if (!hidden && !this.wasVisible) this.next = 0;
    this.wasVisible = !hidden;
    this.left = leftOff.expire(this.left, now);
    if (this.asking !== null && now - this.asking.since >= PATIENCE) this.asking = null;
    if (!this.mayAsk || now < this.dueToAsk) return;
    const rooms = (this.state.session?.rooms ?? []).slice(0, MOST_ROOMS).map(({ name }) => name);
    this.asking = { id: this.state.ports.uuid(), since: now };
    this.earliest = now + SELDOM;
    this.next = now + EVERY * (0.9 + 0.2 * this.state.ports.random());
    const seen = Object.fromEntries(rooms.map((room) => [room, this.seen(room)]));
    this.link.send({ action: 'fetch_unread', seen, client_id: this.asking.id });
  }

  dueTimes(): readonly (number | null)[] {
    const asked = this.asking === null ? null : this.asking.since + PATIENCE;
    return [leftOff.dueAt(this.left), asked, this.mayAsk ? this.dueToAsk : null];
  }

  /** What is unread of a list of messages. */
  news(room: string, after: number): readonly ChatMessage[] {
    return newsAfter(this.state.room(room), after, this.state.author);
  }

  private get mayAsk(): boolean {
    const { joined, changing } = this.state.membership;
    const { hidden } = this.link.connection;
    return this.asking === null && this.link.isLive && !hidden && joined !== null && changing === null;
  }

  private get dueToAsk(): number {
    return Math.max(this.earliest, this.next);
  }

  /** Up to where a room is read. Whoever comes for the first time has nothing to catch up with. */
  private seen(room: string): number {
    const { author, ports } = this.state;
    const kept = ports.positions.position(author, room);
    if (kept !== null) return kept;
    const latest = this.state.listing(room)?.latest;
    if (latest === undefined) return 0;
    ports.positions.keepPosition(author, room, latest);
    return latest;
  }
}
