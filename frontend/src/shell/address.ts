/** What is shown, in the address: a room as `/#support`, one of its messages as `/#support/42`. */

const FIRST_ROOM = 'general';

export interface Address {
  readonly room: string;
  readonly sequence: number | null;
}

export function readAddress(hash = location.hash): Address {
  const [room = '', number = ''] = hash.slice(1).split('/', 2);
  const sequence = /^[1-9]\d{0,14}$/u.test(number) ? Number(number) : null;
  try {
    return { room: decodeURIComponent(room) || FIRST_ROOM, sequence };
  } catch {
    return { room: FIRST_ROOM, sequence: null };
  }
}

export function addressOf(room: string, sequence: number | null = null): string {
  return `#${encodeURIComponent(room)}${sequence === null ? '' : `/${sequence}`}`;
}

/** Correct the address without a step in the history. */
export function showAddress(room: string): void {
  if (readAddress().room !== room) history.replaceState(null, '', addressOf(room));
}
