import { describe, expect, it } from 'vitest';
import { english } from '../src/languages/english';
import { german } from '../src/languages/german';
import { chosenFrom } from '../src/texts';

describe('the language', () => {
  it.each([
    [['de-AT', 'en'], german, 'de-AT'],
    [['fr', 'de'], german, 'de'],
    [['en-GB', 'de'], english, 'en-GB'],
    [['fr'], english, 'en'],
    [['en-US@posix'], english, 'en'],
    [['de_DE.UTF-8', ''], english, 'en'],
    [['de--'], german, 'de'],
    [[], english, 'en'],
  ])('of %j', (wanted, texts, locale) => expect(chosenFrom(wanted)).toEqual({ texts, locale }));

  // The texts' type holds that none is missing; these hold that none was left in English, or left empty.
  const spoken = (texts: typeof english): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(texts)
        .filter(([name]) => !['product', 'guest', 'refusals', 'calledBy', 'inSeconds'].includes(name))
        .map(([name, text]) => [name, typeof text === 'function' ? (text as (...given: unknown[]) => string)(2, 2) : JSON.stringify(text)]),
    );

  it.each(Object.entries(spoken(german)))('says %s in words of its own', (name, text) => {
    expect(text).not.toMatch(/^("")?$/u);
    expect(text).not.toBe(spoken(english)[name]);
  });
});
