"""Attacks on the web client's reading: prototypes that frames change, patterns that text holds up."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"

_POLLUTE = r"""
import { readFrame } from './src/core/frames.ts';
const keys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'];
const types = ['chat_message', 'message_edited', 'message_deleted', 'history', 'message_accepted',
  'change_accepted', 'channel_changed', 'system', 'error', 'pong', 'unread', 'presence', 'typing',
  '__proto__', 'constructor'];
const before = Object.getOwnPropertyNames(Object.prototype).sort().join();
let read = 0;
for (const type of types) {
  for (const key of keys) {
    for (const value of ['{"polluted":true}', '"polluted"', '{"prototype":{"polluted":1}}', 'null']) {
      const fields = `"type":"${type}","${key}":${value},"room":"${key}","sequence":1,"target":1,` +
        `"username":"${key}","message":"x","created_at":"2026-12-01T00:00:00Z","channel":"${key}",` +
        `"code":"${key}","error":"x","latest_sequence":1,"rooms":{"${key}":{"unread":1,"mentions":0}}`;
      readFrame(`{${fields}}`);
      readFrame(`{${fields},"messages":[{${fields}}]}`);
      read += 2;
    }
  }
}
console.log(JSON.stringify({
  read,
  polluted: 'polluted' in {} || 'polluted' in [] || 'polluted' in Function.prototype,
  unchanged: before === Object.getOwnPropertyNames(Object.prototype).sort().join(),
}));
"""
_GROW = r"""
import { pieces } from './src/core/markup.ts';
const units = ['*a', '_a ', '* ', '`', '```', '`a', 'http://', 'http://a)', 'http://a.', '*_', '((', '[a](',
  '\n*',   'mailto:', '\u200b', '<', '&', 'a'];
const took = (text) => {
  let least = Infinity;
  for (let turn = 0; turn < 3; turn += 1) {
    const started = process.cpuUsage();
    pieces(text);
    const used = process.cpuUsage(started);
    least = Math.min(least, used.user + used.system);
  }
  return least;
};
pieces('warm *up*'.repeat(1000));
console.log(JSON.stringify(Object.fromEntries(units.map((unit) => {
  const small = Math.ceil(16000 / unit.length);
  return [unit, [took(unit.repeat(small)), took(unit.repeat(small * 4))]];
}))));
"""


def ran(program: str, folder: Path) -> Any:
    """What a program on the client's own modules prints, read as JSON."""
    node = shutil.which("node")
    assert node is not None, "make puts Node on the PATH"
    bundled = folder / "program.mjs"
    esbuild = FRONTEND / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--platform=node", "--format=esm", "--log-level=warning", f"--outfile={bundled}"]
    subprocess.run([str(esbuild), *options], cwd=FRONTEND, input=program, text=True, check=True)
    printed = subprocess.run([node, str(bundled)], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(printed.stdout)


def test_polluting_prototypes_by_frames(tmp_path: Path) -> None:
    answer = ran(_POLLUTE, tmp_path)
    assert answer["read"] > 500
    assert answer["polluted"] is False
    assert answer["unchanged"] is True


def test_holding_up_the_client_by_its_patterns(tmp_path: Path) -> None:
    """Four times the text takes about four times as long. The square would be sixteen."""
    for unit, (small, large) in ran(_GROW, tmp_path).items():
        # Below two milliseconds the clock says nothing; and two milliseconds hold up nobody.
        assert large < max(10 * small, 20_000), (unit, small, large)


@pytest.mark.parametrize("hostile", ["a" * 4000, "*" * 4000, "`" * 4000])
def test_a_message_as_long_as_allowed_is_read_in_milliseconds(hostile: str, tmp_path: Path) -> None:
    program = (
        "import { pieces } from './src/core/markup.ts';"
        f"const text = {json.dumps(hostile)}; pieces(text); const started = process.cpuUsage();"
        "pieces(text); const used = process.cpuUsage(started);"
        "console.log(JSON.stringify({ took: used.user + used.system, whole: pieces(text).map((p) => p.text)"
        ".join('') === text }));"
    )
    answer = ran(program, tmp_path)
    assert answer["whole"] is True
    assert answer["took"] < 50_000
