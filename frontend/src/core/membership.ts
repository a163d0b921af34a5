/** Which room the connection is in, which one somebody wants, and which one is shown. */

export interface Membership {
  /** Where somebody wants to be. */
  readonly target: string;
  /** What the page shows: while connected, a room only once the server has said that we are in it. */
  readonly shown: string;
  /** Where the connection is, null without one. */
  readonly joined: string | null;
  readonly changing: { readonly room: string; readonly id: string; readonly since: number } | null;
  /** Until when messages that were written before the change may still go out. */
  readonly leaveBy: number;
}

export const CHANGE_TIMEOUT = 8_000;
const LEAVE_WITHIN = 3_000;

export function inRoom(room: string): Membership {
  return { target: room, shown: room, joined: null, changing: null, leaveBy: 0 };
}

export function want(membership: Membership, room: string, now: number): Membership {
  const shown = membership.joined === null || membership.joined === room ? room : membership.shown;
  return { ...membership, target: room, shown, leaveBy: now + LEAVE_WITHIN };
}

export function ask(membership: Membership, id: string, now: number): Membership {
  return { ...membership, changing: { room: membership.target, id, since: now } };
}

/** The server says where the connection is. A room that was passed through on the way is not shown. */
export function join(membership: Membership, room: string): Membership {
  const shown = room === membership.target ? room : membership.shown;
  return { ...membership, joined: room, shown, changing: null };
}

/** The room asked for is closed to us: stay where we are, unless somebody wants to go on elsewhere. */
export function stay(membership: Membership): Membership {
  const { changing, joined, target } = membership;
  const next = changing !== null && changing.room === target && joined !== null ? joined : target;
  return { ...membership, changing: null, target: next, shown: joined === next ? next : membership.shown };
}

export function leave(membership: Membership): Membership {
  return { ...membership, joined: null, changing: null, shown: membership.target };
}
