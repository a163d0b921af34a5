/** The chat behind the page: one connection, the rooms as far as they are known, and what is on its way out. */

import * as alterations from './core/alterations';
import { type Connection, type Effect, type Event, IDLE, clockAt, step } from './core/connection';
import { type ChatMessage, type Inbound, type Refusal, readFrame } from './core/frames';
import * as membership from './core/membership';
import * as outbox from './core/outbox';
import * as paging from './core/paging';
import * as rooms from './core/room';
import type { Ports, RoomListing, Session, Socket } from './ports';
import { texts } from './texts';

/** A sentence above the conversation, until it is dismissed. */
export interface Banner {
  readonly id: number;
  readonly text: string;
  readonly level: string;
}

interface Asking {
  readonly room: string;
  readonly id: string;
  readonly kind: paging.PageRequest['kind'];
  readonly floor: number;
  readonly since: number;
}

const MOST_HELD = 400;
const PAGE_RETRY = 4_000;

export class Chat {
  connection: Connection = IDLE;
  session: Session | null = null;
  membership: membership.Membership;
  outbox: outbox.Outbox;
  alterations: alterations.Alterations = [];
  banners: readonly Banner[] = [];

  private readonly rooms = new Map<string, rooms.Room>();
  private readonly paging = new Map<string, paging.Paging>();
  private readonly unanswered = new Set<string>();
  private asking: Asking | null = null;
  private socket: Socket | null = null;
  private token: string | null = null;
  private forgetWake: () => void = () => undefined;
  private lastId = 0;

  constructor(
    private readonly ports: Ports,
    room: string,
    private readonly changed: () => void,
  ) {
    this.membership = membership.inRoom(room);
    this.outbox = outbox.restored(ports.outbox.all(), ports.now());
  }

  // What the page shows

  get author(): string | null {
    return this.session?.username ?? null;
  }

  room(name: string): rooms.Room {
    return this.rooms.get(name) ?? rooms.EMPTY_ROOM;
  }

  listing(name: string): RoomListing | null {
    return this.session?.rooms.find((room) => room.name === name) ?? null;
  }

  /** What this person wrote in a room and the server has not acknowledged. */
  unsent(room: string): outbox.Outbox {
    return this.outbox.filter((item) => item.room === room && item.author === this.author);
  }

  // What somebody does

  enter(room: string): void {
    if (room === this.membership.target) return;
    if (this.session !== null && this.listing(room) === null) {
      this.say(texts.noSuchRoom(room), 'warning');
    } else {
      this.membership = membership.want(this.membership, room, this.ports.now());
    }
    this.advance();
  }

  write(text: string): void {
    const written = {
      clientId: this.ports.uuid(),
      room: this.membership.shown,
      author: this.author,
      text,
      writtenAt: this.ports.now(),
    };
    this.ports.outbox.put(written);
    this.outbox = outbox.write(this.outbox, written);
    this.advance();
  }

  tryAgain(clientId: string): void {
    this.outbox = outbox.retry(this.outbox, clientId);
    this.advance();
  }

  discard(clientId: string): void {
    this.forget(clientId);
    this.advance();
  }

  /** Have a message say something else, or null: nothing. */
  alter(target: number, text: string | null): void {
    const wanted = { id: this.ports.uuid(), room: this.membership.shown, target, text, since: this.ports.now(), sent: false };
    this.alterations = [...this.alterations, wanted];
    this.advance();
  }

  /** Ask for what is older than `sequence`, unless that is held already and only not drawn yet. */
  loadOlder(room: string, sequence: number | null): void {
    const held = this.pagingOf(room);
    if (held.wantsOlder || sequence === null || rooms.olderThan(this.room(room)) !== sequence) return;
    this.paging.set(room, { ...held, wantsOlder: true });
    this.advance();
  }

  /** Nobody looks at older messages any more: let go of those that are too many. */
  readsNewest(room: string): void {
    this.rooms.set(room, rooms.keepNewest(this.room(room), MOST_HELD));
  }

  dismiss(banner: number): void {
    this.banners = this.banners.filter(({ id }) => id !== banner);
    this.changed();
  }

  /** Something happened around the page: it was hidden, the network came back, a person asks to reconnect … */
  notice(event: Exclude<Event, { readonly attempt: number }>): void {
    this.dispatch(event);
    this.advance();
  }

  // The connection

  private dispatch(event: Event): void {
    const before = this.connection.phase.name;
    const next = step(this.connection, event, this.ports.now(), () => this.ports.random());
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
    this.advance();
  }

  /** Find out who we are, where needed, and bring a fresh token for somebody signed in. */
  private async identify(attempt: number): Promise<'prepared' | 'forbidden' | 'unreachable'> {
    const isCurrent = (): boolean => this.connection.attempt === attempt;
    let session = this.session;
    if (session === null || this.connection.verify) session = await this.ports.api.session();
    let token = session.username === null ? null : await this.ports.api.token();
    if (session.username !== null && token === null) {
      session = await this.ports.api.session();
      token = session.username === null ? null : await this.ports.api.token();
      if (session.username !== null && token === null) return 'unreachable';
    }
    if (!isCurrent()) return 'unreachable';
    this.adopt(session);
    this.token = token;
    return session.rooms.length > 0 ? 'prepared' : 'forbidden';
  }

  private adopt(session: Session): void {
    const before = this.session;
    this.session = session;
    if (before !== null && before.username !== session.username) this.becomeAnother(before.username);
    const { target } = this.membership;
    const fallback = session.rooms[0];
    if (fallback !== undefined && this.listing(target) === null) {
      this.rooms.delete(target);
      this.membership = membership.inRoom(fallback.name);
      this.say(texts.noSuchRoom(target), 'warning');
    }
  }

  private becomeAnother(before: string | null): void {
    this.rooms.clear();
    this.paging.clear();
    this.alterations = [];
    this.say(this.author === null ? texts.signedOut : texts.signedInAs(this.author), 'warning');
    const kept = this.outbox.filter(({ author }) => author === before).length;
    if (kept > 0) this.say(texts.keptFor(before ?? texts.guest, kept), 'warning');
  }

  private open(attempt: number): void {
    const room = this.membership.target;
    this.socket = this.ports.openSocket(room, this.token, {
      opened: () => {
        this.dispatch({ type: 'opened', attempt });
        this.joined(room);
        this.advance();
      },
      received: (frame) => {
        this.dispatch({ type: 'heard', attempt });
        this.receive(readFrame(frame));
        this.advance();
      },
      closed: () => {
        this.socket = null;
        this.dispatch({ type: 'closed', attempt });
        this.advance();
      },
    });
    this.token = null;
  }

  private disconnected(): void {
    this.left();
    this.membership = membership.leave(this.membership);
    this.outbox = outbox.disconnected(this.outbox);
    this.alterations = alterations.disconnected(this.alterations);
    this.unanswered.clear();
    this.asking = null;
  }

  private send(frame: Readonly<Record<string, unknown>>): void {
    this.socket?.send(JSON.stringify(frame));
  }

  // What the server says

  private receive(frame: Inbound): void {
    switch (frame.kind) {
      case 'message':
        this.receiveMessage(frame);
        return;
      case 'change':
        if (this.listing(frame.room) === null) return;
        this.rooms.set(frame.room, rooms.addChange(this.room(frame.room), frame.change));
        return;
      case 'history':
        this.receivePage(frame);
        return;
      case 'accepted':
        this.receiveAcknowledgement(frame);
        return;
      case 'altered':
        this.receiveAltered(frame);
        return;
      case 'room-changed':
        if (this.membership.changing?.room === frame.room) this.joined(frame.room);
        return;
      case 'system':
        this.receiveSystemMessage(frame);
        return;
      case 'refused':
        this.receiveRefusal(frame.refusal);
        return;
      case 'gateway-error':
        this.receiveFailure();
        return;
      default:
    }
  }

  private receiveMessage({ room, message }: Extract<Inbound, { kind: 'message' }>): void {
    if (this.listing(room) === null) return;
    this.arrived(room, message);
    this.rooms.set(room, rooms.addMessage(this.room(room), message));
  }

  /** Once it is in the room, whatever became of it there, it needs no sending. */
  private arrived(room: string, { clientId, text, revision }: ChatMessage): void {
    const own = outbox.find(this.outbox, clientId);
    if (own !== null && own.room === room && (own.text === text || revision > 0)) this.forget(own.clientId);
  }

  private receivePage(page: Extract<Inbound, { kind: 'history' }>): void {
    const { room, messages, changes, latest, restart } = page;
    if (this.asking?.room !== room) return;
    const { kind, floor } = this.asking;
    this.asking = null;
    if (restart) {
      this.rooms.set(room, rooms.startAgain(this.room(room)));
      this.paging.set(room, paging.FRESH_PAGING);
      return;
    }
    for (const message of messages) {
      this.arrived(room, message);
    }
    let held = rooms.addPage(this.room(room), messages, latest, changes);
    if (kind === 'older' && held.floor === floor) held = rooms.markComplete(held);
    this.rooms.set(room, held);
    this.paging.set(room, paging.answered(this.pagingOf(room), kind));
  }

  private receiveAcknowledgement({ clientId, sequence, writtenAt }: Extract<Inbound, { kind: 'accepted' }>): void {
    const item = outbox.find(this.outbox, clientId);
    if (item === null) return;
    this.forget(item.clientId);
    const message = {
      sequence,
      writtenAt,
      username: item.author ?? texts.guest,
      guest: item.author === null,
      text: item.text,
      clientId: item.clientId,
      revision: 0,
      edited: false,
      removed: false,
    };
    this.rooms.set(item.room, rooms.addMessage(this.room(item.room), message));
  }

  private receiveAltered({ clientId, sequence }: Extract<Inbound, { kind: 'altered' }>): void {
    const done = alterations.find(this.alterations, clientId);
    if (done === null) return;
    this.alterations = alterations.remove(this.alterations, done.id);
    const { room, target, text } = done;
    this.rooms.set(room, rooms.addChange(this.room(room), { sequence, target, text }));
  }

  private receiveSystemMessage({ text, room, level }: Extract<Inbound, { kind: 'system' }>): void {
    if (room === null || this.listing(room) === null) {
      this.say(text, level);
      return;
    }
    const notice = { id: this.nextId(), text, level, receivedAt: this.ports.now() };
    this.rooms.set(room, rooms.addNotice(this.room(room), notice));
  }

  private receiveRefusal(received: Refusal): void {
    const refusal = { ...received, sentence: texts.refusals[received.code] ?? received.sentence };
    const now = this.ports.now();
    if (outbox.find(this.outbox, refusal.clientId) !== null) {
      this.outbox = outbox.refuse(this.outbox, refusal, now);
      this.unanswered.delete(refusal.clientId ?? '');
    }
    if (refusal.code === 'session_ended') {
      this.dispatch({ type: 'replace', verify: true });
    } else if (alterations.find(this.alterations, refusal.clientId) !== null) {
      this.giveUp([refusal.clientId ?? ''], refusal.sentence);
    } else if (this.membership.changing !== null && refusal.clientId === this.membership.changing.id) {
      this.membership = membership.stay(this.membership);
      this.say(refusal.sentence || texts.noSuchRoom(refusal.room ?? ''), 'warning');
    } else if (refusal.code === 'room_forbidden') {
      this.dispatch({ type: 'replace', verify: true });
    } else if (this.asking !== null && (refusal.clientId === this.asking.id || refusal.clientId === null)) {
      this.postponePage(refusal.retryAfter ?? PAGE_RETRY);
    }
  }

  /** Edits and deletions that don't happen. */
  private giveUp(ids: readonly string[], sentence: string): void {
    if (ids.length === 0) return;
    this.alterations = this.alterations.filter(({ id }) => !ids.includes(id));
    this.say(`${texts.notChanged} ${sentence}`, 'warning');
  }

  /** Some request failed on the server's side, and nothing says which: each is repeatable. */
  private receiveFailure(): void {
    const now = this.ports.now();
    this.outbox = outbox.stumble(this.outbox, texts.serverFailed, now);
    this.giveUp(alterations.underWay(this.alterations), texts.serverFailed);
    if (this.asking !== null) this.postponePage(PAGE_RETRY);
    if (this.membership.changing !== null) this.dispatch({ type: 'replace', verify: false });
  }

  // What is to be done next

  private advance(): void {
    const now = this.ports.now();
    this.dispatch({ type: 'clock' });
    this.expire(now);
    if (this.connection.phase.name === 'live') this.proceed(now);
    this.arm();
    this.changed();
  }

  private expire(now: number): void {
    const before = this.outbox;
    this.outbox = outbox.expire(this.outbox, now);
    const silent = this.outbox !== before;
    this.giveUp(alterations.expired(this.alterations, now), texts.noAnswer);
    const page = this.asking !== null && now - this.asking.since >= paging.PAGE_TIMEOUT;
    if (page) this.postponePage(PAGE_RETRY);
    if (silent || page) this.dispatch({ type: 'network' });
    const { changing } = this.membership;
    if (changing !== null && now - changing.since >= membership.CHANGE_TIMEOUT) {
      this.dispatch({ type: 'replace', verify: false });
    }
  }

  private proceed(now: number): void {
    const { joined, target, changing, leaveBy } = this.membership;
    if (joined === null || changing !== null) return;
    const next = outbox.nextToSend(this.outbox, joined, this.author, now);
    if (joined === target) {
      this.sendAlterations(joined);
      if (next !== null) this.sendMessage(next, now);
      this.askPage(joined, now);
    } else if (next !== null && now < leaveBy) {
      this.sendMessage(next, now);
    } else if (this.unanswered.size === 0) {
      this.askToChange(target, now);
    } else if (now >= leaveBy) {
      // A message without an answer may still be under way, and would land in the next room of this connection.
      this.dispatch({ type: 'replace', verify: false });
    }
  }

  private sendMessage(item: outbox.Outgoing, now: number): void {
    this.outbox = outbox.markSending(this.outbox, item.clientId, now);
    this.unanswered.add(item.clientId);
    this.send({ action: 'chat_message', message: item.text, client_id: item.clientId });
  }

  private sendAlterations(joined: string): void {
    for (;;) {
      const next = alterations.nextToSend(this.alterations, joined);
      if (next === null) return;
      this.alterations = alterations.markSent(this.alterations, next.id);
      const { id, room, target, text } = next;
      const wanted = text === null ? { action: 'delete_message' } : { action: 'edit_message', message: text };
      this.send({ ...wanted, room, sequence: target, client_id: id });
    }
  }

  private askToChange(room: string, now: number): void {
    const id = this.ports.uuid();
    this.left();
    this.asking = null;
    this.membership = membership.ask(this.membership, id, now);
    this.send({ action: 'change_channel', channel: room, client_id: id });
  }

  private askPage(room: string, now: number): void {
    const held = this.room(room);
    const watched = paging.watch(this.pagingOf(room), held, now, () => this.ports.random());
    this.paging.set(room, watched);
    const request = paging.nextPage(watched, held);
    if (this.asking !== null || request === null || request.at > now) return;
    const id = this.ports.uuid();
    this.asking = { room, id, kind: request.kind, floor: held.floor, since: now };
    this.paging.set(room, paging.asked(watched, now));
    const position = { latest: {}, older: { before: request.position }, missed: { after: request.position } };
    this.send({ action: 'fetch_history', ...position[request.kind], client_id: id });
  }

  private postponePage(delay: number): void {
    if (this.asking === null) return;
    const { room } = this.asking;
    this.asking = null;
    this.paging.set(room, { ...this.pagingOf(room), notBefore: this.ports.now() + delay });
  }

  private joined(room: string): void {
    if (this.connection.phase.name === 'live') this.membership = membership.join(this.membership, room);
  }

  /** We hear no more of the room that we were in. */
  private left(): void {
    const { joined } = this.membership;
    if (joined !== null) this.paging.set(joined, { ...this.pagingOf(joined), stale: true, notBefore: 0 });
  }

  private arm(): void {
    this.forgetWake();
    const due = this.dueTimes().filter((time) => time !== null);
    if (due.length === 0) return;
    this.forgetWake = this.ports.wakeAt(Math.min(...due), () => this.advance());
  }

  private dueTimes(): readonly (number | null)[] {
    const times = [clockAt(this.connection), alterations.dueAt(this.alterations)];
    const { joined, target, changing, leaveBy } = this.membership;
    if (joined === null) return times;
    if (changing !== null) return [...times, changing.since + membership.CHANGE_TIMEOUT];
    times.push(outbox.dueAt(this.outbox, joined, this.author));
    if (joined !== target) return [...times, leaveBy];
    if (this.asking !== null) times.push(this.asking.since + paging.PAGE_TIMEOUT);
    else times.push(paging.nextPage(this.pagingOf(joined), this.room(joined))?.at ?? null);
    return times;
  }

  private forget(clientId: string): void {
    this.ports.outbox.remove(clientId);
    this.unanswered.delete(clientId);
    this.outbox = outbox.remove(this.outbox, clientId);
  }

  private pagingOf(room: string): paging.Paging {
    return this.paging.get(room) ?? paging.FRESH_PAGING;
  }

  /** Show a sentence above the conversation until it is dismissed. */
  say(text: string, level: string): void {
    this.banners = [...this.banners.filter((banner) => banner.text !== text), { id: this.nextId(), text, level }];
  }

  private nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }
}
