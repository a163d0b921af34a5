// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadingStorage } from '../../src/shell/reading-storage';

const BLOCKED = {
  getItem: () => {
    throw new DOMException('no', 'SecurityError');
  },
  setItem: () => {
    throw new DOMException('no', 'QuotaExceededError');
  },
  removeItem: () => {
    throw new DOMException('no', 'SecurityError');
  },
} as unknown as globalThis.Storage;
const SOON = { key: '1..Soon.', text: 'Soon.', level: 'info', receivedAt: 1, until: null };

beforeEach(() => localStorage.clear());

describe.each([
  ['where it works', () => localStorage],
  ['where it is blocked', () => BLOCKED],
  ['where there is none', () => null],
])('storage %s', (_, storage) => {
  it('keeps positions by person and room', () => {
    const kept = new ReadingStorage(storage());
    kept.keepPosition('ann', 'general', 7);
    kept.keepPosition(null, 'general', 3);
    expect(kept.position('ann', 'general')).toBe(7);
    expect(kept.position(null, 'general')).toBe(3);
    expect(kept.position('ann', 'support')).toBeNull();
  });

  it('keeps announcements until they are dropped', () => {
    const kept = new ReadingStorage(storage());
    kept.keepAnnouncement({ ...SOON, key: '2..Later.', text: 'Later.', receivedAt: 2, until: 9 });
    kept.keepAnnouncement(SOON);
    expect(kept.announcements().map(({ text }) => text)).toEqual(['Soon.', 'Later.']);
    kept.dropAnnouncement(SOON.key);
    expect(kept.announcements()).toEqual([{ ...SOON, key: '2..Later.', text: 'Later.', receivedAt: 2, until: 9 }]);
  });
});

it('survives a reload, and what others have put there', () => {
  new ReadingStorage(localStorage).keepPosition('ann', 'general', 7);
  localStorage.setItem('parlor.seen.support.ann', 'x');
  localStorage.setItem('parlor.announced.x', '{"text": 5');
  const kept = new ReadingStorage(localStorage);
  expect(kept.position('ann', 'general')).toBe(7);
  expect(kept.position('ann', 'support')).toBeNull();
  expect(kept.announcements()).toEqual([]);
});

it('tells of what another tab has read, and of nothing else', () => {
  const changed = vi.fn();
  new ReadingStorage(localStorage).follow(changed);
  dispatchEvent(new StorageEvent('storage', { key: 'parlor.draft.general.ann' }));
  expect(changed).not.toHaveBeenCalled();
  dispatchEvent(new StorageEvent('storage', { key: 'parlor.seen.general.ann' }));
  dispatchEvent(new StorageEvent('storage', { key: null }));
  expect(changed).toHaveBeenCalledTimes(2);
});
