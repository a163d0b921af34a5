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

  it('takes a system message for everyone or for a room', () => {
    expect(read({ type: 'system', message: 'Soon.' })).toEqual({ kind: 'system', text: 'Soon.', room: null, level: 'info' });
    expect(read({ type: 'system', message: 'Soon.', room: 'general', level: 'critical' })).toMatchObject({ room: 'general' });
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

  it('leaves out of a page what is no message', () => {
    const frame = { type: 'history', room: 'general', messages: [null, 1, { sequence: 1 }], latest_sequence: 1 };
    expect(read(frame)).toMatchObject({ kind: 'history', messages: [] });
  });
});
