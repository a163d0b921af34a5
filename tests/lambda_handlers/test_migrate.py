"""The migrate function: several at once are safe, and each says what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from local_aws.database import Postgres
from local_aws.model import Database

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json
from lambda_handlers import migrate
from tests.lambda_handlers.events import Context
print(json.dumps(migrate.handler({}, Context())))
"""
ROOMS = """
    SELECT name, access FROM chat_room
    JOIN django_aws_api_gateway_websockets_channelpermission ON name = channel_name
"""


class Deployment:
    """A database of its own, and the migrate function as a process that works on it."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.database = f"deployment_{uuid4().hex}"
        self.app_user = f"app_{uuid4().hex[:8]}"
        postgres.ensure(
            Database(
                name="deployment",
                database=self.database,
                host="127.0.0.1",
                port=postgres.port,
                master_username="parlor_master",
                master_password="unused: loopback is trusted",
            )
        )

    def start(self, *, api_id: str = "api4567890") -> subprocess.Popen[str]:
        variables = {
            "DJANGO_SETTINGS_MODULE": "django_project.settings",
            "DATABASE_HOST": "127.0.0.1",
            "DATABASE_PORT": str(self._postgres.port),
            "DATABASE_NAME": self.database,
            "DATABASE_USER": "parlor_master",
            "DATABASE_SSLMODE": "disable",
            "DATABASE_APP_USER": self.app_user,
            "WEBSOCKET_API_ID": api_id,
            "WEBSOCKET_STAGE": "ws",
        }
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *, api_id: str = "api4567890") -> dict[str, Any]:
        return finished(self.start(api_id=api_id))

    def sql(self, statement: str, *, user: str = "parlor_master") -> list[tuple[Any, ...]]:
        with psycopg.connect(self._postgres.url(self.database, user)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    answer: dict[str, Any] = json.loads(output)
    return answer


@pytest.fixture
def deployment(postgres: Postgres) -> Deployment:
    return Deployment(postgres)


def test_of_five_at_once_one_applies_and_the_others_have_nothing_to_do(deployment: Deployment) -> None:
    answers = [finished(process) for process in [deployment.start() for _ in range(5)]]

    applied = [answer for answer in answers if answer["migrations"] != "nothing to do"]
    assert len(applied) == 1
    assert "chat.0001_initial" in applied[0]["migrations"]
    assert applied[0]["gateway"] == "registered api4567890"
    assert [answer["role"] for answer in answers].count("made") == 1
    assert sorted(deployment.sql(ROOMS)) == [
        ("general", "allow_all"),
        ("random", "allow_all"),
        ("staff", "staff_only"),
        ("support", "allow_all"),
    ]
    assert deployment.run() == {
        "ok": True,
        "migrations": "nothing to do",
        "gateway": "nothing to do",
        "role": "granted",
    }


def test_one_that_is_killed_in_the_middle_holds_nobody_up(deployment: Deployment) -> None:
    killed = deployment.start()
    # Wait until it has begun: it holds the lock and has made the first table.
    while not deployment.sql("SELECT 1 FROM pg_tables WHERE tablename = 'django_migrations'"):
        assert killed.poll() is None
    killed.kill()
    killed.communicate()
    deployment.run()
    assert len(deployment.sql(ROOMS)) == 4


def test_the_application_signs_in_as_its_own_role_and_may_not_change_tables(deployment: Deployment) -> None:
    deployment.run()

    def as_application(statement: str) -> list[tuple[Any, ...]]:
        return deployment.sql(statement, user=deployment.app_user)

    as_application(
        "INSERT INTO chat_room (name, title, guests, position, last_sequence, created_at) "
        "VALUES ('new', 'New', true, 9, 0, now())"
    )
    as_application("UPDATE chat_room SET title = 'Newer' WHERE name = 'new'")
    as_application("DELETE FROM chat_room WHERE name = 'new'")
    for statement in (
        "DROP TABLE chat_room",
        "ALTER TABLE chat_room ADD COLUMN x integer",
        "CREATE TABLE x (y integer)",
        "DELETE FROM django_migrations",
        "CREATE ROLE another",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_application(statement)


def test_a_replaced_api_takes_the_place_of_the_old_one(deployment: Deployment) -> None:
    deployment.run(api_id="old4567890")
    assert deployment.run(api_id="new4567890")["gateway"] == "registered new4567890"
    rows = deployment.sql("SELECT api_id, stage_name FROM django_aws_api_gateway_websockets_apigateway")
    assert rows == [("new4567890", "ws")]
