"""The migrate function: several at once are safe, each says what it did, and a failure what went wrong."""

from __future__ import annotations

import pytest

from local_aws.database import Postgres
from tests.lambda_handlers.deployment import Deployment, finished

ROOMS = """
    SELECT name, access FROM chat_room
    JOIN django_aws_api_gateway_websockets_channelpermission ON name = channel_name
"""


@pytest.fixture
def deployment(postgres: Postgres) -> Deployment:
    return Deployment(postgres)


def test_of_five_at_once_one_applies_and_the_others_have_nothing_to_do(deployment: Deployment) -> None:
    answers = [finished(process) for process in [deployment.start() for _ in range(5)]]

    applied = [answer for answer in answers if answer["migrations"] != "nothing to do"]
    assert len(applied) == 1
    assert "chat.0001_initial" in applied[0]["migrations"]
    assert applied[0]["gateway"] == "registered api4567890"
    assert len([answer for answer in answers if answer["users"] != "nothing to do"]) == 1
    assert sorted(deployment.sql(ROOMS)) == [
        ("general", "allow_all"),
        ("random", "allow_all"),
        ("staff", "staff_only"),
        ("support", "allow_all"),
    ]
    assert deployment.run() == {
        "ok": True,
        "signed_in_by": "IAM token",
        "migrations": "nothing to do",
        "gateway": "nothing to do",
        "users": "nothing to do",
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


def test_a_replaced_api_takes_the_place_of_the_old_one(deployment: Deployment) -> None:
    deployment.run(api_id="old4567890")
    assert deployment.run(api_id="new4567890")["gateway"] == "registered new4567890"
    rows = deployment.sql("SELECT api_id, stage_name FROM django_aws_api_gateway_websockets_apigateway")
    assert rows == [("new4567890", "ws")]


def test_a_failure_says_its_reason_and_no_secret(deployment: Deployment) -> None:
    broken = deployment.start(
        DATABASE_USERS="websocket=hunter2,http=parlor_http",
        DATABASE_NAME="hunter2",
        DATABASE_PASSWORD="hunter2",
    )
    _, errors = broken.communicate(timeout=60)

    assert broken.returncode == 1
    assert "lambda_handlers.migrate.DeploymentFailed: OperationalError" in errors
    assert 'database "***" does not exist' in errors
    assert "hunter2" not in errors


def test_it_waits_no_longer_than_it_may_for_another_migration(deployment: Deployment) -> None:
    deployment.run()
    with deployment.holding_the_lock():
        waiting = deployment.start(SECONDS_LEFT="16")
        _, errors = waiting.communicate(timeout=60)

    assert waiting.returncode == 1
    assert "DeploymentFailed: Busy: Another migration has been running for 1 s." in errors
