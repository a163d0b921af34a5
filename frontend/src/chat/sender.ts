/** What goes out next: messages, edits, a change of the room, pages of history. Each in its time. */

import * as alterations from '../core/alterations';
import * as membership from '../core/membership';
import * as outbox from '../core/outbox';
import * as paging from '../core/paging';
import { texts } from '../texts';
import type { Link } from './link';
import { PAGE_RETRY } from './receiver';
import type { State } from './state';

export class Sender {
  constructor(
    private readonly state: State,
    private readonly link: Link,
  ) {}

  /** Give up what has waited for its answer too long. */
  expire(now: number): void {
    const before = this.state.outbox;
    this.state.outbox = outbox.expire(this.state.outbox, now);
    const silent = this.state.outbox !== before;
    this.state.giveUp(alterations.expired(this.state.alterations, now), texts.noAnswer);
    const page = this.state.asking !== null && now - this.state.asking.since >= paging.PAGE_TIMEOUT;
    if (page) this.state.postponePage(PAGE_RETRY);
    if (silent || page) this.link.dispatch({ type: 'network' });
    const { changing } = this.state.membership;
    if (changing !== null && now - changing.since >= membership.CHANGE_TIMEOUT) {
      this.link.dispatch({ type: 'replace', verify: false });
    }
  }

  /** Send what may go out now, on a live connection. */
  proceed(now: number): void {
    const { joined, target, changing, leaveBy } = this.state.membership;
    if (joined === null || changing !== null) return;
    const next = outbox.nextToSend(this.state.outbox, joined, this.state.author, now);
    if (joined === target) {
      this.sendAlterations(joined);
      if (next !== null) this.sendMessage(next, now);
      this.askPage(joined, now);
    } else if (next !== null && now < leaveBy) {
      this.sendMessage(next, now);
    } else if (this.state.unanswered.size === 0) {
      this.askToChange(target, now);
    } else if (now >= leaveBy) {
      // A message without an answer may still be under way, and would land in the next room of this connection.
      this.link.dispatch({ type: 'replace', verify: false });
    }
  }

  private sendMessage(item: outbox.Outgoing, now: number): void {
    this.state.outbox = outbox.markSending(this.state.outbox, item.clientId, now);
    this.state.unanswered.add(item.clientId);
    this.link.send({ action: 'chat_message', message: item.text, client_id: item.clientId });
  }

  private sendAlterations(joined: string): void {
    for (;;) {
      const next = alterations.nextToSend(this.state.alterations, joined);
      if (next === null) return;
      this.state.alterations = alterations.markSent(this.state.alterations, next.id);
      const { id, room, target, text } = next;
      const wanted = text === null ? { action: 'delete_message' } : { action: 'edit_message', message: text };
      this.link.send({ ...wanted, room, sequence: target, client_id: id });
    }
  }

  private askToChange(room: string, now: number): void {
    const id = this.state.ports.uuid();
    this.state.left();
    this.state.asking = null;
    this.state.membership = membership.ask(this.state.membership, id, now);
    this.link.send({ action: 'change_channel', channel: room, client_id: id });
  }

  private askPage(room: string, now: number): void {
    const held = this.state.room(room);
    const watched = paging.watch(this.state.pagingOf(room), held, now, () => this.state.ports.random());
    this.state.keepPaging(room, watched);
    const request = paging.nextPage(watched, held);
    if (this.state.asking !== null || request === null || request.at > now) return;
    const id = this.state.ports.uuid();
    this.state.asking = { room, id, kind: request.kind, floor: held.floor, since: now };
    this.state.keepPaging(room, paging.asked(watched, now));
    const position = { latest: {}, older: { before: request.position }, missed: { after: request.position } };
    this.link.send({ action: 'fetch_history', ...position[request.kind], client_id: id });
  }

  /** When there is something to do again, however little happens until then. */
  dueTimes(): readonly (number | null)[] {
    const times = [alterations.dueAt(this.state.alterations)];
    const { joined, target, changing, leaveBy } = this.state.membership;
    if (joined === null) return times;
    if (changing !== null) return [...times, changing.since + membership.CHANGE_TIMEOUT];
    times.push(outbox.dueAt(this.state.outbox, joined, this.state.author));
    if (joined !== target) return [...times, leaveBy];
    if (this.state.asking !== null) times.push(this.state.asking.since + paging.PAGE_TIMEOUT);
    else times.push(paging.nextPage(this.state.pagingOf(joined), this.state.room(joined))?.at ?? null);
    return times;
  }
}
