/** Who is here and who is writing: asked for and told calmly, and only while somebody looks. */

import * as company from '../core/company';
import type { Inbound, Refusal } from '../core/frames';
import { texts } from '../texts';
import type { Link } from './link';
import type { State } from './state';

/** How often to ask who is here while that is shown, and while only the number is. */
const SHOWN_EVERY = 20_000;
const EVERY = 120_000;
const PATIENCE = 10_000;
const TYPING_EVERY = 10_000;
/** A room that was too large for hints is asked about them again after this. */
const LARGE_FOR = 300_000;

export class Company {
  presence: company.Presence | null = null;
  isShown = false;

  private writers: company.Writers = new Map();
  private room = '';
  private asking: { readonly id: string; readonly since: number } | null = null;
  private askedAt = -Infinity;
  private earliest = 0;
  private typingId = '';
  private mayType = 0;
  private heardOthers = false;

  constructor(
    private readonly state: State,
    private readonly link: Link,
  ) {}

  /** The names of those who are writing in a room. */
  writersIn(room: string): readonly string[] {
    return room === this.room ? [...this.writers.keys()] : [];
  }

  show(isShown: boolean): void {
    this.isShown = isShown;
    if (isShown) this.askedAt = -Infinity;
  }

  /** Somebody writes at this page: tell the others, if there are some. */
  types(): void {
    const now = this.state.ports.now();
    const { joined, target } = this.state.membership;
    const { hidden } = this.link.connection;
    if (!this.link.isLive || hidden || joined === null || joined !== target || now < this.mayType) return;
    const others = this.heardOthers || (this.presence?.room === joined && this.presence.total > 1);
    if (!others || this.state.listing(joined)?.canPost !== true) return;
    this.mayType = now + TYPING_EVERY;
    this.typingId = this.state.ports.uuid();
    this.link.send({ action: 'typing', client_id: this.typingId });
  }

  received(frame: Extract<Inbound, { kind: 'presence' | 'typing' | 'typing-accepted' }>): void {
    const now = this.state.ports.now();
    if (frame.kind === 'presence') {
      this.asking = null;
      if (frame.presence.room === this.state.membership.joined) this.presence = frame.presence;
    } else if (frame.kind === 'typing-accepted') {
      this.mayType = Math.max(this.mayType, now + (frame.againAfter ?? LARGE_FOR));
    } else if (frame.room === this.state.membership.joined && (frame.guest || frame.username !== this.state.author)) {
      this.follow();
      this.heardOthers = true;
      this.writers = company.hear(this.writers, frame.guest ? texts.guest : frame.username, frame.duration, now);
    }
  }

  /** A message came: who wrote it is not writing it any more. */
  said(room: string, username: string, guest: boolean): void {
    if (room !== this.state.membership.joined) return;
    this.follow();
    if (guest || username !== this.state.author) this.heardOthers = true;
    this.writers = company.quiet(this.writers, guest ? texts.guest : username);
  }

  /** What somebody wrote has gone out: the next words are news again. */
  wrote(): void {
    this.mayType = Math.min(this.mayType, this.state.ports.now() + TYPING_EVERY / 2);
  }

  refused({ clientId, retryAfter }: Refusal): boolean {
    const now = this.state.ports.now();
    if (clientId !== null && clientId === this.typingId) {
      this.mayType = now + (retryAfter ?? LARGE_FOR);
      return true;
    }
    if (this.asking === null || clientId !== this.asking.id) return false;
    this.asking = null;
    this.earliest = now + (retryAfter ?? EVERY);
    return true;
  }

  disconnected(): void {
    this.asking = null;
    this.askedAt = -Infinity;
    this.writers = new Map();
  }

  proceed(now: number): void {
    this.follow();
    this.writers = company.expire(this.writers, now);
    if (this.asking !== null && now - this.asking.since >= PATIENCE) this.asking = null;
    if (!this.mayAsk || now < this.dueToAsk) return;
    this.asking = { id: this.state.ports.uuid(), since: now };
    this.askedAt = now;
    this.link.send({ action: 'who_is_here', client_id: this.asking.id });
  }

  dueTimes(): readonly (number | null)[] {
    const asked = this.asking === null ? null : this.asking.since + PATIENCE;
    return [company.dueAt(this.writers), asked, this.mayAsk ? this.dueToAsk : null];
  }

  /** Begin anew where the connection has come to another room. */
  private follow(): void {
    const { joined } = this.state.membership;
    if (joined === null || joined === this.room) return;
    this.room = joined;
    this.presence = null;
    this.writers = new Map();
    this.asking = null;
    this.askedAt = -Infinity;
    this.mayType = 0;
    this.heardOthers = false;
  }

  private get mayAsk(): boolean {
    const { joined, target, changing } = this.state.membership;
    const settled = joined !== null && joined === target && changing === null && this.state.room(joined).loaded;
    return this.asking === null && this.link.isLive && !this.link.connection.hidden && settled;
  }

  private get dueToAsk(): number {
    return Math.max(this.earliest, this.askedAt + (this.isShown ? SHOWN_EVERY : EVERY));
  }
}
