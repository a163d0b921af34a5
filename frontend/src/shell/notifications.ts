/** The system's notifications. Asked for only when somebody wants them. */

/** Whether somebody could still allow them. */
export function mayAsk(): boolean {
  return 'Notification' in window && Notification.permission === 'default';
}

export async function ask(): Promise<void> {
  await Notification.requestPermission();
}

export function notify(title: string, body: string, tag: string): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  try {
    const shown = new Notification(title, { body, tag, icon: '/icon.svg' });
    shown.addEventListener('click', () => {
      window.focus();
      shown.close();
    });
  } catch {
    // Phones have the constructor and refuse it: they notify from a service worker only.
  }
}
