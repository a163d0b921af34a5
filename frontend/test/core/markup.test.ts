import { describe, expect, it } from 'vitest';
import { type Piece, pieces } from '../../src/core/markup';

const marked = (text: string): readonly (readonly string[])[] =>
  pieces(text)
    .filter(({ kind }) => kind !== 'text')
    .map((piece) => [piece.kind, piece.text]);
const link = (text: string): Extract<Piece, { kind: 'link' }> | undefined =>
  pieces(text).find((piece) => piece.kind === 'link');

describe('links', () => {
  it.each(['https://example.com/a?b=c#d', 'http://localhost:8000/', 'HTTPS://EXAMPLE.COM', 'mailto:ada@example.com'])(
    'are made of %s',
    (address) => expect(marked(`see ${address} there`)).toEqual([['link', address]]),
  );

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.com',
    'https://',
    'mailto:',
    'xhttps://example.com',
    'http://[',
    '//example.com',
    'https://example.com\u202e/moc',
  ])('are not made of %s', (text) => expect(marked(text)).toEqual([]));

  it.each([
    ['Is it https://example.com?', 'https://example.com'],
    ['(https://example.com/a_(b))', 'https://example.com/a_(b)'],
    ['*https://example.com/x*.', '*https://example.com/x*'],
    ['“https://example.com/…”', 'https://example.com/'],
    ['https://example.com/a_b_c/', 'https://example.com/a_b_c/'],
  ])('in %s end where one would', (text, end) => expect(marked(text)[0]?.[1]).toBe(end));

  it('lead where they say, however they are written', () => {
    expect(link('https://exämple.com/ä')?.address).toBe('https://xn--exmple-cua.com/%C3%A4');
  });
});

describe('code and emphasis', () => {
  it.each([
    ['a `b * c` d', [['code', '`b * c`']]],
    ['```\nif x:\n    y\n```', [['block', '```\nif x:\n    y\n```']]],
    ['`https://example.com`', [['code', '`https://example.com`']]],
    ['*now* and _then_', [['strong', '*now*'], ['emphasis', '_then_']]],
    ['2 * 3 * 4, snake_case_name, a*b*c, ** and __', []],
    ['*not\nover lines*', []],
    ['``` never closed', []],
  ])('in %s', (text, expected) => expect(marked(text)).toEqual(expected));
});

describe('every text', () => {
  const nasty = ['`'.repeat(4_000), '*a'.repeat(2_000), '_'.repeat(4_000), '```x'.repeat(1_000), 'https://'.repeat(500), `https://a${')'.repeat(3_980)}`];

  it.each(['', '<b>*x*</b>', '😀 *😀* https://😀.example/', ...nasty])('is there again, whole', (text) => {
    expect(pieces(text).map((piece) => piece.text).join('')).toBe(text);
  });
});
