/** One row of the conversation. Its node stays the same from pending to sent, so that it is read out once. */

import type { ChatMessage } from '../core/frames';
import type { Row } from '../core/layout';
import { mentions } from '../core/mentions';
import { dayName, exactTime, shortTime } from '../core/moments';
import type { Outgoing } from '../core/outbox';
import { colourOf, initial } from '../core/text';
import { texts } from '../texts';
import { button, element, setText } from './element';
import { showSaid } from './said';

export interface RowActions {
  tryAgain(clientId: string): void;
  edit(clientId: string): void;
  discard(clientId: string): void;
}

export interface RowView {
  readonly node: HTMLElement;
  update(row: Row, author: string | null, now: number): void;
}

export const COLOURS = 8;
/** How often relative times are looked at. */
const TICK = 15_000;

export function makeRow(row: Row, actions: RowActions): RowView {
  switch (row.kind) {
    case 'day':
      return makeDay();
    case 'line':
      return makeLine();
    case 'notice':
      return makeNotice(row.notice.text, row.notice.level);
    default:
      return new MessageRow(actions);
  }
}

function makeDay(): RowView {
  const label = element('span');
  const node = element('div', { class: 'day' }, label);
  return {
    node,
    update: (row, _, now) => {
      if (row.kind === 'day') setText(label, dayName(row.time, now));
    },
  };
}

/** Its words are the style sheet's: text that is added to the log would be read out as news. */
function makeLine(): RowView {
  const node = element('div', { class: 'new-line', role: 'separator', 'aria-label': texts.newLine });
  node.append(element('span', { 'data-label': texts.newLine, 'aria-hidden': 'true' }));
  return { node, update: () => undefined };
}

function makeNotice(text: string, level: string): RowView {
  const time = element('time');
  const node = element('div', { class: 'notice system', 'data-level': level }, element('p', { dir: 'auto' }, text), time);
  return {
    node,
    update: (row, _, now) => {
      if (row.kind === 'notice') showTime(time, row.notice.receivedAt, now);
    },
  };
}

class MessageRow implements RowView {
  readonly node: HTMLElement;
  private readonly avatar = element('span', { class: 'avatar', 'aria-hidden': 'true' });
  private readonly name = element('bdi', { class: 'author' });
  private readonly you = element('span', { class: 'you' });
  private readonly time = element('time');
  private readonly text = element('p', { class: 'text', dir: 'auto' });
  private readonly edited = element('span', { class: 'edited' });
  // What becomes of an own message is said once, elsewhere: see `LogView`.
  private readonly delivery = element('div', { class: 'delivery', 'aria-live': 'off' });
  private shownDelivery = '';
  private drawn: { readonly message: ChatMessage; readonly continued: boolean; readonly tick: number } | null = null;

  constructor(private readonly actions: RowActions) {
    const byline = element('p', { class: 'byline' }, this.name, ' ', this.you, ' ', this.time);
    const said = element('div', { class: 'said' }, byline, this.text, this.edited, this.delivery);
    this.node = element('div', { class: 'message' }, this.avatar, said);
  }

  update(row: Row, author: string | null, now: number): void {
    if (row.kind !== 'message' && row.kind !== 'outgoing') return;
    if (this.isDrawn(row, now)) return;
    this.node.classList.toggle('continued', row.continued);
    if (row.kind === 'message') {
      this.drawn = { message: row.message, continued: row.continued, tick: tickOf(now) };
      const { username, writtenAt, sequence, guest, edited, removed } = row.message;
      const text = removed ? texts.removed : row.message.text;
      this.node.dataset['sequence'] = String(sequence);
      this.say(username, guest, !guest && username === author, text, writtenAt, now);
      this.node.classList.toggle('removed', removed);
      setText(this.edited, edited ? texts.edited : '');
      this.node.classList.toggle('calls', author !== null && mentions(text, author));
      this.showDelivery(null, now);
    } else {
      const { item } = row;
      this.say(item.author ?? texts.guest, item.author === null, item.author !== null, item.text, item.writtenAt, now);
      this.showDelivery(item, now);
    }
  }

  /** Hundreds of rows are asked at each arrival, and nearly all of them have nothing to change. */
  private isDrawn(row: Row, now: number): boolean {
    if (row.kind !== 'message' || this.drawn === null) return false;
    const { message, continued, tick } = this.drawn;
    return row.message === message && row.continued === continued && tickOf(now) === tick;
  }

  private say(name: string, guest: boolean, own: boolean, text: string, writtenAt: number, now: number): void {
    setText(this.avatar, initial(name));
    this.avatar.dataset['colour'] = guest ? 'guest' : String(colourOf(name, COLOURS));
    setText(this.name, name);
    setText(this.you, own ? texts.you : '');
    this.node.classList.toggle('own', own);
    showSaid(this.text, text);
    showTime(this.time, writtenAt, now);
  }

  private showDelivery(item: Outgoing | null, now: number): void {
    const state = item === null ? 'sent' : item.state === 'failed' ? 'failed' : 'pending';
    this.node.dataset['state'] = state;
    const line = item === null ? '' : deliveryLine(item, now);
    const shown = `${state} ${item?.failure?.kind ?? ''}`;
    if (shown !== this.shownDelivery) {
      this.shownDelivery = shown;
      const actions = item?.state === 'failed' ? this.failedActions(item) : [];
      this.delivery.replaceChildren(...(item === null ? [] : [element('span', { class: 'delivery-state' }), ...actions]));
    }
    const label = this.delivery.firstElementChild;
    if (label !== null) setText(label, line);
  }

  private failedActions({ clientId, failure }: Outgoing): readonly HTMLButtonElement[] {
    const retry = button(texts.tryAgain, 'link', () => this.actions.tryAgain(clientId));
    const edit = button(texts.editAgain, 'link', () => this.actions.edit(clientId));
    const discard = button(texts.discard, 'link', () => this.actions.discard(clientId));
    return failure?.kind === 'refused' && failure.final ? [edit, discard] : [retry, edit, discard];
  }
}

function deliveryLine(item: Outgoing, now: number): string {
  const { state, failure, notBefore, tries, slow } = item;
  if (state === 'sending') return texts.sending;
  if (state === 'waiting') {
    const seconds = Math.ceil((notBefore - now) / 1000);
    if (seconds <= 0 || tries > 0) return texts.waiting;
    return slow ? texts.slowFor(seconds) : texts.sendingIn(seconds);
  }
  if (failure?.kind === 'refused') return `${texts.notSent} ${failure.sentence}`;
  return `${texts.notSent} ${failure?.kind === 'old' ? texts.writtenBefore : texts.noAnswer}`;
}

function tickOf(now: number): number {
  return Math.floor(now / TICK);
}

function showTime(target: HTMLTimeElement, time: number, now: number): void {
  const iso = new Date(time).toISOString();
  if (target.dateTime !== iso) {
    target.dateTime = iso;
    target.title = exactTime(time);
  }
  setText(target, shortTime(time, now));
}
