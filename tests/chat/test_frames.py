"""Frames that are not what the protocol says: each gets its refusal, and nothing else happens."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.frames import read_frame
from chat.models import ChatMessage
from chat.wire import Refusal
from tests.chat.gateway import Browser

UNKNOWN = "Unknown WebSocket action."


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        '"hi"',
        "5",
        "null",
        "true",
        '[2,"x"]',
        "[]",
        "{}",
        "{",
        '{"action":null}',
        '{"action":7}',
        '{"action":["chat_message"]}',
        '{"action":{"a":1}}',
        '{"action":""}',
        '{"action":"$connect"}',
        '{"action":"$default"}',
        '{"action":"default"}',
        '{"action":"connect"}',
        '{"action":"Chat_Message"}',
        '{"action":" chat_message"}',
        '{"action":"_stored"}',
        '{"action":"__class__"}',
        '{"action":"refuse"}',
        '{"action":"setup"}',
        '{"handler":"chat_message","message":"hi"}',
        '{"action":"chat_message","message":NaN}',
        '{"action":"chat_message","message":Infinity}',
        '{"action":"chat_message","message":' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"action":' + "[" * 50_000 + "]" * 50_000 + "}",
        '{"action":"chat_message","message":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
        b"\xff\xfe",
        b'{"action":"chat_message","message":"\xff"}',
        '\ufeff{"action":"chat_message"}',
    ],
)
def test_what_is_no_action_is_unknown(guest: Browser, frame: str | bytes) -> None:
    connection = guest.connect()
    answer = connection.send_raw(frame)
    assert (answer["ok"], answer["type"], answer["code"]) == (False, "error", "unknown_action")
    assert answer["error"] == UNKNOWN
    assert connection.say("still here")["ok"]


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ('{"action":"chat_message","action":"nope"}', "action"),
        ('{"action":"nope","action":"chat_message","message":"hi"}', "action"),
        ('{"action":"chat_message","message":"a","message":"b"}', "message"),
        ('{"action":"chat_message","message":"a","x":{"y":1,"y":2}}', "y"),
    ],
)
def test_a_key_that_appears_twice_is_refused(guest: Browser, frame: str, field: str) -> None:
    answer = guest.connect().send_raw(frame)
    assert (answer["code"], answer["field"]) == ("invalid_request", field)
    assert not ChatMessage.objects.exists()


@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "x",
        5,
        1.5,
        True,
        None,
        [],
        {},
        ["a"],
        "\0",
        "\ud800",
        "12345678123456781234567812345678",
        "{12345678-1234-5678-1234-567812345678}",
        "urn:uuid:12345678-1234-5678-1234-567812345678",
        "12345678-1234-5678-1234-567812345678\n",
        "12345678-1234-5678-1234-56781234567g",
        "１2345678-1234-5678-1234-567812345678",
        10**400,
    ],
)
def test_a_client_id_that_is_no_uuid_is_refused_and_repeated(guest: Browser, client_id: Any) -> None:
    answer = guest.connect().say("hello", client_id=client_id)
    assert (answer["code"], answer["field"]) == ("invalid_request", "client_id")
    if not isinstance(client_id, (list, dict)) and client_id != 10**400:
        assert answer["client_id"] == client_id
    assert not ChatMessage.objects.exists()


def test_a_number_that_json_cannot_say_is_not_repeated(guest: Browser) -> None:
    connection = guest.connect()
    for number in ("1e999", "-1e999"):
        answer = connection.send_raw(f'{{"action":"chat_message","message":"hi","client_id":{number}}}')
        assert answer["code"] == "invalid_request"
        assert "client_id" not in answer


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("chat_message", {"message": ""}, "empty_message"),
        ("chat_message", {}, "invalid_message"),
        ("chat_message", {"message": "x" * 4001}, "message_too_long"),
        ("change_channel", {"channel": "nowhere"}, "room_forbidden"),
        ("change_channel", {"channel": ""}, "invalid_room"),
        ("fetch_history", {"limit": 0}, "invalid_request"),
        ("nope", {}, "unknown_action"),
    ],
)
def test_every_refusal_repeats_the_client_id(
    guest: Browser, action: str, fields: dict[str, Any], code: str
) -> None:
    client_id = str(uuid4())
    answer = guest.connect().send(action, client_id=client_id, **fields)
    assert (answer["ok"], answer["type"], answer["code"]) == (False, "error", code)
    assert answer["client_id"] == client_id
    assert answer["error"].endswith(".")


@pytest.mark.parametrize("field", ["before", "after", "limit"])
@pytest.mark.parametrize("value", ["1", 1.0, True, False, None, [], {}, -1, 2**63, 10**400, 1e999])
def test_a_position_of_the_wrong_type_or_range_is_refused(guest: Browser, field: str, value: Any) -> None:
    answer = guest.connect().send_raw(json.dumps({"action": "fetch_history", field: value}))
    if value == 1e999:  # Python writes it as Infinity, which is no JSON
        assert answer["code"] == "unknown_action"
    else:
        assert (answer["code"], answer["field"]) == ("invalid_request", field)


@pytest.mark.parametrize("limit", [0, 51])
def test_a_page_has_from_1_to_50_messages(guest: Browser, limit: int) -> None:
    answer = guest.connect().send("fetch_history", limit=limit)
    assert (answer["code"], answer["field"]) == ("invalid_request", "limit")


def test_before_and_after_exclude_each_other(guest: Browser) -> None:
    answer = guest.connect().send("fetch_history", before=5, after=1)
    assert answer["code"] == "invalid_request"


@pytest.mark.parametrize(
    "channel",
    [
        None,
        5,
        True,
        [],
        {},
        "",
        " ",
        "gen eral",
        "general\n",
        "general\0",
        "../etc",
        "\ud800",
        "a" * 101,
        "géneral",
        "ｇeneral",
    ],
)
def test_a_malformed_room_is_refused(guest: Browser, channel: Any) -> None:
    connection = guest.connect()
    answer = connection.send("change_channel", channel=channel)
    assert answer["code"] == "invalid_room"
    assert "room" in answer
    assert connection.send("fetch_history")["room"] == "general"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


bodies = (
    st.binary()
    | st.text(st.characters()).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | json_values.map(lambda value: json.dumps(value).encode())
)


@given(bodies)
@settings(max_examples=300, deadline=None)
def test_reading_gives_an_object_with_an_action_or_refuses(body: bytes) -> None:
    try:
        frame = read_frame(body)
    except Refusal as refused:
        json.dumps(refused.frame())
    else:
        assert isinstance(frame["action"], str)
