// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { Storage } from '../../src/shell/storage';

const WRITTEN = { clientId: 'a', room: 'general', author: 'ann', text: 'hi', writtenAt: 1 };

function full(): globalThis.Storage {
  return new Proxy(localStorage, {
    get: () => () => {
      throw new DOMException('full', 'QuotaExceededError');
    },
  });
}

beforeEach(() => localStorage.clear());

describe('unsent messages', () => {
  it('are there again after a reload, until they are sent', () => {
    new Storage(localStorage).put(WRITTEN);
    expect(new Storage(localStorage).all()).toEqual([WRITTEN]);
    new Storage(localStorage).remove('a');
    expect(new Storage(localStorage).all()).toEqual([]);
  });

  it('of two tabs are kept side by side', () => {
    const [one, other] = [new Storage(localStorage), new Storage(localStorage)];
    one.put(WRITTEN);
    other.put({ ...WRITTEN, clientId: 'b' });
    expect(one.all()).toHaveLength(2);
  });

  it.each([
    ['blocked', (): Storage => new Storage(null)],
    ['full', (): Storage => new Storage(full())],
  ])('are at risk where storage is %s, and nothing breaks', (_, make) => {
    const storage = make();
    storage.put(WRITTEN);
    storage.keepDraft('ann', 'general', 'draft');
    expect(storage.atRisk).toBe(1);
    expect(storage.all()).toEqual([]);
    expect(storage.draft('ann', 'general')).toBe('');
    storage.remove('a');
    expect(storage.atRisk).toBe(0);
  });

  it('that cannot be read are left out', () => {
    localStorage.setItem('parlor.unsent.x', '{"clientId":7');
    localStorage.setItem('parlor.unsent.y', 'null');
    expect(new Storage(localStorage).all()).toEqual([]);
  });
});

describe('drafts', () => {
  it('are kept for each room and person', () => {
    const storage = new Storage(localStorage);
    storage.keepDraft('ann', 'general', 'as ann');
    expect(storage.draft('ann', 'general')).toBe('as ann');
    expect(storage.draft('ann', 'support')).toBe('');
    expect(storage.draft(null, 'general')).toBe('');
    expect(storage.draft('bob', 'general')).toBe('');
  });

  it('that a guest began go on after signing in, once', () => {
    const storage = new Storage(localStorage);
    storage.keepDraft(null, 'general', 'begun');
    expect(storage.draft('ann', 'general')).toBe('begun');
    storage.keepDraft('ann', 'general', '');
    expect(storage.draft('ann', 'general')).toBe('');
  });
});
