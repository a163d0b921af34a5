/** What happens around the page: tab hidden and shown, network lost and found, back/forward cache. */

import type { Chat } from '../chat';

export function followPage(chat: Chat): void {
  const visibility = (): void => chat.notice({ type: document.hidden ? 'hidden' : 'visible' });
  document.addEventListener('visibilitychange', visibility);
  addEventListener('online', () => chat.notice({ type: 'network' }));
  addEventListener('offline', () => chat.notice({ type: 'network' }));
  // Browsers cut the sockets of a page that they keep for the back button, and who we are may change meanwhile.
  addEventListener('pagehide', () => chat.notice({ type: 'pause' }));
  addEventListener('pageshow', (event) => {
    if (event.persisted) chat.notice({ type: 'resume' });
  });
  visibility();
}
