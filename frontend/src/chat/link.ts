/** The connection as it is kept up: who we are, a socket at a time, and what becomes of it. */

import * as alterations from '../core/alterations';
import { type Connection, type Effect, type Event, IDLE, clockAt, step } from '../core/connection';
import * as membership from '../core/membership';
import * as outbox from '../core/outbox';
import type { Session, Socket } from '../ports';
import { texts } from '../texts';
import type { State } from './state';

export interface Followers {
  /** A frame came. */
  received(frame: string): void;
  /** The connection has ended. */
  disconnected(): void;
  /** Something happened that may call for the next thing to do. */
  advance(): void;
}

export class Link {
  connection: Connection = IDLE;

  private socket: Socket | null = null;
  private token: string | null = null;

  constructor(
    private readonly state: State,
    private readonly followers: Followers,
  ) {}

  get isLive(): boolean {
    return this.connection.phase.name === 'live';
  }

  /** When the connection wants to know the time. */
  get dueAt(): number | null {
    return clockAt(this.connection);
  }

  dispatch(event: Event): void {
    const before = this.connection.phase.name;
    const next = step(this.connection, event, this.state.ports.now(), () => this.state.ports.random());
    this.connection = next.connection;
    const after = next.connection.phase.name;
    if (before === 'live' && after !== 'live') this.disconnected();
    for (const effect of next.effects) this.perform(effect);
  }

  private perform(effect: Effect): void {
    switch (effect) {
      case 'prepare':
        void this.prepare(this.connection.attempt);
        return;
      case 'open':
        this.open(this.connection.attempt);
        return;
      case 'close':
        this.socket?.close();
        this.socket = null;
        return;
      case 'ping':
        this.send({ action: 'ping' });
    }
  }

  private async prepare(attempt: number): Promise<void> {
    const outcome = await this.identify(attempt).catch(() => 'unreachable' as const);
    this.dispatch({ type: outcome, attempt });
    this.followers.advance();
  }

  /** Find out who we are, where needed, and bring a fresh token for somebody signed in. */
  private async identify(attempt: number): Promise<'prepared' | 'forbidden' | 'unreachable'> {
    const isCurrent = (): boolean => this.connection.attempt === attempt;
    let session = this.state.session;
    if (session === null || this.connection.verify) session = await this.state.ports.api.session();
    let token = session.username === null ? null : await this.state.ports.api.token();
    if (session.username !== null && token === null) {
      session = await this.state.ports.api.session();
      token = session.username === null ? null : await this.state.ports.api.token();
      if (session.username !== null && token === null) return 'unreachable';
    }
    if (!isCurrent()) return 'unreachable';
    this.adopt(session);
    this.token = token;
    return session.rooms.length > 0 ? 'prepared' : 'forbidden';
  }

  private adopt(session: Session): void {
    const before = this.state.session;
    this.state.session = session;
    if (before !== null && before.username !== session.username) this.becomeAnother(before.username);
    const { target } = this.state.membership;
    const fallback = session.rooms[0];
    if (fallback !== undefined && this.state.listing(target) === null) {
      this.state.forgetRoom(target);
      this.state.membership = membership.inRoom(fallback.name);
      this.state.say(texts.noSuchRoom(target), 'warning');
    }
  }

  private becomeAnother(before: string | null): void {
    this.state.forgetRooms();
    this.state.alterations = [];
    this.state.say(this.state.author === null ? texts.signedOut : texts.signedInAs(this.state.author), 'warning');
    const kept = this.state.outbox.filter(({ author }) => author === before).length;
    if (kept > 0) this.state.say(texts.keptFor(before ?? texts.guest, kept), 'warning');
  }

  private open(attempt: number): void {
    const room = this.state.membership.target;
    this.socket = this.state.ports.openSocket(room, this.token, {
      opened: () => {
        this.dispatch({ type: 'opened', attempt });
        if (this.isLive) this.state.joined(room);
        this.followers.advance();
      },
      received: (frame) => {
        this.dispatch({ type: 'heard', attempt });
        this.followers.received(frame);
        this.followers.advance();
      },
      closed: () => {
        this.socket = null;
        this.dispatch({ type: 'closed', attempt });
        this.followers.advance();
      },
    });
    this.token = null;
  }

  private disconnected(): void {
    this.state.left();
    this.state.membership = membership.leave(this.state.membership);
    this.state.outbox = outbox.disconnected(this.state.outbox);
    this.state.alterations = alterations.disconnected(this.state.alterations);
    this.state.unanswered.clear();
    this.state.asking = null;
    this.followers.disconnected();
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    this.socket?.send(JSON.stringify(frame));
  }
}
