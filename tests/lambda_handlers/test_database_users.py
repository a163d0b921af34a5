"""Each function's database user may do what the function does, and the database refuses it the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.apps import apps

from chat.database_users import GRANTS, SESSION_SETTINGS, Grant, wanted
from local_aws.database import Postgres
from tests.lambda_handlers.deployment import Deployment

Run = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def deployment(postgres: Postgres) -> Deployment:
    deployment = Deployment(postgres)
    deployment.run()
    deployment.sql(
        """
        INSERT INTO chat_chatmessage (room, sequence, guest, username, message, created_at)
        VALUES ('general', 1, true, 'Anonymous', 'told', now()),
               ('general', 2, true, 'Anonymous', 'left behind', now()),
               ('general', 3, true, 'Anonymous', 'changed', now());
        INSERT INTO chat_messagechange (room, sequence, target, kind, by_moderator, created_at)
        VALUES ('general', 4, 3, 'message_edited', false, now());
        INSERT INTO chat_undelivered (room, sequence, since) VALUES ('general', 2, now()),
               ('general', 4, now())
        """
    )
    return deployment


@pytest.fixture
def run_as(deployment: Deployment) -> Callable[[str], Run]:
    return lambda function: lambda statement: deployment.sql(statement, user=deployment.users[function])


def all_but(function: str) -> list[str]:
    return [each for each in GRANTS if each != function]


@pytest.mark.parametrize(
    ("function", "statement"),
    [
        # Nobody changes tables, what was migrated, or who there is.
        *((each, "DROP TABLE chat_room") for each in GRANTS),
        *((each, "ALTER TABLE chat_room ADD COLUMN x integer") for each in GRANTS),
        *((each, "CREATE TABLE x (y integer)") for each in GRANTS),
        *((each, "CREATE TEMPORARY TABLE x (y integer)") for each in GRANTS),
        *((each, "TRUNCATE chat_chatmessage") for each in GRANTS),
        *((each, "SELECT * FROM django_migrations") for each in GRANTS),
        *((each, "CREATE ROLE another") for each in GRANTS),
        *((each, "SET ROLE parlor_master") for each in GRANTS),
        *((each, "UPDATE django_aws_api_gateway_websockets_apigateway SET api_id = 'x'") for each in GRANTS),
        # What was said stays said: it is changed by the functions that know who may, and removed by none.
        *((each, "DELETE FROM chat_chatmessage") for each in GRANTS),
        *((each, "UPDATE chat_chatmessage SET username = 'x'") for each in GRANTS),
        *((each, "UPDATE chat_chatmessage SET message = 'x'") for each in ("sessions", "broadcast")),
        *((each, "UPDATE chat_messagechange SET target = 1") for each in GRANTS),
        # Only who signs people in and up sees to accounts.
        *((each, "UPDATE auth_user SET is_superuser = true") for each in all_but("http")),
        *((each, "INSERT INTO chat_room (name) VALUES ('x')") for each in all_but("http")),
        *((each, "UPDATE django_session SET expire_date = now()") for each in all_but("http")),
        # What was done in office stays written down, and is read where the admin is.
        *((each, "UPDATE chat_auditentry SET reason = 'x'") for each in GRANTS),
        *((each, "DELETE FROM chat_auditentry") for each in GRANTS),
        *((each, "TRUNCATE chat_auditentry") for each in GRANTS),
        *((each, "SELECT * FROM chat_auditentry") for each in all_but("http")),
        *((each, "ALTER TABLE chat_auditentry DISABLE TRIGGER ALL") for each in GRANTS),
        *((each, "SELECT chat_forget_audit(now(), 1)") for each in all_but("sessions")),
        ("sessions", "INSERT INTO chat_auditentry (action, actor_name) VALUES ('x', 'y')"),
        ("broadcast", "UPDATE chat_restriction SET lifted_at = now()"),
        ("sessions", "UPDATE chat_restriction SET lifted_at = now()"),
        ("broadcast", "SELECT * FROM chat_chatmessage"),
        ("broadcast", "SELECT * FROM django_session"),
        ("sessions", "INSERT INTO chat_undelivered (room, sequence, since) VALUES ('general', 1, now())"),
        ("sessions", "UPDATE chat_undelivered SET sequence = 1"),
        ("sessions", "UPDATE chat_messagechange SET target = 1"),
    ],
)  # fmt: skip
def test_it_may_not(run_as: Callable[[str], Run], function: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_as(function)(statement)


def test_of_messages_the_sessions_function_reads_only_what_was_left_behind(
    run_as: Callable[[str], Run],
) -> None:
    everything = "SELECT message FROM chat_chatmessage ORDER BY sequence"
    assert run_as("sessions")(everything) == [("left behind",), ("changed",)]
    for function in ("websocket", "http"):
        assert run_as(function)(everything) == [("told",), ("left behind",), ("changed",)]


def test_the_sessions_function_alone_forgets_old_entries_of_the_audit_log(
    deployment: Deployment, run_as: Callable[[str], Run]
) -> None:
    for function in ("websocket", "http"):
        run_as(function)(
            "INSERT INTO chat_auditentry (action, actor_name, subject_name, room, reason, at) "
            "VALUES ('mute', 'mo', 'x', '', '', now() - interval '400 days')"
        )
    # It may say so itself: the privilege is what it lacks.
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_as("sessions")("SET chat.forgetting = 'yes'; DELETE FROM chat_auditentry")
    assert run_as("sessions")("SELECT chat_forget_audit(now(), 10)") == [(2,)]
    assert deployment.sql("SELECT count(*) FROM chat_auditentry") == [(0,)]


def test_nobody_else_may_connect(deployment: Deployment, postgres: Postgres) -> None:
    deployment.sql("CREATE ROLE somebody_else LOGIN")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            deployment.sql("SELECT 1", user="somebody_else")
    finally:
        deployment.sql("DROP ROLE somebody_else")


def test_idle_connections_end(run_as: Callable[[str], Run]) -> None:
    for function in GRANTS:
        for name, value in SESSION_SETTINGS.items():
            assert run_as(function)(f"SHOW {name}") == [(value,)]


def test_a_privilege_that_is_no_longer_needed_is_taken_back(deployment: Deployment) -> None:
    user = deployment.users["broadcast"]
    deployment.sql(f'GRANT SELECT, DELETE ON chat_chatmessage TO "{user}"')

    assert deployment.run()["users"] == [f"took 2 privileges of {user}"]
    assert deployment.run()["users"] == "nothing to do"


def test_every_model_is_granted_to_some_function() -> None:
    of_http = {grant.table for grant in wanted({"http": "http"})}
    named = {label.lower() for models in GRANTS.values() for label in models}
    for model in apps.get_models(include_auto_created=True):
        assert model._meta.db_table in of_http or model._meta.label_lower in named
    assert named - {"*"} <= {model._meta.label_lower for model in apps.get_models(include_auto_created=True)}


def test_grants_are_read_as_they_are_written() -> None:
    assert Grant("x", "chat_room", "UPDATE", "last_sequence") in wanted({"websocket": "x"})
    assert Grant("x", "chat_room", "SELECT") in wanted({"websocket": "x"})
    assert Grant("x", "chat_undelivered", "SELECT") not in wanted({"broadcast": "x"})
    assert {grant.privilege for grant in wanted({"http": "x"}) if grant.table == "chat_room"} == {
        "SELECT", "INSERT", "UPDATE", "DELETE",
    }  # fmt: skip
