import { describe, expect, it } from 'vitest';
import type { Chat } from '../src/chat';
import { World } from './world';

async function together(world: World): Promise<Chat> {
  world.username = 'ann';
  world.others = ['ann', 'bob'];
  const chat = await world.chat();
  await world.pass(100);
  return chat;
}

describe('who is here', () => {
  it('is asked for on entering, and now and then while somebody looks', async () => {
    const world = new World();
    const chat = await together(world);
    expect(chat.company.presence).toMatchObject({ people: ['ann', 'bob'], guests: 1, total: 3 });
    await world.pass(600_000);
    const asked = world.sentActions('who_is_here').length;
    expect(asked).toBeLessThanOrEqual(7);
    chat.showCompany(true);
    await world.pass(60_000);
    expect(world.sentActions('who_is_here').length - asked).toBeGreaterThanOrEqual(3);
    expect(world.sentActions('who_is_here').length - asked).toBeLessThanOrEqual(5);
    chat.notice({ type: 'hidden' });
    const shown = world.sentActions('who_is_here').length;
    await world.pass(600_000);
    expect(world.sentActions('who_is_here')).toHaveLength(shown);
  });

  it('is another in another room', async () => {
    const world = new World();
    const chat = await together(world);
    world.others = ['ann'];
    chat.enter('support');
    await world.pass(1_000);
    expect(chat.company.presence).toMatchObject({ room: 'support', people: ['ann'] });
  });
});

describe('writing', () => {
  it('is told every ten seconds at most', async () => {
    const world = new World();
    const chat = await together(world);
    for (let key = 0; key < 240; key += 1) {
      chat.types();
      await world.pass(100);
    }
    expect(world.sentActions('typing')).toHaveLength(3);
  });

  it('is told to nobody where nobody is', async () => {
    const world = new World();
    world.username = 'ann';
    const chat = await world.chat();
    chat.types();
    expect(world.sentActions('typing')).toEqual([]);
    world.connection.say(world.store('general', 'hello'));
    chat.types();
    expect(world.sentActions('typing')).toHaveLength(1);
  });

  it('is told no more where the room is large, nor while hidden or away', async () => {
    const world = new World();
    world.typingAgain = null;
    const chat = await together(world);
    for (let turn = 0; turn < 20; turn += 1) {
      chat.types();
      await world.pass(6_000);
    }
    expect(world.sentActions('typing')).toHaveLength(1);
    chat.notice({ type: 'hidden' });
    await world.pass(600_000);
    chat.types();
    expect(world.sentActions('typing')).toHaveLength(1);
  });

  it('of others is shown until it is over, said, or too long ago', async () => {
    const world = new World();
    const chat = await together(world);
    const hint = { type: 'typing', room: 'general', username: 'bob', seconds: 6 };
    const writers = (): readonly string[] => chat.company.writersIn('general');
    world.connection.say(hint);
    world.connection.say({ ...hint, username: 'ann' });
    world.connection.say({ ...hint, room: 'support', username: 'carol' });
    expect(writers()).toEqual(['bob']);
    await world.pass(5_000);
    world.connection.say(hint);
    await world.pass(5_900);
    expect(writers()).toEqual(['bob']);
    await world.pass(200);
    expect(writers()).toEqual([]);
    world.connection.say({ ...hint, seconds: 1e9 });
    world.connection.say(world.store('general', 'said', { username: 'bob' }));
    expect(writers()).toEqual([]);
    world.connection.say({ ...hint, seconds: 1e9 });
    await world.pass(15_100);
    expect(writers()).toEqual([]);
  });
});
