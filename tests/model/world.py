"""Browsers, the network, the real functions on the real database, and a delivery that obeys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from django.contrib.auth.models import User
from django_aws_api_gateway_websockets.models import ChannelPermission

from chat import sending
from chat.history import history_page
from chat.models import ChatMessage, Room
from chat.outbox import pass_on_overdue
from delivery.shards import read_shard
from lambda_handlers import websocket
from tests.chat.gateway import Browser, new_connection_id
from tests.lambda_handlers.events import Context, connect_event, disconnect_event, message_event
from tests.model.chats import Chats

Death = Literal["at the start", "before the queue", "after the queue", "before the answer"]
"""Where the function that handles a frame is killed."""


_QUIET_SECONDS = 5


class Killed(BaseException):
    """The function's process is gone."""


@dataclass
class Link:
    """A socket as both ends see it: frames on their way up and down, each of which may be late."""

    client: str
    socket: int
    connection_id: str
    open: bool = True
    lossy: bool = False
    """Whether a push got lost on it. If it was the last one, only a new connection shows that."""
    up: list[str] = field(default_factory=list)
    down: list[str] = field(default_factory=list)


class World:
    """Everything but the chats themselves. Nothing moves unless it is told to."""

    def __init__(
        self, chats: Chats, patch: pytest.MonkeyPatch, people: dict[str, User | None], tag: int
    ) -> None:
        self.chats = chats
        self.rooms = [f"a{tag}", f"b{tag}"]
        for name in self.rooms:
            Room.objects.create(name=name, title=name)
            ChannelPermission.objects.create(channel_name=name, access="allow_all")
        self.people = {
            name: Browser() if user is None else Browser.signed_in(user) for name, user in people.items()
        }
        self.names = {name: user and user.get_username() for name, user in people.items()}
        self.links: list[Link] = []
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.written: dict[str, str] = {}
        """Every text that somebody wrote, with the room that they wrote it in."""
        self._death: Death | None = None
        patch.setattr(sending, "_queue", lambda url: self)
        self.chats.do("reset", seed=tag + 1)
        for client in people:
            self.tell("start", client=client, room=self.rooms[0])

    # The chats

    def tell(self, command: str, **fields: Any) -> dict[str, Any]:
        """Give the chats a command, and see to what they do."""
        answer = self.chats.do(command, **fields)
        for done in answer["done"]:
            self._see_to(done)
        return answer

    def wait(self, milliseconds: int) -> None:
        left = milliseconds
        while left > 0:
            left = self.tell("pass", ms=left)["left"]

    def state(self, client: str) -> dict[str, Any]:
        return self.chats.do("state", client=client, rooms=self.rooms)

    def write(self, client: str) -> None:
        room = self.chats.do("state", client=client, rooms=[])["shown"]
        text = f"{room} {client} {len(self.written)}"
        self.written[text] = room
        self.tell("write", client=client, text=text)

    def alter(self, client: str, number: int, *, deletes: bool) -> None:
        """Have somebody edit or delete one of the messages of theirs that they see, if there are any."""
        state = self.state(client)
        shown = state["rooms"][state["shown"]]["messages"]
        own = [each for each in shown if each["username"] == self.names[client] and not each["removed"]]
        if own:
            message = own[number % len(own)]
            text = None if deletes else f"{message['text']}!"
            self.tell("alter", client=client, target=message["sequence"], text=text)

    def link_of(self, client: str) -> Link | None:
        return next((link for link in reversed(self.links) if link.client == client and link.open), None)

    def _see_to(self, done: dict[str, Any]) -> None:
        client = done["client"]
        if done.get("asks") == "session":
            rooms = [{"name": n, "title": n, "canPost": True, "restricted": False} for n in self.rooms]
            session = {"username": self.names[client], "rooms": rooms, "messageLength": 4000}
            self.tell("answer", id=done["id"], value=session)
        elif done.get("asks") == "token":
            self.tell("answer", id=done["id"], value=self.people[client].ws_token())
        elif "opens" in done:
            self._connect(client, done["opens"], done["room"], done["token"])
        elif "sends" in done:
            if link := self._link(done["socket"]):
                link.up.append(done["sends"])
        elif link := self._link(done["closes"]):
            self._end(link, told=True)

    def _link(self, socket: int) -> Link | None:
        return next((link for link in self.links if link.socket == socket and link.open), None)

    # The gateway and the functions

    def _connect(self, client: str, socket: int, room: str, token: str | None) -> None:
        link = Link(client, socket, new_connection_id())
        cookies = self.people[client].client.cookies
        headers = {"Cookie": f"sessionid={cookies['sessionid'].value}"} if "sessionid" in cookies else {}
        query = {"channel": [room]} | ({"ws_token": [token]} if token else {})
        event = connect_event(connection_id=link.connection_id, headers=headers, query=query)
        answer = websocket.handler(event, Context())
        assert answer["statusCode"] == 200, answer
        self.links.append(link)
        self.tell("opened", socket=socket)

    def cut(self, link: Link, *, told: bool) -> None:
        """End a connection from outside. The server may be told, or never hear of it."""
        self._end(link, told=told)
        self.tell("closed", socket=link.socket)

    def _end(self, link: Link, *, told: bool) -> None:
        link.open = False
        if told:
            websocket.handler(disconnect_event(connection_id=link.connection_id), Context())

    def handle(self, link: Link, position: int = 0, *, death: Death | None = None) -> None:
        """Have a frame that came up handled, by a function that may die at it."""
        frame = link.up.pop(position % len(link.up))
        action = json.loads(frame)["action"]
        if action == "ping":
            self._answer(link, '{"type":"pong"}')
            return
        body = self._invoke(link, frame, death)
        answer = json.loads(body)
        if answer.get("type") == "message_accepted":
            self.acknowledged[answer["client_id"]] = answer
        self._answer(link, body)

    def _invoke(self, link: Link, frame: str, death: Death | None) -> str:
        failure = {
            "message": "Internal server error",
            "connectionId": link.connection_id,
            "requestId": "r",
        }
        if death == "at the start":
            return json.dumps(failure)
        self._death = death
        try:
            event = message_event(frame, connection_id=link.connection_id)
            body: str = websocket.handler(event, Context())["body"]
        except Killed:
            return json.dumps(failure)
        finally:
            self._death = None
        return json.dumps(failure) if death == "before the answer" else body

    @staticmethod
    def _answer(link: Link, body: str) -> None:
        if link.open:
            link.down.append(body)

    # The queue and the delivery

    def send(self, bodies: Sequence[str], *, delay_seconds: int = 0, group: str = "") -> None:
        """Stand where the queue's sender stands, and post at once."""
        if self._death == "before the queue":
            raise Killed
        for body in bodies:
            shard, _ = read_shard(body)
            for link in self.links:
                if link.open and link.connection_id in shard.connections:
                    link.down.append(shard.data.decode())
        if self._death == "after the queue":
            raise Killed

    def deliver(self, link: Link, position: int = 0, *, times: int = 1) -> None:
        """Bring a frame down, in whatever order; a push may come twice, or not at all."""
        frame = link.down.pop(position % len(link.down))
        if "room" not in json.loads(frame) or json.loads(frame)["type"] == "history":
            times = 1
        link.lossy = link.lossy or times == 0
        for _ in range(times):
            if link.open:
                self.tell("receive", socket=link.socket, frame=frame)

    def pass_on_overdue(self) -> int:
        return pass_on_overdue(0)

    # What must hold

    def history(self, room: str) -> list[dict[str, Any]]:
        """All events of a room, as pages lead to them."""
        events: list[dict[str, Any]] = []
        while True:
            page = history_page(room, after=events[-1]["sequence"] if events else 0, limit=7)
            assert "restart" not in page
            events += page["messages"]
            if not page["has_more"]:
                assert [event["sequence"] for event in events] == list(range(1, page["latest_sequence"] + 1))
                return events

    def check(self) -> None:
        """What holds at any moment, whatever has been lost, doubled or killed so far."""
        for client in self.people:
            for room, held in self.state(client)["rooms"].items():
                numbers = [message["sequence"] for message in held["messages"]]
                assert numbers == sorted(set(numbers)), f"{client} sees something twice in {room}"
                for message in held["messages"]:
                    text = message["text"].rstrip("!")
                    assert message["removed"] or self.written[text] == room, f"{client} sees {text} in {room}"

    def recover(self) -> None:
        """Everything works again: wait until nothing is under way any more."""
        quiet = 0
        for _ in range(400):
            self.pass_on_overdue()
            busy = False
            for link in [each for each in self.links if each.open]:
                while link.open and link.up:
                    self.handle(link)
                    busy = True
                while link.open and link.down:
                    self.deliver(link)
                    busy = True
            waiting = [client for client in self.people if not self._is_settled(client)]
            for client in waiting:
                self.tell("retry", client=client)
            quiet = 0 if busy or waiting else quiet + 1
            # A page that failed is asked for again after four seconds.
            if quiet == _QUIET_SECONDS:
                return
            self.wait(1_000)
        raise AssertionError(f"no rest: {[self.state(client) for client in self.people]}")

    def _is_settled(self, client: str) -> bool:
        state = self.chats.do("state", client=client, rooms=[])
        # What was written in another room waits for its writer to come back there.
        unsent = [item for item in state["outbox"] if item["room"] == state["target"]]
        at_rest = state["joined"] == state["target"] and not unsent and not state["altering"]
        return state["phase"] == "live" and at_rest

    def check_recovered(self) -> None:
        """After recovery, everybody sees what is stored, and everything that was written is stored once."""
        self.recover()
        for client in self.people:
            link = self.link_of(client)
            if link and not link.lossy:
                self._check_shown(client, self.state(client)["joined"])
            if link:
                self.cut(link, told=False)
        for room in self.rooms:
            for client in self.people:
                self.tell("enter", client=client, room=room)
            self.recover()
            for client in self.people:
                while not self.state(client)["rooms"][room]["complete"]:
                    self.tell("older", client=client, room=room)
                    self.recover()
                self._check_shown(client, room)
                assert room not in [item["room"] for item in self.state(client)["outbox"]]
        self._check_stored()

    def _check_shown(self, client: str, room: str) -> None:
        held = self.state(client)["rooms"][room]
        expected = [row for row in _conversation(self.history(room)) if row[0] > held["floor"]]
        shown = [_as_shown(message) for message in held["messages"]]
        assert shown == expected, f"{client} in {room}"

    def _check_stored(self) -> None:
        stored = list(ChatMessage.objects.filter(room__in=self.rooms))
        assert len(stored) == len(self.written), "each text that was written is stored, and stored once"
        for message in stored:
            assert message.deleted_at or self.written[message.message.rstrip("!")] == message.room
        by_id = {str(message.client_id): message for message in stored}
        for client_id, answer in self.acknowledged.items():
            assert (by_id[client_id].room, by_id[client_id].sequence) == (answer["room"], answer["sequence"])


def _conversation(events: Sequence[dict[str, Any]]) -> list[tuple[int, str, bool, bool]]:
    return [
        (event["sequence"], event["message"], "deleted" in event, "edited_at" in event)
        for event in events
        if event["type"] == "chat_message"
    ]


def _as_shown(message: dict[str, Any]) -> tuple[int, str, bool, bool]:
    return (message["sequence"], message["text"], message["removed"], message["edited"])
