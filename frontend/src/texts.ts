/** Every sentence that a person reads, in the language of the browser where there is one of ours. */

import { type Texts, english } from './languages/english';
import { german } from './languages/german';

const LANGUAGES: Readonly<Record<string, Texts>> = { en: english, de: german };

/** The first of somebody's languages that is one of ours, else English. `locale` is how they write dates in it. */
export function chosenFrom(wanted: readonly string[]): { readonly texts: Texts; readonly locale: string } {
  for (const tag of wanted) {
    const texts = LANGUAGES[tag.split('-', 1)[0]?.toLowerCase() ?? ''];
    if (texts !== undefined) return { texts, locale: isLocale(tag) ? tag : texts.locale };
  }
  return { texts: english, locale: english.locale };
}

/** Browsers hand on what the system calls its language, `en-US@posix` for one, and don't understand it themselves. */
function isLocale(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

export const { texts, locale } = chosenFrom(globalThis.navigator?.languages ?? []);
