"""Posts one frame to a room of connections again and again: `python -m … NAME URL MESSAGES [CA]`.

Prints the seconds and the CPU seconds of this process that the timed messages took.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

MEMBERS = 1000
CONNECTIONS = [f"Lx{number:09d}abcd=" for number in range(MEMBERS)]
FRAME = json.dumps(
    {"type": "chat_message", "room": "general", "sequence": 4711, "username": "ada", "message": "x" * 210}
)
REGION = "us-east-1"
_CREDENTIALS = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token" * 60)

Send = Callable[[], None]
"""Posts the frame to every member once."""


@contextmanager
def ours(url: str, ca: str | None, at_once: int) -> Iterator[Send]:
    """The delivery function's own code, from the messages of the queue on."""
    from delivery.deliveries import Deliveries, Received
    from delivery.posting import Poster
    from delivery.shards import write_shards
    from delivery.signing import Signer

    class NoQueue:
        def send(self, bodies: object, **options: object) -> None:
            assert not bodies

        hide = send

        def close(self) -> None:
            pass

    signer = Signer(*_CREDENTIALS, REGION, "execute-api")
    poster = Poster(url, signer, posts_per_second=1_000_000, max_connections=at_once, ca_file=ca)
    queue = NoQueue()
    deliveries = Deliveries(poster, deliveries=queue, dead_letters=queue, gone=queue)
    batch = [
        Received(str(number), body, str(number), 1)
        for number, body in enumerate(write_shards(CONNECTIONS, FRAME))
    ]

    def send() -> None:
        assert deliveries.deliver(batch, seconds=60) == []

    yield send
    deliveries.close()


@contextmanager
def library(url: str, ca: str | None, at_once: int) -> Iterator[Send]:
    """`send_message` of django-aws-api-gateway-websockets on a queryset: boto3 in ten threads."""
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django_aws_api_gateway_websockets",
        ],
        AWS_REGION_NAME=REGION,
        AWS_GATEWAY_REGION_NAME=REGION,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        SECRET_KEY="benchmark",
    )
    django.setup()
    from django.core.management import call_command
    from django_aws_api_gateway_websockets import models

    call_command("migrate", verbosity=0)
    make_client = models.get_boto3_client
    # Its address is fixed: the one thing that is changed here.
    models.get_boto3_client = lambda service, **options: make_client(
        service, **{**options, "endpoint_url": url}
    )
    gateway = models.ApiGateway.objects.create(
        api_id="abc", api_name="abc", stage_name="ws", api_description=""
    )
    models.WebSocketSession.objects.bulk_create(
        models.WebSocketSession(connection_id=each, connected=True, api_gateway=gateway)
        for each in CONNECTIONS
    )
    room = models.WebSocketSession.objects.all()

    def send() -> None:
        assert len(room.send_message(json.loads(FRAME))) == MEMBERS

    yield send


@contextmanager
def boto3_alone(url: str, ca: str | None, at_once: int) -> Iterator[Send]:
    """One boto3 client in one thread."""
    import boto3

    client = boto3.client("apigatewaymanagementapi", endpoint_url=url, region_name=REGION)
    body = FRAME.encode()

    def send() -> None:
        for connection_id in CONNECTIONS:
            client.post_to_connection(ConnectionId=connection_id, Data=body)

    yield send


@contextmanager
def aiobotocore(url: str, ca: str | None, at_once: int) -> Iterator[Send]:
    """aiobotocore, bounded by a semaphore."""
    from aiobotocore.config import AioConfig
    from aiobotocore.session import get_session

    loop = asyncio.new_event_loop()
    making = get_session().create_client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        region_name=REGION,
        config=AioConfig(max_pool_connections=at_once),
    )
    client = loop.run_until_complete(making.__aenter__())
    body = FRAME.encode()

    async def post(connection_id: str) -> None:
        await client.post_to_connection(ConnectionId=connection_id, Data=body)

    yield lambda: loop.run_until_complete(_each(post, at_once))
    loop.run_until_complete(client.close())
    loop.close()


@contextmanager
def aiohttp_signed(url: str, ca: str | None, at_once: int) -> Iterator[Send]:
    """aiohttp with our signature: the fastest of the usual clients."""
    import ssl

    import aiohttp
    from yarl import URL

    from delivery.signing import Signer, payload_hash

    signer = Signer(*_CREDENTIALS, REGION, "execute-api")
    base = URL(url)
    host = f"{base.host}:{base.port}"
    body = FRAME.encode()
    body_hash = payload_hash(body)
    loop = asyncio.new_event_loop()

    async def open_session() -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=ca) if ca else False
        connector = aiohttp.TCPConnector(limit=at_once, ssl=context)
        return aiohttp.ClientSession(connector=connector)

    session = loop.run_until_complete(open_session())

    async def post(connection_id: str) -> None:
        path = f"{base.path}/@connections/{quote(connection_id, safe='')}"
        headers = signer.headers("POST", host, path, body_hash=body_hash)
        target = URL(f"{base.scheme}://{host}{path}", encoded=True)
        async with session.post(target, data=body, headers=headers) as response:
            assert response.status == 200
            await response.read()

    yield lambda: loop.run_until_complete(_each(post, at_once))
    loop.run_until_complete(session.close())
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()


async def _each(post: Callable[[str], Any], at_once: int) -> None:
    """Post to every member, so many at once."""
    waiting = iter(CONNECTIONS)

    async def work() -> None:
        for connection_id in waiting:
            await post(connection_id)

    await asyncio.gather(*(work() for _ in range(at_once)))


CONTESTANTS = {each.__name__: each for each in (ours, library, boto3_alone, aiobotocore, aiohttp_signed)}


def main(name: str, url: str, messages: int, at_once: int, ca: str | None) -> None:
    """Send one message untimed, then time the others."""
    access_key, secret_key, token = _CREDENTIALS
    os.environ |= {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "AWS_SESSION_TOKEN": token,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if ca:
        os.environ["AWS_CA_BUNDLE"] = ca
    with CONTESTANTS[name](url, ca, at_once) as send:
        send()
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(messages):
            send()
        took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps(took))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), (sys.argv[5:] or [None])[0])
