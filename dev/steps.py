"""Steps that are done once: each knows by a fingerprint of its inputs whether its work still holds."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.failure import Failure
from dev.paths import ROOT, STATE

_NEVER_AN_INPUT = {"__pycache__", "node_modules", "dist", ".vite"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to have done before the next.

    `inputs` are files and folders whose content decides, `facts` anything else that does; `makes` must exist
    afterwards. `stamp` is where the fingerprint is kept, in the checkout unless the work is in a data folder.
    """

    name: str
    doing: str
    work: Callable[[], None]
    inputs: Sequence[Path]
    makes: Path
    facts: Sequence[str] = ()
    stamp: Path | None = None

    def ensure(self) -> None:
        """Do the work unless it holds, saying so and how long it took."""
        stamp = self.stamp or STATE / "steps" / self.name.lower().replace(" ", "-")
        fingerprint = self._fingerprint()
        if self._holds(stamp, fingerprint):
            return
        say(f"{self.name}: {self.doing} …")
        started = time.monotonic()
        stamp.unlink(missing_ok=True)
        self.work()
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(fingerprint, encoding="utf-8")
        say(f"{self.name}: done in {time.monotonic() - started:.1f} s")

    def _holds(self, stamp: Path, fingerprint: str) -> bool:
        try:
            return self.makes.exists() and stamp.read_text(encoding="utf-8") == fingerprint
        except OSError:
            return False

    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for fact in (str(ROOT), *self.facts):
            digest.update(fact.encode("utf-8", "surrogateescape") + b"\0")
        for path in _files(self.inputs):
            digest.update(str(path).encode("utf-8", "surrogateescape") + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def _files(inputs: Iterable[Path]) -> Iterator[Path]:
    for path in inputs:
        if path.is_dir():
            for folder, folders, names in os.walk(path):
                folders[:] = sorted(set(folders) - _NEVER_AN_INPUT)
                yield from (Path(folder, name) for name in sorted(names))
        elif path.exists():
            yield path


def say(line: str) -> None:
    """Tell the person, at once."""
    print(line, flush=True)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Let one command of this checkout install and build at a time; the others wait and say so."""
    try:
        STATE.mkdir(exist_ok=True)
        lock = (STATE / "lock").open("w")
    except OSError as error:
        raise Failure(f"The checkout can't be written to ({error.strerror}): {ROOT}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another make is installing or building in this checkout; waiting for it …")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
