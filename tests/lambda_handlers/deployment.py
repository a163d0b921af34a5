"""A deployment's database, and the migrate function as a process that works on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from chat.database_users import GRANTS
from chat.deployment import LOCK
from local_aws.database import Postgres
from local_aws.model import Database

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, os
from lambda_handlers import migrate

class Context:
    aws_request_id = "5a1b7c1e-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self):
        return int(os.environ.get("SECONDS_LEFT", "60")) * 1000

print(json.dumps(migrate.handler({}, Context())))
"""


class Deployment:
    """A database of its own, and the migrate function as a process that works on it."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.database = f"deployment_{uuid4().hex}"
        unique = uuid4().hex[:8]
        self.users = {function: f"{function}_{unique}" for function in GRANTS}
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

    def start(self, *, api_id: str = "api4567890", **changed: str) -> subprocess.Popen[str]:
        variables = {
            "DJANGO_SETTINGS_MODULE": "django_project.settings",
            "DATABASE_HOST": "127.0.0.1",
            "DATABASE_PORT": str(self._postgres.port),
            "DATABASE_NAME": self.database,
            "DATABASE_USER": "parlor_master",
            "DATABASE_SSLMODE": "disable",
            "DATABASE_AUTH": "iam",
            "DATABASE_PASSWORD": "unused: loopback is trusted",
            "DATABASE_USERS": ",".join(f"{function}={user}" for function, user in self.users.items()),
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "WEBSOCKET_API_ID": api_id,
            "WEBSOCKET_STAGE": "ws",
        }
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, **variables, **changed},
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

    @contextmanager
    def holding_the_lock(self) -> Iterator[None]:
        """Be another migration that goes on and on."""
        with psycopg.connect(self._postgres.url(self.database, "parlor_master")) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield


def finished(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    answer: dict[str, Any] = json.loads(output)
    return answer
