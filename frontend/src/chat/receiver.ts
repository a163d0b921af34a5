/** What the server says, and what it changes. */

import * as alterations from '../core/alterations';
import type { ChatMessage, Inbound, Refusal } from '../core/frames';
import * as membership from '../core/membership';
import * as outbox from '../core/outbox';
import * as paging from '../core/paging';
import * as rooms from '../core/room';
import { texts } from '../texts';
import type { Announcements } from './announcements';
import type { Company } from './company';
import type { Link } from './link';
import type { Moderation } from './moderation';
import type { Reading } from './reading';
import type { State } from './state';

/** How long a page of history that failed waits, in milliseconds. */
export const PAGE_RETRY = 4_000;

export class Receiver {
  constructor(
    private readonly state: State,
    private readonly link: Link,
    private readonly reading: Reading,
    private readonly company: Company,
    private readonly announcements: Announcements,
    private readonly moderation: Moderation,
  ) {}

  receive(frame: Inbound): void {
    switch (frame.kind) {
      case 'message':
        this.receiveMessage(frame);
        return;
      case 'change':
        if (this.state.listing(frame.room) === null) return;
        this.state.keepRoom(frame.room, rooms.addChange(this.state.room(frame.room), frame.change));
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
        if (this.state.membership.changing?.room === frame.room && this.link.isLive) this.state.joined(frame.room);
        return;
      case 'system':
        this.receiveSystem(frame);
        return;
      case 'moderated':
        this.moderation.received(frame);
        return;
      case 'unread':
        this.reading.received(frame.counts);
        return;
      case 'presence':
      case 'typing':
      case 'typing-accepted':
        this.company.received(frame);
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

  private receiveSystem(frame: Extract<Inbound, { kind: 'system' }>): void {
    if (!frame.aboutYou) {
      this.announcements.received(frame);
      return;
    }
    // Above the conversation: the room that it speaks of may not be theirs any more.
    this.state.say(frame.text, frame.level);
    this.link.dispatch({ type: 'replace', verify: true });
  }

  private receiveMessage({ room, message }: Extract<Inbound, { kind: 'message' }>): void {
    if (this.state.listing(room) === null) return;
    this.arrived(room, message);
    this.company.said(room, message.username, message.guest);
    this.state.keepRoom(room, rooms.addMessage(this.state.room(room), message));
  }

  /** Once it is in the room, whatever became of it there, it needs no sending. */
  private arrived(room: string, { clientId, text, revision }: ChatMessage): void {
    const own = outbox.find(this.state.outbox, clientId);
    if (own !== null && own.room === room && (own.text === text || revision > 0)) this.state.forget(own.clientId);
  }

  private receivePage(page: Extract<Inbound, { kind: 'history' }>): void {
    const { room, messages, changes, latest, restart } = page;
    if (this.state.asking?.room !== room) return;
    const { kind, floor } = this.state.asking;
    this.state.asking = null;
    if (restart) {
      this.state.keepRoom(room, rooms.startAgain(this.state.room(room)));
      this.state.keepPaging(room, paging.FRESH_PAGING);
      return;
    }
    for (const message of messages) {
      this.arrived(room, message);
    }
    let held = rooms.addPage(this.state.room(room), messages, latest, changes);
    if (kind === 'older' && held.floor === floor) held = rooms.markComplete(held);
    this.state.keepRoom(room, held);
    this.state.keepPaging(room, paging.answered(this.state.pagingOf(room), kind));
  }

  private receiveAcknowledgement({ clientId, sequence, writtenAt }: Extract<Inbound, { kind: 'accepted' }>): void {
    const item = outbox.find(this.state.outbox, clientId);
    if (item === null) return;
    this.state.forget(item.clientId);
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
    this.state.keepRoom(item.room, rooms.addMessage(this.state.room(item.room), message));
  }

  private receiveAltered({ clientId, sequence }: Extract<Inbound, { kind: 'altered' }>): void {
    const done = alterations.find(this.state.alterations, clientId);
    if (done === null) return;
    this.state.alterations = alterations.remove(this.state.alterations, done.id);
    const { room, target, text } = done;
    this.state.keepRoom(room, rooms.addChange(this.state.room(room), { sequence, target, text }));
  }

  private receiveRefusal(received: Refusal): void {
    if (this.reading.refused(received) || this.company.refused(received) || this.moderation.refused(received)) return;
    const refusal = { ...received, sentence: texts.refusals[received.code] ?? received.sentence };
    const now = this.state.ports.now();
    this.learnStanding(received, now);
    if (outbox.find(this.state.outbox, refusal.clientId) !== null) {
      this.state.outbox = outbox.refuse(this.state.outbox, refusal, now);
      this.state.unanswered.delete(refusal.clientId ?? '');
    }
    if (refusal.code === 'session_ended') {
      this.link.dispatch({ type: 'replace', verify: true });
    } else if (alterations.find(this.state.alterations, refusal.clientId) !== null) {
      this.state.giveUp([refusal.clientId ?? ''], refusal.sentence);
    } else if (this.state.membership.changing !== null && refusal.clientId === this.state.membership.changing.id) {
      this.state.membership = membership.stay(this.state.membership);
      this.state.say(refusal.sentence || texts.noSuchRoom(refusal.room ?? ''), 'warning');
    } else if (refusal.code === 'room_forbidden') {
      this.link.dispatch({ type: 'replace', verify: true });
    } else if (this.state.asking !== null && (refusal.clientId === this.state.asking.id || refusal.clientId === null)) {
      this.state.postponePage(refusal.retryAfter ?? PAGE_RETRY);
    }
  }

  /** Why nothing may be written holds for what is written next, too. */
  private learnStanding({ code, reason, retryAfter, clientId }: Refusal, now: number): void {
    const room = outbox.find(this.state.outbox, clientId)?.room ?? this.state.membership.joined;
    if (room === null) return;
    if (code === 'muted') {
      this.state.amendListing(room, { muted: true, mutedUntil: retryAfter === null ? null : now + retryAfter });
    } else if (code === 'posting_forbidden') {
      this.state.amendListing(room, reason === 'archived' ? { archived: true } : { readOnly: true, canPost: false });
    }
  }

  /** Some request failed on the server's side, and nothing says which: each is repeatable. */
  private receiveFailure(): void {
    const now = this.state.ports.now();
    this.state.outbox = outbox.stumble(this.state.outbox, texts.serverFailed, now);
    this.state.giveUp(alterations.underWay(this.state.alterations), texts.serverFailed);
    if (this.state.asking !== null) this.state.postponePage(PAGE_RETRY);
    if (this.state.membership.changing !== null) this.link.dispatch({ type: 'replace', verify: false });
  }
}
