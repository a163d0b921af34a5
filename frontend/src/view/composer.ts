/** Where somebody writes. Text is never cut, and leaves only when it can be sent. */

import { momentOf } from '../core/moments';
import type { Standing } from '../core/standing';
import { isBlank, lengthOf, messageText } from '../core/text';
import { texts } from '../texts';
import { button, element, required, setText } from './element';
import { NameList } from './name-list';

export interface ComposerState {
  readonly room: string;
  readonly title: string;
  readonly standing: Standing;
  /** Seconds between two messages, 0 for none. */
  readonly slowMode: number;
  readonly now: number;
  readonly limit: number;
  /** The title of the room that is being entered: until then it isn't clear where a message belongs. */
  readonly entering: string | null;
  readonly author: string | null;
  /** Who can be called by name. */
  readonly names: readonly string[];
}

export interface ComposerActions {
  write(text: string): void;
  /** Give a message another text. */
  alter(sequence: number, text: string): void;
  /** Go to the messages that were said before, with the keyboard. */
  lookBack(): void;
  draft(author: string | null, room: string): string;
  keepDraft(author: string | null, room: string, text: string): void;
  /** Something is being written. */
  types(): void;
}

/** How close to the limit the counter appears, as a part of it. */
const NEAR_LIMIT = 0.1;

export class Composer {
  private readonly form = required('#composer', HTMLFormElement);
  private readonly field = required('#message', HTMLTextAreaElement);
  private readonly submit = required('#send', HTMLButtonElement);
  private readonly counter = required('#counter', HTMLElement);
  private readonly problem = required('#problem', HTMLElement);
  private readonly excess = required('#excess', HTMLElement);
  private readonly reason = required('#reason', HTMLElement);
  private readonly readOnly = required('#read-only', HTMLElement);
  private readonly names = new NameList(this.field, () => this.typed());
  private readonly editingBar: HTMLElement;
  private state: ComposerState | null = null;
  /** The message that is being edited, and what stood in the field before. */
  private editing: { readonly sequence: number; readonly draft: string } | null = null;

  constructor(private readonly actions: ComposerActions) {
    const cancel = button(texts.cancel, 'link', () => this.stopEditing());
    this.editingBar = element('p', { class: 'editing', role: 'status', hidden: true }, texts.editing, ' ', cancel);
    this.form.prepend(this.editingBar);
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
    this.field.addEventListener('keydown', (event) => {
      // Enter that ends a composition (Japanese, Chinese …) chooses a word.
      if (event.isComposing || event.keyCode === 229 || event.shiftKey) return;
      if (!this.names.takes(event) && !this.takes(event.key)) return;
      event.preventDefault();
    });
    this.field.addEventListener('input', () => {
      this.typed();
      if (this.editing === null && !isBlank(this.field.value)) this.actions.types();
    });
    // A tap on the button must not close a phone's keyboard.
    this.submit.addEventListener('pointerdown', (event) => event.preventDefault());
    this.submit.setAttribute('aria-label', texts.send);
  }

  render(state: ComposerState): void {
    const before = this.state;
    this.state = state;
    this.names.known = state.names;
    this.field.placeholder = texts.composer(state.title);
    this.field.setAttribute('aria-label', texts.composer(state.title));
    this.showStanding(state, before);
    if (before?.room !== state.room || before.author !== state.author) {
      this.leaveEdit();
      const typed = before === null ? this.field.value : '';
      this.field.value = typed || this.actions.draft(state.author, state.room);
      this.check();
    } else if (before.entering !== state.entering || before.limit !== state.limit) {
      this.check();
    }
  }

  /** Say why nothing can be written here. The field stays, with what is in it. */
  private showStanding({ standing, slowMode, now }: ComposerState, before: ComposerState | null): void {
    const isFree = standing.kind === 'free';
    this.field.readOnly = !isFree;
    this.form.classList.toggle('closed', !isFree);
    this.submit.hidden = !isFree;
    const sentence = isFree ? (slowMode > 0 ? texts.slowMode(slowMode) : '') : whyNot(standing, now);
    this.readOnly.hidden = sentence === '';
    setText(this.readOnly, sentence);
    if (before?.standing.kind !== standing.kind) this.check();
  }

  /** Put a message back that could not be sent, above what is being written. */
  takeBack(text: string): void {
    this.field.value = this.field.value === '' ? text : `${text}\n${this.field.value}`;
    this.keep();
    this.check();
    this.field.focus();
  }

  /** Let somebody give a message of theirs another text. */
  edit(sequence: number, text: string): void {
    this.editing = { sequence, draft: this.editing?.draft ?? this.field.value };
    this.editingBar.hidden = false;
    this.field.value = text;
    this.check();
    this.focus();
  }

  focus(): void {
    this.field.focus();
  }

  /** Whether a key means something here other than what it types. */
  private takes(key: string): boolean {
    if (key === 'Enter') this.send();
    else if (key === 'Escape' && this.editing !== null) this.stopEditing();
    else if (key === 'ArrowUp' && this.field.value === '') this.actions.lookBack();
    else return false;
    return true;
  }

  private stopEditing(): void {
    if (this.editing !== null) this.field.value = this.editing.draft;
    this.leaveEdit();
    this.check();
    this.focus();
  }

  private leaveEdit(): void {
    this.editing = null;
    this.editingBar.hidden = true;
  }

  private typed(): void {
    this.keep();
    this.check();
  }

  private send(): void {
    if (this.state === null) return;
    const text = messageText(this.field.value);
    if (isBlank(text) || lengthOf(text) > this.state.limit || this.state.standing.kind !== 'free') return;
    if (this.state.entering !== null) {
      this.complain(texts.stillEntering(this.state.entering));
      return;
    }
    if (this.editing !== null) {
      this.actions.alter(this.editing.sequence, text);
      this.stopEditing();
      return;
    }
    this.field.value = '';
    this.keep();
    this.check();
    this.actions.write(text);
  }

  private keep(): void {
    if (this.state !== null && this.editing === null) this.actions.keepDraft(this.state.author, this.state.room, this.field.value);
  }

  private check(): void {
    this.grow();
    if (this.state === null) return;
    const { limit } = this.state;
    const text = messageText(this.field.value);
    const left = limit - lengthOf(text);
    this.counter.hidden = left < 0 || left >= limit * NEAR_LIMIT;
    setText(this.counter, texts.left(left));
    setText(this.excess, left < 0 ? texts.excess(-left) : '');
    // Unlike the number, the sentence stays the same while one types, so that it is read out once.
    this.complain(left < 0 ? texts.tooLong(limit) : '');
    this.field.setAttribute('aria-invalid', String(left < 0));
    this.submit.disabled = left < 0 || isBlank(text) || this.state.standing.kind !== 'free';
  }

  private complain(sentence: string): void {
    this.problem.hidden = sentence === '';
    setText(this.reason, sentence);
  }

  private grow(): void {
    this.field.style.height = 'auto';
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }
}

function whyNot(standing: Standing, now: number): string {
  switch (standing.kind) {
    case 'archived':
      return texts.archivedRoom;
    case 'muted':
      return standing.until === null ? texts.muted : texts.mutedUntil(momentOf(standing.until, now));
    default:
      return texts.readOnly;
  }
}
