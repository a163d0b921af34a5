"""What SQS's actions are given, checked as the service checks it."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from local_aws.model import Queue
from local_aws.queues.queue import Attribute, Message, StandardQueue

Input = Mapping[str, Any]

_BATCH_LIMIT = 10
_ORDER_ID = re.compile(r"[!-~]{1,128}")
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class SqsError(Exception):
    """An error of the service: `code` in the JSON protocol, `query_code` as older SDKs know it."""

    def __init__(self, code: str, message: str, query_code: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.query_code = query_code or code


def message_of(queue: StandardQueue, parameters: Input) -> Message:
    """The message that is to be sent. Raises `SqsError`, as all of these do."""
    body = parameters.get("MessageBody")
    if not isinstance(body, str) or not body:
        raise SqsError("MissingParameter", "The request must contain the parameter MessageBody.")
    if _FORBIDDEN.search(body):
        raise SqsError("InvalidMessageContents", "The message contains characters outside the allowed set.")
    group, deduplication_id = parameters.get("MessageGroupId"), parameters.get("MessageDeduplicationId")
    _check_order(queue.definition, group, deduplication_id, parameters.get("DelaySeconds"))
    trace = (parameters.get("MessageSystemAttributes") or {}).get("AWSTraceHeader") or {}
    delay = integer(parameters, "DelaySeconds", 0, 900, default=queue.definition.delay)
    return queue.message(
        body,
        now=time.time(),
        delay=delay,
        attributes=_attributes(parameters.get("MessageAttributes")),
        trace_header=trace.get("StringValue"),
        group=group,
        deduplication_id=deduplication_id,
    )


def _check_order(queue: Queue, group: object, deduplication_id: object, delay: object) -> None:
    """Refuse what only the other kind of queue takes, and a FIFO queue's message without its group."""
    for name, value in (("MessageGroupId", group), ("MessageDeduplicationId", deduplication_id)):
        if value is not None and (not isinstance(value, str) or not _ORDER_ID.fullmatch(value)):
            raise SqsError("InvalidParameterValue", f"Value {value} for parameter {name} is invalid.")
    if not queue.fifo:
        if deduplication_id is not None:
            raise SqsError(
                "InvalidParameterValue",
                "MessageDeduplicationId is valid for FIFO queues only, and this isn't one.",
            )
        return
    if group is None:
        raise SqsError("MissingParameter", "The request must contain the parameter MessageGroupId.")
    if deduplication_id is None and not queue.deduplicates_content:
        raise SqsError(
            "InvalidParameterValue",
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId "
            "provided explicitly",
        )
    if delay:
        raise SqsError(
            "InvalidParameterValue",
            f"Value {delay} for parameter DelaySeconds is invalid. Reason: The request include parameter "
            "that is not valid for this queue type.",
        )


def _attributes(given: object) -> dict[str, Attribute]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > 10:
        raise SqsError("InvalidParameterValue", "A message has at most 10 attributes, by name.")
    attributes = {}
    for name, value in given.items():
        data_type = value.get("DataType") if isinstance(value, dict) else None
        if not isinstance(data_type, str) or data_type.split(".")[0] not in ("String", "Number", "Binary"):
            raise SqsError("InvalidParameterValue", f"The message attribute '{name}' has an invalid type.")
        try:
            if data_type.startswith("Binary"):
                attributes[name] = Attribute(data_type, binary=base64.b64decode(value["BinaryValue"]))
            else:
                attributes[name] = Attribute(data_type, string=str(value["StringValue"]))
        except (KeyError, ValueError, TypeError, binascii.Error):
            raise SqsError(
                "InvalidParameterValue", f"The message attribute '{name}' has no value of its type."
            ) from None
    return attributes


def check_size(messages: Sequence[Message], limit: int) -> None:
    """Refuse messages over the queue's limit."""
    if any(message.size > limit for message in messages):
        raise SqsError(
            "InvalidParameterValue",
            f"One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.",
        )


def batch_entries(parameters: Input) -> Sequence[Input]:
    """The entries of a batch, each with an id of its own."""
    entries = parameters.get("Entries")
    prefix = "AWS.SimpleQueueService."
    if not isinstance(entries, list) or not entries:
        code = "EmptyBatchRequest"
        raise SqsError(code, "There should be at least one entry in the request.", prefix + code)
    if len(entries) > _BATCH_LIMIT:
        code = "TooManyEntriesInBatchRequest"
        message = f"Maximum number of entries per request are {_BATCH_LIMIT}. You have sent {len(entries)}."
        raise SqsError(code, message, prefix + code)
    ids = [entry.get("Id") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(entry_id, str) and _ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
        code = "InvalidBatchEntryId"
        message = "A batch entry id can only contain alphanumeric characters, hyphens and underscores."
        raise SqsError(code, message, prefix + code)
    if len(set(ids)) != len(ids):
        code = "BatchEntryIdsNotDistinct"
        raise SqsError(code, "Two or more batch entries have the same Id.", prefix + code)
    return entries


def receipt_of(parameters: Input) -> str:
    """The receipt handle."""
    receipt = parameters.get("ReceiptHandle")
    if not isinstance(receipt, str) or not receipt:
        raise SqsError("MissingParameter", "The request must contain the parameter ReceiptHandle.")
    return receipt


def integer(parameters: Input, name: str, least: int, most: int, *, default: int | None = None) -> int:
    value = parameters.get(name)
    if value is None:
        if default is None:
            raise SqsError("MissingParameter", f"The request must contain the parameter {name}.")
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SqsError(
            "InvalidParameterValue",
            f"Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}.",
        )
    return value
