"""Who takes part in a fuzz: people without end to send as, and bystanders who chat meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.stack.person import Person, Socket
from tests.stack.running import ROOT, Stack

BYSTANDERS = "fuzz-bystanders"
PUSHED = {"chat_message", "message_edited", "message_deleted", "system", "typing"}
# Logins without a password, whose hashing would be most of the time; and a room for those who only look on.
_PREPARE = """
import json
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Permission, User
from django_aws_api_gateway_websockets.models import ChannelPermission
from chat.login_sessions import SessionStore
from chat.models import Room

def login(name, **rights):
    user = User(username=name, **rights)
    user.set_unusable_password()
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return user, session.session_key

Room.objects.create(name="fuzz-bystanders", title="Bystanders", guests=False)
ChannelPermission.objects.create(channel_name="fuzz-bystanders", access="staff_only")
moderator, moderates = login("quality-moderation")
moderator.user_permissions.add(
    *Permission.objects.filter(codename__in=["moderate", "delete_chatmessage", "post_announcement"])
)
print(json.dumps({
    "bystanders": [login("onlooker", is_staff=True)[1], login("passer-by", is_staff=True)[1]],
    "people": [login(f"person-{chr(97 + n)}")[1] for n in range(8)],
    "moderators": [moderates],
}))
"""


def prepared(stack: Stack) -> dict[str, list[Person]]:
    """People who are signed in, by what they are for."""
    local = [sys.executable, "-m", "local_aws.exec", "--data-dir", str(stack.data_dir), "parlor-http"]
    shell = [sys.executable, "manage.py", "shell", "--no-imports", "--verbosity", "0", "-c", _PREPARE]
    ran = subprocess.run(
        [*local, "--", *shell], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    sessions: dict[str, list[str]] = json.loads(ran.stdout.strip().splitlines()[-1])
    return {kind: [_with_session(stack, key) for key in keys] for kind, keys in sessions.items()}


def _with_session(stack: Stack, key: str) -> Person:
    person = Person(stack)
    person.http.cookies.set("sessionid", key, domain="127.0.0.1", path="/")
    return person


class Bystanders:
    """Two people in a room of their own: one says a number each second or so, both hear what is said."""

    def __init__(self, people: list[Person]) -> None:
        self._sockets = [person.connect(BYSTANDERS) for person in people]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._chat, daemon=True)
        self.said: list[str] = []
        self.slowest = 0.0
        self.failure: BaseException | None = None

    def _chat(self) -> None:
        try:
            while not self._ended.wait(1.1):
                started = time.monotonic()
                text = f"said {len(self.said) + 1}"
                self._sockets[0].say(text)
                self.said.append(text)
                # Read by both as it comes: what nobody reads holds up the client's own keep-alive.
                for socket in self._sockets:
                    socket.hear(text)
                self.slowest = max(self.slowest, time.monotonic() - started)
        except BaseException as failure:  # it is told of in the thread of the test
            self.failure = failure

    def check(self) -> None:
        """Each has heard exactly what was said here, once and in order, and nothing else."""
        self._ended.set()
        self._thread.join(30)
        assert self.failure is None, self.failure
        assert self.said, "nobody had the time to say anything"
        for socket in self._sockets:
            socket.hear(self.said[-1])
            socket.quiet(0.5)
            heard = [frame for frame in socket.frames if frame["type"] != "message_accepted"]
            assert [frame["type"] for frame in heard] == ["chat_message"] * len(self.said)
            in_order = sorted(heard, key=lambda frame: frame["sequence"])
            assert [frame["message"] for frame in in_order] == self.said

    def __enter__(self) -> Bystanders:
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._ended.set()
        self._thread.join(30)
        for socket in self._sockets:
            socket.close()


def answers_to(socket: Socket, frames: list[str], timeout: float = 60) -> Counter[str]:
    """Send frames in a row and wait until each has its answer: how many there were of each kind.

    :raises AssertionError: A function failed, or an answer or the connection is missing.
    """
    for frame in frames:
        socket.send_raw(frame)
    kinds: Counter[str] = Counter()
    deadline = time.monotonic() + timeout
    while kinds.total() < len(frames):
        try:
            answer: dict[str, Any] = json.loads(
                socket.connection.recv(timeout=max(0.0, deadline - time.monotonic()))
            )
        except (TimeoutError, ConnectionClosed) as lost:
            raise AssertionError(
                f"{kinds.total()} of {len(frames)} answers, then {lost!r}: {frames}"
            ) from lost
        kind = str(answer.get("code") or answer.get("type"))
        if kind in PUSHED:
            continue
        assert kind not in ("None", "internal_error", "delivery_unavailable"), (answer, frames)
        kinds[kind] += 1
    return kinds


@contextmanager
def level_memory(stack: Stack, *, growth: int) -> Iterator[Any]:
    """Call what is given once all is warm; at the end no process has grown by more than `growth` bytes."""
    before: dict[int, int] = {}

    def note() -> None:
        before.update((process.pid, process.memory_info().rss) for process in stack.processes())

    yield note
    grown = {
        (process.pid, " ".join(process.cmdline())[:80]): process.memory_info().rss - before[process.pid]
        for process in stack.processes()
        if process.pid in before
    }
    assert grown, "no process has lived long enough to tell"
    assert max(grown.values()) < growth, grown
