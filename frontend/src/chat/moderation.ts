/** Reports of messages, and what moderators do about people: each asked for until it is answered. */

import type { Inbound, Refusal } from '../core/frames';
import { momentOf } from '../core/moments';
import { texts } from '../texts';
import type { Link } from './link';
import type { State } from './state';

export type Reason = 'spam' | 'abuse' | 'other';

/** What a moderator wants: `room` null means everywhere, `seconds` null without end. */
export interface Wanted {
  readonly kind: 'mute' | 'ban';
  readonly username: string;
  readonly room: string | null;
  readonly seconds: number | null;
  readonly reason: string;
}

/** A restriction that was made at this page, as long as it may be lifted from here. */
export interface Restriction {
  readonly id: number;
  readonly kind: Wanted['kind'];
  readonly username: string;
  readonly room: string | null;
  readonly until: number | null;
}

interface Asked {
  readonly id: string;
  readonly frame: Readonly<Record<string, unknown>>;
  readonly since: number;
  sent: boolean;
  accepted(answer: Extract<Inbound, { kind: 'moderated' }>): void;
}

/** Without an answer for this long, nobody waits any more. */
const PATIENCE = 20_000;

export class Moderation {
  restrictions: readonly Restriction[] = [];
  private asked: readonly Asked[] = [];

  constructor(
    private readonly state: State,
    private readonly link: Link,
  ) {}

  report(room: string, sequence: number, reason: Reason, note: string): void {
    const frame = { action: 'report_message', room, sequence, reason, ...(note !== '' && { note }) };
    this.ask(frame, () => this.state.say(texts.reported, 'info'));
  }

  restrict(wanted: Wanted): void {
    this.ask({ action: 'restrict_person', ...wanted }, ({ id, until }) => {
      const { kind, username, room } = wanted;
      if (id !== null) {
        const made = { id, kind, username, room, until };
        this.restrictions = [...this.restrictions.filter((each) => each.id !== id), made];
      }
      const end = until === null ? null : momentOf(until, this.state.ports.now());
      this.state.say(texts.restrictedNow(kind, username, this.titleOf(room), end), 'info');
    });
  }

  lift(restriction: Restriction): void {
    const { id, kind, username, room } = restriction;
    this.ask({ action: 'lift_restriction', id }, () => {
      this.restrictions = this.restrictions.filter((each) => each.id !== id);
      this.state.say(texts.lifted(kind, username, this.titleOf(room)), 'info');
    });
  }

  /** Those that still hold, of a person. */
  held(username: string): readonly Restriction[] {
    const now = this.state.ports.now();
    return this.restrictions.filter((each) => each.username === username && (each.until === null || each.until > now));
  }

  received(answer: Extract<Inbound, { kind: 'moderated' }>): void {
    this.take(answer.clientId)?.accepted(answer);
  }

  refused({ clientId, sentence, code }: Refusal): boolean {
    if (this.take(clientId) === null) return false;
    this.state.say(`${texts.notDone} ${texts.refusals[code] ?? sentence}`, 'warning');
    return true;
  }

  /** Whether it arrived isn't known. Each may be asked again: the same twice is the same once. */
  disconnected(): void {
    for (const each of this.asked) each.sent = false;
  }

  proceed(now: number): void {
    const over = this.asked.filter(({ since }) => now - since >= PATIENCE);
    if (over.length > 0) {
      this.asked = this.asked.filter((each) => !over.includes(each));
      this.state.say(`${texts.notDone} ${texts.noAnswer}`, 'warning');
    }
    if (!this.link.isLive) return;
    for (const each of this.asked.filter(({ sent }) => !sent)) {
      each.sent = true;
      this.link.send({ ...each.frame, client_id: each.id });
    }
  }

  dueTimes(): readonly (number | null)[] {
    return this.asked.map(({ since }) => since + PATIENCE);
  }

  private ask(frame: Asked['frame'], accepted: Asked['accepted']): void {
    const { ports } = this.state;
    this.asked = [...this.asked, { id: ports.uuid(), frame, since: ports.now(), sent: false, accepted }];
  }

  private take(id: string | null): Asked | null {
    const found = this.asked.find((each) => each.id === id) ?? null;
    if (found !== null) this.asked = this.asked.filter((each) => each !== found);
    return found;
  }

  private titleOf(room: string | null): string | null {
    return room === null ? null : (this.state.listing(room)?.title ?? room);
  }
}
