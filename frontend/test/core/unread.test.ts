import { expect, it } from 'vitest';
import { EMPTY_ROOM, addChange, addPage } from '../../src/core/room';
import { NOTHING, countHeld, newsAfter, sum, written } from '../../src/core/unread';
import { message, messages } from './messages';

const room = addPage(
  EMPTY_ROOM,
  [
    message(1),
    message(2, { username: 'me' }),
    message(3, { username: 'me', guest: true }),
    message(4, { text: 'for @me' }),
    message(5),
  ],
  5,
);

it('is what others said after the position and did not take back', () => {
  const sequences = (seen: number, held = room): readonly number[] =>
    newsAfter(held, seen, 'me').map(({ sequence }) => sequence);
  expect(sequences(0)).toEqual([1, 3, 4, 5]);
  expect(sequences(3)).toEqual([4, 5]);
  expect(sequences(5)).toEqual([]);
  expect(sequences(0, addChange(room, { sequence: 6, target: 5, text: null }))).toEqual([1, 3, 4]);
});

it('counts calls, and to guests nobody calls', () => {
  expect(countHeld(room, 0, 'me', NOTHING)).toEqual({ unread: 4, mentions: 1, latest: 5, capped: false });
  expect(countHeld(room, 0, null, NOTHING).mentions).toBe(0);
});

it('takes the server’s count for what is older than what is held', () => {
  const held = addPage(EMPTY_ROOM, messages(71, 80), 80);
  const counted = { unread: 60, mentions: 2, latest: 78, capped: false };
  expect(countHeld(held, 20, 'me', counted)).toMatchObject({ unread: 60, mentions: 2 });
  expect(countHeld(held, 75, 'me', counted)).toMatchObject({ unread: 5, mentions: 0 });
  const many = addPage(EMPTY_ROOM, messages(1, 150), 150);
  expect(countHeld(many, 0, 'me', NOTHING)).toMatchObject({ unread: 99, capped: true });
});

it('is written as a number', () => {
  expect(written(NOTHING)).toBe('');
  expect(written({ ...NOTHING, unread: 3 })).toBe('3');
  expect(written({ ...NOTHING, unread: 99, capped: true })).toBe('99+');
  expect(sum([{ ...NOTHING, unread: 3 }, { ...NOTHING, unread: 99, mentions: 1, capped: true }])).toMatchObject({
    unread: 102,
    mentions: 1,
    capped: true,
  });
});
