"""How long the WebSocket function takes to be ready for its first event, next to what Django alone takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

from benchmarks.environment import ROOT
from benchmarks.results import Result

_ROUNDS = 15
_SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "django_project.settings",
    "DJANGO_SECRET_KEY": "a key",
    "GATEWAY_SECRETS": "a secret",
    "PUBLIC_ORIGIN": "https://chat.example.com",
    "AWS_LAMBDA_FUNCTION_NAME": "parlor-websocket",
}
_STARTS = {
    "bare django.setup() of the same settings": "import django; django.setup(set_prefix=False)",
    "the WebSocket function": "import lambda_handlers.websocket",
    "the function for pages": "import lambda_handlers.http",
    "the delivery function": "import lambda_handlers.delivery",
}
_BASELINE = "bare django.setup() of the same settings"


def measure() -> Result:
    """Start each in turn, so that noise meets all alike, and take the medians."""
    interpreter = [_start("pass") for _ in range(_ROUNDS)]
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in _STARTS}
    for _ in range(_ROUNDS):
        for name, program in _STARTS.items():
            times[name].append(_start(program))
    nothing = _middle(interpreter)
    figures = {
        name: [value - less for value, less in zip(_middle(all_), nothing, strict=True)]
        for name, all_ in times.items()
    }
    wall, _ = figures[_BASELINE]
    return Result(
        title="Cold starts",
        measures="Everything that an environment does before its first event, in a process of its own: the "
        f"median of {_ROUNDS}, without the interpreter's own start. Bytecode is there, as in the packages.",
        baseline=f"{_BASELINE}, in the same run.",
        columns=["", "ms", "CPU ms", "in relation to the baseline"],
        rows=[[name, 1000 * took, 1000 * used, took / wall] for name, (took, used) in figures.items()],
        notes=["The baseline loads boto3, as the WebSocket library has it; the functions put that off."],
    )


def _middle(measured: list[tuple[float, float]]) -> list[float]:
    return [median(each) for each in zip(*measured, strict=True)]


def _start(program: str) -> tuple[float, float]:
    """Wall and processor time in seconds of a Python that runs `program` and ends."""
    before = os.times()
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**_SETTINGS, "PATH": os.environ.get("PATH", "")},
        check=True,
    )
    took = time.perf_counter() - started
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return took, used
