import { describe, expect, it } from 'vitest';
import { backoff } from '../../src/core/backoff';

describe('the wait before the next attempt', () => {
  it('is spread over seconds from the first failure on', () => {
    expect(backoff(1, () => 0)).toBeLessThan(1_000);
    expect(backoff(1, () => 0.999)).toBeGreaterThan(3_000);
  });

  it('grows with the failures', () => {
    const middle = [1, 2, 3, 4].map((failures) => backoff(failures, () => 0.5));
    expect(middle).toEqual([...middle].sort((a, b) => a - b));
    expect(new Set(middle).size).toBe(4);
  });

  it('never exceeds fifteen seconds, and is never nothing', () => {
    for (const failures of [1, 2, 10, 1_000]) {
      expect(backoff(failures, () => 1)).toBeLessThanOrEqual(15_000);
      expect(backoff(failures, () => 0)).toBeGreaterThan(0);
    }
  });
});
