"""Tells what leaves moto's services for functions and queues, which run outside of it.

moto would hand these to its own imitations of Lambda and SQS. In their place stands what tells the stack.
Nothing is sent anywhere else: subscriptions by e-mail, SMS and HTTP get nothing.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

Tell = Callable[[Mapping[str, Any]], None]


def install(tell: Tell) -> None:
    """Put the taps in place, for the rest of the process."""
    _tap_topics(tell)
    _tap_buckets(tell)
    _tap_streams(tell)


def _tap_topics(tell: Tell) -> None:
    from moto.sns.models import Subscription

    def publish(
        self: Subscription,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        matcher = self._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = self._parse_message_structure(message, self.protocol)
        tell(
            {
                "kind": "notification",
                "topic": self.topic.arn,
                "subscription": self.arn,
                "protocol": self.protocol,
                "endpoint": self.endpoint,
                "raw": str(self.attributes.get("RawMessageDelivery", "false")).lower() == "true",
                "message_id": message_id,
                "message": message,
                "subject": subject,
                "attributes": {
                    name: {"Type": value["Type"], "Value": _text(value["Value"])}
                    for name, value in (message_attributes or {}).items()
                },
            }
        )

    Subscription.publish = publish  # type: ignore[method-assign]


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _tap_buckets(tell: Tell) -> None:
    from moto.s3 import notifications

    def to_function(account_id: str, event_body: Any, fn_arn: str, region_name: str) -> None:
        tell({"kind": "object", "target": fn_arn, "event": event_body})

    def to_queue(account_id: str, event_body: Any, queue_name: str, region_name: str) -> None:
        target = f"arn:aws:sqs:{region_name}:{account_id}:{queue_name}"
        tell({"kind": "object", "target": target, "event": event_body})

    made = notifications._get_s3_event

    def event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        return completed(made(event_name, bucket, key, notification_id))

    notifications._get_s3_event = event
    notifications._invoke_awslambda = to_function
    notifications._send_sqs_message = to_queue


def completed(event: dict[str, Any]) -> dict[str, Any]:
    """A bucket's event with what moto leaves out of it, and its keys as S3 writes them.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    for record in event["Records"]:
        record |= {
            "userIdentity": {"principalId": "AWS:LOCAL"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": uuid.uuid4().hex[:16].upper(), "x-amz-id-2": "local"},
        }
        record["s3"]["bucket"]["ownerIdentity"] = {"principalId": "LOCAL"}
        changed = record["s3"]["object"]
        changed["key"] = quote_plus(unquote_plus(changed["key"]), safe="/")
        changed["sequencer"] = f"{time.time_ns():018X}"
        if record["eventName"].startswith("ObjectRemoved"):
            del changed["size"], changed["eTag"]
    return event


def _tap_streams(tell: Tell) -> None:
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import StreamShard
    from moto.dynamodb.models.utilities import dynamo_json_dump

    add, update_item = StreamShard.add, DynamoDBBackend.update_item
    updating = threading.local()

    def update_and_tell_once(self: DynamoDBBackend, *arguments: Any, **options: Any) -> Any:
        updating.makes_item = True
        try:
            return update_item(self, *arguments, **options)
        finally:
            updating.makes_item = False

    def add_and_tell(self: StreamShard, old: Any, new: Any) -> None:
        # An update of an item that isn't there is two steps in moto, and one change in DynamoDB: the second.
        if old is None and getattr(updating, "makes_item", False):
            updating.makes_item = False
            return
        # Like AWS: what changes nothing leaves no record.
        if old is not None and new is not None and old.to_json() == new.to_json():
            return
        add(self, old, new)
        arn = f"{self.table.table_arn}/stream/{self.table.latest_stream_label}"
        record = json.loads(dynamo_json_dump(self.items[-1].to_json()))
        record |= {"eventSourceARN": arn, "awsRegion": self.table.region_name, "eventVersion": "1.1"}
        tell({"kind": "change", "stream": arn, "record": record})

    DynamoDBBackend.update_item = update_and_tell_once  # type: ignore[method-assign]
    StreamShard.add = add_and_tell  # type: ignore[method-assign]
