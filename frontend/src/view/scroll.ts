/** Where the reader is in the conversation: at the newest, or at a row that must not move under the eyes. */

const NEAR = 40;
const LOAD_AHEAD = 300;
/** Without a scroll event for this long, the scroller stands still. */
const STILL = 120;

export class ReadingPosition {
  /** Whether the newest message is in view, so that the next one shall be too. */
  atNewest = true;
  /** Whether a scroll is under way. A browser carries it on to the place that it began for, whatever is put above. */
  moving = false;
  private stopping: number | undefined;
  private anchor: { readonly node: Element; readonly top: number } | null = null;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly rows: HTMLElement,
    moved: () => void,
    stopped: () => void,
  ) {
    const stop = (): void => {
      this.moving = false;
      stopped();
    };
    const scrolled = (): void => {
      this.moving = true;
      clearTimeout(this.stopping);
      this.stopping = window.setTimeout(stop, STILL);
      this.remember();
      moved();
    };
    scroller.addEventListener('scroll', scrolled, { passive: true });
    const resized = new ResizeObserver(() => this.restore());
    resized.observe(scroller);
    resized.observe(rows);
  }

  /** Whether older messages are wanted: the reader is close to the first one, or there is room left for more. */
  get wantsOlder(): boolean {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return this.atNewest ? scrollHeight <= clientHeight : scrollTop < LOAD_AHEAD;
  }

  private remember(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.atNewest = scrollHeight - scrollTop - clientHeight < NEAR;
    const node = this.atNewest ? null : this.firstInView();
    this.anchor = node === null ? null : { node, top: this.topOf(node) };
  }

  /** Bring the reader back to where they were, after rows came, went or changed their size. */
  restore(): void {
    if (this.atNewest) {
      this.scroller.scrollTop = this.scroller.scrollHeight;
    } else if (this.anchor !== null && this.anchor.node.isConnected) {
      const moved = this.topOf(this.anchor.node) - this.anchor.top;
      if (moved !== 0) this.scroller.scrollTop += moved;
    }
  }

  /** Bring a row into view, and stay there. */
  toRow(row: Element): void {
    this.scroller.scrollTop += this.topOf(row) - this.scroller.clientHeight / 3;
    this.remember();
  }

  toNewest(): void {
    this.atNewest = true;
    this.anchor = null;
    this.restore();
  }

  private topOf(node: Element): number {
    return node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top;
  }

  private firstInView(): Element | null {
    const { children } = this.rows;
    const edge = this.scroller.getBoundingClientRect().top;
    let low = 0;
    let high = children.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((children[middle] as Element).getBoundingClientRect().bottom > edge) high = middle;
      else low = middle + 1;
    }
    // A day's line moves up when older messages of that day come.
    const day = children[low]?.classList.contains('day') === true;
    return children[day ? low + 1 : low] ?? null;
  }
}
