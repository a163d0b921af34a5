"""Frames that claim more than their sender may, or are made to break whoever reads them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from chat.views import ChatWebSocketView
from tests.security.conftest import name_of, query, somebody_new, status_of
from tests.stack.person import Frame, Person, Socket
from tests.stack.running import Stack

pytestmark = pytest.mark.stack

# What a view's class has and the protocol doesn't: every name that Python would find there.
ATTRIBUTES = sorted(set(dir(ChatWebSocketView)) - ChatWebSocketView.ALLOWED_HANDLERS)
LIFECYCLE = ["$connect", "$disconnect", "$default", "connect", "disconnect", "CONNECT", "default"]
LARGEST_FRAME = 32_000


@pytest.mark.parametrize("room", ["staff", "support"])
def test_claiming_to_be_somebody_else_by_a_field(stack: Stack, attacker: Person, room: str) -> None:
    victim = somebody_new(stack, "victim")
    claims: Frame = {
        "username": name_of(victim),
        "user": name_of(victim),
        "user_id": 1,
        "is_staff": True,
        "is_superuser": True,
        "guest": False,
        "sequence": 1,
        "created_at": "2001-01-01T00:00:00+00:00",
        "revision": 9,
        "deleted": True,
        "type": "system",
        "level": "critical",
        "channel": room,
        "room": room,
        "connectionId": "AAAAAAAAAAAAAAA=",
        "requestContext": {"connectionId": "AAAAAAAAAAAAAAA="},
    }
    with victim.connect() as heard, attacker.connect("general") as socket:
        before = socket.history(limit=1)["latest_sequence"]
        text = f"I am the victim, in {room}"
        accepted = socket.say(text, **claims)
        pushed = heard.hear(text)
        assert accepted["sequence"] == pushed["sequence"] == before + 1
        assert (accepted["room"], pushed["room"], pushed["type"]) == ("general", "general", "chat_message")
        assert pushed["username"] == name_of(attacker)
        assert pushed["created_at"] > "2026"
        assert not {"deleted", "revision", "level", "is_staff"} & pushed.keys()
        assert socket.refused('{"action":"change_channel","channel":"staff","is_staff":true}')["code"] == (
            "room_forbidden"
        )


def test_a_guest_claiming_a_name(guest: Person, victim: Person) -> None:
    with victim.connect() as heard, guest.connect() as socket:
        socket.say("it is me", username=name_of(victim), user_id=1, guest=False)
        pushed = heard.hear("it is me")
        assert (pushed["username"], pushed["guest"]) == ("Anonymous", True)


def test_calling_every_attribute_of_the_view(guest: Person) -> None:
    """Whatever Python would find under the name, the answer is that there is no such action."""
    assert {"dispatch", "setup", "http_method_names", "__class__", "__init__", "as_view"} <= set(ATTRIBUTES)
    names = [*ATTRIBUTES, *LIFECYCLE, "ChatMessage", "chat_message ", "Chat_Message", "ｃhat_message", ""]
    with guest.connect() as socket:
        for name in names:
            socket.send(action=name, client_id="c", route=name, handler=name)
        for name in names:
            refused = socket.of_type("error")
            assert refused["code"] == "unknown_action", (name, refused)
        assert socket.say("nothing happened")["ok"]
    assert "Traceback" not in guest.stack.output


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"x"]',
        '"hi"',
        "5",
        "null",
        "true",
        '{"action":["chat_message"]}',
        '{"action":{"a":1}}',
        '{"action":7}',
        '{"action":null}',
        '{"action":true}',
        '{"action":"$connect"}',
        '{"action":"$disconnect"}',
        '{"action":"$default"}',
        '{"action":"chat_message","action":"nope"}',
        '{"action":"nope","action":"chat_message","message":"twice"}',
        '{"\\u0061ction":"nope","action":"chat_message","message":"twice"}',
        '{"action":"chat_message","message":"a","message":"b"}',
        "{}",
        "",
        "{",
        "\u0000",
        "{'action':'chat_message'}",
        '{"action":"chat_message","message":"x"}}',
        '{"action":"chat_message","message":"x"} {"action":"ping"}',
        '\ufeff{"action":"chat_message","message":"bom"}',
    ],
)
def test_an_action_where_no_string_is(guest: Person, frame: str) -> None:
    with guest.connect() as socket:
        before = socket.history(limit=1)["latest_sequence"]
        refused = socket.refused(frame)
        assert refused["ok"] is False
        assert refused["code"] in ("unknown_action", "invalid_request")
        assert refused["error"]
        assert socket.history(limit=1)["latest_sequence"] == before


def bombs() -> dict[str, str]:
    """Frames that are small for what they ask of a reader."""
    filler = LARGEST_FRAME - 200
    message = '{"action":"chat_message","message":'
    return {
        "arrays in arrays": message + "[" * (filler // 2) + "]" * (filler // 2) + "}",
        "arrays never closed": message + "[" * filler,
        "objects in objects": message + '{"a":' * (filler // 6) + "1" + "}" * (filler // 6) + "}",
        "a whole number of thousands of digits": f'{{"action":"fetch_history","before":{"9" * filler}}}',
        "a fraction of thousands of digits": f'{{"action":"fetch_history","before":0.{"9" * filler}}}',
        "an exponent beyond bounds": '{"action":"fetch_history","before":1e999999999}',
        "a tiny exponent": '{"action":"fetch_history","limit":1e-999999999}',
        "not a number": '{"action":"fetch_history","before":NaN}',
        "infinity": '{"action":"fetch_history","before":-Infinity}',
        "one key thousands of times": '{"action":"ping2"' + ',"k":0' * (filler // 6) + "}",
        "thousands of keys": '{"action":"ping2"' + "".join(f',"{n}":0' for n in range(filler // 9)) + "}",
        "keys of one hash": '{"action":"ping2"'
        + "".join(f',"{n * (2**61 - 1)}":0' for n in range(900))
        + "}",
        "thousands of escapes": message + '"' + "\\u0301" * (filler // 6) + '"}',
        "a letter under a tower of accents": message + '"a' + "\u0301" * (filler // 2) + '"}',
        "ligatures that unfold": message + '"' + "\ufdfa" * (filler // 3) + '"}',
        "white space": " " * filler + '{"action":"ping2"}',
    }


@pytest.mark.parametrize("name", list(bombs()))
def test_a_json_bomb(guest: Person, name: str) -> None:
    """Refused, or taken for the little that it is, and while it is read others are answered."""
    bomb = bombs()[name]
    assert len(bomb.encode()) <= LARGEST_FRAME
    with guest.connect() as socket, guest.connect() as bystander:
        started = time.monotonic()
        socket.send_raw(bomb)
        assert bystander.say(f"while {name} is read")["ok"]
        answer = socket.next(lambda frame: frame.get("type") in ("error", "message_accepted"), timeout=20)
        assert answer.get("code") != "internal_error", answer
        assert "requestId" not in answer, "the function failed"
        assert time.monotonic() - started < 10
        assert socket.say("and on")["ok"]


@pytest.mark.parametrize("size", [32_769, 131_072, 131_073, 500_000])
def test_a_frame_beyond_the_limit_ends_its_own_connection_only(guest: Person, size: int) -> None:
    with guest.connect() as bystander, guest.connect() as socket:
        frame = json.dumps({"action": "chat_message", "message": "x"})
        socket.send_raw(frame[:-1] + " " * (size - len(frame)) + "}")
        with pytest.raises(ConnectionClosed, match="1009"):
            socket.connection.recv(timeout=10)
        assert bystander.say("not me")["ok"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("\u202eevil.exe\u202c", "evil.exe"),
        ("a" + "\u0300" * 500 + "b", "a" + "\u0300" * 500),
        ("\u200b" * 2000 + "x", "\u200b" * 9),
        ("\u2066" * 100 + "x", "\u2066"),
    ],
)
def test_text_that_reaches_beyond_itself(guest: Person, text: str, kept: str) -> None:
    """Defused: what turned around, towered or flooded is not in what others get."""
    with guest.connect() as socket:
        sequence = socket.say(text)["sequence"]
        stored = next(m for m in socket.history(limit=5)["messages"] if m["sequence"] == sequence)["message"]
        if kept == "evil.exe":
            assert stored == kept
        else:
            assert kept not in stored
            assert len(stored) < 20


@pytest.mark.parametrize(
    "text", ["\ud800", "a\u0000b", "\x1b[2J", "\x85", "\u200b\u2060\ufeff", "\u3164" * 3]
)
def test_text_that_cannot_be_shown(guest: Person, text: str) -> None:
    with guest.connect() as socket:
        refused = socket.refused(json.dumps({"action": "chat_message", "message": text}))
        assert refused["code"] in ("invalid_message", "empty_message")


@pytest.mark.parametrize("action", sorted(ChatWebSocketView.ALLOWED_HANDLERS - {"default"}))
def test_an_id_that_no_answer_could_repeat_in_utf8(guest: Person, action: str) -> None:
    """Half of a surrogate pair: found by the fuzz, when actions that take any `client_id` failed on it."""
    frame = {"action": action, "client_id": "\ud800", "message": "x", "seen": {}, "channel": "random"}
    with guest.connect() as socket:
        socket.send(**frame)
        answer = socket.next(lambda frame: "client_id" in frame, timeout=10)
        assert answer.get("code") != "internal_error"
        assert answer["client_id"] == "\ud800"


@pytest.mark.parametrize(
    "room",
    ["Ｓtaff", "ѕtaff", "staff\u0000", "staff\n", "staff ", "STAFF", "sta\u200bff", "../staff", "%73taff"],
)
def test_a_room_name_that_looks_like_another(guest: Person, room: str) -> None:
    with guest.connect() as socket:
        frame = json.dumps({"action": "change_channel", "channel": room})
        assert socket.refused(frame)["code"] in ("invalid_room", "room_forbidden")
        assert socket.history(limit=1)["room"] == "general"


def test_a_hundred_sends_at_once_against_a_limit_of_ten(stack: Stack) -> None:
    attacker = somebody_new(stack, "mallory")
    sockets = [attacker.connect() for _ in range(5)]
    frames = [
        json.dumps({"action": "chat_message", "message": f"flood {name_of(attacker)} {n}"}) for n in range(20)
    ]

    def flood(socket: Socket) -> list[Frame]:
        for frame in frames:
            socket.send_raw(frame)
        return [
            socket.next(lambda got: got.get("type") in ("error", "message_accepted"), timeout=30)
            for _ in frames
        ]

    try:
        with ThreadPoolExecutor(5) as pool:
            answers = [answer for got in pool.map(flood, sockets) for answer in got]
    finally:
        for socket in sockets:
            socket.close()
    assert sum(answer["ok"] for answer in answers) == 10
    refused = [answer for answer in answers if not answer["ok"]]
    assert {answer["code"] for answer in refused} == {"rate_limited"}
    assert all(0 < answer["retry_after"] <= 10 for answer in refused)
    stored: Any = query(
        stack,
        "from chat.models import ChatMessage\n"
        f"print(ChatMessage.objects.filter(username={name_of(attacker)!r}).count())",
    )
    assert stored == 10


def test_looking_for_rooms_by_what_is_answered(attacker: Person) -> None:
    """A room that one may not enter and one that there is not are told alike, in words and in status."""
    with attacker.connect() as socket:
        answers = [
            {**socket.refused(json.dumps({"action": "change_channel", "channel": room})), "room": ""}
            for room in ("staff", "no-such-room")
        ]
    assert answers[0] == answers[1]
    statuses = {
        status_of(attacker, f"?channel={room}&ws_token={attacker.token()}")
        for room in ("staff", "no-such-room")
    }
    assert statuses == {403}
