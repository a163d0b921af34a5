import { describe, expect, it } from 'vitest';
import { addressOf, roomOfAddress } from '../../src/shell/address';

describe('the address', () => {
  it.each([
    ['#support', 'support'],
    ['', 'general'],
    ['#', 'general'],
    ['#%E2%98%83', '☃'],
    ['#%zz', 'general'],
  ])('%j names the room %j', (hash, room) => {
    expect(roomOfAddress(hash)).toBe(room);
  });

  it('of a room leads back to it', () => {
    expect(roomOfAddress(addressOf('a b/#?%'))).toBe('a b/#?%');
  });
});
