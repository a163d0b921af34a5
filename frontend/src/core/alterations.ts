/** Edits and deletions on their way out. Each is asked for until it is answered: repeating one makes no second. */

export interface Alteration {
  readonly id: string;
  readonly room: string;
  /** The sequence of the message. */
  readonly target: number;
  /** What it shall say, null where it shall be deleted. */
  readonly text: string | null;
  readonly since: number;
  /** Whether it went out on the connection that we have. */
  readonly sent: boolean;
}

export type Alterations = readonly Alteration[];

/** Without an answer for this long, nobody waits any more. */
const PATIENCE = 30_000;

export function find(alterations: Alterations, id: string | null): Alteration | null {
  return alterations.find((each) => each.id === id) ?? null;
}

export function remove(alterations: Alterations, id: string): Alterations {
  return alterations.filter((each) => each.id !== id);
}

export function markSent(alterations: Alterations, id: string): Alterations {
  return alterations.map((each) => (each.id === id ? { ...each, sent: true } : each));
}

/** Whether they arrived isn't known: each goes out again on the next connection. */
export function disconnected(alterations: Alterations): Alterations {
  return alterations.map((each) => ({ ...each, sent: false }));
}

export function nextToSend(alterations: Alterations, joined: string): Alteration | null {
  return alterations.find(({ room, sent }) => room === joined && !sent) ?? null;
}

export function underWay(alterations: Alterations): readonly string[] {
  return alterations.filter(({ sent }) => sent).map(({ id }) => id);
}

export function expired(alterations: Alterations, now: number): readonly string[] {
  return alterations.filter(({ since }) => now - since >= PATIENCE).map(({ id }) => id);
}

export function dueAt(alterations: Alterations): number | null {
  return alterations.length === 0 ? null : Math.min(...alterations.map(({ since }) => since + PATIENCE));
}
