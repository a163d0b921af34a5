/** What the chat sends: each frame is read strictly, and what isn't understood is said to be so. */

export interface ChatMessage {
  readonly sequence: number;
  readonly username: string;
  readonly guest: boolean;
  readonly text: string;
  readonly clientId: string | null;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

export interface Refusal {
  readonly code: string;
  readonly sentence: string;
  readonly clientId: string | null;
  readonly room: string | null;
  /** Milliseconds to wait before the same may be tried again. */
  readonly retryAfter: number | null;
}

export type Inbound =
  | { readonly kind: 'message'; readonly room: string; readonly message: ChatMessage }
  | {
      readonly kind: 'history';
      readonly room: string;
      readonly messages: readonly ChatMessage[];
      readonly latest: number;
    }
  | {
      readonly kind: 'accepted';
      readonly clientId: string | null;
      readonly sequence: number;
      readonly writtenAt: number;
    }
  | { readonly kind: 'room-changed'; readonly room: string }
  | { readonly kind: 'system'; readonly text: string; readonly room: string | null; readonly level: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'pong' }
  /** API Gateway's own word that a function failed; it doesn't say which request. */
  | { readonly kind: 'gateway-error' }
  | { readonly kind: 'unknown' };

type Fields = Readonly<Record<string, unknown>>;

export function readFrame(frame: string): Inbound {
  const fields = parseObject(frame);
  if (fields === null) return { kind: 'unknown' };
  switch (fields['type']) {
    case 'chat_message':
      return readMessageFrame(fields);
    case 'history':
      return readHistory(fields);
    case 'message_accepted':
      return readAccepted(fields);
    case 'channel_changed':
      return isText(fields['channel']) ? { kind: 'room-changed', room: fields['channel'] } : { kind: 'unknown' };
    case 'system':
      return readSystem(fields);
    case 'error':
      return { kind: 'refused', refusal: readRefusal(fields) };
    case 'pong':
      return { kind: 'pong' };
    case undefined:
      return isText(fields['requestId']) ? { kind: 'gateway-error' } : { kind: 'unknown' };
    default:
      return { kind: 'unknown' };
  }
}

function readMessageFrame(fields: Fields): Inbound {
  const message = readMessage(fields);
  const room = fields['room'];
  return message !== null && isText(room) ? { kind: 'message', room, message } : { kind: 'unknown' };
}

function readHistory(fields: Fields): Inbound {
  const { room, messages, latest_sequence: latest } = fields;
  if (!isText(room) || !Array.isArray(messages) || !isSequence(latest)) return { kind: 'unknown' };
  const read = messages.map((each: unknown) => (isObject(each) ? readMessage(each) : null));
  return { kind: 'history', room, messages: read.filter((each) => each !== null), latest };
}

function readAccepted(fields: Fields): Inbound {
  const { client_id: clientId, sequence } = fields;
  if (!isSequence(sequence)) return { kind: 'unknown' };
  const writtenAt = readTime(fields['created_at']);
  return { kind: 'accepted', clientId: isText(clientId) ? clientId : null, sequence, writtenAt };
}

function readSystem(fields: Fields): Inbound {
  const { message, room, level } = fields;
  if (!isText(message)) return { kind: 'unknown' };
  return { kind: 'system', text: message, room: isText(room) ? room : null, level: isText(level) ? level : 'info' };
}

function readMessage(fields: Fields): ChatMessage | null {
  const { sequence, username, message, guest, client_id: clientId } = fields;
  if (!isSequence(sequence) || !isText(username) || !isText(message)) return null;
  return {
    sequence,
    username,
    guest: guest === true,
    text: message,
    clientId: isText(clientId) ? clientId : null,
    writtenAt: readTime(fields['created_at']),
  };
}

function readRefusal(fields: Fields): Refusal {
  const { error, code, client_id: clientId, room, retry_after: seconds } = fields;
  return {
    code: isText(code) ? code : '',
    sentence: isText(error) ? error : '',
    clientId: isText(clientId) ? clientId : null,
    room: isText(room) ? room : null,
    retryAfter: typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : null,
  };
}

function readTime(value: unknown): number {
  const time = isText(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? 0 : time;
}

function parseObject(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isSequence(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
