/** Where somebody left off reading a room, and the line that shows it when they come back. */

export interface LeftOff {
  readonly room: string;
  /** What had been read when they last looked away. */
  readonly mark: number;
  /** Whether they read along, so that what comes is read at once. */
  readonly follows: boolean;
  /** The message that the line stands below. */
  readonly line: number | null;
  /** Since when they have both the line behind them and the newest message in view. */
  readonly readSince: number | null;
  /** Below this message a name stands again, also once the line has gone: nothing moves then. */
  readonly broken: number | null;
}

export const READ_FOR = 4_000;

export function enter(room: string, position: number): LeftOff {
  return { room, mark: position, follows: false, line: null, readSince: null, broken: null };
}

/** They look elsewhere, or at what was said earlier. */
export function lookAway(left: LeftOff): LeftOff {
  return left.follows || left.readSince !== null ? { ...left, follows: false, readSince: null } : left;
}

/** They have the newest message in view, which is `sequence`; `hasNews`: others spoke since the mark. */
export function read(left: LeftOff, sequence: number, hasNews: boolean, lineSeen: boolean, now: number): LeftOff {
  const opens = !left.follows && left.line === null && hasNews;
  const line = opens ? left.mark : left.line;
  return {
    ...left,
    mark: Math.max(left.mark, sequence),
    follows: true,
    line,
    broken: opens ? left.mark : left.broken,
    readSince: line === null ? null : (left.readSince ?? (lineSeen && !opens ? now : null)),
  };
}

/** Take the line away once they had time to see it. */
export function expire(left: LeftOff, now: number): LeftOff {
  const { readSince } = left;
  return readSince !== null && now - readSince >= READ_FOR ? { ...left, line: null, readSince: null } : left;
}

/** Who answers has read. */
export function answer(left: LeftOff): LeftOff {
  return left.line === null ? left : { ...left, line: null, readSince: null };
}

export function dueAt({ readSince }: LeftOff): number | null {
  return readSince === null ? null : readSince + READ_FOR;
}
