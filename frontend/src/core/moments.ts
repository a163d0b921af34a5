/** Times as people say them. */

import { locale, texts } from '../texts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const dayFormat = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dayOfYearFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
const clockFormat = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
const exactFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium' });
const momentFormat = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
const agoFormat = new Intl.RelativeTimeFormat(locale, { style: 'narrow', numeric: 'always' });

/** The same for all moments of one local day. */
export function dayKey(time: number): string {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

export function dayName(time: number, now: number): string {
  if (dayKey(time) === dayKey(now)) return texts.today;
  if (dayKey(time) === dayKey(now - 24 * HOUR)) return texts.yesterday;
  const format = new Date(time).getFullYear() === new Date(now).getFullYear() ? dayFormat : dayOfYearFormat;
  return format.format(time);
}

/** Within the last hour how long ago, else the time of day: the day itself stands above. */
export function shortTime(time: number, now: number): string {
  const age = now - time;
  if (age < MINUTE && age > -MINUTE) return texts.justNow;
  if (age < HOUR && age > 0) return agoFormat.format(-Math.floor(age / MINUTE), 'minute');
  return clockFormat.format(time);
}

/** A moment that is to come: the time of day, with its day where that is another. */
export function momentOf(time: number, now: number): string {
  return dayKey(time) === dayKey(now) ? clockFormat.format(time) : momentFormat.format(time);
}

export function exactTime(time: number): string {
  return exactFormat.format(time);
}
