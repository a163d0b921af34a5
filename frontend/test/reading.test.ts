import { describe, expect, it } from 'vitest';
import type { Chat } from '../src/chat';
import { READ_FOR } from '../src/core/left-off';
import { World } from './world';

const MINUTE = 60_000;

async function signedIn(world: World, room = 'general'): Promise<Chat> {
  world.username = 'ann';
  return world.chat(room);
}

describe('what is unread', () => {
  it('is counted room by room, beginning with what comes after the first visit', async () => {
    const world = new World();
    world.fill('support', 5);
    const chat = await signedIn(world);
    expect(chat.reading.total.unread).toBe(0);
    world.store('support', 'one');
    world.store('random', 'hello @ann');
    await world.pass(MINUTE + 10_000);
    expect(chat.reading.count('support')).toMatchObject({ unread: 1, mentions: 0 });
    expect(chat.reading.count('random')).toMatchObject({ unread: 1, mentions: 1 });
    expect(chat.reading.total).toMatchObject({ unread: 2, mentions: 1 });
  });

  it('is asked for at connection, calmly after that, and never while hidden', async () => {
    const world = new World();
    const chat = await signedIn(world);
    expect(world.sentActions('fetch_unread')).toHaveLength(1);
    await world.pass(10 * MINUTE);
    const asked = world.sentActions('fetch_unread').length;
    expect(asked).toBeGreaterThanOrEqual(9);
    expect(asked).toBeLessThanOrEqual(13);
    chat.notice({ type: 'hidden' });
    await world.pass(10 * MINUTE);
    expect(world.sentActions('fetch_unread')).toHaveLength(asked);
    chat.notice({ type: 'visible' });
    await world.pass(100);
    expect(world.sentActions('fetch_unread')).toHaveLength(asked + 1);
    for (let turn = 0; turn < 100; turn += 1) {
      chat.agree();
      await world.pass(20);
    }
    expect(world.sentActions('fetch_unread').length).toBeLessThanOrEqual(asked + 2);
  });

  it('of the room that one is in is counted from what arrives', async () => {
    const world = new World();
    const chat = await signedIn(world);
    world.connection.say(world.store('general', 'for @ann'));
    world.connection.say(world.store('general', 'from another tab', { username: 'ann' }));
    expect(chat.reading.count('general')).toMatchObject({ unread: 1, mentions: 1 });
    chat.look('general', false, false);
    expect(chat.reading.count('general').unread).toBe(1);
    chat.look('general', true, false);
    expect(chat.reading.count('general').unread).toBe(0);
    expect(world.positions.get('ann general')).toBe(2);
  });

  it('goes at once where another tab has read on', async () => {
    const world = new World();
    const chat = await signedIn(world);
    world.store('support', 'one');
    await world.pass(MINUTE + 10_000);
    world.positions.set('ann support', 1);
    chat.agree();
    expect(chat.reading.count('support').unread).toBe(0);
  });

  it('is each account’s own', async () => {
    const world = new World();
    const chat = await signedIn(world);
    world.connection.say(world.store('general', 'one'));
    chat.look('general', true, false);
    expect([...world.positions.keys()].filter((key) => key.startsWith('ann '))).toHaveLength(3);
    expect([...world.positions.keys()].filter((key) => key.startsWith('null '))).toHaveLength(0);
  });

  it('is waited for when the server is asked too often', async () => {
    const world = new World();
    const chat = await signedIn(world);
    world.holds.add('fetch_unread');
    chat.agree();
    await world.pass(4_000);
    const { client_id } = world.sentActions('fetch_unread').at(-1) ?? {};
    world.connection.say({ ok: false, type: 'error', code: 'rate_limited', error: 'No.', retry_after: 30, client_id });
    const asked = world.sentActions('fetch_unread').length;
    chat.agree();
    await world.pass(29_000);
    expect(world.sentActions('fetch_unread')).toHaveLength(asked);
    await world.pass(2_000);
    expect(world.sentActions('fetch_unread')).toHaveLength(asked + 1);
    expect(chat.banners).toEqual([]);
  });
});

describe('the line of new messages', () => {
  async function returned(world: World): Promise<Chat> {
    world.fill('general', 3);
    const chat = await signedIn(world);
    chat.look('general', true, false);
    world.connection.say(world.store('general', 'seen as it comes'));
    chat.look('general', true, false);
    expect(chat.reading.left.line).toBeNull();
    chat.look('general', false, false);
    world.connection.say(world.store('general', 'while away'));
    chat.look('general', false, false);
    expect(chat.reading.left.line).toBeNull();
    return chat;
  }

  it('stands where the reader left off, and goes when it was read', async () => {
    const world = new World();
    const chat = await returned(world);
    chat.look('general', true, false);
    expect(chat.reading.left.line).toBe(4);
    await world.pass(10 * READ_FOR);
    expect(chat.reading.left.line).toBe(4);
    chat.look('general', true, true);
    await world.pass(READ_FOR - 100);
    expect(chat.reading.left.line).toBe(4);
    await world.pass(200);
    expect(chat.reading.left.line).toBeNull();
    world.connection.say(world.store('general', 'and on'));
    chat.look('general', true, false);
    expect(chat.reading.left.line).toBeNull();
  });

  it('goes when the reader answers', async () => {
    const world = new World();
    const chat = await returned(world);
    chat.look('general', true, false);
    chat.write('I see.');
    expect(chat.reading.left.line).toBeNull();
  });

  it('stays where it is for who leaves again before reading', async () => {
    const world = new World();
    const chat = await returned(world);
    chat.look('general', true, true);
    chat.look('general', false, true);
    world.connection.say(world.store('general', 'more'));
    await world.pass(2 * READ_FOR);
    chat.look('general', true, true);
    expect(chat.reading.left.line).toBe(4);
  });

  it('is not there for what one wrote oneself', async () => {
    const world = new World();
    const chat = await signedIn(world);
    chat.look('general', true, false);
    chat.look('general', false, false);
    world.connection.say(world.store('general', 'at another place', { username: 'ann' }));
    chat.look('general', true, false);
    expect(chat.reading.left.line).toBeNull();
  });

  it('is there on coming back to a room', async () => {
    const world = new World();
    const chat = await signedIn(world, 'support');
    chat.look('support', true, false);
    chat.enter('general');
    await world.pass(1_000);
    chat.look('general', true, false);
    world.store('support', 'one');
    world.store('support', 'two');
    chat.enter('support');
    await world.pass(1_000);
    chat.look('support', true, false);
    expect(chat.reading.left.line).toBe(0);
    expect(chat.reading.count('support').unread).toBe(0);
  });
});

describe('words from whoever runs the chat', () => {
  const told = { type: 'system', message: 'Maintenance.', level: 'warning', room: null };

  it('stay over a reload until they are dismissed', async () => {
    const world = new World();
    const before = await world.chat();
    world.connection.say({ ...told, created_at: new Date(world.now).toISOString() });
    expect(before.banners.map(({ text }) => text)).toEqual(['Maintenance.']);
    const after = await world.chat();
    expect(after.banners).toMatchObject([{ text: 'Maintenance.', level: 'warning' }]);
    before.dismiss(before.banners[0]?.id ?? 0);
    after.agree();
    expect(after.banners).toEqual([]);
    expect((await world.chat()).banners).toEqual([]);
  });

  it('come once however often they are delivered, and not again once dismissed', async () => {
    const world = new World();
    const chat = await world.chat();
    const frame = { ...told, created_at: new Date(world.now).toISOString() };
    world.connection.say(frame);
    world.connection.say(frame);
    expect(chat.banners).toHaveLength(1);
    chat.dismiss(chat.banners[0]?.id ?? 0);
    world.connection.say(frame);
    expect(chat.banners).toEqual([]);
  });

  it('go by themselves at their end, above the conversation and within it', async () => {
    const world = new World();
    const chat = await world.chat();
    const until = new Date(world.now + MINUTE).toISOString();
    world.connection.say({ ...told, until });
    world.connection.say({ ...told, message: 'Only here.', room: 'general', until });
    world.connection.say({ ...told, message: 'Too late.', until: new Date(world.now - 1).toISOString() });
    expect(chat.banners).toHaveLength(1);
    expect(chat.room('general').notices).toHaveLength(1);
    await world.pass(MINUTE);
    expect(chat.banners).toEqual([]);
    expect(chat.room('general').notices).toEqual([]);
    expect(world.announced.size).toBe(0);
  });
});
