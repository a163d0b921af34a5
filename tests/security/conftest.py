"""What the attacks share: one running stack, people on it, and what may be asked of its database."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.stack.person import Person
from tests.stack.running import ROOT, Stack, running

PASSWORD = "correct horse 42"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("security") / "data") as started:
        yield started


@pytest.fixture
def guest(stack: Stack) -> Person:
    return Person(stack)


@pytest.fixture(scope="session")
def victim(stack: Stack) -> Person:
    return somebody_new(stack, "victim")


@pytest.fixture(scope="session")
def attacker(stack: Stack) -> Person:
    return somebody_new(stack, "mallory")


@pytest.fixture(scope="session")
def root(stack: Stack) -> Person:
    """A superuser."""
    name = a_name("root")
    made = stack.make("admin", f"USERNAME={name}", f"PASSWORD={PASSWORD}")
    assert made.returncode == 0, made.stderr
    return Person(stack).log_in(name, PASSWORD)


def a_name(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:8]}"


def somebody_new(stack: Stack, name: str) -> Person:
    return Person(stack).sign_up(a_name(name))


def name_of(person: Person) -> str:
    return str(person.session()["user"]["username"])


def status_of(person: Person, query: str, *, origin: str | None = None, path: str = "") -> int:
    """The status of a handshake: 101 if it was accepted, and then the connection is closed again."""
    try:
        person.open(query, origin=person.stack.url if origin is None else origin).close()
    except InvalidStatus as refused:
        return refused.response.status_code
    return 101


def api_ids(stack: Stack) -> dict[str, str]:
    """The stack's APIs: the id of the WebSocket API under "websocket", of the HTTP API under "http"."""
    environments = json.loads((stack.data_dir / "stack.json").read_text())["environments"]
    websocket = environments["parlor-websocket"]["WEBSOCKET_API_ID"]
    http = stack.output.split("HTTP API parlor-http: ")[1].split()[0].rsplit("/", 1)[-1]
    return {"websocket": websocket, "http": http}


def secret_of(stack: Stack) -> str:
    """The secret that the distribution adds to requests."""
    environments = json.loads((stack.data_dir / "stack.json").read_text())["environments"]
    return str(environments["parlor-http"]["GATEWAY_SECRETS"].split(",")[0])


def query(stack: Stack, code: str) -> Any:
    """What Python on the stack's own models, as the owner of its database, prints, read as JSON."""
    local = [sys.executable, "-m", "local_aws.exec", "--data-dir", str(stack.data_dir), "parlor-migrate"]
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "--verbosity", "0", "-c"]
    ran = subprocess.run(
        [*local, "--", *shell, f"import json\n{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.strip().splitlines()[-1])
