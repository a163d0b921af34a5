"""Faults on demand: each of them happens, and the same seed does the same again."""

import asyncio

import pytest
from websockets.asyncio.client import connect

from local_aws.gateway import Chaos, Faults
from tests.local_aws.gateway.running import running
from tests.local_aws.gateway.test_messages import silence


async def received(faults, *, until_all=False):
    """What a client receives of posts 0 to 19: until all have come, or until an answer asked for last."""
    async with running(chaos=Chaos(faults)) as it, connect(it.url) as client:
        for number in range(20):
            assert it.manage("POST", it.connection(), str(number).encode()).status == 200
        if not until_all:
            await client.send("the end")
        found = []
        async with asyncio.timeout(5):
            while len(set(found)) < 20 or not until_all:
                message = await client.recv()
                if message == "the end":
                    break
                found.append(int(message))
        return found


async def test_pushes_are_dropped_and_the_same_again_with_the_same_seed():
    first = await received(Faults(drop=0.5, seed=7))

    assert 0 < len(first) < 20
    assert first == sorted(first)
    assert await received(Faults(drop=0.5, seed=7)) == first
    assert await received(Faults(drop=0.5, seed=8)) != first


async def test_pushes_come_twice():
    found = await received(Faults(duplicate=0.5, seed=1))

    assert set(found) == set(range(20))
    assert 20 < len(found) < 40


async def test_pushes_are_overtaken_and_none_is_lost():
    found = await received(Faults(reorder=0.4, seed=1), until_all=True)

    assert found != sorted(found)
    assert sorted(found) == list(range(20))


async def test_pushes_come_late_and_in_their_order():
    loop = asyncio.get_running_loop()
    async with running(chaos=Chaos(Faults(delay_ms=100, seed=1))) as it, connect(it.url) as client:
        started = loop.time()
        for number in range(5):
            it.manage("POST", it.connection(), str(number).encode())
        found = [await client.recv() for _ in range(5)]

        assert found == ["0", "1", "2", "3", "4"]
        assert 0.03 < loop.time() - started < 5


async def test_a_late_push_to_a_connection_that_has_gone_is_nobodys_fault(caplog):
    async with running(chaos=Chaos(Faults(delay_ms=50, seed=1))) as it:
        async with connect(it.url):
            it.manage("POST", it.connection(), b"late")
        await it.functions.disconnected()
        await asyncio.sleep(0.06)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_disconnect_is_lost():
    async with running(chaos=Chaos(Faults(lose_disconnect=1, seed=1))) as it:
        async with connect(it.url) as client:
            await client.send("x")
            assert await client.recv() == "x"
        await asyncio.sleep(0.05)
        assert it.functions.of_type("DISCONNECT") == []
        assert not it.gateway.connections


async def test_answers_of_routes_are_left_alone():
    async with running(chaos=Chaos(Faults(drop=1, seed=1))) as it, connect(it.url) as client:
        assert it.manage("POST", it.connection(), b"lost").status == 200
        await client.send("answer")
        assert await client.recv() == "answer"
        await silence(client, 0.02)


def test_faults_are_read_from_a_text_and_written_as_one():
    faults = Faults.parse("delay-ms=200, reorder=0.1,duplicate=0.05,drop=0.01,lose-disconnect=0.5,seed=7")

    assert faults == Faults(delay_ms=200, reorder=0.1, duplicate=0.05, drop=0.01, lose_disconnect=0.5, seed=7)
    assert Faults.parse(str(faults)) == faults


def test_without_a_seed_one_is_made_up_and_told():
    faults = Faults.parse("drop=1")

    assert f"seed={faults.seed}" in str(faults)
    assert Faults.parse(str(faults)) == faults


@pytest.mark.parametrize(
    "text", ["drop", "drop=often", "drop=2", "drop=-1", "lose=1", "seed=1.5", "delay-ms=1e9", "drop=nan"]
)
def test_what_makes_no_sense_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=text.partition("=")[0]):
        Faults.parse(text)
