// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { element } from '../../src/view/element';
import { showSaid } from '../../src/view/said';

let said: HTMLElement;

beforeEach(() => {
  said = element('p');
});

describe('what was said', () => {
  it('is there to the letter', () => {
    const text = '  *a* <b>_c_</b> `d` ```\n\te``` https://example.com/?f=1&g';
    showSaid(said, text);
    expect(said.textContent).toBe(text);
    expect(said.querySelector('b')).toBeNull();
  });

  it('links to where it says, and tells nobody where from', () => {
    showSaid(said, 'see https://example.com/a.');
    const link = said.querySelector('a');
    expect([link?.textContent, link?.href]).toEqual(['https://example.com/a', 'https://example.com/a']);
    expect(link?.rel.split(' ')).toEqual(expect.arrayContaining(['noopener', 'noreferrer']));
  });

  it.each(['javascript:alert(1)', '"><img src=x onerror=alert(1)>', 'https://a" onclick="alert(1)'])(
    'runs nothing of %s',
    (text) => {
      showSaid(said, text);
      expect(said.querySelector('img, script, [onclick], [href^="javascript"]')).toBeNull();
      expect(said.textContent).toBe(text);
    },
  );

  it('keeps its nodes while it stays the same', () => {
    showSaid(said, 'a *b*');
    const [...before] = said.childNodes;
    showSaid(said, 'a *b*');
    expect([...said.childNodes]).toEqual(before);
    showSaid(said, 'c');
    expect(said.textContent).toBe('c');
  });
});
