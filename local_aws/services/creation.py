"""Makes in moto what the template declares: runs the calls that the assembly comes to, in their order."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape

# By whose key the server knows these calls from everybody else's.
OWN_KEY = "template"


class CreationFailed(Exception):
    """A sentence: which resource could not be made, and why."""


class Creation:
    """Runs the calls of one service at a time, at `endpoint`: each takes a while to be loaded."""

    def __init__(self, declared: Mapping[str, Any], endpoint: str) -> None:
        self._endpoint = endpoint
        self.account: str = declared["account"]
        self.region: str = declared["region"]
        self._calls: Sequence[Mapping[str, Any]] = declared["calls"]
        self._uploads: Sequence[Mapping[str, Any]] = declared["uploads"]
        self._made: set[str] = set()
        self.uploaded: dict[tuple[str, str], str] = {}
        """The tags of the objects that the template's deployments put into buckets."""
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def declared(self, operation: str) -> list[Mapping[str, Any]]:
        """The parameters of the calls of an operation."""
        return [call["parameters"] for call in self._calls if call["operation"] == operation]

    def make(self, service: str, then: Callable[[str], None]) -> None:
        """Make a service's resources and call `then`, where that isn't done yet. Raises `CreationFailed`."""
        if service == "s3":
            self.make("sns", then)  # to whose topics buckets may tell of their objects
        with self._locks[service]:
            if service in self._made:
                return
            for call in self._calls:
                if call["service"] == service:
                    self._call(call)
            if service == "s3":
                for upload in self._uploads:
                    self._upload(upload)
            then(service)
            self._made.add(service)

    def _call(self, call: Mapping[str, Any]) -> None:
        client = self.client(call["service"])
        shape = client.meta.service_model.operation_model(call["operation"]).input_shape
        try:
            getattr(client, xform_name(call["operation"]))(**_coerced(shape, call["parameters"]))
        except (BotoCoreError, ClientError, ValueError) as error:
            reason = "moto fails at it" if "<html" in str(error) else str(error)
            raise CreationFailed(
                f"{call['resource']} can't be made as the template says ({call['operation']}: {reason})."
            ) from error
        if call["arn"] is not None:
            self._give_arn(call)

    def _give_arn(self, call: Mapping[str, Any]) -> None:
        """Have it known by the ARN that references to it came to: there is chance in moto's own."""
        from moto.dynamodb.models import dynamodb_backends
        from moto.secretsmanager.models import secretsmanager_backends

        match call["operation"]:
            case "CreateSecret":
                secrets = secretsmanager_backends[self.account][self.region].secrets
                secrets[call["parameters"]["Name"]].arn = call["arn"]
            case "CreateTable":
                table = dynamodb_backends[self.account][self.region].tables[call["parameters"]["TableName"]]
                table.latest_stream_label = call["arn"].rpartition("/")[2]

    def _upload(self, upload: Mapping[str, Any]) -> None:
        with open(upload["path"], "rb") as file:
            extra = {"CacheControl": upload["cache_control"]} if upload["cache_control"] else {}
            answer = self.client("s3").put_object(
                Bucket=upload["bucket"],
                Key=upload["key"],
                Body=file,
                ContentType=upload["content_type"],
                **extra,
            )
        self.uploaded[upload["bucket"], upload["key"]] = answer["ETag"]

    @cache  # noqa: B019 - there is one, and it lives as long as its process
    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self._endpoint,
            region_name=self.region,
            aws_access_key_id=OWN_KEY,
            aws_secret_access_key="template",  # noqa: S106 - moto takes any
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )


def _coerced(shape: Shape | None, value: Any) -> Any:
    """A value as the API wants it: templates may write numbers and booleans as strings, and otherwise."""
    match shape:
        case StructureShape() if isinstance(value, Mapping):
            return {name: _coerced(shape.members.get(name), item) for name, item in value.items()}
        case ListShape() if isinstance(value, Sequence) and not isinstance(value, str):
            return [_coerced(shape.member, item) for item in value]
        case MapShape() if isinstance(value, Mapping):
            return {name: _coerced(shape.value, item) for name, item in value.items()}
        case None:
            return value
    match shape.type_name:
        case "integer" | "long":
            return int(value)
        case "double" | "float":
            return float(value)
        case "boolean":
            return value in (True, "true", "True")
        case "string" if isinstance(value, bool):
            return "true" if value else "false"
        case "string":
            return str(value)
    return value
