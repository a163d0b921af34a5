"""The web client's own chats, driven from here: their clock, their network and their server are ours."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

FRONTEND = Path(__file__).resolve().parents[2] / "frontend"


def bundle(folder: Path) -> Path:
    """The client's core and what drives it, as one program for Node."""
    program = folder / "driver.mjs"
    subprocess.run(
        [
            str(FRONTEND / "node_modules" / ".bin" / "esbuild"),
            "test/driver.ts",
            "--bundle",
            "--platform=node",
            "--format=esm",
            "--log-level=warning",
            f"--outfile={program}",
        ],
        cwd=FRONTEND,
        check=True,
    )
    return program


class Chats:
    """A Node process with any number of chats in it. Ends with the block that it is opened in."""

    def __init__(self, program: Path) -> None:
        node = shutil.which("node")
        assert node is not None, "make puts Node on the PATH"
        self._process = subprocess.Popen(
            [node, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def do(self, command: str, **fields: Any) -> dict[str, Any]:
        """Give a command. `done` in the answer says what the chats sent, asked for, opened and closed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"Node ended at {command} {fields}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Chats:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()
