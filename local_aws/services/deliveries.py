"""Brings to queues and functions what leaves the services: notifications, and changes of tables."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from local_aws.functions import Invoker
from local_aws.model import StreamSource
from local_aws.queues.queue import Attribute
from local_aws.services.notifications import Notification
from local_aws.services.streams import Record, StreamPoller

Say = Callable[[str], None]


class Background(Protocol):
    """Has events run whose senders don't wait."""

    def invoke(self, function: str, payload: bytes, *, qualifier: str | None, trigger: str) -> object: ...


class Send(Protocol):
    """Sends to the queue of an ARN: False where there is none."""

    def __call__(self, arn: str, body: str, attributes: Mapping[str, Attribute], /) -> bool: ...


class Deliveries:
    """Takes messages of the services' process, one after another. `functions` are those that run here.

    `permitted` tells whether a service may invoke a function for a resource of its (by their ARNs).
    """

    def __init__(
        self,
        *,
        functions: Container[str],
        invoker: Invoker,
        background: Background,
        send: Send,
        sources: Iterable[StreamSource] = (),
        permitted: Callable[[str, str, str], bool] = lambda service, function, source: True,
        say: Say,
    ) -> None:
        self._functions = functions
        self._background = background
        self._send_to_queue = send
        self._permitted = permitted
        self._say = say
        self._invoker = invoker
        self._pollers = [self._poller(source) for source in sources]
        self._tasks: dict[StreamPoller, asyncio.Task[None]] = {}

    def start(self) -> None:
        """Begin to hand changes of tables over."""
        self._tasks = {poller: asyncio.create_task(poller.run()) for poller in self._pollers}

    def replace(self, functions: Container[str], sources: Iterable[StreamSource]) -> None:
        """Have these functions and mappings from now on. What a mapping that stays has taken, it keeps."""
        self._functions = functions
        wanted = tuple(sources)
        for poller in [poller for poller in self._pollers if poller.source not in wanted]:
            self._pollers.remove(poller)
            self._tasks.pop(poller).cancel()
        known = [poller.source for poller in self._pollers]
        added = [self._poller(source) for source in wanted if source not in known]
        self._pollers += added
        self._tasks |= {poller: asyncio.create_task(poller.run()) for poller in added}

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def take(self, message: Mapping[str, Any]) -> None:
        """Deliver one message."""
        match message["kind"]:
            case "notification":
                self._notify(message)
            case "object":
                self._object_changed(message)
            case "change":
                for poller in self._pollers:
                    if poller.source.stream_arn == message["stream"]:
                        poller.add(message["record"])

    def _poller(self, source: StreamSource) -> StreamPoller:
        return StreamPoller(source, self._invoker, give_up=self._give_up)

    def _notify(self, message: Mapping[str, Any]) -> None:
        notification = Notification(
            **{
                name: message[name]
                for name in ("topic", "subscription", "message_id", "message", "subject", "attributes")
            }
        )
        endpoint = str(message["endpoint"])
        now = datetime.now(UTC)
        match message["protocol"]:
            case "lambda":
                self._invoke("SNS", endpoint, notification.topic, notification.event(now))
            case "sqs" if message["raw"]:
                self._send(endpoint, notification.message, _message_attributes(notification.attributes))
            case "sqs":
                self._send(endpoint, notification.queue_body(now))
            case protocol:
                self._say(
                    f"{notification.topic}: nothing is sent to {protocol} {endpoint} from this machine."
                )

    def _object_changed(self, message: Mapping[str, Any]) -> None:
        target, event = str(message["target"]), message["event"]
        if ":lambda:" in target:
            bucket = event["Records"][0]["s3"]["bucket"]["arn"]
            self._invoke("S3", target, bucket, json.dumps(event).encode())
        else:
            self._send(target, json.dumps(event))

    def _invoke(self, service: str, function_arn: str, source_arn: str, event: bytes) -> None:
        name, _, qualifier = function_arn.partition(":function:")[2].partition(":")
        principal = f"{service.lower()}.amazonaws.com"
        if name not in self._functions:
            self._say(f"{source_arn} would invoke {function_arn}, which doesn't run here.")
        elif not self._permitted(principal, function_arn, source_arn):
            self._say(
                f"{source_arn} may not invoke {name}: no AWS::Lambda::Permission lets {principal} do it."
            )
        else:
            self._background.invoke(name, event, qualifier=qualifier or None, trigger=service)

    def _send(self, queue_arn: str, body: str, attributes: Mapping[str, Attribute] | None = None) -> None:
        try:
            if not self._send_to_queue(queue_arn, body, attributes or {}):
                self._say(f"A message for {queue_arn} is lost: the queue doesn't run here.")
        except OSError as error:
            self._say(f"A message for {queue_arn} is lost: it can't be written down ({error.strerror}).")

    def _give_up(self, source: StreamSource, records: Sequence[Record], tries: int) -> None:
        numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
        self._say(
            f"{source.function} failed {tries} times: {len(records)} changes of its table are passed over."
        )
        if source.on_failure is not None and ":sqs:" in source.on_failure:
            batch = {
                "streamArn": source.stream_arn,
                "startSequenceNumber": numbers[0],
                "endSequenceNumber": numbers[-1],
                "batchSize": len(records),
            }
            body = {
                "requestContext": {
                    "functionArn": source.function,
                    "condition": "RetryAttemptsExhausted",
                    "approximateInvokeCount": tries,
                },
                "version": "1.0",
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "DDBStreamBatchInfo": batch,
            }
            self._send(source.on_failure, json.dumps(body))


def _message_attributes(attributes: Mapping[str, Mapping[str, str]]) -> dict[str, Attribute]:
    """A topic's message attributes as those of a queue's message."""
    return {
        name: Attribute(value["Type"], binary=base64.b64decode(value["Value"]))
        if value["Type"].startswith("Binary")
        else Attribute(value["Type"], string=value["Value"])
        for name, value in attributes.items()
    }
