/** Which page of a room's history to ask for next, and when. */

import { type Room, holeAfter, olderThan, position } from './room';

export interface Paging {
  /** Messages may have come while we were not in the room. */
  readonly stale: boolean;
  /** Somebody scrolled up. */
  readonly wantsOlder: boolean;
  /** When the next page may be asked for at the earliest. */
  readonly notBefore: number;
  /** The hole that is being repaired: reordering often closes it by itself within a moment. */
  readonly repair: { readonly after: number; readonly at: number; readonly tries: number } | null;
}

export interface PageRequest {
  readonly kind: 'latest' | 'older' | 'missed';
  readonly position: number | null;
  readonly at: number;
}

export const FRESH_PAGING: Paging = { stale: false, wantsOlder: false, notBefore: 0, repair: null };
export const PAGE_TIMEOUT = 10_000;
/** Together below a second: a person shall not miss an answer for longer. */
const REPAIR_SOONEST = 120;
const REPAIR_SPREAD = 700;
const REPAIR_SLOWEST = 60_000;
/** Further behind than this, start again from the newest page. */
const FAR_BEHIND = 200;

/** Notice a hole. A lost delivery may concern everybody in the room, so the repairs are spread. */
export function watch(paging: Paging, room: Room, now: number, random: () => number): Paging {
  const after = paging.stale ? null : holeAfter(room);
  if (after === null) return paging.repair === null ? paging : { ...paging, repair: null };
  if (paging.repair?.after === after) return paging;
  // A page that ended before the newest message is no loss: the next one follows at once.
  const continues = paging.repair !== null;
  const at = continues ? now : now + REPAIR_SOONEST + REPAIR_SPREAD * random();
  return { ...paging, repair: { after, at, tries: 0 } };
}

export function nextPage(paging: Paging, room: Room): PageRequest | null {
  const at = paging.notBefore;
  if (!room.loaded) return { kind: 'latest', position: null, at };
  if (paging.stale) return { kind: 'missed', position: holeAfter(room) ?? position(room), at };
  if (paging.repair !== null) {
    const due = Math.max(at, paging.repair.at);
    if (room.latest - paging.repair.after > FAR_BEHIND) return { kind: 'latest', position: null, at: due };
    return { kind: 'missed', position: paging.repair.after, at: due };
  }
  const before = olderThan(room);
  return paging.wantsOlder && before !== null ? { kind: 'older', position: before, at } : null;
}

/** A request went out: should it not close the hole, the next one waits longer. */
export function asked(paging: Paging, now: number): Paging {
  if (paging.repair === null) return paging;
  const tries = paging.repair.tries + 1;
  const delay = Math.min(REPAIR_SLOWEST, 1_000 * 2 ** tries);
  return { ...paging, repair: { ...paging.repair, at: now + delay, tries } };
}

export function answered(paging: Paging, kind: PageRequest['kind']): Paging {
  const older = kind === 'older' ? { wantsOlder: false } : {};
  // Asking for what was missed continues over as many pages as it takes, as a repair that is due at once.
  const repair = paging.stale ? { after: -1, at: 0, tries: 0 } : paging.repair;
  return { ...paging, ...older, stale: false, repair, notBefore: 0 };
}
