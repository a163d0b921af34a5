"""Firefox and WebKitGTK over a running stack: `make test-engines` asks for them, `make test` goes without."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.engines.firefox import Firefox
from tests.engines.screen import Screen
from tests.engines.webkit import WebKit
from tests.stack.running import Stack, running

ENGINES = {"firefox": Firefox, "webkit": WebKit}
if not os.environ.get("ENGINES"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of their own: they stop and start it."""
    with running(tmp_path_factory.mktemp("engines") / "data") as started:
        yield started


@pytest.fixture(params=sorted(ENGINES))
def screen(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Callable[..., Screen]]:
    """Opens browsers of one engine, each with a profile of its own: `screen()`, `screen(dark=True)`."""
    with ExitStack() as opened:
        yield lambda *, dark=False: opened.enter_context(ENGINES[request.param](stack, dark=dark))
