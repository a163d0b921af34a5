"""The chat on a real PostgreSQL and a real queue: each test begins with the first rooms, empty."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import close_old_connections, connection
from django_aws_api_gateway_websockets.models import ApiGateway
from moto.server import ThreadedMotoServer
from pytest_django import DjangoDbBlocker, Settings

from chat.views import ChatWebSocketView
from tests.chat.gateway import API_ID, SECRET, Browser, DeliveryQueue, sqs_client

_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The endpoint of the AWS services that the chat calls."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_REGION", "eu-west-1")
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="session")
def sqs(aws: str) -> Any:
    return sqs_client(aws)


@pytest.fixture(autouse=True)
def queue(sqs: Any, settings: Settings) -> DeliveryQueue:
    url = sqs.create_queue(QueueName=f"deliveries-{uuid4()}")["QueueUrl"]
    settings.CHAT_DELIVERY_QUEUE_URL = url
    return DeliveryQueue(sqs, url)


@pytest.fixture(autouse=True)
def chat_is_new(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, settings: Settings
) -> Iterator[None]:
    settings.WEBSOCKETS = {
        **settings.WEBSOCKETS,
        "gateway_secret": [SECRET],
        "token_rate_limit_per_minute": 1000,
    }
    # Every hash of a password would cost a third of a second.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CHAT_CONNECTS_PER_PERSON = settings.CHAT_CONNECTS_PER_ADDRESS = 1000
    ChatWebSocketView._gateways.clear()
    with django_db_blocker.unblock():
        close_old_connections()
        _empty_the_database()
        ApiGateway.objects.create(api_name="parlor", api_id=API_ID, stage_name="ws")
        yield


def _empty_the_database() -> None:
    tables = [table for table in connection.introspection.table_names() if table not in _KEPT]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
    import_module("chat.migrations.0003_first_rooms").make_first_rooms(apps, None)


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", password="of wonderland")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", password="the builder's")


@pytest.fixture
def carol() -> User:
    """A member of the staff."""
    return User.objects.create_user("carol", password="of the staff", is_staff=True)


@pytest.fixture
def guest() -> Browser:
    return Browser()
