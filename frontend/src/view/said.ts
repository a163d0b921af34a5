/** The text of a message as nodes: links that can be followed, code and emphasis. Text only ever goes in as text. */

import { type Piece, pieces } from '../core/markup';
import { element } from './element';

export function showSaid(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.replaceChildren(...pieces(text).map(node));
}

function node(piece: Piece): Node {
  switch (piece.kind) {
    case 'text':
      return new Text(piece.text);
    case 'link':
      return element(
        'a',
        // The title shows where a look-alike name really leads.
        { href: piece.address, title: piece.address, target: '_blank', rel: 'noopener noreferrer nofollow ugc' },
        piece.text,
      );
    case 'strong':
      return element('strong', {}, piece.text);
    case 'emphasis':
      return element('em', {}, piece.text);
    case 'code':
    case 'block':
      return element('code', { class: piece.kind, dir: 'ltr' }, piece.text);
  }
}
