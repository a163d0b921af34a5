"""Keeps the items of tables and the objects of buckets over a restart, as far as moto itself doesn't.

Written every few seconds while something changes, and at the end. Other services begin with what the template
says of them each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_json_dump

from local_aws.services.creation import Creation

_READING = ("BatchGet", "Describe", "Get", "List", "Query", "Scan", "TransactGet")
_SECONDS_BETWEEN = 5.0
# What writing takes is at most this part of the time.
_SHARE = 0.05
# What of an object is more than its bytes, as PutObject takes it.
_HEADERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Metadata",
)


class State:
    """The data of one stack's services in `folder`. What the template deploys into buckets isn't kept."""

    def __init__(self, folder: Path, creation: Creation, *, account: str, region: str) -> None:
        self._folder = folder
        self._client = creation.client
        self._deployed = creation.uploaded
        self._account = account
        self._region = region
        self._changed: set[str] = set()
        self._written: dict[str, str] = {}
        self._writing = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def lock(self, service: str) -> threading.Lock:
        """What a request to a service holds: moto looks first and writes then, so two could both win."""
        return self._locks[service]

    def restore(self, service: str) -> None:
        """Put what is kept into a service that was just made."""
        match service:
            case "dynamodb":
                self._restore_tables()
            case "s3":
                self._restore_objects()

    def note(self, service: str, method: str, operation: str) -> None:
        """Look at a request that was answered: it may have changed something."""
        if (service == "s3" and method not in ("GET", "HEAD")) or (
            service == "dynamodb" and not operation.startswith(_READING)
        ):
            self._changed.add(service)

    def keep_writing(self) -> None:
        """Write what has changed, now and then, for ever."""
        while True:
            time.sleep(_SECONDS_BETWEEN)
            started = time.monotonic()
            self.write()
            time.sleep((time.monotonic() - started) / _SHARE)

    def write(self) -> None:
        """Write what has changed."""
        with self._writing:
            for service in tuple(self._changed):
                self._changed.discard(service)
                if service == "dynamodb":
                    self._write_tables()
                else:
                    self._write_objects()

    # Tables

    @property
    def _tables(self) -> Mapping[str, Table]:
        tables: Mapping[str, Table] = dynamodb_backends[self._account][self._region].tables
        return tables

    def _write_tables(self) -> None:
        with self.lock("dynamodb"):
            kept = {
                name: {
                    "key": _key_schema(table),
                    "items": [item.to_json()["Attributes"] for item in table.all_items()],
                }
                for name, table in self._tables.items()
            }
        _write(self._folder / "tables.json", dynamo_json_dump(kept))

    def _restore_tables(self) -> None:
        backend = dynamodb_backends[self._account][self._region]
        for name, kept in _read(self._folder / "tables.json").items():
            table = self._tables.get(name)
            if table is None or _key_schema(table) != kept["key"]:
                print(f"The items of table {name} are left out: the template has no table of that key.")
                continue
            for item in kept["items"]:
                backend.put_item(name, item)

    # Objects

    def _write_objects(self) -> None:
        objects = self._folder / "objects"
        objects.mkdir(exist_ok=True)
        index: dict[str, Any] = {}
        for bucket, key, etag in self._objects():
            if self._deployed.get((bucket, key)) == etag:
                continue
            name = _file_name(bucket, key)
            if self._written.get(name) != etag:
                answer = self._client("s3").get_object(Bucket=bucket, Key=key)
                (objects / name).write_bytes(answer["Body"].read())
                (objects / f"{name}.json").write_text(
                    json.dumps({header: answer[header] for header in _HEADERS if header in answer})
                )
                self._written[name] = etag
            index[name] = {"bucket": bucket, "key": key}
        _write(self._folder / "objects.json", json.dumps(index))
        for name in self._written.keys() - index.keys():
            del self._written[name]
            (objects / name).unlink(missing_ok=True)
            (objects / f"{name}.json").unlink(missing_ok=True)

    def _objects(self) -> Iterator[tuple[str, str, str]]:
        s3 = self._client("s3")
        for bucket in s3.list_buckets()["Buckets"]:
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket["Name"]):
                for item in page.get("Contents", ()):
                    yield bucket["Name"], item["Key"], item["ETag"]

    def _restore_objects(self) -> None:
        s3 = self._client("s3")
        buckets = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
        for name, kept in _read(self._folder / "objects.json").items():
            if kept["bucket"] not in buckets:
                continue
            path = self._folder / "objects" / name
            headers = _read(path.with_name(f"{name}.json"))
            with path.open("rb") as body:
                answer = s3.put_object(Bucket=kept["bucket"], Key=kept["key"], Body=body, **headers)
            self._written[name] = answer["ETag"]


def _key_schema(table: Table) -> list[list[str]]:
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table.attr}
    return [[key["AttributeName"], key["KeyType"], types[key["AttributeName"]]] for key in table.schema]


def _file_name(bucket: str, key: str) -> str:
    return hashlib.sha256(f"{bucket}/{key}".encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
