/** The room in the address: `/#support`. */

const FIRST_ROOM = 'general';

export function roomOfAddress(hash = location.hash): string {
  try {
    return decodeURIComponent(hash.slice(1)) || FIRST_ROOM;
  } catch {
    return FIRST_ROOM;
  }
}

export function addressOf(room: string): string {
  return `#${encodeURIComponent(room)}`;
}

/** Correct the address without a step in the history. */
export function showAddress(room: string): void {
  if (roomOfAddress() !== room) history.replaceState(null, '', addressOf(room));
}
