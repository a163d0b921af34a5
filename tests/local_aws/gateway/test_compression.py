"""permessage-deflate with every offer that clients make, and sizes around the limits."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.local_aws.gateway.running import running

OFFERS = [
    {},
    {"client_max_window_bits": True},
    {"client_max_window_bits": 9},
    {"server_max_window_bits": 9},
    {"server_max_window_bits": 15, "client_max_window_bits": 15},
    {"server_no_context_takeover": True},
    {"client_no_context_takeover": True},
    {"server_no_context_takeover": True, "client_no_context_takeover": True, "server_max_window_bits": 10},
]


def compressing(url, offer, **options):
    return connect(url, compression=None, extensions=[ClientPerMessageDeflateFactory(**offer)], **options)


@pytest.mark.parametrize("offer", OFFERS, ids=str)
async def test_every_offer_is_understood(offer):
    async with running() as it, compressing(it.url, offer) as client:
        for size in (1, 16, 256, 1_024, 8_192, 32_768):
            text = ("parlor <>" * size)[:size]
            for _ in range(5):
                await client.send(text)
                assert await client.recv() == text


async def test_a_message_is_bounded_by_what_it_unpacks_to():
    """A few hundred bytes that become megabytes close the connection, and cost no memory."""
    async with running() as it, compressing(it.url, {}) as client:
        await client.send("x" * 8_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
    assert closed.value.rcvd.code == 1009


async def test_damaged_compression_closes_only_its_own_connection():
    async with running() as it, compressing(it.url, {}) as client, connect(it.url) as other:
        client.transport.write(b"\xc1\x85\0\0\0\0\xff\xff\xff\xff\xff")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(client.recv(), 5)
        await other.send("x")
        assert await other.recv() == "x"
    assert closed.value.rcvd.code in (1002, 1007, 1011)
