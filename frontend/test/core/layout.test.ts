import { describe, expect, it } from 'vitest';
import { type Row, layOut } from '../../src/core/layout';
import * as outbox from '../../src/core/outbox';
import * as rooms from '../../src/core/room';
import { message, messages } from './messages';

const DAY = 24 * 3_600_000;
const at = (hour: number, minute = 0): number => new Date(2026, 10, 25, hour, minute).getTime();
const roomOf = (...said: Parameters<typeof message>[]): rooms.Room =>
  rooms.addPage(rooms.EMPTY_ROOM, said.map((each) => message(...each)), said.length);
const continued = (rows: readonly Row[]): readonly boolean[] =>
  rows.flatMap((row) => (row.kind === 'message' || row.kind === 'outgoing' ? [row.continued] : []));

describe('the conversation', () => {
  it('puts messages that one person writes in a row under one name', () => {
    const rows = layOut(
      roomOf(
        [1, { writtenAt: at(9) }],
        [2, { writtenAt: at(9, 4) }],
        [3, { writtenAt: at(9, 20) }],
        [4, { writtenAt: at(9, 21), username: 'bob' }],
      ),
      [],
    );
    expect(continued(rows)).toEqual([false, true, false, false]);
  });

  it('does not take two guests for one', () => {
    const guest = { guest: true, username: 'Anonymous', writtenAt: at(9) };
    expect(continued(layOut(roomOf([1, guest], [2, guest]), []))).toEqual([false, false]);
  });

  it('opens each day once, also where a clock is behind', () => {
    const rows = layOut(
      roomOf([1, { writtenAt: at(9) }], [2, { writtenAt: at(9) + DAY }], [3, { writtenAt: at(23) }]),
      [],
    );
    expect(rows.map(({ kind }) => kind)).toEqual(['day', 'message', 'day', 'message', 'message']);
  });

  it('has what is on its way out below everything else', () => {
    const written = { clientId: 'x', room: 'general', author: 'ann', text: 'hi', writtenAt: at(9, 2) };
    const rows = layOut(roomOf([1, { writtenAt: at(9) }]), outbox.write([], written));
    expect(rows.map(({ key }) => key).slice(1)).toEqual(['message 1', 'outgoing x']);
    expect(continued(rows)).toEqual([false, true]);
  });

  it('has a notice where it was said', () => {
    const noticed = rooms.addNotice(rooms.addPage(rooms.EMPTY_ROOM, messages(1, 2), 2), {
      id: 7,
      text: 'hear',
      level: 'info',
      receivedAt: 0,
      until: null,
    });
    const keys = layOut(rooms.addMessage(noticed, message(3)), []).map(({ key }) => key);
    expect(keys.slice(1)).toEqual(['message 1', 'message 2', 'notice 7', 'message 3']);
  });

  it('has a line where the reader left off, which moves nothing when it goes', () => {
    const spoken = roomOf([1, { writtenAt: at(9) }], [2, { writtenAt: at(9, 1) }], [3, { writtenAt: at(9, 2) }]);
    const rows = layOut(spoken, [], { line: 1, broken: 1 });
    expect(rows.map(({ key }) => key).slice(1)).toEqual(['message 1', 'line', 'message 2', 'message 3']);
    expect(continued(rows)).toEqual([false, false, true]);
    expect(continued(layOut(spoken, [], { line: null, broken: 1 }))).toEqual([false, false, true]);
  });

  it('has no line above what is not loaded, nor below everything', () => {
    const later = rooms.addPage(rooms.EMPTY_ROOM, messages(11, 12), 12);
    const keys = (line: number): readonly string[] => layOut(later, [], { line, broken: line }).map(({ key }) => key);
    expect(keys(5)).not.toContain('line');
    expect(keys(10)[1]).toBe('line');
    expect(keys(12)).not.toContain('line');
  });
});
