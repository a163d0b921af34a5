import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../src/core/frames';
import * as outbox from '../../src/core/outbox';

const NOW = 1_000_000;
const item = (clientId: string, changes: Partial<outbox.Written> = {}): outbox.Written => ({
  clientId,
  room: 'general',
  author: 'ann',
  text: clientId,
  writtenAt: NOW,
  ...changes,
});
const refusal = (code: string, changes: Partial<Refusal> = {}): Refusal => ({
  code,
  sentence: 'No.',
  clientId: 'a',
  room: null,
  reason: null,
  slow: false,
  retryAfter: null,
  ...changes,
});
const holding = (...written: readonly outbox.Written[]): outbox.Outbox => written.reduce(outbox.write, [] as outbox.Outbox);
const next = (box: outbox.Outbox, now = NOW): string | undefined =>
  outbox.nextToSend(box, 'general', 'ann', now)?.clientId;

describe('sending', () => {
  it('goes one at a time, in the order of writing', () => {
    const box = holding(item('a'), item('b'));
    expect(next(box)).toBe('a');
    const sending = outbox.markSending(box, 'a', NOW);
    expect(next(sending)).toBeUndefined();
    expect(next(outbox.remove(sending, 'a'))).toBe('b');
  });

  it('never takes a message of another room or another person', () => {
    const box = holding(item('a', { room: 'support' }), item('b', { author: null }));
    expect(next(box)).toBeUndefined();
    expect(outbox.nextToSend(box, 'support', 'ann', NOW)?.clientId).toBe('a');
    expect(outbox.nextToSend(box, 'general', null, NOW)?.clientId).toBe('b');
  });

  it('repeats with the same client_id', () => {
    const failed = outbox.expire(outbox.markSending(holding(item('a')), 'a', NOW), NOW + outbox.ANSWER_TIMEOUT);
    expect(failed[0]).toMatchObject({ state: 'failed', failure: { kind: 'no-answer' } });
    expect(next(outbox.retry(failed, 'a'))).toBe('a');
  });
});

describe('a refusal', () => {
  const sending = outbox.markSending(holding(item('a'), item('b')), 'a', NOW);

  it('for too many messages holds it and what follows, as long as the server says', () => {
    const held = outbox.refuse(sending, refusal('rate_limited', { retryAfter: 4_000 }), NOW);
    expect(next(held, NOW + 3_999)).toBeUndefined();
    expect(outbox.dueAt(held, 'general', 'ann')).toBe(NOW + 4_000);
    expect(next(held, NOW + 4_000)).toBe('a');
  });

  it('of the text is final at once, and lets the next one go', () => {
    const refused = outbox.refuse(sending, refusal('invalid_message'), NOW);
    expect(refused[0]).toMatchObject({ state: 'failed', failure: { kind: 'refused', final: true, sentence: 'No.' } });
    expect(next(refused)).toBe('b');
  });

  it('of the server is tried again twice, then shown as failed', () => {
    let box: outbox.Outbox = sending;
    let now = NOW;
    for (let round = 0; round < 2; round += 1) {
      box = outbox.refuse(box, refusal('internal_error'), now);
      now = outbox.dueAt(box, 'general', 'ann') ?? 0;
      expect(next(box, now)).toBe('a');
      box = outbox.markSending(box, 'a', now);
    }
    box = outbox.refuse(box, refusal('internal_error'), now);
    expect(box[0]).toMatchObject({ state: 'failed', failure: { kind: 'refused', final: false } });
  });

  it('without a client_id changes nothing', () => {
    expect(outbox.refuse(sending, refusal('unknown_action', { clientId: null }), NOW)).toBe(sending);
  });
});

describe('a lost connection', () => {
  it('sends again what had no answer', () => {
    const box = outbox.expire(outbox.markSending(holding(item('a')), 'a', NOW), NOW + outbox.ANSWER_TIMEOUT);
    expect(next(outbox.disconnected(box))).toBe('a');
    expect(next(outbox.disconnected(outbox.markSending(holding(item('b')), 'b', NOW)))).toBe('b');
  });
});

describe('after a reload', () => {
  it('goes on in the order of writing', () => {
    const box = outbox.restored([item('b', { writtenAt: NOW + 1 }), item('a')], NOW);
    expect(box.map(({ clientId }) => clientId)).toEqual(['a', 'b']);
  });

  it('does not send yesterday’s words by itself', () => {
    const box = outbox.restored([item('a')], NOW + 25 * 3_600_000);
    expect(next(box)).toBeUndefined();
    expect(next(outbox.retry(box, 'a'))).toBe('a');
  });
});
