"""SQS's JSON protocol over our queues: what boto3, the CLI and other SDKs send.

Reference: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

import base64
import hashlib
import struct
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from local_aws.queues.parameters import (
    Input,
    SqsError,
    batch_entries,
    check_size,
    integer,
    message_of,
    receipt_of,
)
from local_aws.queues.queue import Attribute, Message, NotInFlight, ReceiptInvalid, StandardQueue
from local_aws.queues.service import Queues

Output = dict[str, Any]

_MAX_BATCH_BYTES = 1_048_576
_IN_FLIGHT_LIMIT = 120_000


class SqsProtocol:
    """Answers the actions of one account's queues."""

    def __init__(self, queues: Queues, account: str) -> None:
        self._queues = queues
        self._account = account
        self._actions: dict[str, Callable[[Input], Awaitable[Output]]] = {
            "SendMessage": self._send_message,
            "SendMessageBatch": self._send_message_batch,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            "DeleteMessageBatch": self._delete_message_batch,
            "ChangeMessageVisibility": self._change_message_visibility,
            "ChangeMessageVisibilityBatch": self._change_message_visibility_batch,
            "GetQueueUrl": self._get_queue_url,
            "GetQueueAttributes": self._get_queue_attributes,
            "ListQueues": self._list_queues,
            "PurgeQueue": self._purge_queue,
        }

    async def call(self, action: str, parameters: object) -> Output:
        """Perform an action. Raises `SqsError`."""
        perform = self._actions.get(action)
        if perform is None:
            raise SqsError(
                "UnsupportedOperation",
                f"{action} isn't served on this machine: queues come from the template.",
                "AWS.SimpleQueueService.UnsupportedOperation",
            )
        if not isinstance(parameters, dict):
            raise SqsError("SerializationException", "The body is no JSON object.")
        return await perform(parameters)

    async def _send_message(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        message = message_of(queue, parameters)
        check_size([message], queue.definition.max_message_bytes)
        [accepted] = self._add(queue, [message])
        return _sent(accepted)

    async def _send_message_batch(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        entries = batch_entries(parameters)
        messages: list[tuple[str, Message]] = []
        failed: list[Output] = []
        for entry in entries:
            try:
                messages.append((entry["Id"], message_of(queue, entry)))
            except SqsError as error:
                failed.append(_failed(entry["Id"], error))
        limit = min(_MAX_BATCH_BYTES, queue.definition.max_message_bytes)
        if sum(message.size for _, message in messages) > limit:
            raise SqsError(
                "BatchRequestTooLong",
                f"Batch requests cannot be longer than {limit} bytes.",
                "AWS.SimpleQueueService.BatchRequestTooLong",
            )
        accepted = self._add(queue, [message for _, message in messages])
        sent = [
            {"Id": entry_id, **_sent(message)}
            for (entry_id, _), message in zip(messages, accepted, strict=True)
        ]
        return {"Successful": sent} | ({"Failed": failed} if failed else {})

    async def _receive_message(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        count = integer(parameters, "MaxNumberOfMessages", 1, 10, default=1)
        wait = integer(parameters, "WaitTimeSeconds", 0, 20, default=queue.definition.receive_wait)
        visibility = integer(
            parameters, "VisibilityTimeout", 0, 43_200, default=queue.definition.visibility_timeout
        )
        if queue.in_flight >= _IN_FLIGHT_LIMIT:
            raise SqsError("OverLimit", "Too many messages are in flight.")
        system_names = [
            *(parameters.get("AttributeNames") or ()),
            *(parameters.get("MessageSystemAttributeNames") or ()),
        ]
        names = parameters.get("MessageAttributeNames") or ()
        messages = await self._queues.receive(queue, count, wait=wait, visibility=visibility)
        if not messages:
            return {}
        return {"Messages": [self._received(message, system_names, names) for message in messages]}

    async def _delete_message(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        queue.delete([receipt_of(parameters)])
        return {}

    async def _delete_message_batch(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        entries = batch_entries(parameters)
        successful, failed, receipts = [], [], []
        for entry in entries:
            try:
                receipts.append(receipt_of(entry))
                successful.append({"Id": entry["Id"]})
            except SqsError as error:
                failed.append(_failed(entry["Id"], error))
        queue.delete(receipts)
        return {"Successful": successful, "Failed": failed}

    async def _change_message_visibility(self, parameters: Input) -> Output:
        self._change_visibility(self._queue(parameters), parameters)
        return {}

    async def _change_message_visibility_batch(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        successful, failed = [], []
        for entry in batch_entries(parameters):
            try:
                self._change_visibility(queue, entry)
                successful.append({"Id": entry["Id"]})
            except SqsError as error:
                failed.append(_failed(entry["Id"], error))
        return {"Successful": successful, "Failed": failed}

    async def _get_queue_url(self, parameters: Input) -> Output:
        name = parameters.get("QueueName")
        queue = self._queues.by_name.get(name) if isinstance(name, str) else None
        if queue is None:
            raise _no_such_queue()
        return {"QueueUrl": queue.definition.url}

    async def _get_queue_attributes(self, parameters: Input) -> Output:
        queue = self._queue(parameters)
        queue.tick(time.time())
        attributes = _queue_attributes(queue)
        wanted = parameters.get("AttributeNames") or ()
        if "All" not in wanted:
            attributes = {name: value for name, value in attributes.items() if name in wanted}
        return {"Attributes": attributes} if attributes else {}

    async def _list_queues(self, parameters: Input) -> Output:
        prefix = str(parameters.get("QueueNamePrefix") or "")
        urls = [q.definition.url for name, q in self._queues.by_name.items() if name.startswith(prefix)]
        return {"QueueUrls": urls} if urls else {}

    async def _purge_queue(self, parameters: Input) -> Output:
        self._queue(parameters).purge()
        return {}

    def _queue(self, parameters: Input) -> StandardQueue:
        """By the last part of the URL: its host depends on how the caller reached us."""
        url = parameters.get("QueueUrl")
        if not isinstance(url, str) or not url:
            raise SqsError("MissingParameter", "The request must contain the parameter QueueUrl.")
        queue = self._queues.by_name.get(url.rstrip("/").rpartition("/")[2])
        if queue is None:
            raise _no_such_queue()
        return queue

    def _add(self, queue: StandardQueue, messages: list[Message]) -> list[Message]:
        if not messages:
            return []
        accepted = queue.add(messages, now=time.time())
        self._queues.watch(queue)
        return accepted

    def _change_visibility(self, queue: StandardQueue, parameters: Input) -> None:
        receipt = receipt_of(parameters)
        seconds = integer(parameters, "VisibilityTimeout", 0, 43_200)
        try:
            queue.change_visibility(receipt, seconds, now=time.time())
        except ReceiptInvalid:
            raise SqsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid.") from None
        except NotInFlight:
            raise SqsError(
                "MessageNotInflight",
                "The message referred to isn't in flight.",
                "AWS.SimpleQueueService.MessageNotInflight",
            ) from None
        self._queues.watch(queue)

    def _received(self, message: Message, system_names: Sequence[str], names: Sequence[str]) -> Output:
        received: Output = {
            "MessageId": message.id,
            "ReceiptHandle": message.receipt,
            "MD5OfBody": message.md5(),
            "Body": message.body,
        }
        system = system_attributes(message, self._account)
        if "All" not in system_names:
            system = {name: value for name, value in system.items() if name in system_names}
        if system:
            received["Attributes"] = system
        chosen = {name: value for name, value in message.attributes.items() if _wanted(name, names)}
        if chosen:
            received["MessageAttributes"] = {name: _wire_attribute(value) for name, value in chosen.items()}
            received["MD5OfMessageAttributes"] = attributes_md5(chosen)
        return received


def system_attributes(message: Message, account: str) -> dict[str, str]:
    """The attributes that SQS itself gives a received message."""
    attributes = {
        "SenderId": account,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(message.received),
        "ApproximateFirstReceiveTimestamp": str(int((message.first_received or message.sent) * 1000)),
    }
    if message.trace_header:
        attributes["AWSTraceHeader"] = message.trace_header
    if message.group is not None:
        attributes["MessageGroupId"] = message.group
    if message.sequence is not None:
        attributes["MessageDeduplicationId"] = message.deduplication_id or ""
        attributes["SequenceNumber"] = f"{message.sequence:020}"
    return attributes


def attributes_md5(attributes: Mapping[str, Attribute]) -> str:
    """The digest that SDKs compare, as "Calculating the MD5 message digest for message attributes" says."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        value = attribute.binary if attribute.binary is not None else (attribute.string or "").encode()
        kind = b"\x02" if attribute.binary is not None else b"\x01"
        for part in (name.encode(), attribute.data_type.encode()):
            digest.update(struct.pack("!I", len(part)) + part)
        digest.update(kind + struct.pack("!I", len(value)) + value)
    return digest.hexdigest()


def _sent(message: Message) -> Output:
    sent: Output = {"MessageId": message.id, "MD5OfMessageBody": message.md5()}
    if message.attributes:
        sent["MD5OfMessageAttributes"] = attributes_md5(message.attributes)
    if message.trace_header:
        attribute = {"AWSTraceHeader": Attribute("String", message.trace_header)}
        sent["MD5OfMessageSystemAttributes"] = attributes_md5(attribute)
    if message.sequence is not None:
        sent["SequenceNumber"] = f"{message.sequence:020}"
    return sent


def _failed(entry_id: str, error: SqsError) -> Output:
    return {"Id": entry_id, "SenderFault": True, "Code": error.code, "Message": error.message}


def _wanted(name: str, names: Sequence[str]) -> bool:
    return any(
        wanted in ("All", ".*", name) or (wanted.endswith(".*") and name.startswith(wanted[:-1]))
        for wanted in names
    )


def _wire_attribute(attribute: Attribute) -> Output:
    if attribute.binary is not None:
        binary = base64.b64encode(attribute.binary).decode()
        return {"DataType": attribute.data_type, "BinaryValue": binary}
    return {"DataType": attribute.data_type, "StringValue": attribute.string}


def _queue_attributes(queue: StandardQueue) -> dict[str, str]:
    definition = queue.definition
    attributes = {
        "QueueArn": definition.arn,
        "ApproximateNumberOfMessages": str(queue.ready),
        "ApproximateNumberOfMessagesNotVisible": str(queue.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(queue.delayed),
        "VisibilityTimeout": str(definition.visibility_timeout),
        "DelaySeconds": str(definition.delay),
        "MessageRetentionPeriod": str(definition.retention),
        "MaximumMessageSize": str(definition.max_message_bytes),
        "ReceiveMessageWaitTimeSeconds": str(definition.receive_wait),
        "SqsManagedSseEnabled": "true",
    }
    if definition.fifo:
        attributes["FifoQueue"] = "true"
        attributes["ContentBasedDeduplication"] = str(definition.deduplicates_content).lower()
        attributes["DeduplicationScope"] = "messageGroup" if definition.deduplicates_in_groups else "queue"
    if (redrive := definition.redrive) is not None:
        attributes["RedrivePolicy"] = (
            f'{{"deadLetterTargetArn":"{redrive.queue_arn}","maxReceiveCount":{redrive.max_receives}}}'
        )
    return attributes


def _no_such_queue() -> SqsError:
    return SqsError(
        "QueueDoesNotExist",
        "The specified queue does not exist.",
        "AWS.SimpleQueueService.NonExistentQueue",
    )
