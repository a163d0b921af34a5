"""The environment becomes settings: typed, checked, and safe where the origin is https."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import override_settings

from chat.checks import check_limits
from django_project.environment import read_environment
from django_project.postgresql.iam import authentication_token

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = {
    "AWS_LAMBDA_FUNCTION_NAME": "parlor-http",
    "AWS_REGION": "eu-west-1",
    "PUBLIC_ORIGIN": "https://d111111abcdef8.cloudfront.net",
    "DJANGO_SECRET_KEY": "a-key-of-more-than-fifty-characters-with-many-different-ones-0123",
    "GATEWAY_SECRETS": "newest-secret-of-the-gateway-0123456789,older-secret-of-the-gateway-0123456789",
    "DATABASE_HOST": "db.example.com",
    "DATABASE_AUTH": "iam",
    "CONNECT_LIMIT": "20/600",
}


def test_the_environment_is_read_as_deployed() -> None:
    environment = read_environment(DEPLOYED)
    assert environment.is_https
    assert environment.public_netloc == "d111111abcdef8.cloudfront.net"
    assert [secret[:6] for secret in environment.gateway_secrets] == ["newest", "older-"]
    assert (environment.connects_per_person, environment.connects_per_address) == (20, 600)
    assert (environment.database.auth, environment.database.port) == ("iam", 5432)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DJANGO_SECRET_KEY", ""),
        ("PUBLIC_ORIGIN", "chat.example.com"),
        ("PUBLIC_ORIGIN", "https://chat.example.com/path"),
        ("PUBLIC_ORIGIN", "ftp://chat.example.com"),
        ("CONNECT_LIMIT", "20"),
        ("CONNECT_LIMIT", "0/600"),
        ("CONNECT_LIMIT", "a/b"),
        ("LOGIN_LIMIT", "10"),
        ("MAIL_URL", "http://mail.example.com"),
        ("MAIL_URL", "smtp://mail.example.com:many"),
        ("MAIL_FROM", "nobody"),
        ("DATABASE_PORT", "many"),
        ("DATABASE_AUTH", "trust"),
    ],
)
def test_a_variable_that_is_missing_or_malformed_is_named(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        read_environment({"MAIL_URL": "smtp://mail.example.com"} | DEPLOYED | {name: value})


def test_mail_is_sent_where_there_is_a_server_for_it() -> None:
    assert not read_environment(DEPLOYED).mail.offered
    assert read_environment(DEPLOYED | {"MAIL_URL": "console:"}).mail.printed
    mail = read_environment(
        DEPLOYED
        | {"MAIL_URL": "smtp://us%40er:pass%2Fword@mail.example.com", "MAIL_FROM": "chat@example.com"}
    ).mail
    assert (mail.offered, mail.printed, mail.tls_from_the_start) == (True, False, False)
    assert (mail.host, mail.port, mail.user, mail.password) == ("mail.example.com", 587, "us@er", "pass/word")


def test_no_secret_shows_when_an_environment_is_printed() -> None:
    printed = repr(read_environment(DEPLOYED | {"DATABASE_PASSWORD": "hunter2"}))
    assert "hunter2" not in printed
    assert "secret" not in printed


def _django(*arguments: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DJANGO_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", *arguments],
        cwd=ROOT,
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_deployment_check_finds_nothing() -> None:
    assert "no issues" in _django("check", "--deploy", "--fail-level", "WARNING", **DEPLOYED)


def test_cookies_are_secure_where_the_origin_is_https() -> None:
    program = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, "
        "s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0)"
    )
    assert _django("shell", "--no-imports", "-c", program, **DEPLOYED).split() == ["True"] * 4
    laptop = DEPLOYED | {"PUBLIC_ORIGIN": "http://127.0.0.1:8000"}
    assert _django("shell", "--no-imports", "-c", program, **laptop).split() == ["False"] * 4


def test_cookies_are_bound_to_the_host_where_the_origin_is_https() -> None:
    program = "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME)"
    names = _django("shell", "--no-imports", "-c", program, **DEPLOYED).split()
    assert names == ["__Host-sessionid", "__Host-csrftoken"]


def test_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_system_checks_find_nothing() -> None:
    assert run_checks() == []


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("CHAT_SEND_LIMIT", 0, "chat.E001"),
        ("CHAT_MESSAGE_LENGTH", 5000, "chat.E002"),
        ("CHAT_LIMITS", {"history": (0, 10)}, "chat.E003"),
        ("CHAT_LIMITS", {"history": (10,)}, "chat.E003"),
    ],
)
def test_a_limit_that_cannot_be_is_reported(name: str, value: int, code: str) -> None:
    with override_settings(**{name: value}):
        assert [message.id for message in check_limits(None)] == [code]


def test_the_database_token_is_the_one_that_the_sdk_makes(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a/secret+key=")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a/session+token==")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    rds = boto3.client("rds", region_name="eu-west-1")

    ours = authentication_token("db.example.com", 5432, "parlor_app")
    theirs = rds.generate_db_auth_token("db.example.com", 5432, "parlor_app")

    def parts(token: str) -> tuple[str, set[str]]:
        address, _, query = token.partition("?")
        return address, set(query.split("&"))

    # Both within one second, or the time stamps differ: then once more.
    if parts(ours) != parts(theirs):
        ours = authentication_token("db.example.com", 5432, "parlor_app")
        theirs = rds.generate_db_auth_token("db.example.com", 5432, "parlor_app")
    assert parts(ours) == parts(theirs)
