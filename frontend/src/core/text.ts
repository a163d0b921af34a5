/** Text as the server counts and keeps it, and as letters that people see. */

const NOTHING_VISIBLE = /^[\s\p{Cf}\p{Z}\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f]*$/u;
// Everything of category Cc except newline and tab.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/**
 * The text that is sent for what somebody wrote: newlines as one character, composed (NFC), indentation kept. Sent
 * composed, the longest allowed message always fits into a WebSocket frame.
 */
export function messageText(written: string): string {
  return written.replace(/\r\n?/gu, '\n').replace(CONTROL, '').toWellFormed().normalize('NFC').trimEnd();
}

/** Whether nothing of it can be seen. */
export function isBlank(text: string): boolean {
  return NOTHING_VISIBLE.test(text);
}

/** Code points, which is what the server counts; neither UTF-16 units nor what looks like one letter. */
export function lengthOf(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The first letter as people see it, however many code points it takes. */
export function initial(name: string): string {
  const [first] = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(name.trim());
  return first === undefined ? '?' : first.segment.toLocaleUpperCase();
}

/** One of `count` colours, always the same for a name. */
export function colourOf(name: string, count: number): number {
  let hash = 2_166_136_261;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  hash ^= hash >>> 15;
  return (Math.imul(hash, 0x2c1b3c6d) >>> 16) % count;
}
