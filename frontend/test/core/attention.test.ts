import { expect, it } from 'vitest';
import { type Attention, NOWHERE, look } from '../../src/core/attention';
import { EMPTY_ROOM, addMessage, addPage } from '../../src/core/room';
import { message, messages } from './messages';

const three = addPage(EMPTY_ROOM, messages(1, 3), 3);
const called = message(4, { text: 'Where is @Me?' });
const four = addMessage(three, called);
const after = (room = three): Attention => look(NOWHERE, 'general', room, 'me', false).attention;

it('counts what others say while the page is hidden', () => {
  const away = look(after(), 'general', addMessage(four, message(5, { username: 'me' })), 'me', true);
  expect(away.unseen).toBe(1);
  expect(look(away.attention, 'general', four, 'me', false).unseen).toBe(0);
});

it('tells of a call once, and only to who looks elsewhere', () => {
  const first = look(after(), 'general', four, 'me', true);
  expect(first.calls).toEqual([called]);
  expect(look(first.attention, 'general', four, 'me', true).calls).toEqual([]);
  expect(look(after(), 'general', four, 'me', false).calls).toEqual([]);
  expect(look(after(), 'general', four, null, true).calls).toEqual([]);
});

it('takes history for no news, also when it comes while the page is hidden', () => {
  expect(look(NOWHERE, 'general', four, 'me', true)).toMatchObject({ unseen: 0, calls: [] });
  expect(look(after(), 'random', four, 'me', true)).toMatchObject({ unseen: 0, calls: [] });
});

it('counts the first message of an empty room', () => {
  const empty = addPage(EMPTY_ROOM, [], 0);
  expect(look(after(empty), 'general', addMessage(empty, message(1)), 'me', true).unseen).toBe(1);
  expect(look(NOWHERE, 'general', addMessage(EMPTY_ROOM, message(1)), 'me', true).unseen).toBe(0);
});
