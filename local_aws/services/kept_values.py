"""Parameters and secrets: as on AWS, what was written stays until the template gives another value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from local_aws.services.creation import Creation
from local_aws.services.kept import is_writing, read_file, write_file


class Store(Protocol):
    """A service that holds values by name."""

    def given(self) -> Mapping[str, Any]:
        """The values that the template gives."""
        ...

    def values(self) -> Iterator[tuple[str, Any]]:
        """The values that there are."""
        ...

    def put(self, name: str, value: Any) -> None: ...


class Values:
    """The values of a store that differ from the template's, in a file."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store

    def is_change(self, method: str, operation: str) -> bool:
        return is_writing(operation)

    def write(self) -> None:
        given = self._store.given()
        kept = {
            name: {"value": value, "given": given.get(name)}
            for name, value in self._store.values()
            if value != given.get(name)
        }
        write_file(self._path, json.dumps(kept))

    def restore(self) -> None:
        given = self._store.given()
        for name, kept in read_file(self._path).items():
            if kept["given"] == given.get(name):
                self._store.put(name, kept["value"])


class Parameters:
    """SSM's parameters, each with its type."""

    def __init__(self, creation: Creation) -> None:
        self._creation = creation

    def given(self) -> dict[str, Any]:
        return {
            parameter["Name"]: [parameter["Type"], parameter["Value"]]
            for parameter in self._creation.declared("PutParameter")
        }

    def values(self) -> Iterator[tuple[str, Any]]:
        ssm = self._creation.client("ssm")
        for page in ssm.get_paginator("describe_parameters").paginate():
            for parameter in page["Parameters"]:
                found = ssm.get_parameter(Name=parameter["Name"], WithDecryption=True)["Parameter"]
                yield found["Name"], [found["Type"], found["Value"]]

    def put(self, name: str, value: Any) -> None:
        self._creation.client("ssm").put_parameter(Name=name, Type=value[0], Value=value[1], Overwrite=True)


class Secrets:
    """Secrets Manager's secrets, those that are text."""

    def __init__(self, creation: Creation) -> None:
        self._creation = creation

    def given(self) -> dict[str, Any]:
        return {secret["Name"]: secret["SecretString"] for secret in self._creation.declared("CreateSecret")}

    def values(self) -> Iterator[tuple[str, Any]]:
        client = self._creation.client("secretsmanager")
        for page in client.get_paginator("list_secrets").paginate():
            for secret in page["SecretList"]:
                found = client.get_secret_value(SecretId=secret["ARN"])
                if "SecretString" in found:
                    yield found["Name"], found["SecretString"]

    def put(self, name: str, value: Any) -> None:
        client = self._creation.client("secretsmanager")
        if name in self.given():
            client.put_secret_value(SecretId=name, SecretString=value)
        else:
            client.create_secret(Name=name, SecretString=value)
