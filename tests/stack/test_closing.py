"""Sockets of whoever signs out are told why, and closed, within seconds."""

from __future__ import annotations

import time

import pytest
from websockets.exceptions import ConnectionClosed

from tests.stack.person import Person
from tests.stack.running import Stack


def test_signing_out_closes_the_sockets_of_that_login(stack: Stack) -> None:
    zoe = Person(stack).sign_up("zoe-who-leaves")
    elsewhere = Person(stack).log_in("zoe-who-leaves", "correct horse 42")
    with zoe.connect() as ending, elsewhere.connect() as other:
        began = time.monotonic()
        zoe.post("/accounts/logout/", allow_redirects=False)
        # An answer comes to what was sent meanwhile, and then the word that it is over.
        assert ending.refused('{"action":"fetch_history"}')["code"] == "session_ended"
        assert ending.of_type("error")["code"] == "session_ended"
        with pytest.raises(ConnectionClosed):
            ending.connection.recv(timeout=5)
        assert time.monotonic() - began < 6
        assert other.say("still here")["ok"]
