"""Credentials after a snapshot was restored: asked of Lambda, kept while they are good, asked anew."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from delivery import credentials
from delivery.credentials import NoCredentials, forget_credentials
from delivery.environment import EnvironmentIncomplete, signer_for

HOUR = 3600


class Lambda:
    """What hands out credentials beside a function: new ones each time, valid for `seconds`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.seconds = HOUR
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.asked.append((self.path, self.headers["Authorization"]))
                self.send_response(service.status)
                self.end_headers()
                self.wfile.write(json.dumps(service.answer()).encode())

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/2021-04-23/credentials"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self) -> dict[str, str]:
        expires = datetime.fromtimestamp(time.time() + self.seconds, tz=UTC)
        return {
            "AccessKeyId": f"ASIA{len(self.asked)}",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@pytest.fixture
def service() -> Iterator[Lambda]:
    forget_credentials()
    service = Lambda()
    yield service
    service.server.shutdown()
    service.server.server_close()
    forget_credentials()


def variables(service: Lambda) -> dict[str, str]:
    return {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": service.url,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "who I am",
        "AWS_REGION": "eu-west-1",
    }


def key_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].split("Credential=")[1].split("/")[0]


def signed(service: Lambda) -> dict[str, str]:
    return signer_for("sqs", variables(service)).headers("POST", "sqs.eu-west-1.amazonaws.com", "/")


def test_requests_are_signed_with_what_lambda_hands_out(service: Lambda) -> None:
    headers = signed(service)
    assert key_of(headers) == "ASIA1"
    assert headers["X-Amz-Security-Token"] == "token"
    assert service.asked == [("/2021-04-23/credentials", "who I am")]


def test_it_is_asked_once_while_they_are_good(service: Lambda) -> None:
    assert {key_of(signed(service)) for _ in range(3)} == {"ASIA1"}
    assert signer_for("sqs", variables(service)) is signer_for("sqs", variables(service))


def test_it_is_asked_again_before_they_expire_and_after_a_restore(service: Lambda) -> None:
    service.seconds = 299
    assert key_of(signed(service)) == "ASIA1"
    service.seconds = HOUR
    assert key_of(signed(service)) == "ASIA2"
    forget_credentials()
    assert key_of(signed(service)) == "ASIA3"


def test_a_functions_own_variables_come_first(service: Lambda) -> None:
    own = {**variables(service), "AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert key_of(signer_for("sqs", own).headers("POST", "example.com", "/")) == "AKIDTEST"
    assert service.asked == []


def test_a_refusal_says_who_was_asked_and_nothing_of_the_answer(service: Lambda) -> None:
    service.status = 403
    with pytest.raises(NoCredentials, match=r"127\.0\.0\.1:\d+ answered 403"):
        signed(service)


def test_nobody_there_is_said_in_seconds(monkeypatch: pytest.MonkeyPatch, service: Lambda) -> None:
    monkeypatch.setattr(credentials, "_TIMEOUT_SECONDS", 0.5)
    gone = {**variables(service), "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/"}
    with pytest.raises(NoCredentials, match="gave no credentials"):
        signer_for("sqs", gone)


def test_without_either_the_variable_is_named() -> None:
    with pytest.raises(EnvironmentIncomplete, match="AWS_ACCESS_KEY_ID is not set"):
        signer_for("sqs", {"AWS_REGION": "eu-west-1"})
