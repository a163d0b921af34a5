/** Puts the words of the person's language where the page's markup has English ones. */

import { locale, texts } from '../texts';
import { required } from './element';

export function putWords(): void {
  document.documentElement.lang = locale;
  required('.skip', HTMLElement).textContent = texts.skip;
  required('#rooms-title', HTMLElement).textContent = texts.rooms;
  required('#account', HTMLElement).setAttribute('aria-label', texts.account);
  required('#scroller', HTMLElement).setAttribute('aria-label', texts.conversation);
  required('#connection-state', HTMLElement).textContent = texts.connecting;
}
