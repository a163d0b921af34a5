import { expect, it } from 'vitest';
import { type Attention, NOWHERE, look } from '../../src/core/attention';
import { EMPTY_ROOM, addMessage, addPage } from '../../src/core/room';
import { message, messages } from './messages';

const three = addPage(EMPTY_ROOM, messages(1, 3), 3);
const called = message(4, { text: 'Where is @Me?' });
const four = addMessage(three, called);
const after = (room = three): Attention => look(NOWHERE, 'general', room, 'me', false).attention;

it('tells of a call once, and only to who looks elsewhere', () => {
  const first = look(after(), 'general', four, 'me', true);
  expect(first.calls).toEqual([called]);
  expect(look(first.attention, 'general', four, 'me', true).calls).toEqual([]);
  expect(look(after(), 'general', four, 'me', false).calls).toEqual([]);
  expect(look(after(), 'general', four, null, true).calls).toEqual([]);
});

it('takes history for no news, also when it comes while the page is hidden', () => {
  expect(look(NOWHERE, 'general', four, 'me', true).calls).toEqual([]);
  expect(look(after(), 'random', four, 'me', true).calls).toEqual([]);
});

it('tells of a call that is the first message of an empty room', () => {
  const empty = addPage(EMPTY_ROOM, [], 0);
  const call = message(1, { text: '@me' });
  expect(look(after(empty), 'general', addMessage(empty, call), 'me', true).calls).toEqual([call]);
  expect(look(NOWHERE, 'general', addMessage(EMPTY_ROOM, call), 'me', true).calls).toEqual([]);
});
