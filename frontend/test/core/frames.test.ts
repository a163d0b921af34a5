import { describe, expect, it } from 'vitest';
import { readFrame } from '../../src/core/frames';

const read = (frame: unknown): unknown => readFrame(JSON.stringify(frame));
const AT = '2026-11-25T10:00:00+00:00';

describe('reading a frame', () => {
  it('takes a message with its room', () => {
    const frame = { type: 'chat_message', room: 'general', sequence: 7, username: 'ann', message: 'hi', created_at: AT };
    expect(read(frame)).toMatchObject({
      kind: 'message',
      room: 'general',
      message: { sequence: 7, username: 'ann', text: 'hi', writtenAt: Date.parse(AT), clientId: null, guest: false },
    });
  });

  it('takes a page of history', () => {
    const messages = [{ sequence: 1, username: 'ann', message: 'hi', created_at: AT }];
    const frame = { type: 'history', room: 'general', messages, has_more: false, latest_sequence: 1 };
    expect(read(frame)).toMatchObject({ kind: 'history', room: 'general', latest: 1, messages: [{ sequence: 1 }] });
  });

  it('takes acknowledgements', () => {
    const accepted = { ok: true, type: 'message_accepted', client_id: 'x', sequence: 3, created_at: AT };
    expect(read(accepted)).toMatchObject({ kind: 'accepted', clientId: 'x', sequence: 3 });
    expect(read({ ok: true, type: 'channel_changed', channel: 'support' })).toEqual({ kind: 'room-changed', room: 'support' });
    expect(read({ type: 'pong' })).toEqual({ kind: 'pong' });
  });

  it('takes a refusal, with the wait in milliseconds', () => {
    const frame = { ok: false, type: 'error', error: 'Wait.', code: 'rate_limited', retry_after: 2.5, client_id: 'x' };
    expect(read(frame)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'rate_limited', sentence: 'Wait.', retryAfter: 2_500, clientId: 'x', room: null },
    });
  });

  it('takes a system message for everyone or for a room, with an end or without', () => {
    const told = { kind: 'system', text: 'Soon.', room: null, level: 'info', createdAt: 0, aboutYou: false, until: null };
    expect(read({ type: 'system', message: 'Soon.' })).toEqual(told);
    const more = { room: 'general', level: 'critical', created_at: '2026-11-25T10:00:00Z', until: '2026-11-25T11:00:00Z' };
    const at = Date.UTC(2026, 10, 25, 10);
    const expected = { ...told, room: 'general', level: 'critical', createdAt: at, until: at + 3_600_000 };
    expect(read({ type: 'system', message: 'Soon.', ...more })).toEqual(expected);
    expect(read({ type: 'system', message: 'Soon.', until: 'later' })).toEqual(told);
  });

  it('takes what is unread, and leaves out what makes no sense', () => {
    const count = { unread: 3, mentions: 1, latest_sequence: 44, capped: true };
    const rooms = { support: count, random: { ...count, capped: 'x' }, staff: { unread: -1 }, general: null };
    expect(read({ type: 'unread', rooms })).toEqual({
      kind: 'unread',
      counts: {
        support: { unread: 3, mentions: 1, latest: 44, capped: true },
        random: { unread: 3, mentions: 1, latest: 44, capped: false },
      },
    });
    expect(read({ type: 'unread', rooms: [] })).toEqual({ kind: 'unknown' });
  });

  it('takes who is here and who is writing', () => {
    const here = { type: 'presence', room: 'general', people: ['ann', 5], guests: 2, total: 3 };
    const presence = { room: 'general', people: ['ann'], guests: 2, total: 3 };
    expect(read(here)).toEqual({ kind: 'presence', presence });
    expect(read({ ...here, total: -1 })).toEqual({ kind: 'unknown' });
    const hint = { type: 'typing', room: 'general', username: 'bob', seconds: 6 };
    expect(read(hint)).toEqual({ kind: 'typing', room: 'general', username: 'bob', guest: false, duration: 6000 });
    expect(read({ ...hint, seconds: 0 })).toEqual({ kind: 'unknown' });
    const accepted = { ok: true, type: 'typing_accepted' };
    expect(read({ ...accepted, again_after: 5 })).toEqual({ kind: 'typing-accepted', againAfter: 5000 });
    expect(read({ ...accepted, again_after: null })).toEqual({ kind: 'typing-accepted', againAfter: null });
  });

  it('knows the gateway’s own word for a failure', () => {
    expect(read({ message: 'Internal server error', connectionId: 'c', requestId: 'r' })).toEqual({ kind: 'gateway-error' });
  });

  it.each([
    'not JSON',
    'null',
    '5',
    '[]',
    '{}',
    '{"type":7}',
    '{"type":"chat_message"}',
    '{"type":"chat_message","room":"general","sequence":"7","username":"ann","message":"hi"}',
    '{"type":"history","room":"general","messages":{}}',
    '{"type":"message_accepted","sequence":-1}',
    '{"type":"something_new"}',
  ])('says so where it does not understand: %s', (frame) => {
    expect(readFrame(frame)).toEqual({ kind: 'unknown' });
  });

  it('takes an edit and a deletion, pushed and in a page', () => {
    const edit = { type: 'message_edited', sequence: 9, target: 5, username: 'ann', message: 'new' };
    const deletion = { type: 'message_deleted', sequence: 10, target: 5, username: 'ann', message: '', deleted: true };
    const change = { sequence: 9, target: 5, text: 'new' };
    expect(read({ ...edit, room: 'general' })).toEqual({ kind: 'change', room: 'general', change });
    const page = { type: 'history', room: 'general', messages: [edit, deletion], latest_sequence: 10, restart: true };
    expect(read(page)).toMatchObject({ changes: [change, { sequence: 10, target: 5, text: null }], messages: [], restart: true });
  });

  it('takes a message that was changed', () => {
    const changed = { sequence: 5, username: 'ann', message: 'new', revision: 9, edited_at: '2026-11-25T10:00:00Z' };
    const gone = { sequence: 6, username: 'ann', message: '', revision: 10, deleted: true };
    const page = { type: 'history', room: 'general', messages: [changed, gone], latest_sequence: 10 };
    expect(read(page)).toMatchObject({
      messages: [
        { revision: 9, edited: true, removed: false },
        { revision: 10, edited: false, removed: true },
      ],
      restart: false,
    });
  });

  it('counts an event of a kind that it does not know', () => {
    const page = { type: 'history', room: 'general', messages: [{ type: 'poll', sequence: 3 }], latest_sequence: 3 };
    expect(read(page)).toMatchObject({ messages: [], changes: [{ sequence: 3, target: 0 }] });
  });

  it('leaves out of a page what is no message', () => {
    const frame = { type: 'history', room: 'general', messages: [null, 1, { username: 'ann' }], latest_sequence: 1 };
    expect(read(frame)).toMatchObject({ kind: 'history', messages: [] });
  });
});
