"""Installs what functions require and their assets don't hold: a requirements.txt that nobody bundled.

Such an asset would fail on AWS too. Here its packages are installed once, below the data folder, as a layer,
unless the Python that functions run in has them anyway.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from local_aws import processes
from local_aws.errors import StackError
from local_aws.model import Assembly, Function

_REQUIREMENTS = "requirements.txt"
_KEPT_LINES = 12


class Packages:
    """Layers of installed packages, each for one set of requirements and one Python."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say

    async def provided(self, assembly: Assembly) -> Assembly:
        """The assembly with such a layer for each function that needs one. Raises `StackError`."""
        layers: dict[Path, Path] = {}
        functions: dict[str, Function] = {}
        for name, function in assembly.functions.items():
            if requires_installation(function.code):
                if function.code not in layers:
                    layers[function.code] = await self._layer(function)
                if layers[function.code] not in function.layers:
                    function = replace(function, layers=(layers[function.code], *function.layers))
            functions[name] = function
        return replace(assembly, functions=functions)

    async def _layer(self, function: Function) -> Path:
        layer = self._folder / _key(function.code)
        if layer.is_dir():
            return layer
        unfinished = layer.with_name(f"{layer.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._say(f"Installing what {function.name} requires: {_REQUIREMENTS} names what isn't in its code.")
        started = time.monotonic()
        (unfinished / "python").mkdir(parents=True)
        await self._install(function, unfinished / "python")
        unfinished.rename(layer)
        self._say(f"Installed in {time.monotonic() - started:.1f} s.")
        return layer

    async def _install(self, function: Function, target: Path) -> None:
        reading, writing = os.pipe()
        child = processes.spawn(
            [*_installer(), "--target", str(target), "-r", _REQUIREMENTS],
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            cwd=function.code,
            output=writing,
        )
        os.close(writing)
        last: deque[str] = deque(maxlen=_KEPT_LINES)
        try:
            stream = asyncio.StreamReader()
            with os.fdopen(reading, "rb") as pipe:
                transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                    lambda: asyncio.StreamReaderProtocol(stream), pipe
                )
                try:
                    while line := await stream.readline():
                        last.append(line.decode(errors="replace").rstrip())
                        self._say(f"  {last[-1]}")
                finally:
                    transport.close()
            status = await processes.ended(child)
        except asyncio.CancelledError:
            processes.kill(child)
            raise
        if status != 0:
            said = "\n".join(f"  {line}" for line in last)
            raise StackError(
                f"What {function.name} requires can't be installed ({function.code / _REQUIREMENTS}):\n{said}"
            )


def requires_installation(code: Path) -> bool:
    """Whether a folder of code names packages that are neither in it nor in the functions' Python."""
    try:
        text = (code / _REQUIREMENTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    # What bundles packages leaves their metadata beside them.
    is_bundled = any(code.glob("*.dist-info"))
    return not is_bundled and not all(map(_is_there, _requirements(text)))


def _requirements(text: str) -> Iterator[str]:
    """The requirements of a file, without comments and hashes."""
    for line in text.replace("\\\n", " ").splitlines():
        requirement = re.sub(r"(^|\s)#.*|\s--hash=\S*", "", line).strip()
        if requirement:
            yield requirement


def _is_there(requirement: str) -> bool:
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:  # an option, a path, an address: only an installer knows
        return False
    if wanted.marker is not None and not wanted.marker.evaluate():
        return True
    try:
        return wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _key(code: Path) -> str:
    """What decides which packages there are: the requirements, the files that they name, and the Python."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {sys.platform} {os.uname().machine}".encode())
    for path in sorted(code.glob("*.txt")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:20]


def _installer() -> list[str]:
    """uv where it is there, pip otherwise."""
    uv = shutil.which("uv")
    if uv is None and importlib.util.find_spec("uv") is not None:
        from uv import find_uv_bin

        uv = find_uv_bin()
    if uv is not None:
        return [uv, "pip", "install", "--python", sys.executable, "--compile-bytecode"]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    raise StackError(
        f"{_REQUIREMENTS} of a function can't be installed: neither uv nor pip is there. Install one of "
        "them, or bundle the packages with the function's code."
    )
