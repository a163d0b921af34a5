/** The conversation of the room that is shown. Rows are added and moved, never drawn anew. */

import { type Break, type Row, layOut } from '../core/layout';
import type { Outbox } from '../core/outbox';
import { type Room, olderThan } from '../core/room';
import { texts } from '../texts';
import { button, element, required, setText } from './element';
import { type RowActions, type RowView, makeRow } from './row';
import { ReadingPosition } from './scroll';

export interface Conversation {
  readonly name: string;
  readonly title: string;
  readonly room: Room;
  readonly unsent: Outbox;
  readonly author: string | null;
  /** Where the reader left off, and how much others have said since. */
  readonly left: Break;
  readonly news: number;
}

export interface LogActions extends RowActions {
  loadOlder(room: string, sequence: number | null): void;
  /** The newest messages are read, and the older ones held are many. */
  readsNewest(room: string): void;
  /** The newest message is in view, or something else is; and the line where the reader left off is, or was. */
  look(room: string, reads: boolean, lineSeen: boolean): void;
  notFound(): void;
}

/** More rows than this at once are history, not talk: a screen reader is spared them. */
const MOST_READ_OUT = 10;
const QUIET_FOR = 150;
const MANY_ROWS = 600;
/** A message further back than this isn't looked for. */
const FARTHEST = 2_000;

export class LogView {
  private readonly scroller = required('#scroller', HTMLElement);
  private readonly log = required('#log', HTMLElement);
  private readonly above = required('#above-log', HTMLElement);
  private readonly announcement = required('#announcement', HTMLElement);
  private readonly newest: HTMLButtonElement;
  private readonly position: ReadingPosition;
  private rows = new Map<string, RowView>();
  private conversation: Conversation | null = null;
  /** Older messages that wait for a scroll to end. */
  private postponed: Conversation | null = null;
  private wasLoaded = false;
  private seen = 0;
  /** A message that somebody wants to see, until it is loaded. */
  private sought: { readonly room: string; readonly sequence: number } | null = null;
  private quietUntil: number | undefined;
  private readonly jump: HTMLButtonElement;
  private lineSeen = false;
  /** Somebody wants to see where they left off, and it isn't loaded yet. */
  private jumping = false;

  constructor(private readonly actions: LogActions) {
    this.newest = button('', 'newest', () => this.toNewest());
    this.newest.hidden = true;
    this.jump = button('', 'jump', () => this.toLine());
    this.jump.hidden = true;
    this.scroller.after(
      element('div', { class: 'newest-place' }, this.newest),
      element('div', { class: 'newest-place jump-place' }, this.jump),
    );
    this.position = new ReadingPosition(this.scroller, this.log, () => this.moved(), () => this.catchUp());
  }

  render(conversation: Conversation, now: number): void {
    const before = this.conversation;
    const { name, title, room, unsent } = conversation;
    const other = before === null || before.name !== name || before.author !== conversation.author;
    const rows = layOut(room, unsent, conversation.left);
    this.postponed = !other && this.position.moving && this.hasOlder(rows) ? conversation : null;
    if (this.postponed !== null) return;

    this.conversation = conversation;
    if (other) this.clear(name, title);
    if (other || !this.wasLoaded || this.hasOlder(rows) || this.hasMany(rows)) this.beQuiet();
    const wroteOne = !other && unsent.length > before.unsent.length;
    const failed = countFailed(unsent) > (other ? Infinity : countFailed(before.unsent));
    this.place(rows, now);
    this.wasLoaded = room.loaded;
    if (failed) this.announce(texts.messageNotSent);
    if (wroteOne) this.position.atNewest = true;
    this.showAbove(conversation);
    this.position.restore();
    this.seekOn();
    this.jumpOn();
    this.moved();
  }

  /** Go to a message, loading what lies between. */
  seek(room: string, sequence: number): void {
    this.sought = { room, sequence };
    this.seekOn();
  }

  private seekOn(): void {
    if (this.sought === null || this.conversation === null || this.sought.room !== this.conversation.name) return;
    const { room, name } = this.conversation;
    if (!room.loaded) return;
    const { sequence } = this.sought;
    const row = this.log.querySelector<HTMLElement>(`[data-sequence="${sequence}"]`);
    const older = olderThan(room);
    if (row !== null) {
      this.sought = null;
      this.log.querySelector('.sought')?.classList.remove('sought');
      row.classList.add('sought');
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
      this.position.toRow(row);
    } else if (older !== null && sequence < older && older - sequence < FARTHEST) {
      this.actions.loadOlder(name, older);
    } else {
      this.sought = null;
      this.actions.notFound();
    }
  }

  private toLine(): void {
    this.jumping = true;
    this.jumpOn();
    this.moved();
  }

  private jumpOn(): void {
    if (!this.jumping || this.conversation === null) return;
    const { room, name, left } = this.conversation;
    const line = this.line;
    const older = olderThan(room);
    if (line === null && left.line !== null && older !== null && older - left.line < FARTHEST) {
      this.actions.loadOlder(name, older);
      return;
    }
    this.jumping = false;
    const place = line?.nextElementSibling ?? this.log.firstElementChild;
    if (!(place instanceof HTMLElement)) return;
    this.position.toRow(place);
    place.tabIndex = -1;
    place.focus({ preventScroll: true });
  }

  private get line(): HTMLElement | null {
    return this.rows.get('line')?.node ?? null;
  }

  /** Whether the line has been seen, or is out of sight above what is. */
  private whereLineIs(): 'seen' | 'above' {
    if (this.line === null) return 'above';
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const line = this.line.getBoundingClientRect();
    return line.top >= top && line.top <= bottom ? 'seen' : 'above';
  }

  private catchUp(): void {
    if (this.postponed !== null) this.render(this.postponed, Date.now());
  }

  private clear(name: string, title: string): void {
    this.rows = new Map();
    this.log.replaceChildren();
    this.log.dataset['room'] = name;
    this.log.setAttribute('aria-label', texts.log(title));
    this.seen = 0;
    this.lineSeen = this.jumping = false;
    this.wasLoaded = false;
    this.position.toNewest();
  }

  private toNewest(): void {
    this.position.toNewest();
    this.moved();
    // The button is about to go, and the keyboard's focus shall not go with it.
    this.scroller.focus({ preventScroll: true });
  }

  private place(rows: readonly Row[], now: number): void {
    const next = new Map<string, RowView>();
    for (const row of rows) {
      const view = this.rows.get(row.key) ?? this.takeOver(row) ?? makeRow(row, this.actions);
      view.update(row, this.conversation?.author ?? null, now);
      next.set(row.key, view);
    }
    const kept = new Set([...next.values()].map(({ node }) => node as Element));
    for (const { node } of this.rows.values()) if (!kept.has(node)) node.remove();
    let place = this.log.firstElementChild;
    for (const { node } of next.values()) {
      if (node === place) place = place.nextElementSibling;
      else this.log.insertBefore(node, place);
    }
    this.rows = next;
  }

  /** The row of an own message that was on its way until now. */
  private takeOver(row: Row): RowView | null {
    if (row.kind !== 'message' || row.message.clientId === null) return null;
    return this.rows.get(`outgoing ${row.message.clientId}`) ?? null;
  }

  /** Whether messages come above those that are there. */
  private hasOlder(rows: readonly Row[]): boolean {
    const isMessage = ({ kind }: Row): boolean => kind === 'message';
    return rows.findIndex(isMessage) < rows.findIndex((row) => isMessage(row) && this.rows.has(row.key));
  }

  private hasMany(rows: readonly Row[]): boolean {
    return rows.filter((row) => !this.rows.has(row.key)).length > MOST_READ_OUT;
  }

  private beQuiet(): void {
    this.log.setAttribute('aria-busy', 'true');
    this.log.setAttribute('aria-live', 'off');
    clearTimeout(this.quietUntil);
    this.quietUntil = window.setTimeout(() => {
      this.log.setAttribute('aria-busy', 'false');
      this.log.setAttribute('aria-live', 'polite');
    }, QUIET_FOR);
  }

  private announce(text: string): void {
    this.announcement.replaceChildren(text);
  }

  private showAbove({ room, title, unsent }: Conversation): void {
    const empty = room.loaded && room.messages.length === 0 && unsent.length === 0;
    const older = olderThan(room) === null ? texts.beginning(title) : texts.loadingOlder;
    setText(this.above, room.loaded ? (empty ? texts.empty : older) : texts.loading);
    this.above.classList.toggle('empty', empty);
  }

  private moved(): void {
    if (this.conversation === null) return;
    const { name, room, left, news } = this.conversation;
    const latest = room.messages.at(-1)?.sequence ?? 0;
    if (this.position.atNewest && this.sought === null) {
      this.seen = latest;
      if (room.messages.length > MANY_ROWS) this.actions.readsNewest(name);
    }
    const isLooked = !document.hidden;
    if (left.line === null) this.lineSeen = false;
    else if (isLooked && this.whereLineIs() === 'seen') this.lineSeen = true;
    this.actions.look(name, isLooked && this.position.atNewest && this.sought === null, this.lineSeen);
    this.jump.hidden = left.line === null || this.lineSeen || this.jumping;
    setText(this.jump, this.jump.hidden ? '' : texts.jumpToNew(news));
    if (this.position.wantsOlder) this.actions.loadOlder(name, olderThan(room));
    const unseen = room.messages.filter(({ sequence }) => sequence > this.seen).length;
    this.newest.hidden = this.position.atNewest;
    setText(this.newest, unseen > 0 ? texts.newMessages(unseen) : texts.toNewest);
    this.newest.classList.toggle('some', unseen > 0);
  }
}

function countFailed(unsent: Outbox): number {
  return unsent.filter(({ state }) => state === 'failed').length;
}
