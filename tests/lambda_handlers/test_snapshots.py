"""Starting from a snapshot: what must differ between two environments is made anew, by the runtime."""

from __future__ import annotations

import random

import pytest
from django.db import connection
from snapshot_restore_py import get_after_restore, get_before_snapshot

from delivery import credentials
from lambda_handlers import snapshots, websocket


def call(hooks: object) -> None:
    """Run hooks as awslambdaric does."""
    for function, arguments, named in hooks:  # type: ignore[attr-defined] # the library has no types
        function(*arguments, **named)


def test_the_websocket_function_registers_its_hooks_with_the_runtime() -> None:
    assert websocket.handler
    assert snapshots.before_snapshot in [hook[0] for hook in get_before_snapshot()]
    assert snapshots.after_restore in [hook[0] for hook in get_after_restore()]


def test_no_connection_to_the_database_is_in_the_snapshot_or_survives_it() -> None:
    for hooks in (get_before_snapshot, get_after_restore):
        connection.ensure_connection()
        call(hooks())
        assert connection.connection is None
    connection.ensure_connection()
    assert connection.is_usable()


def test_two_environments_of_one_snapshot_draw_different_numbers() -> None:
    snapshot = random.getstate()
    drawn = []
    for _ in range(2):
        random.setstate(snapshot)
        call(get_after_restore())
        drawn.append(random.random())
    assert drawn[0] != drawn[1]


def test_credentials_of_before_the_snapshot_are_not_used_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    old = credentials.Credentials("ASIAOLD", "secret", "token", expires=float("inf"))
    monkeypatch.setattr(credentials, "_kept", old)
    call(get_after_restore())
    assert credentials._kept is None
