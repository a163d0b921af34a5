/** What the keyboard does, said in a dialog. */

import { texts } from '../texts';
import { button, element } from './element';

export function shortcutsButton(): HTMLButtonElement {
  const close = button(texts.close, 'button small', () => dialog.close());
  const keys = element('dl', { class: 'keys' });
  for (const [key, meaning] of texts.shortcuts) {
    keys.append(element('dt', {}, element('kbd', {}, key)), element('dd', {}, meaning));
  }
  const title = element('h2', { id: 'shortcuts-title' }, texts.keyboard);
  const dialog = element('dialog', { class: 'dialog', 'aria-labelledby': title.id }, title, keys, close);
  document.body.append(dialog);
  return button(texts.keyboard, 'link shortcuts', () => dialog.showModal());
}
