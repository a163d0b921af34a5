/** The list of rooms. */

import type { RoomListing } from '../ports';
import { addressOf } from '../shell/address';
import { type Count, written } from '../core/unread';
import { texts } from '../texts';
import { element, required, setText } from './element';

export interface RoomsState {
  readonly rooms: readonly RoomListing[];
  readonly shown: string;
  readonly target: string;
  readonly unsent: (room: string) => number;
  readonly unread: (room: string) => Count;
}

interface Entry {
  readonly item: HTMLLIElement;
  readonly link: HTMLAnchorElement;
  readonly title: HTMLElement;
  readonly badge: HTMLElement;
  readonly count: HTMLElement;
  readonly spoken: HTMLElement;
  readonly mark: HTMLElement;
  readonly kind: HTMLElement;
}

export class RoomsView {
  private readonly list = required('#rooms', HTMLUListElement);
  private entries = new Map<string, Entry>();
  private shown = '';

  render({ rooms, shown, target, unsent, unread }: RoomsState): void {
    const names = rooms.map(({ name }) => name).join(' ');
    if (names !== [...this.entries.keys()].join(' ')) {
      this.entries = new Map(rooms.map((room) => [room.name, this.entries.get(room.name) ?? this.makeEntry(room)]));
      this.list.replaceChildren(...[...this.entries.values()].map(({ item }) => item));
    }
    for (const room of rooms) {
      const { name, title } = room;
      const entry = this.entries.get(name);
      if (entry === undefined) continue;
      setText(entry.title, title);
      if (name === shown) entry.link.setAttribute('aria-current', 'page');
      else entry.link.removeAttribute('aria-current');
      entry.link.classList.toggle('entering', name === target && name !== shown);
      this.showUnread(entry, unread(name));
      const kind = kindOf(room);
      entry.mark.className = `mark ${kind}`;
      setText(entry.kind, kind === '' ? '' : ` (${texts.roomKinds[kind]})`);
      const waiting = name === shown ? 0 : unsent(name);
      entry.badge.hidden = waiting === 0;
      setText(entry.badge, waiting === 0 ? '' : texts.unsentIn(waiting));
    }
    if (shown !== this.shown) {
      this.shown = shown;
      this.entries.get(shown)?.link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    }
  }

  private showUnread({ link, count, spoken }: Entry, unread: Count): void {
    link.classList.toggle('some-unread', unread.unread > 0);
    count.hidden = unread.unread === 0;
    count.classList.toggle('mentioned', unread.mentions > 0);
    setText(count, `${unread.mentions > 0 ? '@ ' : ''}${written(unread)}`);
    // Part of the link's name, and no live region: it is read when somebody comes by.
    setText(spoken, unread.unread === 0 ? '' : ` (${texts.unread(unread.unread, unread.capped, unread.mentions)})`);
  }

  private makeEntry({ name }: RoomListing): Entry {
    const title = element('bdi', { class: 'room-title' });
    const badge = element('span', { class: 'unsent', hidden: true });
    const count = element('span', { class: 'unread', 'aria-hidden': 'true', hidden: true });
    const spoken = element('span', { class: 'visually-hidden' });
    const mark = element('span', { class: 'mark', 'aria-hidden': 'true' });
    const kind = element('span', { class: 'visually-hidden' });
    const link = element('a', { href: addressOf(name), 'data-room': name }, mark, title);
    link.append(kind, spoken, ' ', count, badge);
    return { item: element('li', {}, link), link, title, badge, count, spoken, mark, kind };
  }
}

function kindOf({ archived, readOnly, restricted }: RoomListing): '' | 'archived' | 'read-only' | 'restricted' {
  if (archived) return 'archived';
  if (readOnly) return 'read-only';
  return restricted ? 'restricted' : '';
}
