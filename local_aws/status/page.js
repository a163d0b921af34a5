// Fetches the page again each second while somebody looks at it, and replaces the sections that differ.
'use strict';

const EVERY_MS = 1000;
const live = document.getElementById('live');

/** What the person has opened or closed themselves, by the id of the element. */
const toggled = new Map();
document.addEventListener(
  'toggle',
  ({ target }) => {
    if (target.id) toggled.set(target.id, target.open);
  },
  true,
);

function isBeingRead(section) {
  const selection = getSelection();
  return !selection.isCollapsed && section.contains(selection.anchorNode);
}

function replace(old, fresh) {
  for (const details of fresh.querySelectorAll('details[id]')) {
    if (toggled.has(details.id)) details.open = toggled.get(details.id);
  }
  if (old.isEqualNode(fresh) || isBeingRead(old)) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.closest('details[id]')?.id : null;
  old.replaceWith(fresh);
  if (focused) document.getElementById(focused)?.querySelector('summary').focus({ preventScroll: true });
}

async function refresh() {
  const answer = await fetch('/', { headers: { Accept: 'text/html' }, cache: 'no-store' });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const fresh of page.querySelectorAll('main > section')) {
    const old = document.getElementById(fresh.id);
    if (old) replace(old, fresh);
    else document.querySelector('main').append(fresh);
  }
}

/** A bar of the picture leads to its invocation, opened. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener('hashchange', openTarget);

async function run() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    if (document.hidden) continue;
    let state = 'live';
    try {
      await refresh();
    } catch {
      state = 'stopped';
    }
    if (live.textContent !== state) live.textContent = state;
    document.documentElement.classList.toggle('stopped', state !== 'live');
  }
}

run();
