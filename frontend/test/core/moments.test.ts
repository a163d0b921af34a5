import { describe, expect, it } from 'vitest';
import { dayKey, dayName, exactTime, shortTime } from '../../src/core/moments';

const NOW = new Date(2026, 10, 25, 15, 30).getTime();
const MINUTE = 60_000;

describe('a time', () => {
  it('is said by its distance within an hour, then by the clock', () => {
    expect(shortTime(NOW - 20_000, NOW)).toBe('just now');
    expect(shortTime(NOW - 5 * MINUTE, NOW)).toContain('5');
    expect(shortTime(new Date(2026, 10, 25, 9, 7).getTime(), NOW)).toMatch(/9.07/u);
  });

  it('of a clock that is ahead is said by the clock', () => {
    expect(shortTime(NOW + 30 * MINUTE, NOW)).toMatch(/4.00|16.00/u);
  });

  it('has its exact form', () => {
    expect(exactTime(NOW)).toMatch(/2026/u);
    expect(exactTime(NOW)).toMatch(/30/u);
  });
});

describe('a day', () => {
  it('is named from where we are', () => {
    expect(dayName(NOW - 60 * MINUTE, NOW)).toBe('Today');
    expect(dayName(NOW - 24 * 60 * MINUTE, NOW)).toBe('Yesterday');
    expect(dayName(new Date(2026, 0, 2).getTime(), NOW)).not.toMatch(/2026/u);
    expect(dayName(new Date(2025, 0, 2).getTime(), NOW)).toMatch(/2025/u);
  });

  it('ends at local midnight', () => {
    expect(dayKey(new Date(2026, 10, 25, 23, 59).getTime())).not.toBe(dayKey(new Date(2026, 10, 26).getTime()));
  });
});
