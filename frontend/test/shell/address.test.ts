import { describe, expect, it } from 'vitest';
import { addressOf, readAddress } from '../../src/shell/address';

describe('the address', () => {
  it.each([
    ['#support', 'support'],
    ['', 'general'],
    ['#', 'general'],
    ['#%E2%98%83', '☃'],
    ['#%zz', 'general'],
  ])('%j names the room %j', (hash, room) => {
    expect(readAddress(hash).room).toBe(room);
  });

  it('of a room leads back to it', () => {
    expect(readAddress(addressOf('a b/#?%')).room).toBe('a b/#?%');
  });

  it.each([
    ['#support/42', 42],
    ['#support', null],
    ['#support/0', null],
    ['#support/-1', null],
    ['#support/1e3', null],
    ['#support/9999999999999999', null],
  ])('%j names the message %j', (hash, sequence) => {
    expect(readAddress(hash)).toEqual({ room: 'support', sequence });
  });
});
