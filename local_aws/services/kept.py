"""Items of tables and objects of buckets: what is kept of them over a restart, and how it gets back."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump

from local_aws.services.creation import Creation

# What of an object is more than its bytes, as PutObject takes it.
_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)


class Kept(Protocol):
    """One service's data in a folder."""

    def is_change(self, method: str, operation: str) -> bool:
        """Whether a request may have changed something."""
        ...

    def write(self) -> None: ...

    def restore(self) -> None:
        """Put what is kept into the service, which has just been made as the template says."""
        ...


class Items:
    """The items of DynamoDB's tables. `lock` is held by whatever changes them."""

    def __init__(self, folder: Path, creation: Creation, lock: threading.Lock) -> None:
        self._path = folder / "tables.json"
        self._creation = creation
        self._lock = lock

    def is_change(self, method: str, operation: str) -> bool:
        return is_writing(operation)

    def write(self) -> None:
        with self._lock:
            kept = {
                name: {
                    "key": _key_schema(table),
                    "items": [item.to_json()["Attributes"] for item in table.all_items()],
                }
                for name, table in self._backend.tables.items()
            }
        write_file(self._path, dynamo_json_dump(kept))

    def restore(self) -> None:
        for name, kept in read_file(self._path).items():
            table = self._backend.tables.get(name)
            if table is None or _key_schema(table) != kept["key"]:
                print(f"The items of table {name} are left out: the template has no table of that key.")
                continue
            for item in kept["items"]:
                self._backend.put_item(name, item)

    @property
    def _backend(self) -> Any:
        return dynamodb_backends[self._creation.account][self._creation.region]


class Objects:
    """The objects of S3's buckets, but for those that the template's deployments put there."""

    def __init__(self, folder: Path, creation: Creation) -> None:
        self._index = folder / "objects.json"
        self._objects = folder / "objects"
        self._creation = creation
        self._written: dict[str, str] = {}

    def is_change(self, method: str, operation: str) -> bool:
        return method not in ("GET", "HEAD")

    def write(self) -> None:
        self._objects.mkdir(exist_ok=True)
        index: dict[str, Any] = {}
        for bucket, key, etag in self._found():
            if self._creation.uploaded.get((bucket, key)) == etag:
                continue
            name = hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()
            if self._written.get(name) != etag:
                answer = self._client.get_object(Bucket=bucket, Key=key)
                (self._objects / name).write_bytes(answer["Body"].read())
                headers = {header: answer[header] for header in _HEADERS if header in answer}
                write_file(self._objects / f"{name}.json", json.dumps(headers))
                self._written[name] = etag
            index[name] = {"bucket": bucket, "key": key}
        write_file(self._index, json.dumps(index))
        for name in self._written.keys() - index.keys():
            del self._written[name]
            (self._objects / name).unlink(missing_ok=True)
            (self._objects / f"{name}.json").unlink(missing_ok=True)

    def restore(self) -> None:
        buckets = {bucket["Name"] for bucket in self._client.list_buckets()["Buckets"]}
        for name, kept in read_file(self._index).items():
            if kept["bucket"] in buckets:
                headers = read_file(self._objects / f"{name}.json")
                with (self._objects / name).open("rb") as body:
                    answer = self._client.put_object(
                        Bucket=kept["bucket"], Key=kept["key"], Body=body, **headers
                    )
                self._written[name] = answer["ETag"]

    def _found(self) -> Iterator[tuple[str, str, str]]:
        for bucket in self._client.list_buckets()["Buckets"]:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
                for item in page.get("Contents", ()):
                    yield bucket["Name"], item["Key"], item["ETag"]

    @property
    def _client(self) -> Any:
        return self._creation.client("s3")


def _key_schema(table: Table) -> list[list[str]]:
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    return [[key["AttributeName"], key["KeyType"], types[key["AttributeName"]]] for key in table.schema]


def is_writing(operation: str) -> bool:
    """Whether an operation of a JSON protocol may change something, by its name."""
    return not operation.startswith(("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet"))


def read_file(path: Path) -> dict[str, Any]:
    """What `write_file` wrote, nothing where it didn't."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def write_file(path: Path, text: str) -> None:
    """Write a file for its owner only, all of it or nothing."""
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
