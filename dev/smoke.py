"""`python -m dev.smoke URL`: whether a chat works, by using it as two people and an operator would."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

SECONDS = 20
ROOM = "random"
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_SCRIPT = re.compile(r'<script[^>]+src="(/assets/[^"]+)"')


class Wrong(Exception):
    """What was seen, and what should have been."""


class Browser:
    """One person's requests: cookies, the CSRF token, sockets."""

    def __init__(self, url: str) -> None:
        self.origin = url.rstrip("/")
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def get(self, path: str) -> tuple[http.client.HTTPResponse, str]:
        return self._open(urllib.request.Request(self.origin + path))  # noqa: S310 (the person's own URL)

    def post(
        self, path: str, fields: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        headers = {
            "Referer": self.origin + path,
            "Origin": self.origin,
            "X-CSRFToken": self._cookie("__Host-csrftoken") or self._cookie("csrftoken"),
        }
        body = urllib.parse.urlencode(fields or {}).encode()
        return self._open(urllib.request.Request(self.origin + path, body, headers))  # noqa: S310

    def submit(self, path: str, fields: Mapping[str, str]) -> None:
        """Open a form, fill it in and send it."""
        _, page = self.get(path)
        token = _found(_FORM_TOKEN, page, f"a form at {path}")
        self.post(path, {**fields, "csrfmiddlewaretoken": token})

    def socket(self, room: str, *, token: str = "", origin: str | None = None) -> ClientConnection:
        query = {"channel": room, **({"ws_token": token} if token else {})}
        scheme, _, rest = self.origin.partition("://")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)
        return connect(
            f"{'wss' if scheme == 'https' else 'ws'}://{rest}/ws?{urllib.parse.urlencode(query)}",
            origin=Origin(origin or self.origin),
            additional_headers={"Cookie": cookies} if cookies else None,
            open_timeout=SECONDS,
            close_timeout=1,
        )

    def _cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == name), "")

    def _open(self, request: urllib.request.Request) -> tuple[http.client.HTTPResponse, str]:
        try:
            with self._opener.open(request, timeout=SECONDS) as response:
                return response, response.read().decode()
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace").strip().splitlines()
            raise Wrong(
                f"{request.get_method()} {request.full_url} answered {error.code} {body[:1]}"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            raise Wrong(f"{request.full_url} can't be reached: {error}") from None


class Smoke:
    """The checks in their order: methods whose first line says what holds, and that raise Wrong if not."""

    def __init__(self, url: str, *, broadcast: Callable[[dict[str, str]], Mapping[str, Any]]) -> None:
        self._broadcast = broadcast
        self._person, self._guest = Browser(url), Browser(url)
        self._password = os.environ.get("PASSWORD", "")
        self._new = not self._password
        self._name = f"smoke-{secrets.token_hex(4)}" if self._new else os.environ.get("USERNAME", "")
        if self._new:
            self._password = secrets.token_urlsafe(16)
        self._sockets: dict[str, ClientConnection] = {}
        self._open = ExitStack()
        self._sequence = 0

    def run(self) -> int:
        """Run every check, say the outcome of each, and return the exit status."""
        started = time.monotonic()
        with self._open:
            for check in self._checks():
                sentence = (check.__doc__ or "").splitlines()[0]
                try:
                    check()
                except (Wrong, WebSocketException, TimeoutError, OSError, ValueError, KeyError) as error:
                    print(f"FAIL  {sentence}\n      {type(error).__name__}: {error}", file=sys.stderr)
                    return 1
                print(f"ok    {sentence}", flush=True)
        print(f"Everything works ({time.monotonic() - started:.1f} s).")
        return 0

    def _checks(self) -> Iterator[Callable[[], None]]:
        yield self._page
        yield self._headers
        yield self._sign_in
        yield self._foreign_origin
        yield self._connect
        yield self._keep_alive
        yield self._message
        yield self._history
        yield self._system_message
        yield self._sign_out

    def _page(self) -> None:
        """The page loads, with its script, which browsers may keep."""
        response, page = self._guest.get("/")
        _is("the page's Cache-Control", response.headers["Cache-Control"], "no-cache")
        script, _ = self._guest.get(_found(_SCRIPT, page, "a script in the page"))
        if "immutable" not in (script.headers["Cache-Control"] or ""):
            raise Wrong("The script's Cache-Control lacks immutable.")

    def _headers(self) -> None:
        """Pages may load nothing from elsewhere, be framed by nobody, and are not guessed at."""
        for path in ("/", "/accounts/login/"):
            headers = self._guest.get(path)[0].headers
            policy = headers["Content-Security-Policy"] or ""
            if "default-src 'none'" not in policy or "unsafe-" in policy:
                raise Wrong(f"The content security policy of {path} is {policy!r}.")
            _is(f"X-Content-Type-Options of {path}", headers["X-Content-Type-Options"], "nosniff")
            _is(f"X-Frame-Options of {path}", headers["X-Frame-Options"], "DENY")
            _is(f"Referrer-Policy of {path}", headers["Referrer-Policy"], "same-origin")
            if self._guest.origin.startswith("https") and not headers["Strict-Transport-Security"]:
                raise Wrong(f"{path} has no Strict-Transport-Security.")

    def _sign_in(self) -> None:
        """A person signs in."""
        if self._new:
            fields = {"username": self._name, "password1": self._password, "password2": self._password}
            self._person.submit("/accounts/signup/", fields)
        else:
            self._person.submit("/accounts/login/", {"username": self._name, "password": self._password})
        self._signed_in_as({"username": self._name})

    def _foreign_origin(self) -> None:
        """Pages of other sites can't connect."""
        try:
            self._guest.socket(ROOM, origin="https://elsewhere.example").close()
        except InvalidStatus as refused:
            _is("the status", refused.response.status_code, 403)
        else:
            raise Wrong("A page of another site was let in.")

    def _connect(self) -> None:
        """The person connects with a one-time token, and a guest without."""
        token = json.loads(self._person.post("/api/ws-token")[1])["token"]
        self._sockets = {
            "the person": self._open.enter_context(self._person.socket(ROOM, token=token)),
            "the guest": self._open.enter_context(self._guest.socket(ROOM)),
        }

    def _keep_alive(self) -> None:
        """The gateway answers a ping."""
        for who, socket in self._sockets.items():
            socket.send(json.dumps({"action": "ping"}))
            self._frame(who, "pong")

    def _message(self) -> None:
        """What the person writes is acknowledged, and reaches both."""
        text = f"Smoke test {secrets.token_hex(8)}"
        self._sockets["the person"].send(json.dumps({"action": "chat_message", "message": text}))
        self._sequence = self._frame("the person", "message_accepted", "chat_message")["sequence"]
        pushed = self._frame("the guest", "chat_message", sequence=self._sequence)
        _is("the message", pushed["message"], text)
        _is("its sender", pushed["username"], self._name)

    def _history(self) -> None:
        """It is kept."""
        self._sockets["the guest"].send(json.dumps({"action": "fetch_history", "after": self._sequence - 1}))
        page = self._frame("the guest", "history")
        if self._sequence not in [message["sequence"] for message in page["messages"]]:
            raise Wrong(f"The history after {self._sequence - 1} lacks {self._sequence}.")

    def _system_message(self) -> None:
        """An operator's message reaches both."""
        text = f"This is a test of the deployment ({secrets.token_hex(4)})."
        answer = self._broadcast({"message": text, "room": ROOM})
        if not answer.get("ok") or answer.get("connections", 0) < 2:
            raise Wrong(f"The broadcast function answered {dict(answer)}.")
        for who in self._sockets:
            self._frame(who, "system", message=text)

    def _sign_out(self) -> None:
        """The person signs out."""
        self._person.post("/accounts/logout/")
        self._signed_in_as(None)

    def _signed_in_as(self, user: Mapping[str, str] | None) -> None:
        _is("who is signed in", json.loads(self._person.get("/api/session")[1])["user"], user)

    def _frame(self, who: str, *types: str, **having: Any) -> dict[str, Any]:
        """The next frame of the first of `types`; others may come before it."""
        deadline = time.monotonic() + SECONDS
        seen: list[object] = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                frame: dict[str, Any] = json.loads(self._sockets[who].recv(timeout=left))
            except TimeoutError:
                break
            if frame.get("type") == types[0] and all(frame.get(name) == is_ for name, is_ in having.items()):
                return frame
            if frame.get("type") == "error":
                raise Wrong(f"{who} was refused: {frame.get('error')}")
            seen.append(frame.get("type"))
        raise Wrong(f"{who} got no {types[0]} within {SECONDS} s, but {seen or 'nothing'}.")


def _is(what: str, seen: object, expected: object) -> None:
    if seen != expected:
        raise Wrong(f"{what} is {seen!r}, not {expected!r}.")


def _found(pattern: re.Pattern[str], text: str, what: str) -> str:
    found = pattern.search(text)
    if found is None:
        raise Wrong(f"There is not {what}.")
    return found[1]


def broadcast_function(url: str, name: str) -> Callable[[dict[str, str]], Mapping[str, Any]]:
    """Invokes the broadcast function: on AWS with the caller's credentials, here at the endpoint."""
    import boto3

    parts = urlsplit(url)
    local: dict[str, Any] = {}
    if parts.hostname in ("127.0.0.1", "localhost"):
        local = {
            "endpoint_url": f"http://127.0.0.1:{(parts.port or 80) + 1}",
            "region_name": "us-east-1",
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
        }

    def invoke(event: dict[str, str]) -> Mapping[str, Any]:
        answer = boto3.client("lambda", **local).invoke(FunctionName=name, Payload=json.dumps(event).encode())
        found: Mapping[str, Any] = json.loads(answer["Payload"].read())
        return found

    return invoke


def main(arguments: list[str]) -> int:
    """Check the chat at a URL.

    FUNCTION names its broadcast function. With USERNAME and PASSWORD a person signs in, else one signs up.
    """
    if len(arguments) != 1 or urlsplit(arguments[0]).scheme not in ("http", "https"):
        print("usage: make smoke URL=https://….cloudfront.net/", file=sys.stderr)
        return 2
    name = os.environ.get("FUNCTION", "") or "parlor-broadcast"
    return Smoke(arguments[0], broadcast=broadcast_function(arguments[0], name)).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
