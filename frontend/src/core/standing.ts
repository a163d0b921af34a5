/** Whether somebody may write in a room, and if not, why and until when. */

import type { RoomListing } from '../ports';

export type Standing =
  | { readonly kind: 'free' }
  /** Nobody writes here any more. */
  | { readonly kind: 'archived' }
  /** Only some write here. */
  | { readonly kind: 'read-only' }
  /** A moderator has taken the word away; `until` in milliseconds since 1970, null where no end is set. */
  | { readonly kind: 'muted'; readonly until: number | null };

export const FREE: Standing = { kind: 'free' };

export function standingIn(listing: RoomListing | null, now: number): Standing {
  if (listing === null) return FREE;
  const { archived, muted, mutedUntil, readOnly, canPost } = listing;
  if (archived) return { kind: 'archived' };
  if (muted && (mutedUntil === null || mutedUntil > now)) return { kind: 'muted', until: mutedUntil };
  // The server's word was said while the mute held: once it is over, only the room's own kind counts.
  const forbids = muted ? readOnly : !canPost;
  return forbids ? { kind: 'read-only' } : FREE;
}
