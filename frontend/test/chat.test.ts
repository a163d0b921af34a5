import { describe, expect, it } from 'vitest';
import type { Chat } from '../src/chat';
import { World, spoken } from './world';

const range = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('connecting', () => {
  it('joins the room first and then loads its history', async () => {
    const world = new World();
    world.fill('general', 60);
    const chat = await world.chat();
    expect(world.sentActions('fetch_history')).toHaveLength(1);
    expect(chat.room('general').messages).toHaveLength(50);
  });

  it('shows a message that arrives before the history, once and in its place', async () => {
    const world = new World();
    world.fill('general', 3);
    world.holds.add('fetch_history');
    const chat = await world.chat();
    world.connection.say(world.store('general', 'early'));
    for (const answer of world.connection.held) answer();
    expect(spoken(chat.room('general').messages)).toEqual(['general 1', 'general 2', 'general 3', 'early']);
  });

  it('brings a fresh token for every connection of somebody signed in', async () => {
    const world = new World();
    world.username = 'ann';
    await world.chat();
    world.connection.end();
    await world.pass(20_000);
    expect(world.connections.map(({ token }) => token)).toEqual(['token-1', 'token-2']);
  });

  it('brings none for a guest, and does not ask for one', async () => {
    const world = new World();
    await world.chat();
    expect(world.connection.token).toBeNull();
    expect(world.tokens).toBe(0);
  });

  it('goes to an open room where the one in the address is closed, and says so', async () => {
    const chat = await new World().chat('staff');
    expect(chat.membership).toMatchObject({ shown: 'general', joined: 'general' });
    expect(chat.banners.map(({ text }) => text).join()).toContain('staff');
  });

  it('asks who we are after a refused socket, and goes on as who we are now', async () => {
    const world = new World();
    world.username = 'ann';
    const chat = await world.chat();
    world.username = null;
    world.accepts = false;
    world.connection.end();
    await world.pass(20_000);
    world.accepts = true;
    await world.pass(20_000);
    expect(chat.author).toBeNull();
    expect(chat.connection.phase.name).toBe('live');
    expect(chat.banners).toHaveLength(1);
  });
});

describe('what was missed', () => {
  it('is fetched after a reconnection, over as many pages as it takes', async () => {
    const world = new World();
    world.fill('general', 10);
    const chat = await world.chat();
    world.connection.end();
    world.fill('general', 120);
    await world.pass(20_000);
    expect(world.sentActions('fetch_history').map(({ after }) => after)).toEqual([undefined, 10, 60, 110]);
    expect(chat.room('general').messages).toHaveLength(130);
  });

  it('is let go where it is very much', async () => {
    const world = new World();
    world.fill('general', 10);
    const chat = await world.chat();
    world.connection.end();
    world.fill('general', 1_000);
    await world.pass(20_000);
    expect(chat.room('general').messages.at(-1)?.sequence).toBe(1_010);
    expect(world.sentActions('fetch_history').length).toBeLessThanOrEqual(4);
  });

  it('is fetched for a hole, after a moment in which it may close by itself', async () => {
    const world = new World();
    world.fill('general', 3);
    const chat = await world.chat();
    const lost = world.store('general', 'lost');
    world.connection.say(world.store('general', 'next'));
    expect(world.sentActions('fetch_history')).toHaveLength(1);
    await world.pass(3_000);
    expect(world.sentActions('fetch_history').at(-1)).toMatchObject({ after: 3 });
    world.connection.say(lost);
    expect(spoken(chat.room('general').messages).slice(3)).toEqual(['lost', 'next']);
  });

  it('is not fetched for mere reordering', async () => {
    const world = new World();
    const chat = await world.chat();
    const [first, second] = [world.store('general', 'first'), world.store('general', 'second')];
    world.connection.say(second);
    world.connection.say(first);
    world.connection.say(first);
    await world.pass(5_000);
    expect(world.sentActions('fetch_history')).toHaveLength(1);
    expect(spoken(chat.room('general').messages)).toEqual(['first', 'second']);
  });

  it('is fetched within a second, by 200 readers not at once', async () => {
    const asked: number[] = [];
    for (let reader = 0; reader < 200; reader += 1) {
      const world = new World();
      world.seed = 1 + reader * 7_919;
      world.fill('general', 3);
      const chat = await world.chat();
      world.store('general', 'lost');
      const seen = world.now;
      world.connection.say(world.store('general', 'next'));
      await world.pass(1_000);
      expect(spoken(chat.room('general').messages).at(-2)).toBe('lost');
      asked.push(...world.sentAt('fetch_history').filter((at) => at > seen).map((at) => at - seen));
    }
    expect(asked).toHaveLength(200);
    const inTenth = range(0, 9).map((tenth) => asked.filter((at) => Math.floor(at / 100) === tenth).length);
    expect(Math.max(...inTenth)).toBeLessThan(60);
  });

  it('is fetched by 200 who all lost the connection at once, not at once', async () => {
    const attempts: number[] = [];
    const pages: number[] = [];
    for (let reader = 0; reader < 200; reader += 1) {
      const world = new World();
      world.seed = 1 + reader * 7_919;
      world.fill('general', 3);
      await world.chat();
      const lost = world.now;
      world.connection.end();
      world.store('general', 'missed');
      await world.pass(15_000);
      expect(world.openConnections).toBe(1);
      const again = world.sentAt('fetch_history').filter((at) => at > lost);
      expect(again).toHaveLength(1);
      pages.push(...again.map((at) => at - lost));
      attempts.push(world.connections.length);
    }
    expect(Math.max(...attempts)).toBe(2);
    const inHalfSecond = range(0, 30).map((half) => pages.filter((at) => Math.floor(at / 500) === half).length);
    expect(Math.max(...inHalfSecond)).toBeLessThan(50);
  });

  it('is begun anew where it is no longer kept', async () => {
    const world = new World();
    world.fill('general', 10);
    const chat = await world.chat();
    world.connection.end();
    world.fill('general', 120);
    world.stored['general'] = world.stored['general']?.slice(100) ?? [];
    await world.pass(20_000);
    expect(chat.room('general').messages.map(({ sequence }) => sequence)).toEqual(range(101, 130));
    expect(world.sentActions('fetch_history').map(({ after }) => after)).toEqual([undefined, 10, undefined]);
    await world.pass(60_000);
    expect(world.sentActions('fetch_history')).toHaveLength(3);
  });

  it('includes edits and deletions', async () => {
    const world = new World();
    world.fill('general', 3);
    const chat = await world.chat();
    world.connection.say(world.change('general', 1, 'edited'));
    world.connection.end();
    world.change('general', 2, null);
    await world.pass(20_000);
    expect(chat.room('general').messages).toMatchObject([
      { text: 'edited', edited: true },
      { text: '', removed: true },
      { text: 'general 3' },
    ]);
    expect(world.sentActions('fetch_history').at(-1)).toMatchObject({ after: 4 });
  });

  it('does not ask for ever for what nobody has', async () => {
    const world = new World();
    world.fill('general', 2);
    await world.chat();
    world.connection.say({ ...world.store('general', 'far'), sequence: 9 });
    world.stored['general']?.pop();
    await world.pass(60_000);
    expect(world.sentActions('fetch_history').length).toBeLessThan(9);
  });

  it('is loaded from further up, one page for each time somebody asks', async () => {
    const world = new World();
    world.fill('general', 120);
    const chat = await world.chat();
    chat.loadOlder('general', 71);
    chat.loadOlder('general', 71);
    await world.pass(100);
    expect(chat.room('general').messages[0]?.sequence).toBe(21);
    chat.loadOlder('general', 71);
    chat.loadOlder('general', 21);
    await world.pass(100);
    chat.loadOlder('general', 1);
    await world.pass(100);
    expect(world.sentActions('fetch_history').map(({ before }) => before)).toEqual([undefined, 71, 21]);
  });
});

describe('a page of history', () => {
  it('that comes late, of a room that was left, is not taken for the answer of the next', async () => {
    const world = new World();
    world.fill('general', 5);
    world.fill('support', 5);
    const chat = await world.chat();
    world.holds.add('fetch_history');
    chat.enter('support');
    await world.pass(100);
    world.connection.say(world.page('general', {}));
    expect(chat.room('support').loaded).toBe(false);
    for (const answer of world.connection.held) answer();
    expect(spoken(chat.room('support').messages)[0]).toBe('support 1');
  });

  it('that is empty ends the search for older messages', async () => {
    const world = new World();
    world.fill('general', 60);
    const chat = await world.chat();
    world.stored['general']?.splice(0, 10);
    for (let round = 0; round < 4; round += 1) {
      chat.loadOlder('general', 11);
      await world.pass(100);
    }
    expect(world.sentActions('fetch_history').filter(({ before }) => before !== undefined)).toHaveLength(1);
  });
});

describe('writing', () => {
  it('is pending at once and sent when acknowledged, exactly once', async () => {
    const world = new World();
    const chat = await world.chat();
    chat.write('hello');
    expect(chat.unsent('general')).toHaveLength(1);
    await world.pass(100);
    expect(chat.unsent('general')).toHaveLength(0);
    world.connection.say({ type: 'chat_message', room: 'general', ...world.stored['general']?.[0] });
    expect(spoken(chat.room('general').messages)).toEqual(['hello']);
    expect(world.kept.size).toBe(0);
  });

  it('keeps the order of many', async () => {
    const world = new World();
    const chat = await world.chat();
    for (const text of ['one', 'two', 'three']) chat.write(text);
    await world.pass(200);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(['one', 'two', 'three']);
  });

  it('fails where nothing answers, and trying again makes no second message', async () => {
    const world = new World();
    const chat = await world.chat();
    world.holds.add('chat_message');
    chat.write('hello');
    await world.pass(11_000);
    const [failed] = chat.unsent('general');
    expect(failed).toMatchObject({ state: 'failed', failure: { kind: 'no-answer' } });
    world.holds.clear();
    chat.tryAgain(failed?.clientId ?? '');
    for (const answer of world.connection.held) answer();
    await world.pass(100);
    expect(world.stored['general']).toHaveLength(1);
    expect(chat.unsent('general')).toHaveLength(0);
  });

  it('goes out again by itself after the limit’s wait', async () => {
    const world = new World();
    const chat = await world.chat();
    world.refusal = { code: 'rate_limited', retry_after: 3 };
    chat.write('hello');
    await world.pass(100);
    world.refusal = null;
    expect(chat.unsent('general')).toMatchObject([{ state: 'waiting', text: 'hello' }]);
    await world.pass(3_000);
    expect(world.stored['general']).toHaveLength(1);
  });

  it('survives a lost connection and a reload, in order, in its room', async () => {
    const world = new World();
    const before = await world.chat();
    world.reachable = false;
    world.connection.end();
    for (const text of ['one', 'two', 'three']) before.write(text);
    before.notice({ type: 'pause' });
    await world.pass(60_000);
    world.reachable = true;
    const after = await world.chat('general');
    await world.pass(1_000);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(['one', 'two', 'three']);
    expect(after.unsent('general')).toHaveLength(0);
  });

  it('never leaves as somebody else', async () => {
    const world = new World();
    world.username = 'ann';
    const chat = await world.chat();
    world.holds.add('chat_message');
    chat.write('as ann');
    world.username = null;
    world.connection.say({ ok: false, type: 'error', code: 'session_ended', error: 'Signed out.' });
    world.holds.clear();
    await world.pass(30_000);
    expect(chat.author).toBeNull();
    expect(world.stored['general']).toHaveLength(0);
    expect(chat.unsent('general')).toHaveLength(0);
    expect(world.kept.size).toBe(1);
    expect(chat.banners.map(({ text }) => text).join()).toContain('wrote as ann');
  });
});

describe('changing rooms', () => {
  it('shows the new room only once the server has said so', async () => {
    const world = new World();
    world.fill('support', 2);
    const chat = await world.chat();
    world.holds.add('change_channel');
    chat.enter('support');
    await world.pass(1_000);
    expect(chat.membership.shown).toBe('general');
    for (const answer of world.connection.held) answer();
    expect(chat.membership.shown).toBe('support');
    await world.pass(100);
    expect(spoken(chat.room('support').messages)).toEqual(['support 1', 'support 2']);
  });

  it('lets a burst go out first, each message in its room', async () => {
    const world = new World();
    const chat = await world.chat();
    const burst = Array.from({ length: 9 }, (_, index) => `burst ${index}`);
    for (const text of burst) chat.write(text);
    chat.enter('support');
    await world.pass(2_000);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(burst);
    expect(world.stored['support']).toHaveLength(0);
    expect(chat.membership.shown).toBe('support');
  });

  it('keeps what the limit holds back for its room, and sends it there later', async () => {
    const world = new World();
    const chat = await world.chat();
    world.refusal = { code: 'rate_limited', retry_after: 5 };
    chat.write('held');
    await world.pass(50);
    world.refusal = null;
    chat.enter('support');
    await world.pass(20_000);
    expect(world.stored['support']).toHaveLength(0);
    expect(chat.unsent('general')).toHaveLength(1);
    chat.enter('general');
    await world.pass(1_000);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(['held']);
  });

  it('changes the connection where a message has no answer yet, since it would land in the next room', async () => {
    const world = new World();
    const chat = await world.chat();
    world.holds.add('chat_message');
    chat.write('slow');
    chat.enter('support');
    await world.pass(5_000);
    expect(world.sentActions('change_channel')).toHaveLength(0);
    expect(world.connections).toHaveLength(2);
    expect(world.openConnections).toBe(1);
    expect(chat.membership).toMatchObject({ shown: 'support', joined: 'support' });
    world.holds.clear();
    chat.enter('general');
    await world.pass(1_000);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(['slow']);
  });

  it('takes offline messages to their own room', async () => {
    const world = new World();
    const chat = await world.chat();
    world.reachable = false;
    world.connection.end();
    chat.write('for general');
    chat.enter('support');
    chat.write('for support');
    world.reachable = true;
    await world.pass(60_000);
    expect(world.stored['support']?.map(({ message }) => message)).toEqual(['for support']);
    chat.enter('general');
    await world.pass(1_000);
    expect(world.stored['general']?.map(({ message }) => message)).toEqual(['for general']);
  });

  it('never shows one room’s message in another, however quickly rooms change and late answers come', async () => {
    const world = new World();
    for (const room of world.rooms) world.fill(room, 80);
    const chat = await world.chat();
    world.latency = 700;
    for (let round = 0; round < 60; round += 1) {
      const room = world.rooms[round % 3] ?? 'general';
      chat.enter(room);
      world.connection.say(world.store(room, `${room} said ${round}`));
      await world.pass((round * 331) % 900);
    }
    await world.pass(30_000);
    for (const room of world.rooms) {
      const texts = spoken(chat.room(room).messages);
      expect(texts.filter((text) => !text.startsWith(room))).toEqual([]);
      expect(texts.length).toBeGreaterThan(0);
    }
    expect(chat.membership.shown).toBe('random');
  });

  it('does not show a room that was only passed through', async () => {
    const world = new World();
    const chat = await world.chat();
    world.holds.add('change_channel');
    chat.enter('support');
    chat.enter('random');
    const shown = new Set([chat.membership.shown]);
    for (let answer = world.connection.held.shift(); answer; answer = world.connection.held.shift()) {
      answer();
      shown.add(chat.membership.shown);
    }
    expect([...shown]).toEqual(['general', 'random']);
  });

  it('stays where it is when the room is refused', async () => {
    const world = new World();
    const chat = await world.chat();
    world.holds.add('change_channel');
    chat.enter('support');
    const { client_id: id } = world.sentActions('change_channel')[0] ?? {};
    world.connection.say({ ok: false, type: 'error', code: 'room_forbidden', error: 'Not yours.', room: 'support', client_id: id });
    expect(chat.membership).toMatchObject({ target: 'general', shown: 'general', changing: null });
    expect(chat.banners.map(({ text }) => text)).toEqual(['Not yours.']);
    chat.write('still here');
    await world.pass(100);
    expect(world.stored['general']).toHaveLength(1);
  });
});

describe('system messages', () => {
  it('for everyone stay above, over a reconnection, until dismissed', async () => {
    const world = new World();
    const chat = await world.chat();
    world.connection.say({ type: 'system', message: 'Maintenance in 5 minutes.' });
    world.connection.end();
    await world.pass(20_000);
    expect(chat.banners).toMatchObject([{ text: 'Maintenance in 5 minutes.' }]);
    chat.dismiss(chat.banners[0]?.id ?? 0);
    expect(chat.banners).toEqual([]);
  });

  it('for a room stand in that room', async () => {
    const world = new World();
    const chat = await world.chat();
    world.connection.say({ type: 'system', message: 'Moving.', room: 'general' });
    expect(chat.room('general').notices).toMatchObject([{ text: 'Moving.' }]);
    expect(chat.banners).toEqual([]);
  });
});

describe('any storm of events', () => {
  it('leaves one connection, and no more tokens than connections', async () => {
    const world = new World();
    world.username = 'ann';
    const chat = await world.chat();
    const events = ['network', 'visible', 'hidden', 'reconnect'] as const;
    for (let round = 0; round < 100; round += 1) {
      const event = events[(round * 7) % 4] ?? 'network';
      if (round % 5 === 0 && world.connection.open) world.connection.end();
      else if (round % 3 === 0) chat.enter(world.rooms[round % 2] ?? 'general');
      else chat.notice({ type: event });
      expect(world.openConnections).toBeLessThanOrEqual(1);
      await world.pass(100);
    }
    chat.notice({ type: 'visible' });
    await world.pass(30_000);
    expect(world.openConnections).toBe(1);
    expect(world.tokens).toBeLessThanOrEqual(world.connections.length);
  });
});

describe('an edit or a deletion', () => {
  const own = async (): Promise<{ world: World; chat: Chat }> => {
    const world = new World();
    world.username = 'ann';
    world.fill('general', 2);
    return { world, chat: await world.chat() };
  };

  it('is shown once the server has it', async () => {
    const { world, chat } = await own();
    chat.alter(1, 'better');
    chat.alter(2, null);
    expect(spoken(chat.room('general').messages)).toEqual(['general 1', 'general 2']);
    await world.pass(100);
    expect(chat.room('general').messages.map(({ text, edited, removed }) => [text, edited, removed])).toEqual([
      ['better', true, false],
      ['', false, true],
    ]);
    expect(chat.alterations).toEqual([]);
  });

  it('that is refused says so, and changes nothing', async () => {
    const { world, chat } = await own();
    world.refusal = { code: 'too_late', error: 'That was too long ago.' };
    chat.alter(1, 'better');
    await world.pass(100);
    expect(spoken(chat.room('general').messages)).toEqual(['general 1', 'general 2']);
    expect(chat.banners.map(({ text }) => text).join()).toContain('That was too long ago.');
    expect(chat.connection.phase.name).toBe('live');
  });

  it('goes out again on the next connection, in its room', async () => {
    const { world, chat } = await own();
    world.holds.add('edit_message');
    chat.alter(1, 'better');
    world.connection.end();
    world.holds.clear();
    await world.pass(10_000);
    expect(world.sentActions('edit_message').map(({ room, sequence }) => [room, sequence])).toEqual([
      ['general', 1],
      ['general', 1],
    ]);
    expect(spoken(chat.room('general').messages)[0]).toBe('better');
  });

  it('is given up without an answer, and the server is not pressed when it fails', async () => {
    const { world, chat } = await own();
    world.holds.add('delete_message');
    chat.alter(1, null);
    world.connection.say({ message: 'Internal server error', connectionId: 'x', requestId: 'y' });
    expect(chat.alterations).toEqual([]);
    chat.alter(1, null);
    await world.pass(31_000);
    expect(world.sentActions('delete_message')).toHaveLength(2);
    expect(chat.banners).toHaveLength(2);
  });
});
