/** How long to wait before the next attempt to connect, so that a restart isn't followed by a stampede. */

const FIRST_CEILING = 4_000;
const GROWTH = 1.6;
const CEILING = 15_000;
const FLOOR = 0.1;

/**
 * Milliseconds before attempt number `failures + 1`. Spread over nearly the whole range from the first failure on:
 * everybody in a room loses the connection in the same moment.
 */
export function backoff(failures: number, random: () => number): number {
  const ceiling = Math.min(CEILING, FIRST_CEILING * GROWTH ** Math.max(0, failures - 1));
  return Math.round(ceiling * (FLOOR + (1 - FLOOR) * random()));
}
