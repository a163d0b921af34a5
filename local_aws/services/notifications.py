"""What a message published to a topic looks like to the queue or function that is subscribed. Pure.

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message on its way to one subscription. `attributes` are by name, each with its Type and Value."""

    topic: str
    subscription: str
    message_id: str
    message: str
    subject: str | None = None
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def queue_body(self, now: datetime) -> str:
        """The body that a queue gets without raw message delivery."""
        return json.dumps(self._envelope(now, url="URL"), indent=2)

    def event(self, now: datetime) -> bytes:
        """The event that a function gets."""
        envelope = self._envelope(now, url="Url")
        # Functions get what queues get only where it is there.
        envelope |= {"Subject": self.subject, "MessageAttributes": dict(self.attributes)}
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": self.subscription,
            "Sns": envelope,
        }
        return json.dumps({"Records": [record]}).encode()

    def _envelope(self, now: datetime, *, url: str) -> dict[str, Any]:
        region = self.topic.split(":")[3]
        host = f"https://sns.{region}.amazonaws.com"
        envelope: dict[str, Any] = {
            "Type": "Notification",
            "MessageId": self.message_id,
            "TopicArn": self.topic,
        }
        if self.subject:
            envelope["Subject"] = self.subject
        envelope |= {
            "Message": self.message,
            "Timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            + f"{now.microsecond // 1000:03}Z",
            "SignatureVersion": "1",
            # Nobody here holds the key that the real service signs with.
            "Signature": base64.b64encode(b"not signed on this machine").decode(),
            f"SigningCert{url}": f"{host}/SimpleNotificationService-local.pem",
            f"Unsubscribe{url}": f"{host}/?Action=Unsubscribe&SubscriptionArn={self.subscription}",
        }
        if self.attributes:
            envelope["MessageAttributes"] = {name: dict(value) for name, value in self.attributes.items()}
        return envelope
