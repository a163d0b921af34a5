import { describe, expect, it } from 'vitest';
import { colourOf, initial, isBlank, lengthOf, messageText } from '../../src/core/text';

describe('the text that is sent', () => {
  it('keeps its indentation', () => {
    expect(messageText('    if x:\n        y\n')).toBe('    if x:\n        y');
    expect(messageText('\n\n  a')).toBe('\n\n  a');
  });

  it('has newlines as one character and no control characters', () => {
    expect(messageText('a\r\nb\rc\td\u0000\u0007')).toBe('a\nb\nc\td');
  });

  it('is composed, so that the longest one fits into a frame of 32 KB', () => {
    const hangul = '\u1112\u1161\u11ab'.repeat(4_000);
    const text = messageText(hangul);
    expect(lengthOf(text)).toBe(4_000);
    expect(new TextEncoder().encode(JSON.stringify({ message: text })).length).toBeLessThan(32_768);
  });

  it('has no half of a letter', () => {
    expect(messageText('a\ud83d')).toBe('a\ufffd');
  });
});

describe('its length', () => {
  it.each([
    ['😀'.repeat(4_000), 4_000],
    [`${'a'.repeat(3_999)}👨‍👩‍👧‍👦`, 4_006],
    ['\ufb2c'.repeat(1_500), 4_500],
    [`${'a'.repeat(4_000)}   \n`, 4_000],
  ])('is counted as the server counts: %#', (written, length) => {
    expect(lengthOf(messageText(written))).toBe(length);
  });
});

describe('blank', () => {
  it.each(['', ' \n', '\u200b', '\u2800', '\u3164', '\u00a0', '\ufeff', '\u200d\u200d\u200d'])('is %j', (text) => {
    expect(isBlank(text)).toBe(true);
  });

  it.each(['a', '.', '🇨🇭', '\u0301'])('is not %j', (text) => {
    expect(isBlank(text)).toBe(false);
  });
});

describe('an avatar', () => {
  it.each([
    ['ann', 'A'],
    ['𐐀nna', '𐐀'],
    ['𐐨nna', '𐐀'],
    ['🇨🇭 Matterhorn', '🇨🇭'],
    ['é'.normalize('NFD'), 'É'.normalize('NFD')],
    ['', '?'],
  ])('of %j is %j', (name, letter) => {
    expect(initial(name)).toBe(letter);
  });

  it('has one colour for a name, and many for many', () => {
    expect(colourOf('ann', 8)).toBe(colourOf('ann', 8));
    const colours = new Set(Array.from({ length: 100 }, (_, index) => colourOf(`user${index}`, 8)));
    expect(colours.size).toBe(8);
  });
});
