"""The wire protocol on the running stack: what people send, what they get, and what others see of it."""

from __future__ import annotations

import json
import threading
import time
import uuid

import pytest
from websockets.exceptions import InvalidStatus

from tests.stack.person import Person, Socket
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


def a_name() -> str:
    return f"ada-{uuid.uuid4().hex[:10]}"


def a_text() -> str:
    return f"hello {uuid.uuid4()}"


def test_a_message_reaches_everyone_in_the_room_and_its_sender(stack: Stack) -> None:
    name, text = a_name(), a_text()
    with Person(stack).sign_up(name).connect() as ada, Person(stack).connect() as guest:
        accepted = ada.say(text, client_id=(client_id := str(uuid.uuid4())))
        assert accepted["ok"] is True
        assert accepted["client_id"] == client_id
        for socket in (ada, guest):
            pushed = socket.hear(text)
            assert pushed["type"] == "chat_message"
            assert (pushed["room"], pushed["username"]) == ("general", name)
            assert (pushed["sequence"], pushed["created_at"]) == (
                accepted["sequence"],
                accepted["created_at"],
            )


def test_what_was_acknowledged_is_in_the_history_of_who_comes_later(guest: Person) -> None:
    text = a_text()
    with guest.connect("support") as socket:
        sequence = socket.say(text)["sequence"]
    with guest.connect("support") as later:
        history = later.history()
        assert history["room"] == "support"
        assert history["latest_sequence"] == sequence
        last = history["messages"][-1]
        assert (last["sequence"], last["username"], last["message"]) == (sequence, "Anonymous", text)


def test_history_pages_backwards_and_tells_what_was_missed(guest: Person) -> None:
    with guest.connect("random") as socket:
        first = socket.say("one")["sequence"]
        for text in ("two", "three", "four"):
            socket.say(text)
        missed = socket.history(after=first)
        assert [m["message"] for m in missed["messages"]] == ["two", "three", "four"]
        assert missed["has_more"] is False
        page = socket.history(before=first + 3, limit=2)
        assert [m["sequence"] for m in page["messages"]] == [first + 1, first + 2]
        assert page["has_more"] is True


def test_a_change_of_room_takes_effect_with_its_acknowledgement(guest: Person) -> None:
    with (
        guest.connect("general") as mover,
        guest.connect("general") as stays,
        guest.connect("support") as there,
    ):
        changed = mover.go_to("support")
        assert (changed["ok"], changed["channel"]) == (True, "support")
        left_behind, arrived = a_text(), a_text()
        stays.say(left_behind)
        stays.hear(left_behind)
        there.say(arrived)
        mover.hear(arrived)
        assert left_behind not in [frame.get("message") for frame in [*mover.frames, *mover.quiet()]]


def test_sends_before_a_change_of_room_stay_in_the_room_that_they_name(guest: Person) -> None:
    for _ in range(10):
        with guest.connect("general") as socket:
            ids = [str(uuid.uuid4()) for _ in range(3)]
            for client_id in ids:
                socket.send(action="chat_message", message=f"burst {client_id}", client_id=client_id)
            socket.send(action="change_channel", channel="support")
            answers = [socket.of_type("message_accepted") for _ in ids]
        with guest.connect("general") as here, guest.connect("support") as there:
            rooms = {"general": here.history(), "support": there.history()}
        for answer in answers:
            places = [
                room
                for room, history in rooms.items()
                for message in history["messages"]
                if answer["client_id"] in message["message"] and message["sequence"] == answer["sequence"]
            ]
            assert len(places) == 1
            assert places == [answer.get("room", places[0])]


def test_a_retry_gets_the_first_acknowledgement_and_makes_no_second_message(guest: Person) -> None:
    client_id, text = str(uuid.uuid4()), a_text()
    with guest.connect() as socket:
        first = socket.say(text, client_id=client_id)
    with guest.connect() as socket:
        again = socket.say(text, client_id=client_id)
        assert (again["sequence"], again["created_at"]) == (first["sequence"], first["created_at"])
        found = [m for m in socket.history()["messages"] if m["message"] == text]
        assert len(found) == 1
        other = socket.refused(
            json.dumps({"action": "chat_message", "message": "no", "client_id": client_id})
        )
        assert (other["code"], other["client_id"]) == ("invalid_request", client_id)


def test_fifty_people_at_once_leave_no_hole(stack: Stack) -> None:
    sockets = [Person(stack).connect("random") for _ in range(50)]
    before = sockets[0].history()["latest_sequence"]
    texts = [a_text() for _ in sockets]

    def speak(socket: Socket, text: str) -> None:
        socket.say(text)

    threads = [threading.Thread(target=speak, args=pair) for pair in zip(sockets, texts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for socket in sockets:
        seen = {
            frame["sequence"]: frame["message"] for frame in socket.frames if frame["type"] == "chat_message"
        }
        while len(seen) < 50:
            frame = socket.of_type("chat_message")
            seen[frame["sequence"]] = frame["message"]
        assert sorted(seen) == list(range(before + 1, before + 51))
        assert sorted(seen.values()) == sorted(texts)
        socket.close()


def test_ping_is_answered(guest: Person) -> None:
    with guest.connect() as socket:
        assert socket.ask("pong", action="ping") == {"type": "pong"}


NONSENSE = {
    "not JSON": ("hello", "unknown_action"),
    "a string": ('"hi"', "unknown_action"),
    "a number": ("5", "unknown_action"),
    "null": ("null", "unknown_action"),
    "an array": ('[2,"x"]', "unknown_action"),
    "no action": ("{}", "unknown_action"),
    "an unknown action": ('{"action":"dance"}', "unknown_action"),
    "an action in a list": ('{"action":["chat_message"]}', None),
    "an action that is an object": ('{"action":{"a":1}}', "unknown_action"),
    "a number for an action": ('{"action":7}', "unknown_action"),
    "a reserved route": ('{"action":"$connect"}', "unknown_action"),
    "another reserved route": ('{"action":"$disconnect"}', "unknown_action"),
    "the default route": ('{"action":"$default"}', "unknown_action"),
    "a method of the view": ('{"action":"dispatch"}', "unknown_action"),
    "an action twice": ('{"action":"chat_message","action":"nope"}', None),
    "deep nesting": ('{"action":"chat_message","message":' + "[" * 9_000 + "]" * 9_000 + "}", None),
    "no message": ('{"action":"chat_message"}', None),
    "an empty message": ('{"action":"chat_message","message":" \\n\\t "}', "empty_message"),
    "a number for a message": ('{"action":"chat_message","message":5}', "invalid_message"),
    "null for a message": ('{"action":"chat_message","message":null}', None),
    "a NUL": ('{"action":"chat_message","message":"a\\u0000b"}', "invalid_message"),
    "a lone surrogate": ('{"action":"chat_message","message":"a\\ud800b"}', "invalid_message"),
    "an escape character": ('{"action":"chat_message","message":"a\\u001bb"}', "invalid_message"),
    "one character too many": (
        json.dumps({"action": "chat_message", "message": "x" * 4001}),
        "message_too_long",
    ),
    "too long after NFC": (
        json.dumps({"action": "chat_message", "message": "\ufb2c" * 1500}),
        "message_too_long",
    ),
    "no UUID": ('{"action":"chat_message","message":"a","client_id":"7"}', "invalid_request"),
    "a number for a client id": ('{"action":"chat_message","message":"a","client_id":7}', "invalid_request"),
    "text for before": ('{"action":"fetch_history","before":"7"}', "invalid_request"),
    "true for after": ('{"action":"fetch_history","after":true}', "invalid_request"),
    "a fraction for limit": ('{"action":"fetch_history","limit":1.5}', "invalid_request"),
    "limit 51": ('{"action":"fetch_history","limit":51}', "invalid_request"),
    "limit 0": ('{"action":"fetch_history","limit":0}', "invalid_request"),
    "a huge before": ('{"action":"fetch_history","before":' + "9" * 400 + "}", "invalid_request"),
    "a room that is a number": ('{"action":"change_channel","channel":5}', "invalid_room"),
    "no room": ('{"action":"change_channel"}', "invalid_room"),
    "a room with a path": ('{"action":"change_channel","channel":"../general"}', "invalid_room"),
    "an unknown room": ('{"action":"change_channel","channel":"nowhere"}', "room_forbidden"),
    "a restricted room": ('{"action":"change_channel","channel":"staff"}', "room_forbidden"),
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_refused_and_leaves_the_connection_as_it_was(guest: Person, kind: str) -> None:
    raw, code = NONSENSE[kind]
    with guest.connect("support") as socket:
        refusal = socket.refused(raw)
        assert refusal["ok"] is False
        assert refusal["error"].endswith(".")
        assert refusal["code"] == (code or refusal["code"])
        assert "Traceback" not in json.dumps(refusal)
        assert socket.history()["room"] == "support"


def test_the_sentences_that_the_protocol_fixes(guest: Person) -> None:
    with guest.connect() as socket:
        assert socket.refused('{"action":"dance"}')["error"] == "Unknown WebSocket action."
        assert socket.refused('{"action":"chat_message","message":""}')["error"] == "Message cannot be empty."


def test_refusals_carry_what_they_are_about(guest: Person) -> None:
    client_id = str(uuid.uuid4())
    with guest.connect() as socket:
        long = socket.refused(
            json.dumps({"action": "chat_message", "message": "x" * 4001, "client_id": client_id})
        )
        assert (long["limit"], long["client_id"]) == (4000, client_id)
        assert socket.refused('{"action":"fetch_history","before":[]}')["field"] == "before"
        assert socket.refused('{"action":"change_channel","channel":"staff"}')["room"] == "staff"


def test_four_thousand_emoji_are_a_message(guest: Person) -> None:
    text = "\U0001f600" * 4000
    with guest.connect("random") as socket:
        socket.send_raw(json.dumps({"action": "chat_message", "message": text}, ensure_ascii=False))
        socket.of_type("message_accepted")
        socket.hear(text)


def test_the_eleventh_message_in_ten_seconds_is_refused(guest: Person) -> None:
    with guest.connect("random") as socket:
        for number in range(10):
            socket.say(f"message {number}")
        refusal = socket.refused('{"action":"chat_message","message":"one too many"}')
        assert refusal["code"] == "rate_limited"
        assert 0 < refusal["retry_after"] <= 10
        time.sleep(refusal["retry_after"])
        socket.say("patience")


def test_somebody_who_signs_out_can_do_nothing_more_on_an_open_socket(stack: Stack) -> None:
    person = Person(stack).sign_up(a_name())
    with person.connect() as socket:
        person.post("/accounts/logout/")
        assert socket.refused('{"action":"chat_message","message":"still here?"}')["code"] == "session_ended"


def refusal_status(person: Person, query: str, origin: str | None) -> int:
    with pytest.raises(InvalidStatus) as refused:
        person.open(query, origin=origin).close()
    return refused.value.response.status_code


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?channel=%00", 400),
        ("?channel=a%20b", 400),
        ("?channel=" + "x" * 200, 400),
        ("?channel=", 400),
        ("?channel=nowhere", 403),
        ("?channel=staff", 403),
    ],
)
def test_a_room_that_will_not_do_is_refused_at_connect(guest: Person, query: str, status: int) -> None:
    assert refusal_status(guest, query, guest.stack.url) == status


@pytest.mark.parametrize("origin", ["https://elsewhere.example", None, "null"])
def test_a_foreign_or_missing_origin_is_refused(guest: Person, origin: str | None) -> None:
    assert refusal_status(guest, "?channel=general", origin) == 403


def test_somebody_signed_in_needs_a_token_that_nobody_used(stack: Stack) -> None:
    person = Person(stack).sign_up(a_name())
    assert refusal_status(person, "?channel=general", stack.url) == 401
    assert refusal_status(person, "?channel=general&ws_token=nonsense", stack.url) == 401
    token = person.token()
    person.connect(token=token).close()
    assert refusal_status(person, f"?channel=general&ws_token={token}", stack.url) == 401


def test_a_room_in_percent_encoding_is_the_room(guest: Person) -> None:
    with Socket(guest.open("?channel=gen%65ral", origin=guest.stack.url)) as socket:
        assert socket.history()["room"] == "general"
