"""Stands where API Gateway and the handlers stand: asks the view, and reads the delivery queue."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import boto3
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

API_ID = "api4567890"
SECRET = "a-secret-of-the-gateway-with-enough-characters"
ORIGIN = "http://127.0.0.1:8000"


def gateway_headers(connection_id: str, *, address: str = "203.0.113.7") -> dict[str, str]:
    return {
        "Host": "127.0.0.1:8000",
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Port": "8000",
        "X-Real-Ip": "198.51.100.1",
        "X-Amzn-Trace-Id": "Root=1-0",
        "X-Amzn-Apigateway-Api-Id": API_ID,
        "X-Ws-Gateway-Secret": SECRET,
        "User-Agent": "a browser",
        "Connectionid": connection_id,
    }


def new_connection_id() -> str:
    return secrets.token_urlsafe(11)[:15] + "="


@dataclass
class Browser:
    """Somebody's browser: cookies, and as many connections as it likes."""

    client: Client = field(default_factory=lambda: Client(headers={"Host": "127.0.0.1:8000"}))

    @classmethod
    def signed_in(cls, user: User) -> Browser:
        browser = cls()
        browser.client.force_login(user)
        return browser

    def ws_token(self) -> str:
        response = self.client.post("/api/ws-token")
        assert response.status_code == 200, response.content
        return str(response.json()["token"])

    def try_connect(
        self,
        channel: str = "general",
        *,
        token: str | None = None,
        origin: str | None = ORIGIN,
        address: str = "203.0.113.7",
        connection_id: str | None = None,
        query: str | None = None,
    ) -> HttpResponse:
        headers = gateway_headers(connection_id or new_connection_id(), address=address)
        if origin is not None:
            headers["Origin"] = origin
        parameters = {"channel": channel} | ({"ws_token": token} if token is not None else {})
        if query is not None:
            return self.client.post(f"/ws/connect?{query}", headers=headers)
        return self.client.post("/ws/connect", query_params=parameters, headers=headers)

    def connect(self, channel: str = "general", *, address: str = "203.0.113.7") -> Connection:
        connection_id = new_connection_id()
        token = self.ws_token() if "sessionid" in self.client.cookies else None
        response = self.try_connect(channel, token=token, connection_id=connection_id, address=address)
        assert response.status_code == 200, (response.status_code, response.content)
        return Connection(connection_id)


@dataclass
class Connection:
    """An open connection. Each frame is a request without cookies, as API Gateway makes it."""

    id: str

    def send_raw(self, frame: str | bytes) -> dict[str, Any]:
        response = Client(enforce_csrf_checks=True).post(
            "/ws/message", data=frame, content_type="application/json", headers=gateway_headers(self.id)
        )
        answer: dict[str, Any] = json.loads(response.content)
        return answer

    def send(self, action: str, **fields: Any) -> dict[str, Any]:
        return self.send_raw(json.dumps({"action": action, **fields}))

    def say(self, text: str, **fields: Any) -> dict[str, Any]:
        return self.send("chat_message", message=text, **fields)

    def disconnect(self) -> HttpResponse:
        return Client(enforce_csrf_checks=True).post("/ws/disconnect", headers=gateway_headers(self.id))


class DeliveryQueue:
    """The queue that the chat sends to."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self.url = url

    def take(self) -> list[dict[str, Any]]:
        """All shards that are queued, in the order in which they were sent."""
        shards: list[dict[str, Any]] = []
        while received := self._sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in received:
                shards.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return shards

    def deliveries(self) -> list[tuple[str, dict[str, Any]]]:
        """What each connection is to get: pairs of connection id and frame."""
        return [
            (connection, json.loads(shard["data"]))
            for shard in self.take()
            for connection in shard["connections"]
        ]


def sqs_client(endpoint: str) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name="eu-west-1",
        aws_access_key_id="AKIDTEST",
        aws_secret_access_key="secret",
    )
