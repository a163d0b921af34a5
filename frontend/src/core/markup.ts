/** The little markup that messages may hold: links, code and emphasis. Every character stays as it was written. */

export type Piece =
  | { readonly kind: 'text' | 'code' | 'block' | 'strong' | 'emphasis'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly address: string };

const SCHEMES: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:']);

// In this order: what stands in code is nothing else, and a link may hold the marks of emphasis.
const MARKED = new RegExp(
  [
    '(?<block>```[^]+?```)',
    '(?<code>`[^`\\n]+`)',
    '(?<link>\\b(?:https?://|mailto:)[^\\s<>"`]+)',
    '(?<strong>(?<![\\p{L}\\p{N}*])\\*(?=[^\\s*])[^*\\n]*(?<=\\S)\\*(?![\\p{L}\\p{N}*]))',
    '(?<emphasis>(?<![\\p{L}\\p{N}_])_(?=[^\\s_])[^_\\n]*(?<=\\S)_(?![\\p{L}\\p{N}_]))',
  ].join('|'),
  'giu',
);
const ENDS_A_SENTENCE = /[.,;:!?'’”»…*_]$/u;
const OPENS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** The pieces of a text; their texts, put together, are that text again. */
export function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  let position = 0;
  for (const match of text.matchAll(MARKED)) {
    const piece = pieceOf(match);
    if (piece === null) continue;
    if (match.index > position) found.push({ kind: 'text', text: text.slice(position, match.index) });
    found.push(piece);
    position = match.index + piece.text.length;
  }
  if (position < text.length) found.push({ kind: 'text', text: text.slice(position) });
  return found;
}

function pieceOf({ groups = {} }: RegExpExecArray): Piece | null {
  for (const kind of ['block', 'code', 'strong', 'emphasis'] as const) {
    const text = groups[kind];
    if (text !== undefined) return { kind, text };
  }
  const text = withoutSentence(groups['link'] ?? '');
  const address = addressIn(text);
  return address === null ? null : { kind: 'link', text, address };
}

/** A link at the end of a sentence, or in brackets, doesn't take their marks along. */
function withoutSentence(link: string): string {
  const unopened = new Map(
    Object.entries(OPENS).map(([close, open]) => [close, count(link, close) - count(link, open)]),
  );
  let end = link.length;
  for (; end > 0; end -= 1) {
    const last = link.charAt(end - 1);
    const surplus = unopened.get(last) ?? 0;
    if (surplus > 0) unopened.set(last, surplus - 1);
    else if (!ENDS_A_SENTENCE.test(last)) break;
  }
  return link.slice(0, end);
}

function count(text: string, wanted: string): number {
  return text.split(wanted).length - 1;
}

function addressIn(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const address = new URL(text);
  const names = address.protocol === 'mailto:' ? address.pathname : address.hostname;
  return SCHEMES.has(address.protocol) && names !== '' ? address.href : null;
}
