/** The names to choose from while one is typed after an `@`. The keyboard stays in the field. */

import { type Typed, beginningWith, typedAt } from '../core/mentions';
import { texts } from '../texts';
import { element } from './element';

const MOST = 6;

export class NameList {
  private readonly list = element('ul', { id: 'names', class: 'names', role: 'listbox', 'aria-label': texts.names, hidden: true });
  private names: readonly string[] = [];
  private offered: readonly string[] = [];
  private chosen = 0;
  private typed: Typed | null = null;
  /** Where the list was closed by hand: it stays so for the name being typed there. */
  private closedAt: number | null = null;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly completed: () => void,
  ) {
    field.before(this.list);
    field.setAttribute('aria-controls', this.list.id);
    field.setAttribute('aria-autocomplete', 'list');
    field.addEventListener('input', () => this.update());
    field.addEventListener('click', () => this.update());
    field.addEventListener('keyup', ({ key }) => {
      if (/^(Arrow(Left|Right)|Home|End)$/u.test(key)) this.update();
    });
    field.addEventListener('blur', () => this.offer([]));
    // The field must not lose the caret to a click on a name.
    this.list.addEventListener('pointerdown', (event) => event.preventDefault());
    this.list.addEventListener('click', ({ target }) => {
      const index = target instanceof Element ? [...this.list.children].indexOf(target.closest('li') ?? this.list) : -1;
      if (index >= 0) this.complete(index);
    });
  }

  set known(names: readonly string[]) {
    this.names = names;
  }

  /** Whether a key was meant for the list, and has been dealt with. */
  takes({ key }: KeyboardEvent): boolean {
    if (this.offered.length === 0) return false;
    switch (key) {
      case 'ArrowDown':
        this.choose((this.chosen + 1) % this.offered.length);
        return true;
      case 'ArrowUp':
        this.choose((this.chosen + this.offered.length - 1) % this.offered.length);
        return true;
      case 'Enter':
      case 'Tab':
        this.complete(this.chosen);
        return true;
      case 'Escape':
        this.closedAt = this.typed?.start ?? null;
        this.offer([]);
        return true;
      default:
        return false;
    }
  }

  private update(): void {
    const { selectionStart, selectionEnd, value } = this.field;
    this.typed = selectionStart === selectionEnd ? typedAt(value, selectionStart) : null;
    if (this.typed?.start !== this.closedAt) this.closedAt = null;
    const open = this.typed !== null && this.closedAt === null;
    const found = open ? beginningWith(this.names, this.typed?.begun ?? '', MOST) : [];
    // A name that is whole needs no completing, and Enter shall send.
    this.offer(found.length === 1 && found[0] === this.typed?.begun ? [] : found);
  }

  private offer(names: readonly string[]): void {
    this.offered = names;
    this.list.hidden = names.length === 0;
    this.list.replaceChildren(
      ...names.map((name, index) => element('li', { id: `name-${index}`, role: 'option' }, element('bdi', {}, name))),
    );
    this.choose(0);
  }

  private choose(index: number): void {
    this.chosen = index;
    [...this.list.children].forEach((item, at) => item.setAttribute('aria-selected', String(at === index)));
    if (this.offered.length === 0) this.field.removeAttribute('aria-activedescendant');
    else this.field.setAttribute('aria-activedescendant', `name-${index}`);
  }

  private complete(index: number): void {
    const name = this.offered[index];
    if (name === undefined || this.typed === null) return;
    const end = this.field.selectionStart;
    this.field.setRangeText(`@${name} `, this.typed.start, end, 'end');
    this.offer([]);
    this.completed();
  }
}
