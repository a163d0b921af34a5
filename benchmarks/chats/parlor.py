"""Parlor as a server under load: the laptop's stack as `make run` starts it, with rooms enough."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environment import ROOT
from dev.synthesis import synthesise_for
from tests.stack.running import free_ports

_SETTINGS = "benchmarks.chats.unlimited_settings"
_ROOMS = """
from chat.models import Room
from django_aws_api_gateway_websockets.models import ChannelPermission
for number in range({count}):
    Room.objects.create(name=f"room-{{number}}", title=f"Room {{number}}")
    ChannelPermission.objects.create(
        channel_name=f"room-{{number}}", access=ChannelPermission.Access.ALLOW_ALL
    )
"""
ROOMS = 20


@contextmanager
def parlor() -> Iterator[str]:
    """A running stack; the address of its WebSocket API."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        synthesise_for(data)
        _lift_limit(data / "cdk.out")
        port = free_ports()
        command = [sys.executable, "-m", "local_aws", "--assembly", str(data / "cdk.out"), "--no-reload"]
        command += ["--port", str(port), "--data-dir", str(data), "--on-ready", "READY"]
        log = Path(folder, "log")
        with log.open("w") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 60
            while "READY" not in log.read_text(encoding="utf-8"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"The stack did not start: {log.read_text(encoding='utf-8')}")
                time.sleep(0.05)
            _make_rooms(data)
            yield f"http://127.0.0.1:{port}/ws"
        finally:
            process.terminate()
            process.wait(15)


def _lift_limit(assembly: Path) -> None:
    for path in assembly.glob("*.template.json"):
        template = json.loads(path.read_text(encoding="utf-8"))
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                variables = resource["Properties"].get("Environment", {}).get("Variables", {})
                if "DJANGO_SETTINGS_MODULE" in variables:
                    variables["DJANGO_SETTINGS_MODULE"] = _SETTINGS
        path.write_text(json.dumps(template), encoding="utf-8")


def _make_rooms(data: Path) -> None:
    command = [sys.executable, "-m", "local_aws.exec", "--data-dir", str(data), "parlor-http", "--"]
    subprocess.run(
        [*command, sys.executable, "manage.py", "shell", "-c", _ROOMS.format(count=ROOMS)],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=60,
    )
