import { describe, expect, it } from 'vitest';
import { standingIn } from '../../src/core/standing';
import type { RoomListing } from '../../src/ports';
import { AN_OPEN_ROOM } from '../world';

const NOW = Date.UTC(2026, 11, 1);
const room = (changes: Partial<RoomListing>): RoomListing => ({
  ...AN_OPEN_ROOM,
  name: 'general',
  title: 'General',
  latest: 0,
  ...changes,
});

describe('whether somebody may write', () => {
  it.each<[string, Partial<RoomListing>, object]>([
    ['in an open room', {}, { kind: 'free' }],
    ['in an archived room', { archived: true, canPost: false, muted: true }, { kind: 'archived' }],
    ['in a read-only room', { readOnly: true, canPost: false }, { kind: 'read-only' }],
    ['in a read-only room, for who announces there', { readOnly: true, canPost: true }, { kind: 'free' }],
    ['muted without end', { muted: true, canPost: false }, { kind: 'muted', until: null }],
    ['muted for a while', { muted: true, mutedUntil: NOW + 1, canPost: false }, { kind: 'muted', until: NOW + 1 }],
    ['once a mute is over', { muted: true, mutedUntil: NOW, canPost: false }, { kind: 'free' }],
    ['once it is over in a read-only room', { muted: true, mutedUntil: NOW, readOnly: true, canPost: false }, { kind: 'read-only' }],
  ])('%s', (_, changes, standing) => {
    expect(standingIn(room(changes), NOW)).toEqual(standing);
  });

  it('of whom nothing is known yet', () => {
    expect(standingIn(null, NOW)).toEqual({ kind: 'free' });
  });
});
