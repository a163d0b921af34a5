"""How the migrate function signs in where the database knows its master by the password only, being new.

PostgreSQL itself refuses here. RDS asks IAM about a token, which nothing here can: who brings one is let in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from local_aws.database import Postgres
from tests.lambda_handlers.deployment import Deployment, finished

PASSWORD = "unused: loopback is trusted"

Admits = Callable[[str], None]


@pytest.fixture
def deployment(postgres: Postgres) -> Deployment:
    return Deployment(postgres)


@pytest.fixture
def master_by(postgres: Postgres, deployment: Deployment) -> Iterator[Admits]:
    """Say by which of PostgreSQL's methods the master comes into the deployment's database."""
    file = postgres.folder / "pg_hba.conf"
    before = file.read_text(encoding="utf-8")

    def write(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        with psycopg.connect(postgres.url(), autocommit=True) as administrator:
            loaded = administrator.execute("SELECT pg_conf_load_time()").fetchone()
            administrator.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 10
        while _load_time(postgres) == loaded:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def admit(method: str) -> None:
        write(f"host {deployment.database} parlor_master 127.0.0.1/32 {method}\n{before}")

    yield admit
    write(before)


def _load_time(postgres: Postgres) -> tuple[object, ...] | None:
    with psycopg.connect(postgres.url()) as administrator:
        return administrator.execute("SELECT pg_conf_load_time()").fetchone()


def test_a_new_database_takes_the_password_and_from_then_on_the_token(
    deployment: Deployment, master_by: Admits
) -> None:
    master_by("scram-sha-256")
    first = deployment.run()
    assert first["signed_in_by"] == "password"
    assert first["users"] != "nothing to do"

    # As RDS does with whoever has been granted rds_iam: no password of theirs counts any more.
    master_by("trust")
    again = finished(deployment.start(DATABASE_PASSWORD="replaced by RDS since"))
    assert again["signed_in_by"] == "IAM token"
    assert again["migrations"] == again["users"] == "nothing to do"


def test_where_token_and_password_are_refused_the_deployment_stops_with_the_databases_sentence(
    deployment: Deployment, master_by: Admits
) -> None:
    master_by("scram-sha-256")
    process = deployment.start(DATABASE_PASSWORD="not the master's")
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert 'password authentication failed for user "parlor_master"' in errors
    assert "not the master's" not in errors
    assert PASSWORD not in errors


def test_what_refuses_for_another_reason_gets_no_password(deployment: Deployment, master_by: Admits) -> None:
    """A server that can't be reached, or that lets nobody in: the password is tried on neither."""
    master_by("reject")
    process = deployment.start()
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "pg_hba.conf rejects connection" in errors
    assert errors.count("pg_hba.conf rejects connection") <= 2


def test_the_functions_users_and_the_master_may_sign_in_by_token(deployment: Deployment) -> None:
    deployment.run()
    members = deployment.sql(
        "SELECT rolname FROM pg_roles WHERE pg_has_role(rolname, 'rds_iam', 'MEMBER') AND NOT rolsuper"
    )
    assert {"parlor_master", *deployment.users.values()} <= {name for (name,) in members}
