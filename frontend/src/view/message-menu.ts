/**
 * What can be done with one message. The menu stands beside the conversation, not in its rows: a screen reader that
 * reads new messages out shall not read four buttons with each.
 */

import type { ChatMessage } from '../core/frames';
import { texts } from '../texts';
import { button, element } from './element';

export interface MessageActions {
  find(sequence: number): ChatMessage | null;
  /** Whether the message is one's own, so that it can be edited and deleted. */
  isOwn(message: ChatMessage): boolean;
  link(message: ChatMessage): string;
  /** Whether anyone's messages may be deleted, and people be muted and banned. */
  isModerator(): boolean;
  edit(message: ChatMessage): void;
  remove(message: ChatMessage): void;
  report(message: ChatMessage): void;
  restrict(message: ChatMessage): void;
  done(): void;
}

const SAID = 80;
/** How long "Copied" stands. */
const COPIED = 1_500;

export class MessageMenu {
  private readonly copy = button(texts.copy, 'action', () => this.copyText());
  private readonly link = button(texts.copyLink, 'action', () => this.copyLink());
  private readonly edit = button(texts.editAgain, 'action', () => this.act((message) => this.actions.edit(message)));
  private readonly remove = button('', 'action danger', () => this.removeOrAsk());
  private readonly report = button(texts.report, 'action', () => this.act((message) => this.actions.report(message)));
  private readonly restrict = button(texts.restrict, 'action danger', () => this.act((message) => this.actions.restrict(message)));
  private readonly bar = element('div', { id: 'message-menu', class: 'message-menu', role: 'toolbar', hidden: true });
  private row: HTMLElement | null = null;
  private sure = false;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly log: HTMLElement,
    private readonly actions: MessageActions,
  ) {
    this.bar.append(...this.buttons);
    scroller.after(this.bar);
    log.addEventListener('pointerover', ({ pointerType, target }) => {
      if (pointerType === 'mouse' && !this.hasFocus) this.show(rowOf(target));
    });
    scroller.parentElement?.addEventListener('pointerleave', ({ pointerType }) => {
      if (pointerType === 'mouse') this.leave();
    });
    // A finger has no way to hover: a tap on a message opens the menu, another one closes it.
    log.addEventListener('click', (event) => {
      const row = rowOf(event.target);
      if (isTouch(event) && !(event.target instanceof HTMLAnchorElement)) this.show(row === this.row ? null : row);
    });
    scroller.addEventListener('scroll', () => this.place(), { passive: true });
    this.bar.addEventListener('keydown', (event) => this.steer(event));
    this.bar.addEventListener('focusout', ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && this.bar.contains(relatedTarget))) this.show(null);
    });
  }

  /** Open it for the last message that something can be done with, and go there with the keyboard. */
  enter(): boolean {
    const row = this.usable(this.log.lastElementChild, 'previousElementSibling');
    this.choose(row);
    return row !== null;
  }

  /** The conversation has changed: the row may be gone, or say something else. */
  refresh(): void {
    if (this.row !== null && (!this.row.isConnected || this.messageOf(this.row) === null)) this.show(null);
    else this.place();
  }

  private get buttons(): readonly HTMLButtonElement[] {
    return [this.copy, this.link, this.edit, this.report, this.restrict, this.remove];
  }

  private get hasFocus(): boolean {
    return this.bar.contains(document.activeElement);
  }

  private show(row: HTMLElement | null): void {
    if (row === this.row && row !== null) return;
    this.row?.classList.remove('chosen');
    const message = row === null ? null : this.messageOf(row);
    this.row = message === null ? null : row;
    this.bar.hidden = message === null;
    if (message === null) return;
    row?.classList.add('chosen');
    this.bar.setAttribute('aria-label', texts.messageOf(message.username, message.text.slice(0, SAID)));
    const own = this.actions.isOwn(message);
    this.edit.hidden = !own;
    const moderates = !own && this.actions.isModerator();
    this.remove.hidden = !own && !moderates;
    this.report.hidden = own || moderates;
    // All guests have one name: there is nobody to restrict.
    this.restrict.hidden = !moderates || message.guest;
    this.ask(false);
    this.say(this.copy, texts.copy);
    this.say(this.link, texts.copyLink);
    this.place();
  }

  private place(): void {
    if (this.row === null) return;
    const place = this.scroller.getBoundingClientRect();
    const { top, bottom } = this.row.getBoundingClientRect();
    if (bottom < place.top || top > place.bottom) {
      if (!this.hasFocus) this.show(null);
      return;
    }
    this.bar.style.top = `${Math.max(4, top - place.top - 14)}px`;
  }

  private leave(): void {
    if (!this.hasFocus) this.show(null);
  }

  private steer(event: KeyboardEvent): void {
    const buttons = this.buttons.filter(({ hidden }) => !hidden);
    const at = buttons.findIndex((each) => each === document.activeElement);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (next !== undefined) buttons.at(next % buttons.length)?.focus();
    else if (event.key === 'ArrowUp') this.choose(this.usable(this.row?.previousElementSibling, 'previousElementSibling'));
    else if (event.key === 'ArrowDown') this.choose(this.usable(this.row?.nextElementSibling, 'nextElementSibling'));
    else if (event.key === 'Escape') this.close();
    else return;
    event.preventDefault();
  }

  private choose(row: HTMLElement | null): void {
    if (row === null) return;
    row.scrollIntoView({ block: 'nearest' });
    this.show(row);
    this.copy.focus({ preventScroll: true });
  }

  private usable(
    from: Element | null | undefined,
    next: 'previousElementSibling' | 'nextElementSibling',
  ): HTMLElement | null {
    for (let each = from ?? null; each !== null; each = each[next]) {
      if (each instanceof HTMLElement && this.messageOf(each) !== null) return each;
    }
    return null;
  }

  private messageOf(row: HTMLElement): ChatMessage | null {
    const message = this.actions.find(Number(row.dataset['sequence'] ?? 0));
    return message === null || message.removed ? null : message;
  }

  private act(action: (message: ChatMessage) => void): void {
    const message = this.row === null ? null : this.messageOf(this.row);
    this.show(null);
    if (message !== null) action(message);
  }

  private close(): void {
    this.show(null);
    this.actions.done();
  }

  private removeOrAsk(): void {
    if (!this.sure) {
      this.ask(true);
      return;
    }
    this.act((message) => this.actions.remove(message));
    this.actions.done();
  }

  private ask(sure: boolean): void {
    this.sure = sure;
    this.say(this.remove, sure ? texts.reallyDelete : texts.delete);
  }

  private copyText(): void {
    const message = this.row === null ? null : this.messageOf(this.row);
    if (message !== null) void this.put(message.text, this.copy, texts.copy);
  }

  private copyLink(): void {
    const message = this.row === null ? null : this.messageOf(this.row);
    if (message !== null) void this.put(this.actions.link(message), this.link, texts.copyLink);
  }

  private async put(text: string, told: HTMLButtonElement, label: string): Promise<void> {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    this.say(told, copied ? texts.copied : texts.notCopied);
    setTimeout(() => this.say(told, label), COPIED);
  }

  private say(target: HTMLButtonElement, label: string): void {
    if (target.textContent !== label) target.textContent = label;
  }
}

function rowOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>('.message[data-sequence]') : null;
}

function isTouch(event: MouseEvent): boolean {
  return event instanceof PointerEvent && event.pointerType !== 'mouse';
}
