"""The examples, synthesised once together and each run as a person runs it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import boto3
import pytest

from dev import node
from dev.paths import ROOT

_EXAMPLES = ROOT / "examples"
_SYNTHESISE = """
import sys
from aws_cdk import App
from examples.auction.app import AuctionStack
from examples.transcripts.app import TranscriptsStack
for name, stack in (("auction", AuctionStack), ("transcripts", TranscriptsStack)):
    app = App(outdir=f"{sys.argv[1]}/{name}")
    stack(app, name.capitalize())
    app.synth()
"""


@dataclass
class RunningExample:
    """A running example, and what it said until it was ready."""

    port: int
    said: list[str]

    @property
    def url(self) -> str:
        """The WebSocket API's address, as it is said."""
        [line] = [line for line in self.said if line.startswith("WebSocket API ")]
        return line.rpartition(": ws://")[2].join(("ws://", ""))

    def client(self, service: str) -> Any:
        """A client of a service, of somebody who develops."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port + 1}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="session")
def assemblies() -> Path:
    """The folder of the examples' assemblies, made anew only when an example or the CDK has changed."""
    digest = hashlib.sha256(metadata.version("aws-cdk-lib").encode())
    for path in sorted(_EXAMPLES.rglob("*.py")):
        digest.update(path.relative_to(_EXAMPLES).as_posix().encode() + b"\0" + path.read_bytes())
    folder = ROOT / ".cache" / "examples" / digest.hexdigest()[:16]
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        subprocess.run(
            [sys.executable, "-c", _SYNTHESISE, str(unfinished)],
            cwd=ROOT,
            check=True,
            env={**os.environ, **node.environment(), "CDK_VALIDATION": "false"},
        )
        try:
            unfinished.rename(folder)
        except OSError:  # another process was first
            shutil.rmtree(unfinished)
    return folder


@contextmanager
def running(assembly: Path, data: Path, *options: str) -> Iterator[RunningExample]:
    """Run an assembly until the block ends; whatever of it can't run is an error."""
    port = _free_ports()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "local_aws", "--assembly", str(assembly)),
            *("--port", str(port), "--data-dir", str(data), *options),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert process.stdout is not None
    try:
        for line in process.stdout:
            said.append(line.rstrip("\n"))
            if said[-1] == "Ready":
                break
        else:
            raise AssertionError("\n".join(said))
        yield RunningExample(port, said)
    finally:
        process.send_signal(signal.SIGTERM)
        said += process.stdout.read().splitlines()
        process.stdout.close()
        status = process.wait(15)
        print("\n".join(said))
    assert status == 0


def _free_ports() -> int:
    """A port whose next one is free too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
