import { expect, it } from 'vitest';
import * as leftOff from '../../src/core/left-off';

const came = leftOff.enter('general', 5);

it('opens the line where somebody left off, and only for news', () => {
  expect(leftOff.read(came, 9, true, false, 0)).toMatchObject({ line: 5, broken: 5, mark: 9, follows: true });
  expect(leftOff.read(came, 9, false, false, 0)).toMatchObject({ line: null, broken: null, mark: 9, follows: true });
});

it('opens none for who reads along', () => {
  const follows = leftOff.read(came, 5, false, false, 0);
  expect(leftOff.read(follows, 6, true, false, 0).line).toBeNull();
  expect(leftOff.read(leftOff.lookAway(follows), 6, true, false, 0).line).toBe(5);
});

it('counts the time only while the line was seen and the newest is in view', () => {
  const opened = leftOff.read(came, 9, true, false, 0);
  expect(leftOff.dueAt(opened)).toBeNull();
  const seen = leftOff.read(opened, 9, true, true, 1_000);
  expect(leftOff.dueAt(leftOff.read(seen, 10, true, true, 2_000))).toBe(1_000 + leftOff.READ_FOR);
  expect(leftOff.dueAt(leftOff.lookAway(seen))).toBeNull();
  expect(leftOff.expire(seen, 999 + leftOff.READ_FOR).line).toBe(5);
  const gone = leftOff.expire(seen, 1_000 + leftOff.READ_FOR);
  expect(gone.line).toBeNull();
  // Or the messages below would move up.
  expect(gone.broken).toBe(5);
});

it('goes with an answer', () => {
  expect(leftOff.answer(leftOff.read(came, 9, true, false, 0)).line).toBeNull();
});
