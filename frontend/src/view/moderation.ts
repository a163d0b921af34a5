/** What is asked before a message is reported, or a person is muted or banned. */

import type { Reason, Restriction, Wanted } from '../chat/moderation';
import type { ChatMessage } from '../core/frames';
import { texts } from '../texts';
import { askInDialog, choice, lines } from './dialog';
import { button, element } from './element';

const QUOTED = 160;
const LONGEST_NOTE = 500;
const HOUR = 3_600;
/** In seconds; 0 stands for no end. */
const DURATIONS = [10 * 60, HOUR, 24 * HOUR, 7 * 24 * HOUR, 0];

export function askToReport(
  message: ChatMessage,
  report: (reason: Reason, note: string) => void,
  closed: () => void,
): void {
  const reasons = Object.entries(texts.reasons) as [Reason, string][];
  askInDialog(
    texts.reportTitle,
    texts.sendReport,
    [
      quote(message),
      choice(texts.whyReport, 'reason', reasons),
      lines(texts.reportNote, 'note', LONGEST_NOTE, texts.noteTooLong(LONGEST_NOTE)),
    ],
    (filled) => report(String(filled.get('reason')) as Reason, String(filled.get('note')).trim()),
    closed,
  );
}

export interface RestrictActions {
  restrict(wanted: Wanted): void;
  lift(restriction: Restriction): void;
  titleOf(room: string | null): string | null;
  closed(): void;
}

export function askToRestrict(
  { username }: ChatMessage,
  room: string,
  held: readonly Restriction[],
  actions: RestrictActions,
): void {
  const durations = element('select', { name: 'seconds' });
  for (const seconds of DURATIONS) durations.append(element('option', { value: String(seconds) }, texts.duration(seconds)));
  askInDialog(
    texts.restrictTitle(username),
    texts.restrictNow,
    [
      ...(held.length === 0 ? [] : [liftable(held, actions)]),
      choice(texts.whatToDo, 'kind', [['mute', texts.mute], ['ban', texts.ban]]),
      choice(texts.where, 'where', [['here', texts.onlyIn(actions.titleOf(room) ?? room)], ['everywhere', texts.everywhere]]),
      element('label', { class: 'lines' }, texts.howLong, durations),
      lines(texts.restrictReason, 'reason', LONGEST_NOTE, texts.noteTooLong(LONGEST_NOTE)),
    ],
    (filled) =>
      actions.restrict({
        kind: filled.get('kind') === 'ban' ? 'ban' : 'mute',
        username,
        room: filled.get('where') === 'here' ? room : null,
        seconds: Number(filled.get('seconds')) || null,
        reason: String(filled.get('reason')).trim(),
      }),
    () => actions.closed(),
  );
}

function liftable(held: readonly Restriction[], actions: RestrictActions): HTMLElement {
  const list = element('ul', { class: 'held' });
  for (const restriction of held) {
    const { kind, room } = restriction;
    const label = texts.lift(kind, actions.titleOf(room));
    const lift = button(label, 'button small quiet', () => {
      actions.lift(restriction);
      lift.closest('dialog')?.close();
    });
    list.append(element('li', {}, lift));
  }
  return list;
}

function quote({ username, text }: ChatMessage): HTMLElement {
  const shown = [...text].length > QUOTED ? `${[...text].slice(0, QUOTED).join('')} …` : text;
  return element('blockquote', { dir: 'auto' }, element('bdi', {}, username), `: ${shown}`);
}
