"""What tests share: a PostgreSQL server of their own, and a browser, each started when a test needs it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from pytest_django import DjangoDbBlocker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

from local_aws.database import Postgres
from local_aws.model import Database
from tests.stack.running import ROOT


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A running server with a master role as RDS has one, `parlor_master`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Postgres(tmp_path_factory.mktemp("database") / "postgres", port)
    server.start()
    try:
        server.ensure(
            Database(
                name="tests",
                database="parlor",
                host="127.0.0.1",
                port=port,
                master_username="parlor_master",
                master_password="unused: loopback is trusted",
            )
        )
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def django_db_setup(postgres: Postgres, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Migrate a database on that server, in place of pytest-django's own: it is thrown away as a whole."""
    from django.core.management import call_command
    from django.db import connections

    connections["default"].settings_dict.update(
        HOST="127.0.0.1", PORT=str(postgres.port), NAME="parlor", USER="parlor_master", PASSWORD=""
    )
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
        yield
        connections.close_all()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One for all tests of a process, where Playwright can be started once."""
    from playwright.sync_api import sync_playwright

    node = shutil.which("node")
    assert node is not None, "make puts Node on the PATH"
    script = ROOT / "frontend" / "scripts" / "browser-path.mjs"
    found = subprocess.run([node, str(script)], cwd=script.parent, capture_output=True, text=True, check=True)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.stdout.strip(),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        yield started
        started.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what fails fastest first: the parts, then the whole stack, then browsers on it.

    Browsers must be last in any case: while Playwright runs, its event loop keeps Django from the database.
    """
    items.sort(key=lambda item: ("stack" in item.keywords) + 2 * ("browser" in item.keywords))
