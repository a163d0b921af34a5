// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from 'vitest';
import { NameList } from '../../src/view/name-list';

let field: HTMLTextAreaElement;
let names: NameList;
const completed = vi.fn();

beforeEach(() => {
  document.body.innerHTML = '<div><textarea id="message"></textarea></div>';
  field = document.querySelector('textarea') as HTMLTextAreaElement;
  completed.mockClear();
  names = new NameList(field, completed);
  names.known = ['ada', 'adam', 'bob'];
});

function type(text: string, caret = text.length): void {
  field.value = text;
  field.setSelectionRange(caret, caret);
  field.dispatchEvent(new Event('input'));
}

const press = (key: string): boolean => names.takes(new KeyboardEvent('keydown', { key }));
const offered = (): readonly (string | null)[] => [...document.querySelectorAll('#names li')].map((item) => item.textContent);
const chosen = (): string | null | undefined => document.querySelector('#names [aria-selected="true"]')?.textContent;

it('offers those who can be called as one types', () => {
  type('@');
  expect(offered()).toEqual(['ada', 'adam', 'bob']);
  type('@ad');
  expect(offered()).toEqual(['ada', 'adam']);
  type('@adx');
  expect(offered()).toEqual([]);
  expect(press('Enter')).toBe(false);
});

it('is led by the keyboard, which stays in the field', () => {
  type('Well, @a');
  expect(press('ArrowDown')).toBe(true);
  expect(chosen()).toBe('adam');
  expect(field.getAttribute('aria-activedescendant')).toBe('name-1');
  press('ArrowDown');
  expect(chosen()).toBe('ada');
  press('ArrowUp');
  expect(press('Enter')).toBe(true);
  expect(field.value).toBe('Well, @adam ');
  expect(completed).toHaveBeenCalledOnce();
  expect(offered()).toEqual([]);
  expect(field.hasAttribute('aria-activedescendant')).toBe(false);
});

it('completes in the middle of a text', () => {
  type('ask @bo today', 7);
  press('Tab');
  expect(field.value).toBe('ask @bob  today');
});

it('lets Enter send once the name is whole', () => {
  type('@bob');
  expect(press('Enter')).toBe(false);
});

it('stays closed for the name at which it was closed', () => {
  type('@a');
  expect(press('Escape')).toBe(true);
  type('@ad');
  expect(press('Enter')).toBe(false);
  type('@ad @b');
  expect(offered()).toEqual(['bob']);
});

it('takes a click', () => {
  type('@');
  document.querySelector<HTMLElement>('#name-2')?.click();
  expect(field.value).toBe('@bob ');
});
