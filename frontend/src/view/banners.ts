/** Sentences above the conversation that stay until somebody has read them. */

import type { Banner } from '../chat/state';
import { texts } from '../texts';
import { button, element, required } from './element';

export class BannersView {
  private readonly place = required('#banners', HTMLElement);
  private readonly shown = new Map<number, HTMLElement>();

  constructor(private readonly dismiss: (id: number) => void) {}

  render(banners: readonly Banner[]): void {
    const current = new Set(banners.map(({ id }) => id));
    for (const [id, node] of this.shown) {
      if (current.has(id)) continue;
      node.remove();
      this.shown.delete(id);
    }
    for (const banner of banners) {
      if (this.shown.has(banner.id)) continue;
      const node = this.make(banner);
      this.shown.set(banner.id, node);
      this.place.append(node);
    }
  }

  private make({ id, text, level }: Banner): HTMLElement {
    const close = button('', 'close', () => this.dismiss(id));
    close.setAttribute('aria-label', texts.dismiss);
    return element('div', { class: 'banner system', 'data-level': level }, element('p', { dir: 'auto' }, text), close);
  }
}
