/**
 * Lets another program drive real chats: commands come in as lines of JSON, and each is answered by a line that says
 * what the chats did. The clock is the program's, and so is the network.
 */

import { createInterface } from 'node:readline';
import { Chat } from '../src/chat';
import type { Written } from '../src/core/outbox';
import type { Ports, Session, SocketHandlers } from '../src/ports';

type Command = Readonly<Record<string, unknown>> & { readonly do: string };
type Done = Record<string, unknown>;

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

let now = Date.UTC(2026, 10, 25, 10);
let ids = 0;
let seed = 1;
let timers: Timer[] = [];
let done: Done[] = [];
const chats = new Map<string, Chat>();
const sockets = new Map<number, SocketHandlers>();
const awaited = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();

function ask<Answer>(what: string, client: string): Promise<Answer> {
  const id = (ids += 1);
  done.push({ asks: what, id, client });
  return new Promise((resolve, reject) => awaited.set(id, { resolve: resolve as (value: unknown) => void, reject }));
}

function ports(client: string): Ports {
  const kept = new Map<string, Written>();
  return {
    now: () => now,
    random: () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647,
    uuid: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
    wakeAt: (at, call) => {
      const timer = { at, call };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    outbox: {
      all: () => [...kept.values()],
      put: (written) => void kept.set(written.clientId, written),
      remove: (clientId) => void kept.delete(clientId),
    },
    api: {
      session: () => ask<Session>('session', client),
      token: () => ask<string | null>('token', client),
    },
    positions: { position: () => null, keepPosition: () => undefined },
    announcements: { announcements: () => [], keepAnnouncement: () => undefined, dropAnnouncement: () => undefined },
    openSocket: (room, token, handlers) => {
      const socket = (ids += 1);
      sockets.set(socket, handlers);
      done.push({ opens: socket, client, room, token });
      return {
        send: (frame) => void done.push({ sends: frame, client, socket }),
        close: () => {
          sockets.delete(socket);
          done.push({ closes: socket, client });
        },
      };
    },
  };
}

function state(chat: Chat, roomNames: readonly string[]): Done {
  return {
    phase: chat.connection.phase.name,
    joined: chat.membership.joined,
    target: chat.membership.target,
    shown: chat.membership.shown,
    altering: chat.alterations.length,
    outbox: chat.outbox.map(({ clientId, room, text, state }) => ({ clientId, room, text, state })),
    rooms: Object.fromEntries(
      roomNames.map((name) => {
        const { messages, floor, complete, loaded } = chat.room(name);
        return [name, { messages, floor, complete, loaded }];
      }),
    ),
  };
}

/** Let the clock run until something is done, or the time is over. */
async function pass(milliseconds: number): Promise<Done> {
  const end = now + milliseconds;
  while (done.length === 0) {
    const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
    if (next === undefined) {
      now = end;
      break;
    }
    timers = timers.filter((timer) => timer !== next);
    now = Math.max(now, next.at);
    next.call();
    await settle();
  }
  return { left: end - now };
}

async function perform(command: Command): Promise<Done> {
  const client = String(command['client'] ?? '');
  const chat = chats.get(client);
  const socket = sockets.get(Number(command['socket']));
  switch (command.do) {
    case 'reset':
      chats.clear();
      sockets.clear();
      awaited.clear();
      timers = [];
      seed = Number(command['seed']);
      break;
    case 'start':
      chats.set(client, new Chat(ports(client), String(command['room']), () => undefined));
      chats.get(client)?.notice({ type: 'start' });
      break;
    case 'answer':
      awaited.get(Number(command['id']))?.resolve(command['value']);
      break;
    case 'opened':
      socket?.opened();
      break;
    case 'receive':
      socket?.received(String(command['frame']));
      break;
    case 'closed':
      sockets.delete(Number(command['socket']));
      socket?.closed();
      break;
    case 'pass':
      return pass(Number(command['ms']));
    case 'write':
      chat?.write(String(command['text']));
      break;
    case 'alter':
      chat?.alter(Number(command['target']), command['text'] as string | null);
      break;
    case 'enter':
      chat?.enter(String(command['room']));
      break;
    case 'retry':
      for (const { clientId } of chat?.outbox ?? []) chat?.tryAgain(clientId);
      break;
    case 'older': {
      const floor = chat?.room(String(command['room'])).floor ?? 0;
      chat?.loadOlder(String(command['room']), floor + 1);
      break;
    }
    case 'state':
      return chat === undefined ? {} : state(chat, command['rooms'] as string[]);
    default:
      throw new Error(`unknown command ${command.do}`);
  }
  return {};
}

/** Let every promise that can go on do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await perform(JSON.parse(line) as Command);
  await settle();
  process.stdout.write(`${JSON.stringify({ ...answer, done })}\n`);
  done = [];
}
