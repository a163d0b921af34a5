/** The state of the connection, said calmly: a change is read out, the countdown is only seen. */

import type { Connection } from '../core/connection';
import { texts } from '../texts';
import { button, required, setText } from './element';

export type Shown = 'connecting' | 'live' | 'waiting' | 'refused';

/** After this many failures in a row it's more than a moment. */
const OFTEN = 4;

export class StatusView {
  private readonly bar = required('#connection', HTMLElement);
  private readonly sentence = required('#connection-state', HTMLElement);
  private readonly countdown = required('#connection-countdown', HTMLElement);
  private readonly reconnect: HTMLButtonElement;

  constructor(reconnect: () => void) {
    this.reconnect = button(texts.reconnect, 'button small', reconnect);
    this.bar.append(this.reconnect);
  }

  render(connection: Connection, isGuest: boolean, now: number): void {
    const shown = shownState(connection);
    document.body.dataset['connection'] = shown;
    setText(this.sentence, sentenceFor(shown, connection, isGuest));
    setText(this.countdown, shown === 'waiting' ? countdownFor(connection, now) : '');
    this.reconnect.hidden = shown !== 'waiting' && shown !== 'refused';
  }
}

export function shownState({ phase, renewing }: Connection): Shown {
  switch (phase.name) {
    case 'live':
    case 'waiting':
    case 'refused':
      return phase.name;
    default:
      return renewing ? 'live' : 'connecting';
  }
}

function sentenceFor(shown: Shown, { failures }: Connection, isGuest: boolean): string {
  switch (shown) {
    case 'live':
      return texts.live;
    case 'connecting':
      return texts.connecting;
    case 'refused':
      return isGuest ? texts.noRoomsGuest : texts.noRooms;
    case 'waiting':
      return failures >= OFTEN ? texts.unreachable : texts.lost;
  }
}

function countdownFor({ phase, hidden }: Connection, now: number): string {
  if (phase.name !== 'waiting') return '';
  return hidden ? texts.whenVisible : texts.inSeconds(Math.max(0, Math.ceil((phase.until - now) / 1000)));
}
