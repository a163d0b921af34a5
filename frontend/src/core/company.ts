/** Who is in the room, and who is writing. */

export interface Presence {
  readonly room: string;
  readonly people: readonly string[];
  readonly guests: number;
  readonly total: number;
}

/** Names with the time until which each is taken to be writing. */
export type Writers = ReadonlyMap<string, number>;

/** A hint that holds longer is a mistake. */
const LONGEST = 15_000;

export function hear(writers: Writers, name: string, duration: number, now: number): Writers {
  return new Map([...writers, [name, now + Math.min(LONGEST, duration)]]);
}

/** They have said it, or left. */
export function quiet(writers: Writers, name: string): Writers {
  return writers.has(name) ? new Map([...writers].filter(([writer]) => writer !== name)) : writers;
}

export function expire(writers: Writers, now: number): Writers {
  const still = [...writers].filter(([, until]) => until > now);
  return still.length === writers.size ? writers : new Map(still);
}

export function dueAt(writers: Writers): number | null {
  return writers.size === 0 ? null : Math.min(...writers.values());
}
