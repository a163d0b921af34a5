/** The browser's WebSocket, which after `close` says nothing more. */

import type { Socket, SocketHandlers } from '../ports';

export function openSocket(room: string, token: string | null, handlers: SocketHandlers): Socket {
  const url = new URL('/ws', location.href);
  url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  url.searchParams.set('channel', room);
  if (token !== null) url.searchParams.set('ws_token', token);

  const socket = new WebSocket(url);
  socket.onopen = () => handlers.opened();
  socket.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data === 'string') handlers.received(event.data);
  };
  // An error is always followed by a close, which is what counts.
  socket.onclose = () => handlers.closed();

  return {
    send: (frame) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: () => {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
}
