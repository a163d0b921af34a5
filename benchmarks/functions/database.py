"""A PostgreSQL server with any number of migrated databases, for the chat in this process."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_aws.database import Postgres
from local_aws.model import Database
from tests.lambda_handlers.events import API_ID, SECRET

_MASTER = "parlor_master"


@contextmanager
def server() -> Iterator[Postgres]:
    """A running server, and the environment that the functions' settings are read from."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Gigabytes: not in memory.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        postgres = Postgres(Path(folder, "postgres"), port)
        postgres.start()
        try:
            os.environ |= {
                "DJANGO_SETTINGS_MODULE": "django_project.settings",
                "DATABASE_PORT": str(port),
                "DATABASE_USER": _MASTER,
                "GATEWAY_SECRETS": SECRET,
                "AWS_REGION": "eu-west-1",
                "AWS_ACCESS_KEY_ID": "AKIDTEST",
                "AWS_SECRET_ACCESS_KEY": "secret",
            }
            yield postgres
        finally:
            postgres.stop()


def make(postgres: Postgres, name: str) -> None:
    """Make a database, migrate it, register the API, and leave the chat connected to it."""
    postgres.ensure(
        Database(
            name=name,
            database=name,
            host="127.0.0.1",
            port=postgres.port,
            master_username=_MASTER,
            master_password="unused: loopback is trusted",
        )
    )
    use(name)
    from django.core.management import call_command
    from django_aws_api_gateway_websockets.models import ApiGateway

    call_command("migrate", verbosity=0)
    ApiGateway.objects.create(api_name="parlor", api_id=API_ID, stage_name="ws")


def use(name: str) -> None:
    """Connect the chat to another database."""
    import django
    from django.apps import apps
    from django.db import connection

    if not apps.ready:
        django.setup()
    connection.close()
    connection.settings_dict["NAME"] = name
