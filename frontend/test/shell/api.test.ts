import { afterEach, describe, expect, it, vi } from 'vitest';
import { csrfToken, readSession } from '../../src/shell/api';
import { AN_OPEN_ROOM } from '../world';

const SAID = {
  read_only: true,
  archived: true,
  slow_mode: 30,
  can_moderate: true,
  muted: true,
  muted_until: '2026-12-01T00:00:00Z',
};
const HEARD = {
  readOnly: true,
  archived: true,
  slowMode: 30,
  canModerate: true,
  muted: true,
  mutedUntil: Date.UTC(2026, 11, 1),
};

describe('the session', () => {
  it('says who we are and where we may go', () => {
    const session = readSession({
      user: { username: 'ann' },
      rooms: [{ name: 'staff', title: 'Staff', can_post: false, restricted: true, latest_sequence: 7, ...SAID }],
      limits: { message_length: 100 },
    });
    expect(session).toEqual({
      username: 'ann',
      rooms: [{ name: 'staff', title: 'Staff', canPost: false, restricted: true, latest: 7, ...HEARD }],
      messageLength: 100,
    });
  });

  it('of a guest has no name; what is not said has its usual value', () => {
    const session = readSession({ user: null, rooms: [{ name: 'general' }] });
    expect(session.username).toBeNull();
    expect(session.rooms).toEqual([{ ...AN_OPEN_ROOM, name: 'general', title: 'general', latest: 0 }]);
    expect(session.messageLength).toBe(4_000);
  });

  it('without rooms is none', () => {
    expect(() => readSession({ user: null })).toThrow(/rooms/u);
  });
});

describe('the token for requests that change something', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each(['csrftoken=abc', 'a=b; __Host-csrftoken=abc', 'xcsrftoken=no; csrftoken=abc; c=d'])('is found in %s', (cookie) => {
    vi.stubGlobal('document', { cookie });
    expect(csrfToken()).toBe('abc');
  });

  it('is empty where there is none', () => {
    vi.stubGlobal('document', { cookie: 'xcsrftoken=no' });
    expect(csrfToken()).toBe('');
  });
});
