import { describe, expect, it } from 'vitest';
import type { Chat } from '../../src/chat';
import { standingIn } from '../../src/core/standing';
import { World } from '../world';

const said = (chat: Chat): string => chat.banners.map(({ text }) => text).join('\n');
const MUTE = { kind: 'mute', username: 'bob', room: 'general', seconds: 600, reason: '' } as const;

describe('a report', () => {
  it('names the room that is shown, and is confirmed', async () => {
    const world = new World();
    world.fill('general', 3);
    const chat = await world.chat();
    chat.report(2, 'spam', 'again and again');
    await world.pass(100);
    const wanted = { room: 'general', sequence: 2, reason: 'spam', note: 'again and again' };
    expect(world.sentActions('report_message')).toMatchObject([wanted]);
    expect(said(chat)).toContain('moderators will look');
  });

  it('goes out on the next connection where this one is lost', async () => {
    const world = new World();
    const chat = await world.chat();
    world.connection.end();
    chat.report(2, 'abuse', '');
    await world.pass(15_000);
    expect(world.sentActions('report_message')).toHaveLength(1);
    expect(said(chat)).toContain('moderators will look');
  });

  it('that nobody answers is said to be none', async () => {
    const world = new World();
    world.holds.add('report_message');
    const chat = await world.chat();
    chat.report(2, 'abuse', '');
    await world.pass(30_000);
    expect(said(chat)).toContain('That was not done.');
  });
});

describe('a moderator', () => {
  it('mutes somebody, sees until when, and lifts it', async () => {
    const world = new World();
    world.answer = { until: new Date(world.now + 600_000).toISOString() };
    const chat = await world.chat();
    chat.restrict(MUTE);
    await world.pass(100);
    expect(world.sentActions('restrict_person')).toMatchObject([{ kind: 'mute', username: 'bob', room: 'general', seconds: 600 }]);
    expect(said(chat)).toMatch(/bob is muted in general until \d/u);
    const [held] = chat.moderation.held('bob');
    if (held === undefined) throw new Error('nothing is held');
    chat.lift(held);
    await world.pass(100);
    expect(world.sentActions('lift_restriction')).toMatchObject([{ id: 7 }]);
    expect(chat.moderation.held('bob')).toEqual([]);
    expect(said(chat)).toContain('bob may write again in general.');
  });

  it('forgets restrictions that have run out', async () => {
    const world = new World();
    world.answer = { until: new Date(world.now + 600_000).toISOString() };
    const chat = await world.chat();
    chat.restrict(MUTE);
    await world.pass(601_000);
    expect(chat.moderation.held('bob')).toEqual([]);
  });
});

describe('who may not write', () => {
  it('keeps the text, and is told for how long', async () => {
    const world = new World();
    world.refusal = { code: 'muted', retry_after: 60 };
    const chat = await world.chat();
    chat.write('may I?');
    await world.pass(100);
    expect(chat.unsent('general')).toMatchObject([{ text: 'may I?', state: 'failed', failure: { final: false } }]);
    expect(standingIn(chat.listing('general'), world.now).kind).toBe('muted');
    expect(standingIn(chat.listing('general'), world.now + 60_000).kind).toBe('free');
  });

  it('learns that a room was archived or made read-only meanwhile', async () => {
    const world = new World();
    const chat = await world.chat();
    for (const [reason, kind] of [['read_only', 'read-only'], ['archived', 'archived']] as const) {
      world.refusal = { code: 'posting_forbidden', reason };
      chat.write(reason);
      await world.pass(100);
      expect(standingIn(chat.listing('general'), world.now).kind).toBe(kind);
    }
    expect(world.sentActions('chat_message')).toHaveLength(2);
  });

  it('waits as long as slow mode says, and is sent then by itself', async () => {
    const world = new World();
    world.refusal = { code: 'rate_limited', retry_after: 30, slow_mode: 30 };
    const chat = await world.chat();
    chat.write('the second one');
    await world.pass(100);
    expect(chat.unsent('general')).toMatchObject([{ state: 'waiting', slow: true }]);
    world.refusal = null;
    await world.pass(30_000);
    expect(chat.unsent('general')).toEqual([]);
    expect(world.sentActions('chat_message')).toHaveLength(2);
  });

  it('asks anew who they are when told that something has changed', async () => {
    const world = new World();
    const chat = await world.chat();
    world.listings['general'] = { muted: true, mutedUntil: null, canPost: false };
    world.connection.say({ type: 'system', message: 'A moderator has muted you.', level: 'warning', room: 'general', about: 'you' });
    await world.pass(1_000);
    expect(standingIn(chat.listing('general'), world.now).kind).toBe('muted');
    expect(chat.connection.phase.name).toBe('live');
  });

  it('is told of a ban where it is still seen: the room itself is gone', async () => {
    const world = new World();
    const chat = await world.chat();
    world.rooms = ['support', 'random'];
    world.connection.say({ type: 'system', message: 'You are banned.', level: 'warning', room: 'general', about: 'you' });
    await world.pass(1_000);
    expect(said(chat)).toContain('You are banned.');
    expect(chat.membership.shown).toBe('support');
  });
});
