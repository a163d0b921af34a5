/** A form in a dialog: asks a few things, and is gone once they are answered or nobody wants to. */

import { texts } from '../texts';
import { button, element } from './element';

let dialogs = 0;

/** Opens at once. `submit` gets what was filled in; `closed` runs in any case. */
export function askInDialog(
  title: string,
  label: string,
  content: readonly Node[],
  submit: (filled: FormData) => void,
  closed: () => void,
): void {
  dialogs += 1;
  const heading = element('h2', { id: `dialog-title-${dialogs}` }, title);
  const send = element('button', { type: 'submit', class: 'button small' }, label);
  const cancel = button(texts.cancel, 'button small quiet', () => dialog.close());
  const form = element('form', { method: 'dialog' }, ...content, element('p', { class: 'choices' }, send, ' ', cancel));
  const dialog = element('dialog', { class: 'dialog', 'aria-labelledby': heading.id }, heading, form);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit(new FormData(form));
    dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** Some choices of which one is taken, the first unless somebody says otherwise. */
export function choice(legend: string, name: string, options: readonly (readonly [string, string])[]): HTMLElement {
  const items = options.map(([value, label], index) => {
    const input = element('input', { type: 'radio', name, value, checked: index === 0 });
    return element('label', { class: 'option' }, input, ' ', label);
  });
  return element('fieldset', {}, element('legend', {}, legend), ...items);
}

/** A text of some lines; too long a one is marked, and never cut. */
export function lines(label: string, name: string, most: number, tooLong: string): HTMLElement {
  const field = element('textarea', { name, rows: '3', dir: 'auto' });
  field.addEventListener('input', () => {
    field.setCustomValidity([...field.value.trim()].length > most ? tooLong : '');
  });
  return element('label', { class: 'lines' }, label, field);
}
