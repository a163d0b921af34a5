"""Posing as API Gateway or CloudFront: their headers forged, their place walked around."""

from __future__ import annotations

import json

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.security.conftest import api_ids, query, secret_of
from tests.stack.person import Person, Socket
from tests.stack.running import Stack

pytestmark = pytest.mark.stack

FORGED = {
    "X-Ws-Gateway-Secret": "guessed",
    "Connectionid": "AAAAAAAAAAAAAAA=",
    "X-Amzn-Apigateway-Api-Id": "forged",
    "X-Real-Ip": "203.0.113.9",
    "X-Amzn-Trace-Id": "Root=forged",
    "Content-Type": "application/json",
}


@pytest.mark.parametrize("path", ["/ws/connect", "/ws/message", "/ws/disconnect", "/ws"])
def test_posting_an_event_as_the_gateway_does(victim: Person, path: str) -> None:
    frame = json.dumps({"action": "chat_message", "message": "forged event"})
    answer = victim.http.post(
        victim.stack.url + path, data=frame, headers={**FORGED, "Origin": victim.stack.url}, timeout=10
    )
    assert answer.status_code in (403, 404, 426)
    # The pages' function knows no route to the view either, whatever the headers say.
    for inner in (f"/api/..{path}", f"/api{path}", f"/accounts{path}", f"//127.0.0.1{path}"):
        answer = victim.http.post(victim.stack.url + inner, data=frame, headers=FORGED, timeout=10)
        assert answer.status_code in (403, 404, 426), inner
    with victim.connect() as socket:
        assert "forged event" not in json.dumps(socket.history())


def test_connecting_under_the_id_of_another_connection(victim: Person, guest: Person) -> None:
    with victim.connect() as socket:
        forged = {**FORGED, "Origin": guest.stack.url, "User-Id": "1", "X-User": "root"}
        del forged["Content-Type"], forged["Origin"]
        opened = connect(
            guest.stack.socket_url + "?channel=general",
            origin=guest.stack.url,  # type: ignore[arg-type]
            additional_headers=forged,
            proxy=None,
            legacy=True,
        )
        with Socket(opened) as other:
            sequence = other.say("who am I?")["sequence"]
            heard = socket.hear("who am I?")
            assert (heard["sequence"], heard["guest"]) == (sequence, True)
        # Its end ended no connection but its own.
        assert socket.say("still here")["ok"]


def test_walking_around_the_distribution_to_the_websocket_api(stack: Stack, victim: Person) -> None:
    direct = f"ws://127.0.0.1:{stack.port}/{api_ids(stack)['websocket']}/ws?channel=general"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in victim.http.cookies)
    for headers in (
        {},
        {"X-Ws-Gateway-Secret": ""},
        {"X-Ws-Gateway-Secret": "guessed"},
        {"x-ws-gateway-secret": secret_of(stack)[:-1]},
        {"X_Ws_Gateway_Secret": secret_of(stack)},
    ):
        for credentials in ({}, {"Cookie": cookies}):
            with pytest.raises(InvalidStatus) as refused:
                connect(
                    direct + (f"&ws_token={victim.token()}" if credentials else ""),
                    origin=stack.url,  # type: ignore[arg-type]
                    additional_headers={**headers, **credentials},
                    proxy=None,
                    legacy=True,
                )
            assert refused.value.response.status_code == 403, headers


def test_walking_around_the_distribution_to_the_pages(stack: Stack) -> None:
    for path in ("/api/session", "/admin/login/", "/accounts/login/"):
        for headers in ({}, {"X-Ws-Gateway-Secret": "guessed"}, {"X_Ws_Gateway_Secret": secret_of(stack)}):
            answer = requests.get(
                f"{stack.url}/{api_ids(stack)['http']}{path}",
                headers=headers,
                timeout=10,
                allow_redirects=False,
            )
            assert answer.status_code == 403
            assert "csrftoken" not in answer.cookies
            assert f"Open {stack.url}/" in answer.text


@pytest.mark.parametrize(
    "spoofed",
    [
        {"X-Forwarded-Host": "elsewhere.example"},
        {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"},
        {"Forwarded": "for=1.2.3.4;host=elsewhere.example;proto=https"},
        {"X-Original-Url": "/admin/", "X-Rewrite-Url": "/admin/"},
        {"X-Http-Method-Override": "DELETE"},
        {"X_Forwarded_For": "1.2.3.4", "Remote-User": "root", "X-Remote-User": "root"},
    ],
)
def test_spoofing_what_a_proxy_says(victim: Person, spoofed: dict[str, str]) -> None:
    plain = victim.get("/api/session").json()
    answer = victim.get("/api/session", headers=spoofed)
    assert answer.status_code == 200
    assert answer.json() == plain
    page = victim.get("/accounts/login/?next=/admin/", headers=spoofed)
    assert "elsewhere.example" not in page.text + str(page.headers)
    moved = victim.get("/admin", headers=spoofed, allow_redirects=False)
    assert moved.headers["location"].removeprefix(victim.stack.url).startswith("/admin/")


def test_hiding_behind_a_made_up_address(stack: Stack) -> None:
    """Whatever is claimed in X-Forwarded-For, attempts are counted under the real address."""
    for claimed in ("203.0.113.50", "203.0.113.51, 203.0.113.52", "::1, x, 203.0.113.53", "' OR 1=1"):
        connect(
            stack.socket_url + "?channel=general",
            origin=stack.url,  # type: ignore[arg-type]
            additional_headers={"X-Forwarded-For": claimed, "X-Real-Ip": "203.0.113.54"},
            proxy=None,
            legacy=True,
        ).close()
    counted = query(
        stack,
        "from django_aws_api_gateway_websockets.models import ConnectionRateLimit as attempts\n"
        "print(json.dumps(sorted(set(attempts.objects.values_list('ip_address', flat=True)))))",
    )
    assert counted == ["127.0.0.1"]
