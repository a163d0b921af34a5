/** Who is here, opened by a button with the number, and who is writing. Neither is ever read out by itself. */

import type { Presence } from '../core/company';
import { colourOf, initial } from '../core/text';
import { texts } from '../texts';
import { button, element, required, setText } from './element';
import { COLOURS } from './row';

export interface CompanyState {
  readonly presence: Presence | null;
  readonly writers: readonly string[];
  readonly author: string | null;
}

export class CompanyView {
  private readonly writers = required('#typing', HTMLElement);
  private readonly number = element('span', { class: 'people-number', 'aria-hidden': 'true' });
  private readonly spoken = element('span', { class: 'visually-hidden' });
  private readonly toggle: HTMLButtonElement;
  private readonly heading = element('h2', { id: 'people-title' });
  private readonly list = element('ul');
  private readonly guests = element('p', { class: 'people-more' });
  private readonly panel: HTMLElement;
  private drawn = '';

  constructor(private readonly show: (isShown: boolean) => void) {
    this.toggle = button('', 'button quiet small people-button', () => this.open(this.panel.hidden));
    this.toggle.setAttribute('aria-expanded', 'false');
    this.toggle.setAttribute('aria-controls', 'people');
    this.toggle.append(element('span', { class: 'people-mark', 'aria-hidden': 'true' }), this.number, this.spoken);
    const close = button('', 'close', () => this.open(false));
    close.setAttribute('aria-label', texts.close);
    const head = element('div', { class: 'people-head' }, this.heading, close);
    const attributes = { id: 'people', class: 'people', 'aria-labelledby': 'people-title', hidden: true };
    this.panel = element('section', attributes, head, this.list, this.guests);
    this.panel.addEventListener('keydown', (event) => this.escape(event));
    this.toggle.addEventListener('keydown', (event) => this.escape(event));
    required('#connection', HTMLElement).before(this.toggle);
    required('.room-head', HTMLElement).after(element('div', { class: 'people-place' }, this.panel));
  }

  render({ presence, writers, author }: CompanyState): void {
    setText(this.number, presence === null ? '–' : String(presence.total));
    setText(this.spoken, presence === null ? texts.whoIsHere : texts.peopleHere(presence.total));
    setText(this.heading, presence === null ? texts.whoIsHere : texts.peopleHere(presence.total));
    this.writers.classList.toggle('some', writers.length > 0);
    setText(this.writers, writers.length === 0 ? '' : texts.typing(writers));
    if (!this.panel.hidden) this.draw(presence, author);
  }

  private draw(presence: Presence | null, author: string | null): void {
    const drawn = JSON.stringify([presence, author]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const people = presence?.people ?? [];
    this.list.replaceChildren(...people.map((name) => person(name, name === author)));
    const guests = presence?.guests ?? 0;
    const unnamed = (presence?.total ?? 0) - guests - people.length;
    const more = [unnamed > 0 ? texts.morePeople(unnamed) : '', guests > 0 ? texts.guestsHere(guests) : ''];
    setText(this.guests, more.filter((each) => each !== '').join(' · '));
  }

  private open(isOpen: boolean): void {
    this.panel.hidden = !isOpen;
    this.toggle.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) this.toggle.focus();
    this.show(isOpen);
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || this.panel.hidden) return;
    event.preventDefault();
    this.open(false);
  }
}

function person(name: string, isOwn: boolean): HTMLElement {
  const avatar = element('span', { class: 'avatar', 'aria-hidden': 'true' }, initial(name));
  avatar.dataset['colour'] = String(colourOf(name, COLOURS));
  return element('li', {}, avatar, element('bdi', {}, name), ...(isOwn ? [' ', element('span', { class: 'you' }, texts.you)] : []));
}
