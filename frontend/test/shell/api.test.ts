import { describe, expect, it } from 'vitest';
import { readSession } from '../../src/shell/api';

describe('the session', () => {
  it('says who we are and where we may go', () => {
    const session = readSession({
      user: { username: 'ann' },
      rooms: [{ name: 'staff', title: 'Staff', can_post: false, restricted: true, latest_sequence: 7 }],
      limits: { message_length: 100 },
    });
    expect(session).toEqual({
      username: 'ann',
      rooms: [{ name: 'staff', title: 'Staff', canPost: false, restricted: true, latest: 7 }],
      messageLength: 100,
    });
  });

  it('of a guest has no name; what is not said has its usual value', () => {
    const session = readSession({ user: null, rooms: [{ name: 'general' }] });
    expect(session.username).toBeNull();
    expect(session.rooms).toEqual([{ name: 'general', title: 'general', canPost: true, restricted: false, latest: 0 }]);
    expect(session.messageLength).toBe(4_000);
  });

  it('without rooms is none', () => {
    expect(() => readSession({ user: null })).toThrow(/rooms/u);
  });
});
