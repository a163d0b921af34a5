/** Who I am, and the way in and out. */

import type { Session } from '../ports';
import { addressOf } from '../shell/address';
import { csrfToken } from '../shell/api';
import { colourOf, initial } from '../core/text';
import { texts } from '../texts';
import { ask, mayAsk } from '../shell/notifications';
import { button, element, required } from './element';
import { shortcutsButton } from './shortcuts';

export class AccountView {
  private readonly place = required('#account', HTMLElement);
  private shown: string | null | undefined;
  private readonly shortcuts = shortcutsButton();
  private returnTo: (to: string) => void = () => undefined;

  render(session: Session | null, room: string): void {
    const username = session === null ? undefined : session.username;
    if (username !== this.shown) {
      this.shown = username;
      this.place.replaceChildren();
      if (username === null) this.showGuest();
      else if (username !== undefined) this.showMember(username);
    }
    if (!this.shortcuts.isConnected) this.place.append(this.shortcuts);
    this.returnTo(`/${addressOf(room)}`);
  }

  private showGuest(): void {
    const signIn = element('a', { class: 'button small' }, texts.signIn);
    const signUp = element('a', { class: 'button small quiet' }, texts.signUp);
    this.returnTo = (to) => {
      signIn.href = `/accounts/login/?next=${encodeURIComponent(to)}`;
      signUp.href = `/accounts/signup/?next=${encodeURIComponent(to)}`;
    };
    this.place.append(face(texts.guest, 'guest'), whoIs(texts.guest), element('span', { class: 'ways' }, signIn, signUp));
  }

  private showMember(username: string): void {
    const token = element('input', { type: 'hidden', name: 'csrfmiddlewaretoken' });
    const next = element('input', { type: 'hidden', name: 'next' });
    const out = element('button', { class: 'button small quiet' }, texts.signOut);
    const form = element('form', { class: 'ways', method: 'post', action: '/accounts/logout/' }, token, next, out);
    form.addEventListener('submit', () => {
      token.value = csrfToken();
    });
    this.returnTo = (to) => {
      next.value = to;
    };
    const account = element('a', { class: 'my-account', href: '/accounts/', title: texts.yourAccount }, whoIs(username));
    this.place.append(face(username, String(colourOf(username, 8))), account, form);
    if (mayAsk()) this.place.append(notifyMe());
  }
}

function notifyMe(): HTMLButtonElement {
  const made = button(texts.notifyMe, 'link notify-me', () => {
    void ask().finally(() => {
      made.hidden = !mayAsk();
    });
  });
  return made;
}

function face(name: string, colour: string): HTMLElement {
  return element('span', { class: 'avatar', 'data-colour': colour, 'aria-hidden': 'true' }, initial(name));
}

function whoIs(name: string): HTMLElement {
  return element('bdi', { class: 'who', id: 'who-am-i', title: name }, name);
}
