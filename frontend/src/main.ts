/** Puts the chat together with the browser around it. */

import { Chat } from './chat';
import { readAddress } from './shell/address';
import { api } from './shell/api';
import { followPage } from './shell/page-events';
import { ReadingStorage } from './shell/reading-storage';
import { openSocket } from './shell/socket';
import { Storage, browserStorage } from './shell/storage';
import './styles/chat.css';
import { required } from './view/element';
import { Page } from './view/page';
import { putWords } from './view/words';

/** The longest that a browser's timer holds. */
const LONGEST_TIMER = 2 ** 31 - 1;

putWords();
const storage = new Storage(browserStorage());
const reading = new ReadingStorage(browserStorage());
const chat = new Chat(
  {
    api,
    outbox: storage,
    positions: reading,
    announcements: reading,
    openSocket,
    now: () => Date.now(),
    random: () => Math.random(),
    uuid: newUuid,
    wakeAt: (at, call) => {
      const timer = setTimeout(call, Math.min(LONGEST_TIMER, Math.max(0, at - Date.now())));
      return () => clearTimeout(timer);
    },
  },
  readAddress().room,
  () => page.schedule(),
);
const page = new Page(chat, storage);

const follow = (hash: string): void => {
  const { room, sequence } = readAddress(hash);
  chat.enter(room);
  page.seek(room, sequence);
};
// What the address was changed to, not what it is: a page drawn in between has put its own room there again.
addEventListener('hashchange', ({ newURL }) => follow(new URL(newURL).hash));
addEventListener('beforeunload', (event) => {
  if (storage.atRisk > 0) event.preventDefault();
});
// Its own way would write the field into the address, where the room stands.
required('.skip', HTMLAnchorElement).addEventListener('click', (event) => {
  event.preventDefault();
  required('#message', HTMLTextAreaElement).focus();
});
followPage(chat);
reading.follow(() => chat.agree());
follow(location.hash);
chat.notice({ type: 'start' });
page.schedule();

/** `crypto.randomUUID` is there only over https and on this machine. */
function newUuid(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/u, '$1-$2-$3-$4-$5');
}
