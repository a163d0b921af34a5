"""Somebody who chats without a screen: cookies, forms, tokens and a socket, as a browser spells them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

import requests
from websockets.sync.client import ClientConnection, connect

from tests.stack.running import Stack

Frame = dict[str, Any]


class Socket:
    """One open connection. Keeps every frame that came, in the order of arrival."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.frames: list[Frame] = []

    def send(self, **frame: Any) -> None:
        self.send_raw(json.dumps(frame))

    def send_raw(self, text: str | bytes) -> None:
        self.connection.send(text)

    def next(self, wanted: Callable[[Frame], bool], timeout: float = 10) -> Frame:
        """The next frame that is wanted; those that come before it are kept in `frames`."""
        deadline = time.monotonic() + timeout
        while True:
            frame: Frame = json.loads(self.connection.recv(timeout=max(0.0, deadline - time.monotonic())))
            self.frames.append(frame)
            if wanted(frame):
                return frame

    def hear(self, message: str) -> Frame:
        """The push of a message, whether it came before now or is still to come."""
        for frame in self.frames:
            if frame.get("message") == message:
                return frame
        return self.next(lambda frame: frame.get("message") == message)

    def of_type(self, kind: str, timeout: float = 10) -> Frame:
        return self.next(lambda frame: frame.get("type") == kind, timeout)

    def ask(self, kind: str, **frame: Any) -> Frame:
        """Send a frame and return the next one of a type."""
        self.send(**frame)
        return self.of_type(kind)

    def refused(self, raw: str | bytes) -> Frame:
        """Send a frame as it is and return the refusal."""
        self.send_raw(raw)
        return self.of_type("error")

    def say(self, message: str, **frame: Any) -> Frame:
        return self.ask("message_accepted", action="chat_message", message=message, **frame)

    def history(self, **frame: Any) -> Frame:
        return self.ask("history", action="fetch_history", **frame)

    def go_to(self, room: str) -> Frame:
        return self.ask("channel_changed", action="change_channel", channel=room)

    def quiet(self, seconds: float = 0.5) -> list[Frame]:
        """All that still comes within some seconds."""
        came: list[Frame] = []
        deadline = time.monotonic() + seconds
        while (rest := deadline - time.monotonic()) > 0:
            try:
                came.append(json.loads(self.connection.recv(timeout=rest)))
            except TimeoutError:
                break
        self.frames += came
        return came

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Socket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Person:
    """A guest until they sign up or log in."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = requests.Session()
        self.http.trust_env = False

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.http.get(self.stack.url + path, timeout=30, **options)

    def post(self, path: str, data: dict[str, str] | None = None, **options: Any) -> requests.Response:
        headers = {"X-CSRFToken": self.http.cookies.get("csrftoken", ""), "Origin": self.stack.url}
        headers |= options.pop("headers", {})
        return self.http.post(self.stack.url + path, data=data, headers=headers, timeout=30, **options)

    def submit(self, path: str, **fields: str) -> requests.Response:
        """Fill in a form and send it, with the form's own CSRF token."""
        page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None, f"{path} has no form: {page.status_code} {page.text[:200]}"
        return self.post(path, {**fields, "csrfmiddlewaretoken": token[1]}, allow_redirects=False)

    def sign_up(self, username: str, password: str = "correct horse 42") -> Person:
        answer = self.submit("/accounts/signup/", username=username, password1=password, password2=password)
        assert answer.status_code == 302, answer.text
        return self

    def log_in(self, username: str, password: str) -> Person:
        answer = self.submit("/accounts/login/", username=username, password=password)
        assert answer.status_code == 302, answer.text
        return self

    def session(self) -> dict[str, Any]:
        answer = self.get("/api/session")
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()
        return session

    def token(self) -> str:
        self.session()
        answer = self.post("/api/ws-token")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def connect(
        self, room: str = "general", *, token: str | None = None, origin: str | None = None
    ) -> Socket:
        """Open a socket, with a token if this is somebody signed in and none is given."""
        if token is None and "sessionid" in self.http.cookies:
            token = self.token()
        query = f"?channel={room}" + (f"&ws_token={token}" if token else "")
        return Socket(self.open(query, origin=self.stack.url if origin is None else origin))

    def open(self, query: str, *, origin: str | None) -> ClientConnection:
        """Open a socket with a query as it is. Raises InvalidStatus where it is refused."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        return connect(
            self.stack.socket_url + query,
            origin=origin,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies} if cookies else None,
            open_timeout=30,
            proxy=None,
            max_size=None,
            legacy=True,  # closed by Socket, which is a context manager itself
        )
