"""One running stack for all tests that need no stack of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.person import Person
from tests.stack.running import Stack, running


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("stack") / "data") as started:
        yield started


@pytest.fixture
def guest(stack: Stack) -> Person:
    return Person(stack)
