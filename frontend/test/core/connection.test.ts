import { describe, expect, it } from 'vitest';
import * as machine from '../../src/core/connection';

const MINUTE = 60_000;

/** Follows the machine over time, counting what it asks for. */
class Run {
  connection = machine.IDLE;
  now = 0;
  effects: machine.Effect[] = [];
  sockets = 0;
  mostSockets = 0;

  constructor(private readonly random: () => number = () => 0.5) {}

  tell(event: machine.Event): this {
    const { connection, effects } = machine.step(this.connection, event, this.now, this.random);
    this.connection = connection;
    for (const effect of effects) this.do(effect);
    return this;
  }

  report(type: 'prepared' | 'opened' | 'closed' | 'unreachable' | 'forbidden' | 'heard'): this {
    if (type === 'closed') this.sockets = 0;
    return this.tell({ type, attempt: this.connection.attempt });
  }

  clock(): this {
    const at = machine.clockAt(this.connection);
    if (at === null) throw new Error('nothing is due');
    this.now = Math.max(this.now, at);
    return this.tell({ type: 'clock' });
  }

  live(): this {
    return this.tell({ type: 'start' }).report('prepared').report('opened');
  }

  get phase(): string {
    return this.connection.phase.name;
  }

  count(effect: machine.Effect): number {
    return this.effects.filter((each) => each === effect).length;
  }

  private do(effect: machine.Effect): void {
    this.effects.push(effect);
    if (effect === 'open') this.sockets += 1;
    if (effect === 'close') this.sockets = 0;
    this.mostSockets = Math.max(this.mostSockets, this.sockets);
  }
}

describe('connecting', () => {
  it('asks who we are, opens, and is live', () => {
    const run = new Run().live();
    expect(run.phase).toBe('live');
    expect(run.effects).toEqual(['prepare', 'open']);
  });

  it('waits with jitter after a refused socket, and asks again who we are', () => {
    const run = new Run().tell({ type: 'start' }).report('prepared').report('closed');
    expect(run.phase).toBe('waiting');
    expect(run.connection.verify).toBe(true);
    expect(run.clock().phase).toBe('preparing');
  });

  it('does not ask again who we are after a connection that only broke', () => {
    const run = new Run().live();
    run.now += MINUTE;
    expect(run.report('closed').connection.verify).toBe(false);
  });

  it('gives up an attempt that takes too long', () => {
    const run = new Run().tell({ type: 'start' }).report('prepared').clock();
    expect(run.phase).toBe('waiting');
    expect(run.sockets).toBe(0);
  });

  it('ignores what an earlier attempt still reports', () => {
    const run = new Run().tell({ type: 'start' });
    const stale = run.connection.attempt;
    run.report('unreachable').clock();
    run.tell({ type: 'prepared', attempt: stale });
    expect(run.phase).toBe('preparing');
    expect(run.count('open')).toBe(0);
  });

  it('stays refused where no room is open, until somebody comes back', () => {
    const run = new Run().tell({ type: 'start' }).report('forbidden');
    expect(run.phase).toBe('refused');
    expect(machine.clockAt(run.connection)).toBeNull();
    expect(run.tell({ type: 'visible' }).phase).toBe('preparing');
  });
});

describe('reconnecting', () => {
  it('happens at once when the network, the tab or a person asks', () => {
    for (const type of ['network', 'visible', 'reconnect'] as const) {
      const run = new Run().live().report('closed');
      expect(run.tell({ type }).phase).toBe('preparing');
    }
  });

  it('pauses while the tab is hidden', () => {
    const run = new Run().live().tell({ type: 'hidden' }).report('closed');
    expect(machine.clockAt(run.connection)).toBeNull();
    expect(run.tell({ type: 'visible' }).phase).toBe('preparing');
  });

  it('waits longer after each connection that does not last', () => {
    const run = new Run().live();
    const waits: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      run.report('closed');
      waits.push((machine.clockAt(run.connection) ?? 0) - run.now);
      run.clock().report('prepared').report('opened');
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    run.now += MINUTE;
    run.report('closed');
    expect((machine.clockAt(run.connection) ?? 0) - run.now).toBe(waits[0]);
  });
});

describe('keeping alive', () => {
  it('pings within five idle minutes, and takes any answer as life', () => {
    const run = new Run().live().clock();
    expect(run.now).toBeLessThanOrEqual(5 * MINUTE);
    expect(run.count('ping')).toBe(1);
    run.report('heard');
    expect((machine.clockAt(run.connection) ?? 0) - run.now).toBeGreaterThan(3 * MINUTE);
  });

  it('takes a connection for dead when nothing answers', () => {
    const run = new Run().live().clock().clock();
    expect(run.phase).toBe('waiting');
    expect(run.effects.at(-1)).toBe('close');
    expect(run.now).toBeLessThan(5 * MINUTE + 10_000);
  });

  it('probes when the tab or the network returns, once', () => {
    const run = new Run().live();
    run.now += MINUTE;
    run.tell({ type: 'visible' }).tell({ type: 'network' }).tell({ type: 'visible' });
    expect(run.count('ping')).toBe(1);
  });

  it('renews itself before two hours, unnoticed, and with one socket', () => {
    const run = new Run().live();
    while (run.phase === 'live') {
      run.clock();
      if (run.phase === 'live') run.report('heard');
    }
    expect(run.now).toBeGreaterThan(100 * MINUTE);
    expect(run.now).toBeLessThan(120 * MINUTE);
    expect(run.connection.renewing).toBe(true);
    run.report('prepared').report('opened');
    expect(run.connection.renewing).toBe(false);
    expect(run.mostSockets).toBe(1);
  });
});

describe('the back/forward cache', () => {
  it('cuts the connection when the page goes, and asks who we are when it returns', () => {
    const run = new Run().live().tell({ type: 'pause' });
    expect(run.sockets).toBe(0);
    run.tell({ type: 'network' }).tell({ type: 'visible' });
    expect(run.phase).toBe('idle');
    run.tell({ type: 'resume' });
    expect(run.phase).toBe('preparing');
    expect(run.connection.verify).toBe(true);
  });
});

describe('any order of events', () => {
  it('has never more than one socket, and no token without an attempt', () => {
    let seed = 42;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 200; round += 1) {
      const run = new Run(random).tell({ type: 'start' });
      for (let count = 0; count < 60; count += 1) {
        run.now += Math.round(random() * 3_000);
        const events = ['network', 'visible', 'hidden', 'reconnect', 'clock', 'pause', 'resume'] as const;
        const reports = ['prepared', 'opened', 'closed', 'unreachable', 'heard'] as const;
        if (random() < 0.5) run.tell({ type: events[Math.floor(random() * events.length)] ?? 'clock' });
        else if (random() < 0.1) run.tell({ type: 'replace', verify: true });
        else {
          // A socket that isn't there can't be closed by the other end.
          const report = reports[Math.floor(random() * reports.length)] ?? 'heard';
          if (report !== 'closed' || run.sockets > 0) run.report(report);
        }
      }
      expect(run.mostSockets).toBeLessThanOrEqual(1);
      expect(run.count('open')).toBeLessThanOrEqual(run.count('prepare'));
    }
  });
});
