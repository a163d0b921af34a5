"""How a frame's connections are spread over the messages of the queue."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.shards import (
    LEAST_IN_A_SHARD,
    MOST_IN_A_SHARD,
    Shard,
    read_shard,
    write_shard,
    write_shards,
)
from delivery.sqs import BATCH_BYTES, batches


def _ids(count: int) -> list[str]:
    return [f"{number:015d}=" for number in range(count)]


@given(
    count=st.sampled_from([0, 1, 2, 99, 100, 101, 250, 1_000, 9_999, 10_001]),
    text=st.text(max_size=50),
    first=st.none() | st.integers(0, 100),
)
def test_everyone_is_in_exactly_one_shard_and_the_first_is_first(count, text, first):
    ids = _ids(count)
    wanted = None if first is None or first >= count else ids[first]

    shards = [read_shard(message)[0] for message in write_shards(ids, text, first=wanted)]

    spread = [each for shard in shards for each in shard.connections]
    assert sorted(spread) == ids
    assert wanted is None or spread[0] == wanted
    assert all(shard.data.decode() == text for shard in shards)
    assert all(len(shard.connections) <= MOST_IN_A_SHARD for shard in shards)
    assert all(len(shard.connections) >= LEAST_IN_A_SHARD for shard in shards[:-1])


def test_who_is_not_in_the_room_is_not_made_the_first():
    assert [json.loads(each)["connections"] for each in write_shards(["a", "b"], "x", first="z")] == [
        ["a", "b"]
    ]


def test_a_room_of_100_000_takes_messages_that_any_queue_accepts_in_few_calls():
    longest_frame = "\U0001f600" * 4_000

    messages = write_shards(_ids(100_000), longest_frame)

    assert max(map(len, messages)) < BATCH_BYTES
    assert len(messages) == 400
    assert len(list(batches(write_shards(_ids(100_000), "hello")))) == 40


@pytest.mark.parametrize("text", ["", "☃", "\u2028 \x00 \ufffe", '"\\'])
def test_a_shard_is_read_as_it_was_written(text):
    shard = Shard(["a=", "b="], text.encode())

    message = write_shard(shard)

    assert message.isascii()
    assert read_shard(message) == (shard, [])
