import { describe, expect, it } from 'vitest';
import * as rooms from '../../src/core/room';
import { message, messages } from './messages';

const sequences = (room: rooms.Room): readonly number[] => room.messages.map(({ sequence }) => sequence);
const loaded = (first: number, last: number): rooms.Room =>
  rooms.addPage(rooms.EMPTY_ROOM, messages(first, last), last);

describe('a room', () => {
  it('shows messages by sequence, in whatever order they come', () => {
    const room = [4, 2, 5, 1, 3].reduce((held, sequence) => rooms.addMessage(held, message(sequence)), rooms.EMPTY_ROOM);
    expect(sequences(room)).toEqual([1, 2, 3, 4, 5]);
  });

  it('drops what it has, and keeps the same message object', () => {
    const room = loaded(1, 3);
    const again = rooms.addMessage(rooms.addMessage(room, message(3)), message(2, { text: 'other' }));
    expect(again.messages).toBe(room.messages);
  });

  it('takes a message that came before the first page', () => {
    const early = rooms.addMessage(rooms.EMPTY_ROOM, message(12));
    expect(rooms.holeAfter(early)).toBeNull();
    const room = rooms.addPage(early, messages(5, 11), 11);
    expect(sequences(room)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
    expect(rooms.holeAfter(room)).toBeNull();
  });

  it('sees a hole in the middle, and one at the end', () => {
    expect(rooms.holeAfter(rooms.addMessage(loaded(1, 3), message(5)))).toBe(3);
    expect(rooms.holeAfter(rooms.addPage(loaded(1, 3), [], 7))).toBe(3);
  });

  it('has no hole once it is filled', () => {
    const room = rooms.addPage(rooms.addMessage(loaded(1, 3), message(6)), messages(4, 5), 6);
    expect(rooms.holeAfter(room)).toBeNull();
  });

  it('asks for the first messages of a room that was empty', () => {
    const empty = rooms.addPage(rooms.EMPTY_ROOM, [], 0);
    expect(rooms.holeAfter(empty)).toBeNull();
    expect(rooms.olderThan(empty)).toBeNull();
    expect(rooms.holeAfter(rooms.addPage(empty, [], 2))).toBe(0);
    expect(rooms.holeAfter(rooms.addMessage(empty, message(1)))).toBeNull();
  });

  it('knows whether there is anything older', () => {
    expect(rooms.olderThan(rooms.EMPTY_ROOM)).toBeNull();
    expect(rooms.olderThan(loaded(51, 100))).toBe(51);
    expect(rooms.olderThan(loaded(1, 10))).toBeNull();
    expect(rooms.olderThan(rooms.markComplete(loaded(51, 100)))).toBeNull();
  });

  it('takes an older page that adjoins, and leaves one out that does not', () => {
    expect(sequences(rooms.addPage(loaded(11, 12), messages(8, 10), 12))[0]).toBe(8);
    expect(sequences(rooms.addPage(loaded(50, 52), messages(8, 10), 52))).toEqual([50, 51, 52]);
  });

  it('lets go of what lies below a hole that is too wide to fill', () => {
    const room = rooms.addPage(loaded(1, 50), messages(951, 1_000), 1_000);
    expect(sequences(room)[0]).toBe(951);
    expect(rooms.holeAfter(room)).toBeNull();
    expect(rooms.olderThan(room)).toBe(951);
  });

  it('can keep the newest only, and load the others again', () => {
    const room = rooms.keepNewest(loaded(1, 100), 40);
    expect(sequences(room)[0]).toBe(61);
    expect(rooms.olderThan(room)).toBe(61);
  });

  it('places a notice below the message that was the last', () => {
    const room = rooms.addNotice(loaded(1, 3), { id: 1, text: 'hear', level: 'info', receivedAt: 0, until: null });
    expect(room.notices[0]?.after).toBe(3);
  });
});

describe('a change', () => {
  const change = (sequence: number, target: number, text: string | null = `edited by ${sequence}`) => ({ sequence, target, text });
  const text = (room: rooms.Room, sequence: number): string | undefined =>
    room.messages.find((each) => each.sequence === sequence)?.text;

  it('is shown in the message that it is of, and takes a number', () => {
    const room = rooms.addChange(loaded(1, 3), change(4, 2));
    expect(room.messages[1]).toMatchObject({ text: 'edited by 4', edited: true, removed: false, revision: 4 });
    expect(rooms.holeAfter(room)).toBeNull();
    expect(rooms.holeAfter(rooms.addChange(room, change(6, 1)))).toBe(4);
    expect(rooms.position(room)).toBe(4);
  });

  it('of a deletion leaves no text', () => {
    const room = rooms.addChange(loaded(1, 3), change(4, 2, null));
    expect(room.messages[1]).toMatchObject({ text: '', removed: true, edited: false });
  });

  it('is the same in whatever order it comes, and however old the page is that comes after it', () => {
    const late = rooms.addChange(rooms.addChange(loaded(1, 3), change(5, 2)), change(4, 2));
    expect(text(late, 2)).toBe('edited by 5');
    const first = rooms.addPage(rooms.addChange(rooms.EMPTY_ROOM, change(4, 2)), messages(1, 3), 3);
    expect(text(first, 2)).toBe('edited by 4');
    const outdated = rooms.addPage(late, messages(1, 3), 5);
    expect(text(outdated, 2)).toBe('edited by 5');
    const newer = rooms.addPage(loaded(1, 3), [message(2, { text: 'newest', revision: 9, edited: true })], 9);
    expect(text(newer, 2)).toBe('newest');
  });

  it('of a message that is not loaded waits for it', () => {
    const room = rooms.addChange(rooms.addPage(rooms.EMPTY_ROOM, messages(51, 100), 100), change(101, 7));
    expect(rooms.olderThan(room)).toBe(51);
    expect(text(rooms.addPage(room, messages(1, 50), 101), 7)).toBe('edited by 101');
  });

  it('is let go with the messages around it', () => {
    const room = rooms.addChange(rooms.addChange(loaded(1, 3), change(4, 2)), change(6, 2));
    const kept = rooms.keepNewest(rooms.addMessage(room, message(5)), 1);
    expect(kept.changes.map(({ sequence }) => sequence)).toEqual([6]);
    expect(rooms.holeAfter(kept)).toBeNull();
    expect(rooms.olderThan(kept)).toBe(5);
  });
});

describe('what is no longer kept', () => {
  it('is no hole: a room begins where its first page begins', () => {
    const cut = rooms.addPage(rooms.EMPTY_ROOM, [], 500);
    expect(rooms.holeAfter(cut)).toBeNull();
    expect(rooms.position(cut)).toBe(500);
    expect(rooms.holeAfter(rooms.addMessage(cut, message(502)))).toBe(500);
  });

  it('leads to a new beginning', () => {
    const room = rooms.startAgain(rooms.addNotice(loaded(1, 3), { id: 1, text: 'hear', level: 'info', receivedAt: 0, until: null }));
    expect(room).toMatchObject({ messages: [], loaded: false, latest: 0 });
    expect(room.notices).toHaveLength(1);
  });
});

describe('the first message of an empty room', () => {
  it('is missed where the second one comes', () => {
    const empty = rooms.addPage(rooms.EMPTY_ROOM, [], 0);
    expect(rooms.holeAfter(rooms.addMessage(empty, message(2)))).toBe(0);
  });
});

describe('an acknowledgement of long ago', () => {
  it('does not put a message far above what is loaded', () => {
    const room = rooms.addMessage(rooms.addPage(rooms.EMPTY_ROOM, messages(51, 100), 100), message(7));
    expect(sequences(room)[0]).toBe(51);
  });
});

describe('any order of arrival', () => {
  it('ends with the same messages as one page', () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 50; round += 1) {
      const shuffled = [...messages(21, 60), ...messages(30, 45)].sort(() => random() - 0.5);
      let room = rooms.addPage(rooms.EMPTY_ROOM, messages(11, 25), 25);
      for (const each of shuffled) room = random() < 0.2 ? room : rooms.addMessage(room, each);
      for (let hole = rooms.holeAfter(room); hole !== null; hole = rooms.holeAfter(room)) {
        room = rooms.addPage(room, messages(hole + 1, Math.min(60, hole + 10)), 60);
      }
      const last = room.messages.at(-1)?.sequence ?? 0;
      expect(sequences(room)).toEqual(messages(11, last).map(({ sequence }) => sequence));
    }
  });
});
