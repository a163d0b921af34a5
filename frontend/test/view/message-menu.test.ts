// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatMessage } from '../../src/core/frames';
import { MessageMenu } from '../../src/view/message-menu';
import { message } from '../core/messages';

const known = new Map<number, ChatMessage>();
const actions = {
  find: (sequence: number) => known.get(sequence) ?? null,
  isOwn: ({ username }: ChatMessage) => username === 'ann',
  link: ({ sequence }: ChatMessage) => `https://example.com/#general/${sequence}`,
  isModerator: () => moderates,
  edit: vi.fn(),
  report: vi.fn(),
  restrict: vi.fn(),
  remove: vi.fn(),
  done: vi.fn(),
};
let moderates = false;
const copied: string[] = [];
let menu: MessageMenu;

beforeEach(() => {
  vi.stubGlobal('navigator', { clipboard: { writeText: async (text: string) => void copied.push(text) } });
  document.body.innerHTML = `<div><div id="scroller"><div id="log" role="log">
    <div class="day"></div><div class="message" data-sequence="1"></div><div class="message" data-sequence="2"></div>
    <div class="message" data-sequence="3"></div><div class="message" data-state="pending"></div></div></div></div>`;
  known.clear();
  known.set(1, message(1, { username: 'ann' }));
  known.set(2, message(2, { removed: true, text: '' }));
  known.set(3, message(3, { username: 'bob', text: 'hello' }));
  copied.length = 0;
  moderates = false;
  for (const spy of [actions.edit, actions.remove, actions.report, actions.restrict, actions.done]) spy.mockClear();
  const part = (id: string): HTMLElement => document.querySelector(id) as HTMLElement;
  menu = new MessageMenu(part('#scroller'), part('#log'), actions);
});

const bar = (): HTMLElement => document.querySelector('#message-menu') as HTMLElement;
const shown = (): readonly (string | null)[] =>
  [...bar().querySelectorAll('button')].filter(({ hidden }) => !hidden).map(({ textContent }) => textContent);
const press = (key: string): boolean => bar().dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
const click = (label: string): void =>
  [...bar().querySelectorAll('button')].find(({ textContent }) => textContent === label)?.click();

describe('the menu of a message', () => {
  it('stands outside the log, whose rows are read out', () => {
    expect(bar().closest('[role="log"]')).toBeNull();
    expect(bar().hidden).toBe(true);
  });

  it('is entered at the last message by the keyboard, and goes from one to the next', () => {
    expect(menu.enter()).toBe(true);
    expect(bar().getAttribute('aria-label')).toContain('bob: hello');
    expect(document.activeElement?.textContent).toBe('Copy text');
    press('ArrowUp');
    expect(bar().getAttribute('aria-label')).toContain('ann');
    press('ArrowUp');
    expect(bar().getAttribute('aria-label')).toContain('ann');
    press('ArrowLeft');
    expect(document.activeElement?.textContent).toBe('Delete');
    press('Escape');
    expect(bar().hidden).toBe(true);
    expect(actions.done).toHaveBeenCalledOnce();
  });

  it('lets one edit and delete what is one’s own only', () => {
    menu.enter();
    expect(shown()).toEqual(['Copy text', 'Copy link', 'Report']);
    press('ArrowUp');
    expect(shown()).toEqual(['Copy text', 'Copy link', 'Edit', 'Delete']);
    click('Edit');
    expect(actions.edit).toHaveBeenCalledWith(known.get(1));
  });

  it('deletes after a second word only', () => {
    menu.enter();
    press('ArrowUp');
    click('Delete');
    expect(actions.remove).not.toHaveBeenCalled();
    click('Really delete?');
    expect(actions.remove).toHaveBeenCalledWith(known.get(1));
    expect(bar().hidden).toBe(true);
  });

  it('lets others’ messages be reported', () => {
    menu.enter();
    click('Report');
    expect(actions.report).toHaveBeenCalledWith(known.get(3));
  });

  it('lets a moderator delete anyone’s, and act about whoever has a name', () => {
    moderates = true;
    menu.enter();
    expect(shown()).toEqual(['Copy text', 'Copy link', 'Mute or ban', 'Delete']);
    click('Mute or ban');
    expect(actions.restrict).toHaveBeenCalledWith(known.get(3));
    known.set(3, message(3, { username: 'Anonymous', guest: true }));
    menu.enter();
    expect(shown()).toEqual(['Copy text', 'Copy link', 'Delete']);
  });

  it('copies the text and a link', async () => {
    menu.enter();
    click('Copy text');
    click('Copy link');
    await vi.waitFor(() => expect(copied).toEqual(['hello', 'https://example.com/#general/3']));
  });

  it('goes when its message does', () => {
    menu.enter();
    known.set(3, message(3, { removed: true }));
    menu.refresh();
    expect(bar().hidden).toBe(true);
    known.clear();
    expect(menu.enter()).toBe(false);
  });
});
