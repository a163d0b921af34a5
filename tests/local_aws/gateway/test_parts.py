"""Ids, outgoing frames, the throttle and the ledger."""

import re
from contextlib import closing

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from local_aws.gateway.frames import MAX_FRAME, text_message
from local_aws.gateway.ids import is_well_formed, new_id
from local_aws.gateway.ledger import Ledger
from local_aws.gateway.throttling import TokenBucket
from local_aws.model import Throttle
from tests.local_aws.gateway.test_events import make_record


def received(data: bytes) -> list[Frame]:
    """The frames as a client reads them."""
    client = ClientProtocol(parse_uri("ws://127.0.0.1/"), state=State.OPEN)
    client.receive_data(data)
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


def test_ids_have_the_form_of_the_services():
    ids = {new_id() for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{15}=", each) for each in ids)
    assert len({each[-4:] for each in ids}) == 1


@pytest.mark.parametrize(
    "connection_id",
    ["", "abc", "L0SM9cOFvHcCIhw", "L0SM9cOFvHcCIhw==", "../../etc/passwd", "L0SM9cOFvHcCIh\n="],
)
def test_other_forms_are_no_ids(connection_id):
    assert not is_well_formed(connection_id)


@pytest.mark.parametrize(
    "size", [0, 1, 125, 126, 127, 32_767, 32_768, 32_769, 65_536, 65_537, 98_310, 131_072]
)
def test_a_message_goes_out_in_frames_of_32_kb_at_most(size):
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    frames = received(text_message(message))

    assert b"".join(bytes(frame.data) for frame in frames) == message
    assert max(len(frame.data) for frame in frames) <= MAX_FRAME
    assert [frame.opcode for frame in frames] == [Opcode.TEXT] + [Opcode.CONT] * (len(frames) - 1)
    assert [frame.fin for frame in frames] == [False] * (len(frames) - 1) + [True]


def test_a_throttle_lets_a_burst_through_and_then_its_rate():
    bucket = TokenBucket(Throttle(rate=2, burst=3), now=0)

    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100) for _ in range(4)] == [True, True, True, False]


def test_a_throttle_outlives_a_clock_that_is_set_back():
    bucket = TokenBucket(Throttle(rate=1, burst=1), now=100)

    assert bucket.take(50)
    assert not bucket.take(50.5)
    assert bucket.take(51.5)


def left_behind(path):
    with closing(Ledger(path)) as ledger:
        return ledger.left_behind


def test_a_ledger_remembers_what_was_open_and_not_what_was_closed(tmp_path):
    first, second = (
        make_record(connection_id="AAAAAAAAAAAAAAA="),
        make_record(connection_id="BBBBBBBBBBBBBBB="),
    )
    with closing(Ledger(tmp_path / "connections")) as ledger:
        ledger.opened(first)
        ledger.opened(second)
        ledger.closed(first.connection_id)

    assert left_behind(tmp_path / "connections") == (second,)


def test_a_ledger_keeps_what_was_left_behind_until_it_is_closed(tmp_path):
    with closing(Ledger(tmp_path / "connections")) as ledger:
        ledger.opened(make_record())
    assert left_behind(tmp_path / "connections") == (make_record(),)

    with closing(Ledger(tmp_path / "connections")) as ledger:
        assert ledger.left_behind == (make_record(),)
        ledger.closed(make_record().connection_id)

    assert left_behind(tmp_path / "connections") == ()


def test_a_damaged_ledger_costs_only_its_damaged_lines(tmp_path):
    path = tmp_path / "connections"
    with closing(Ledger(path)) as ledger:
        ledger.opened(make_record())
    good = path.read_bytes()
    path.write_bytes(b"\0\xff\n{}\n[]\n" + good + b'{"opened": {"connection_id": "x"}}\n{"opened": {"conn')

    assert left_behind(path) == (make_record(),)


def test_a_ledger_stays_small(tmp_path):
    with closing(Ledger(tmp_path / "connections")) as ledger:
        for _ in range(5_000):
            ledger.opened(make_record())
            ledger.closed(make_record().connection_id)

    assert (tmp_path / "connections").stat().st_size < 500_000


def test_a_ledger_that_cant_be_written_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("")

    with closing(Ledger(tmp_path / "file" / "connections")) as ledger:
        ledger.opened(make_record())

    assert "no longer kept" in caplog.text
