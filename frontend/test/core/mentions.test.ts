import { describe, expect, it } from 'vitest';
import { beginningWith, mentions, speakers, typedAt } from '../../src/core/mentions';
import { message } from './messages';

describe('a text', () => {
  it.each(['@ada', 'Well, @Ada.', '(@ada)', '@ada: yes', '@ada, @bob', 'a\n@ADA'])('%j calls ada', (text) =>
    expect(mentions(text, 'ada')).toBe(true),
  );

  it.each(['ada', '@adam', 'x@ada', '@ada.b', '@ada-b', '@adä', 'https://a.example/@adas', '@'])(
    '%j does not call ada',
    (text) => expect(mentions(text, 'ada')).toBe(false),
  );

  it.each(['a.b+c-d', 'a@b', 'ünal', '\u{10400}nna', 'x\\d'])('calls %j by all that a name may hold', (name) => {
    expect(mentions(`hello @${name}!`, name)).toBe(true);
    expect(mentions('hello @axb+c-d!', name)).toBe(false);
  });
});

describe('a name that is being typed', () => {
  it.each([
    ['@', 1, { start: 0, begun: '' }],
    ['hi @ad', 6, { start: 3, begun: 'ad' }],
    ['hi @ada there', 6, { start: 3, begun: 'ad' }],
    ['mail@ada', 8, null],
    ['@ada ', 5, null],
    ['none', 4, null],
  ])('in %j at %i', (text, caret, expected) => expect(typedAt(text, caret)).toEqual(expected));

  it('is completed from who can be called', () => {
    expect(beginningWith(['Adam', 'Bob', 'ada'], 'AD', 6)).toEqual(['Adam', 'ada']);
    expect(beginningWith(['a1', 'a2', 'a3'], '', 2)).toEqual(['a1', 'a2']);
  });
});

describe('who can be called', () => {
  it('spoke last comes first, once, and never a guest or oneself', () => {
    const said = [
      message(1, { username: 'ann' }),
      message(2, { username: 'bob' }),
      message(3, { username: 'Anonymous', guest: true }),
      message(4, { username: 'ann' }),
      message(5, { username: 'me' }),
    ];
    expect(speakers(said, 'me')).toEqual(['ann', 'bob']);
  });
});
