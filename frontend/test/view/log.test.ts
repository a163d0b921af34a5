// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as outbox from '../../src/core/outbox';
import * as rooms from '../../src/core/room';
import { LogView } from '../../src/view/log';
import { message, messages } from '../core/messages';

const NOW = Date.UTC(2026, 10, 25, 12);
const WRITTEN = { clientId: 'x', room: 'general', author: 'ann', text: 'mine', writtenAt: NOW };
const actions = { tryAgain: vi.fn(), edit: vi.fn(), discard: vi.fn(), loadOlder: vi.fn(), readsNewest: vi.fn(), look: vi.fn(), notFound: vi.fn() };

let view: LogView;
let additions: string[];

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = `
    <div id="scroller"><p id="above-log"></p><div id="log" role="log"></div></div><p id="announcement"></p>`;
  view = new LogView(actions);
  additions = [];
});

function log(): HTMLElement {
  return document.querySelector('#log') as HTMLElement;
}

function show(room: rooms.Room, unsent: outbox.Outbox = [], name = 'general'): void {
  const before = new Set(log().children);
  view.render({ name, title: name, room, unsent, author: 'ann', left: { line: null, broken: null }, news: 0 }, NOW);
  if (log().getAttribute('aria-live') === 'off') return;
  for (const row of log().children) if (!before.has(row)) additions.push(row.querySelector('.text')?.textContent ?? '');
}

function rest(): void {
  vi.advanceTimersByTime(1_000);
}

const page = (first: number, last: number): rooms.Room => rooms.addPage(rooms.EMPTY_ROOM, messages(first, last), last);

describe('a message that was changed', () => {
  it('shows what it says now, in the same row', () => {
    show(page(1, 2));
    const rows = [...log().querySelectorAll('.message')];
    const edited = rooms.addChange(page(1, 2), { sequence: 3, target: 1, text: 'other words' });
    show(rooms.addChange(edited, { sequence: 4, target: 2, text: null }));
    expect([...log().querySelectorAll('.message')]).toEqual(rows);
    expect(rows[0]?.querySelector('.text')?.textContent).toBe('other words');
    expect(rows[0]?.querySelector('.edited')?.textContent).toBe('edited');
    expect(rows[1]?.querySelector('.text')?.textContent).toBe('This message was deleted.');
    expect(rows[1]?.classList.contains('removed')).toBe(true);
  });
});

describe('a live region', () => {
  it('reads out what is said, and neither history nor a change of rooms', () => {
    show(page(1, 50));
    rest();
    show(rooms.addMessage(page(1, 50), message(51)));
    rest();
    show(page(101, 150), [], 'support');
    rest();
    show(rooms.addPage(page(101, 150), messages(95, 100), 150), [], 'support');
    expect(additions).toEqual(['message 51']);
  });

  it('reads an own message once: its row stays from pending to sent', () => {
    show(page(1, 3));
    rest();
    const pending = outbox.write([], WRITTEN);
    show(page(1, 3), pending);
    const row = log().lastElementChild;
    expect(row?.getAttribute('data-state')).toBe('pending');
    show(rooms.addMessage(page(1, 3), message(4, { clientId: 'x', text: 'mine' })));
    expect(log().lastElementChild).toBe(row);
    expect(row?.getAttribute('data-state')).toBe('sent');
    expect(row?.getAttribute('data-sequence')).toBe('4');
    expect(additions).toEqual(['mine']);
  });

  it('keeps the rows that are there when others come before, between and after them', () => {
    const some = rooms.addMessage(page(5, 8), message(10));
    show(some);
    const kept = [...log().querySelectorAll('.message')];
    show(rooms.addPage(rooms.addPage(some, messages(1, 4), 10), messages(9, 9), 10));
    const all = [...log().querySelectorAll('.message')];
    expect(all.map((row) => row.getAttribute('data-sequence'))).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']);
    expect([...all.slice(4, 8), all[9]]).toEqual(kept);
  });
});

describe('a row', () => {
  it('has text as text', () => {
    const text = '<img src=x onerror=alert(1)> & <b>bold</b>';
    show(rooms.addMessage(page(1, 1), message(2, { text, username: '<i>eve</i>' })));
    const row = log().querySelector('[data-sequence="2"]');
    expect(row?.querySelector('.text')?.textContent).toBe(text);
    expect(row?.querySelector('.author')?.textContent).toBe('<i>eve</i>');
    expect(row?.querySelector('img, b, i')).toBeNull();
  });

  it('of a failed message says why, and offers to try again', () => {
    const sending = outbox.markSending(outbox.write([], WRITTEN), 'x', NOW);
    show(page(1, 1), sending);
    show(page(1, 1), outbox.expire(sending, NOW + outbox.ANSWER_TIMEOUT));
    const row = log().querySelector('[data-state="failed"]');
    expect(row?.textContent).toContain('Not sent.');
    const buttons = [...(row?.querySelectorAll('button') ?? [])];
    expect(buttons.map(({ textContent }) => textContent)).toEqual(['Try again', 'Edit', 'Discard']);
    buttons[0]?.click();
    expect(actions.tryAgain).toHaveBeenCalledWith('x');
    expect(document.querySelector('#announcement')?.textContent).toBe('A message was not sent.');
  });
});
