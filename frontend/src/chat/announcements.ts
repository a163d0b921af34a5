/** Words from whoever runs the chat: to everyone above the conversation, to a room within it, each while it holds. */

import type { Inbound } from '../core/frames';
import * as rooms from '../core/room';
import type { Announcement } from '../ports';
import type { State } from './state';

/** What says no end itself isn't shown again after this. */
const LONGEST = 24 * 3_600_000;

export class Announcements {
  private readonly heard = new Set<string>();

  constructor(private readonly state: State) {
    this.restore();
  }

  received({ text, room, level, createdAt, until }: Extract<Inbound, { kind: 'system' }>): void {
    const { ports } = this.state;
    const now = ports.now();
    const key = `${createdAt || now}.${room ?? ''}.${text}`;
    // Delivered twice, or dismissed before it came again.
    if (this.heard.has(key) || (until !== null && until <= now)) return;
    this.heard.add(key);
    if (room === null || this.state.listing(room) === null) {
      const announcement = { key, text, level, receivedAt: now, until };
      ports.announcements.keepAnnouncement(announcement);
      this.state.announce(announcement);
    } else {
      const notice = { id: this.state.nextId(), text, level, receivedAt: now, until };
      this.state.keepRoom(room, rooms.addNotice(this.state.room(room), notice));
    }
  }

  dismiss(banner: number): void {
    const key = this.state.banners.find(({ id }) => id === banner)?.key ?? null;
    if (key !== null) this.state.ports.announcements.dropAnnouncement(key);
    this.state.banners = this.state.banners.filter(({ id }) => id !== banner);
  }

  /** Another tab may have dismissed some. */
  agree(): void {
    const kept = new Set(this.state.ports.announcements.announcements().map(({ key }) => key));
    this.state.banners = this.state.banners.filter(({ key }) => key === null || kept.has(key));
  }

  expire(now: number): void {
    const over = this.state.banners.filter(({ until }) => until !== null && until <= now);
    for (const { id } of over) this.dismiss(id);
    this.state.eachRoom((name, room) => {
      if (room.notices.some(({ until }) => until !== null && until <= now)) {
        const notices = room.notices.filter(({ until }) => until === null || until > now);
        this.state.keepRoom(name, { ...room, notices });
      }
    });
  }

  dueTimes(): readonly (number | null)[] {
    const ends = this.state.banners.map(({ until }) => until);
    this.state.eachRoom((_, { notices }) => ends.push(...notices.map(({ until }) => until)));
    return ends;
  }

  private restore(): void {
    const { ports } = this.state;
    const now = ports.now();
    for (const announcement of ports.announcements.announcements()) {
      const { key, receivedAt, until } = announcement;
      this.heard.add(key);
      if (holds(until, receivedAt, now)) this.state.announce(announcement);
      else ports.announcements.dropAnnouncement(key);
    }
  }
}

function holds(until: Announcement['until'], receivedAt: number, now: number): boolean {
  return until === null ? now - receivedAt < LONGEST : until > now;
}
