/** The whole page: draws what changed, at most once a frame. */

import { Chat } from '../chat';
import type { Reason } from '../chat/moderation';
import { NOWHERE, look } from '../core/attention';
import type { ChatMessage } from '../core/frames';
import { speakers } from '../core/mentions';
import { standingIn } from '../core/standing';
import type { Outbox } from '../core/outbox';
import { written } from '../core/unread';
import { addressOf, showAddress } from '../shell/address';
import { notify } from '../shell/notifications';
import type { Storage } from '../shell/storage';
import { texts } from '../texts';
import { AccountView } from './account';
import { BannersView } from './banners';
import { CompanyView } from './company';
import { Composer } from './composer';
import { required, setText } from './element';
import { LogView } from './log';
import { MessageMenu } from './message-menu';
import { askToReport, askToRestrict } from './moderation';
import { RoomsView } from './rooms';
import { StatusView } from './status';

const MESSAGE_LENGTH = 4_000;
/** A hidden page draws no frames, and countdowns and relative times go on. */
const REFRESH = 1_000;

export class Page {
  private readonly title = required('#room-title', HTMLElement);
  private readonly entering = required('#entering', HTMLElement);
  private readonly main = required('main', HTMLElement);
  private readonly account = new AccountView();
  private readonly banners: BannersView;
  private readonly company: CompanyView;
  private readonly composer: Composer;
  private readonly log: LogView;
  private readonly menu: MessageMenu;
  private readonly rooms = new RoomsView();
  private readonly status: StatusView;
  private attention = NOWHERE;
  private scheduled = false;

  constructor(
    private readonly chat: Chat,
    storage: Storage,
  ) {
    this.banners = new BannersView((id) => chat.dismiss(id));
    this.status = new StatusView(() => chat.notice({ type: 'reconnect' }));
    this.company = new CompanyView((isShown) => chat.showCompany(isShown));
    this.composer = new Composer({
      write: (text) => chat.write(text),
      alter: (sequence, text) => chat.alter(sequence, text),
      lookBack: () => this.menu.enter(),
      draft: (author, room) => storage.draft(author, room),
      keepDraft: (author, room, text) => storage.keepDraft(author, room, text),
      types: () => chat.types(),
    });
    this.log = new LogView({
      tryAgain: (id) => chat.tryAgain(id),
      edit: (id) => this.edit(id),
      discard: (id) => chat.discard(id),
      loadOlder: (room, sequence) => chat.loadOlder(room, sequence),
      readsNewest: (room) => chat.readsNewest(room),
      look: (room, reads, lineSeen) => chat.look(room, reads, lineSeen),
      notFound: () => {
        chat.say(texts.noSuchMessage, 'warning');
        this.schedule();
      },
    });
    this.menu = new MessageMenu(required('#scroller', HTMLElement), required('#log', HTMLElement), {
      find: (sequence) => chat.room(chat.membership.shown).messages.find((each) => each.sequence === sequence) ?? null,
      isOwn: ({ guest, username }) => !guest && username === chat.author,
      link: ({ sequence }) => new URL(addressOf(chat.membership.shown, sequence), location.href).href,
      edit: ({ sequence, text }) => this.composer.edit(sequence, text),
      remove: ({ sequence }) => chat.alter(sequence, null),
      isModerator: () => chat.listing(chat.membership.shown)?.canModerate ?? false,
      report: (message) => {
        const report = (reason: Reason, note: string): void => chat.report(message.sequence, reason, note);
        askToReport(message, report, () => this.composer.focus());
      },
      restrict: (message) => this.restrict(message),
      done: () => this.composer.focus(),
    });
    setInterval(() => this.schedule(), REFRESH);
  }

  /** Go to a message that an address names. */
  seek(room: string, sequence: number | null): void {
    if (sequence !== null) this.log.seek(room, sequence);
  }

  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    const draw = (): void => {
      this.scheduled = false;
      this.draw();
    };
    if (document.hidden) setTimeout(draw);
    else requestAnimationFrame(draw);
  }

  private draw(): void {
    const { chat } = this;
    const now = Date.now();
    const { shown, target, joined } = chat.membership;
    const listing = chat.listing(shown);
    const title = listing?.title ?? shown;
    const entering = target === shown ? null : (chat.listing(target)?.title ?? target);

    this.tellCalls(shown, title);
    const unread = chat.reading.total;
    document.title = `${unread.unread === 0 ? '' : `(${written(unread)}) `}${title} · ${texts.product}`;
    setText(this.title, title);
    setText(this.entering, entering === null ? '' : texts.entering(entering));
    this.main.classList.toggle('leaving', entering !== null && joined !== null);
    this.rooms.render({
      rooms: chat.session?.rooms ?? [],
      shown,
      target,
      unsent: (room) => chat.unsent(room).length,
      unread: (room) => chat.reading.count(room),
    });
    this.account.render(chat.session, target);
    this.banners.render(chat.banners);
    this.status.render(chat.connection, chat.author === null, now);
    if (chat.session !== null) {
      const unsent = chat.unsent(shown);
      this.drawLog(shown, title, unsent, now);
      this.menu.refresh();
    }
    this.composer.render({
      room: shown,
      title,
      standing: standingIn(listing, now),
      slowMode: listing?.canModerate === true ? 0 : (listing?.slowMode ?? 0),
      now,
      limit: chat.session?.messageLength ?? MESSAGE_LENGTH,
      entering,
      author: chat.author,
      names: speakers(chat.room(shown).messages, chat.author),
    });
    if (chat.session !== null) showAddress(target);
  }

  private drawLog(name: string, title: string, unsent: Outbox, now: number): void {
    const { chat } = this;
    const { left } = chat.reading;
    const here = left.room === name ? left : { line: null, broken: null };
    const news = here.line === null ? 0 : chat.reading.news(name, here.line).length;
    this.log.render({ name, title, room: chat.room(name), unsent, author: chat.author, left: here, news }, now);
    this.company.render({
      presence: chat.company.presence?.room === name ? chat.company.presence : null,
      writers: chat.company.writersIn(name),
      author: chat.author,
    });
  }

  /** Tell who is called while the page is hidden. */
  private tellCalls(shown: string, title: string): void {
    const { author } = this.chat;
    const looked = look(this.attention, shown, this.chat.room(shown), author, document.hidden);
    this.attention = looked.attention;
    for (const { username, text, sequence } of looked.calls) {
      notify(texts.calledBy(username, title), text, `${shown} ${sequence}`);
    }
  }

  private restrict(message: ChatMessage): void {
    const { chat } = this;
    askToRestrict(message, chat.membership.shown, chat.moderation.held(message.username), {
      restrict: (wanted) => chat.restrict(wanted),
      lift: (restriction) => chat.lift(restriction),
      titleOf: (room) => (room === null ? null : (chat.listing(room)?.title ?? room)),
      closed: () => this.composer.focus(),
    });
  }

  private edit(clientId: string): void {
    const item = this.chat.outbox.find((each) => each.clientId === clientId);
    if (item === undefined) return;
    this.chat.discard(clientId);
    this.composer.takeBack(item.text);
  }
}
