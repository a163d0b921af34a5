"""The database ends connections that are kept: nobody notices."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection

from chat.actions import messages
from chat.allowances import Allowance, spend
from chat.models import ChatMessage
from local_aws.database import Postgres
from tests.chat.gateway import Browser


def cut_everybody_off(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url("parlor", "rdsadmin"), autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_every_action_works_after_its_connection_was_cut(postgres: Postgres, guest: Browser) -> None:
    speaker = guest.connect()
    for _ in range(3):
        cut_everybody_off(postgres)
        assert speaker.say("hello")["ok"]
        cut_everybody_off(postgres)
        assert speaker.send("fetch_history")["type"] == "history"
        cut_everybody_off(postgres)
        assert speaker.send("change_channel", channel="general")["ok"]
        cut_everybody_off(postgres)
        assert guest.try_connect().status_code == 200
    assert ChatMessage.objects.count() == 3


def test_a_connection_that_is_cut_in_the_middle_is_replaced_and_the_message_stored_once(
    postgres: Postgres, guest: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaker = guest.connect()
    cuts = iter([True])

    def cut_once_then_spend(key: str, allowance: Allowance) -> None:
        if next(cuts, False):
            cut_everybody_off(postgres)
        spend(key, allowance)

    monkeypatch.setattr(messages, "spend", cut_once_then_spend)
    assert speaker.say("hello")["sequence"] == 1
    assert ChatMessage.objects.count() == 1


def test_a_database_that_is_away_is_an_error_of_ours(
    guest: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    speaker = guest.connect()
    port = connection.settings_dict["PORT"]
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    try:
        answer = speaker.say("hello", client_id="12345678-1234-4678-9234-567812345678")
    finally:
        monkeypatch.setitem(connection.settings_dict, "PORT", port)
        connection.close()
    assert (answer["ok"], answer["code"]) == (False, "internal_error")
    assert answer["client_id"] == "12345678-1234-4678-9234-567812345678"
    assert "refused" not in str(answer)
    assert "The message event failed" in caplog.text
