// Prints the path of a browser for tests: the one in the npm package, unpacked where needed, else one on the PATH.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

async function packaged() {
  // The package carries a build for Linux on x86-64 only.
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const { default: chromium } = await import('@sparticuz/chromium');
  return chromium.executablePath();
}

function onPath() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((path) => existsSync(path));
}

const found = (await packaged().catch((error) => void console.error(`The packaged browser: ${error.message}`))) ?? onPath();
if (found === undefined) {
  console.error('No browser found. Install Chromium or Chrome, so that it is on the PATH.');
  process.exit(1);
}
console.log(found);
