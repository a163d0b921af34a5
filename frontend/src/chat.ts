/** The chat behind the page: one connection, the rooms as far as they are known, and what is on its way out. */

import type { Alterations } from './core/alterations';
import type { Connection, Event } from './core/connection';
import { readFrame } from './core/frames';
import * as membership from './core/membership';
import * as outbox from './core/outbox';
import * as rooms from './core/room';
import { Announcements } from './chat/announcements';
import { Company } from './chat/company';
import { Link } from './chat/link';
import { Moderation, type Reason, type Restriction, type Wanted } from './chat/moderation';
import { Reading } from './chat/reading';
import { Receiver } from './chat/receiver';
import { Sender } from './chat/sender';
import { type Banner, State } from './chat/state';
import type { Ports, RoomListing, Session } from './ports';
import { texts } from './texts';

const MOST_HELD = 400;

export class Chat {
  readonly reading: Reading;
  readonly company: Company;
  readonly moderation: Moderation;

  private readonly announcements: Announcements;
  private readonly state: State;
  private readonly link: Link;
  private readonly receiver: Receiver;
  private readonly sender: Sender;
  private forgetWake: () => void = () => undefined;

  constructor(
    private readonly ports: Ports,
    room: string,
    private readonly changed: () => void,
  ) {
    this.state = new State(ports, room);
    this.link = new Link(this.state, {
      received: (frame) => this.receiver.receive(readFrame(frame)),
      disconnected: () => {
        this.reading.disconnected();
        this.company.disconnected();
        this.moderation.disconnected();
      },
      advance: () => this.advance(),
    });
    this.reading = new Reading(this.state, this.link);
    this.company = new Company(this.state, this.link);
    this.announcements = new Announcements(this.state);
    this.moderation = new Moderation(this.state, this.link);
    this.receiver = new Receiver(this.state, this.link, this.reading, this.company, this.announcements, this.moderation);
    this.sender = new Sender(this.state, this.link);
  }

  // What the page shows

  get connection(): Connection {
    return this.link.connection;
  }

  get session(): Session | null {
    return this.state.session;
  }

  get author(): string | null {
    return this.state.author;
  }

  get membership(): membership.Membership {
    return this.state.membership;
  }

  get outbox(): outbox.Outbox {
    return this.state.outbox;
  }

  get alterations(): Alterations {
    return this.state.alterations;
  }

  get banners(): readonly Banner[] {
    return this.state.banners;
  }

  room(name: string): rooms.Room {
    return this.state.room(name);
  }

  listing(name: string): RoomListing | null {
    return this.state.listing(name);
  }

  /** What this person wrote in a room and the server has not acknowledged. */
  unsent(room: string): outbox.Outbox {
    return this.outbox.filter((item) => item.room === room && item.author === this.author);
  }

  // What somebody does

  enter(room: string): void {
    if (room === this.state.membership.target) return;
    if (this.state.session !== null && this.state.listing(room) === null) {
      this.state.say(texts.noSuchRoom(room), 'warning');
    } else {
      this.state.membership = membership.want(this.state.membership, room, this.ports.now());
    }
    this.advance();
  }

  write(text: string): void {
    const written = {
      clientId: this.ports.uuid(),
      room: this.state.membership.shown,
      author: this.state.author,
      text,
      writtenAt: this.ports.now(),
    };
    this.ports.outbox.put(written);
    this.state.outbox = outbox.write(this.state.outbox, written);
    this.reading.answers();
    this.company.wrote();
    this.advance();
  }

  tryAgain(clientId: string): void {
    this.state.outbox = outbox.retry(this.state.outbox, clientId);
    this.advance();
  }

  discard(clientId: string): void {
    this.state.forget(clientId);
    this.advance();
  }

  /** Have a message say something else, or null: nothing. */
  alter(target: number, text: string | null): void {
    const wanted = { id: this.ports.uuid(), room: this.state.membership.shown, target, text, since: this.ports.now(), sent: false };
    this.state.alterations = [...this.state.alterations, wanted];
    this.advance();
  }

  /** Tell the moderators of a message in the room that is shown. */
  report(sequence: number, reason: Reason, note: string): void {
    this.moderation.report(this.state.membership.shown, sequence, reason, note);
    this.advance();
  }

  restrict(wanted: Wanted): void {
    this.moderation.restrict(wanted);
    this.advance();
  }

  lift(restriction: Restriction): void {
    this.moderation.lift(restriction);
    this.advance();
  }

  /** Ask for what is older than `sequence`, unless that is held already and only not drawn yet. */
  loadOlder(room: string, sequence: number | null): void {
    const held = this.state.pagingOf(room);
    if (held.wantsOlder || sequence === null || rooms.olderThan(this.room(room)) !== sequence) return;
    this.state.keepPaging(room, { ...held, wantsOlder: true });
    this.advance();
  }

  /** Nobody looks at older messages any more: let go of those that are too many. */
  readsNewest(room: string): void {
    this.state.keepRoom(room, rooms.keepNewest(this.room(room), MOST_HELD));
  }

  dismiss(banner: number): void {
    this.announcements.dismiss(banner);
    this.changed();
  }

  /** The room is drawn, with its newest message in view or not. */
  look(room: string, reads: boolean, lineSeen: boolean): void {
    const before = this.reading.left;
    this.reading.look(room, reads, lineSeen);
    const { left } = this.reading;
    if (left === before) return;
    this.arm();
    if (left.line !== before.line || left.mark !== before.mark) this.changed();
  }

  /** Somebody writes at this page. */
  types(): void {
    this.company.types();
  }

  /** Show who is here, or no longer. */
  showCompany(isShown: boolean): void {
    this.company.show(isShown);
    this.advance();
  }

  /** Another tab of the same browser has read on, or dismissed something. */
  agree(): void {
    this.announcements.agree();
    this.reading.hint();
    this.advance();
  }

  /** Something happened around the page: it was hidden, the network came back, a person asks to reconnect … */
  notice(event: Exclude<Event, { readonly attempt: number }>): void {
    this.link.dispatch(event);
    this.advance();
  }

  /** Show a sentence above the conversation until it is dismissed. */
  say(text: string, level: string): void {
    this.state.say(text, level);
  }

  // What is to be done next

  private advance(): void {
    const now = this.ports.now();
    this.link.dispatch({ type: 'clock' });
    this.sender.expire(now);
    this.announcements.expire(now);
    if (this.link.isLive) this.sender.proceed(now);
    this.reading.proceed(now);
    this.company.proceed(now);
    this.moderation.proceed(now);
    this.arm();
    this.changed();
  }

  private arm(): void {
    this.forgetWake();
    const parts = [this.sender, this.reading, this.company, this.announcements, this.moderation];
    const due = [this.link.dueAt, ...parts.flatMap((part) => part.dueTimes())].filter((time) => time !== null);
    if (due.length === 0) return;
    this.forgetWake = this.ports.wakeAt(Math.min(...due), () => this.advance());
  }
}
