"""Finds the stacks and the assets of an assembly: manifest.json, templates, asset manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.errors import StackError


@dataclass(frozen=True, slots=True, eq=False)
class Asset:
    """A file asset: a folder, or a file that is uploaded as it is."""

    path: Path
    is_folder: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A stack's template, and its assets by their object keys."""

    name: str
    template: Mapping[str, Any]
    assets: Mapping[str, Asset]
    region: str | None
    account: str | None


def stacks(directory: Path) -> list[Stack]:
    """The stacks of an assembly, those of its stages included, dependencies first.

    Raises `StackError` where the folder is no assembly.
    """
    try:
        return list(_stacks(directory))
    except FileNotFoundError as error:
        raise StackError(
            f"{directory} holds no synthesised assembly ({error.filename} is missing): run `cdk synth` first."
        ) from error
    except NotADirectoryError as error:
        raise StackError(
            f"{directory} is no folder: --assembly takes the folder that `cdk synth` wrote."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StackError(
            f"The assembly in {directory} can't be read ({error}): run `cdk synth` again."
        ) from error


def _stacks(directory: Path) -> Iterator[Stack]:
    artifacts: dict[str, Any] = _json(directory / "manifest.json")["artifacts"]
    assets: dict[str, Asset] = {}
    for artifact in artifacts.values():
        if artifact["type"] == "cdk:asset-manifest":
            assets.update(_assets(directory, artifact["properties"]["file"]))
    done: set[str] = set()

    def visit(name: str) -> Iterator[Stack]:
        if name in done or name not in artifacts:
            return
        done.add(name)
        artifact = artifacts[name]
        for dependency in artifact.get("dependencies", ()):
            yield from visit(dependency)
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            account, _, region = artifact.get("environment", "").removeprefix("aws://").partition("/")
            yield Stack(
                properties.get("stackName", name),
                _json(directory / properties["templateFile"]),
                assets,
                None if region.startswith("unknown") else region or None,
                None if account.startswith("unknown") else account or None,
            )
        elif artifact["type"] == "cdk:cloud-assembly":
            yield from _stacks(directory / properties["directoryName"])

    for name in artifacts:
        yield from visit(name)


def _assets(directory: Path, manifest: str) -> Iterator[tuple[str, Asset]]:
    for file in _json(directory / manifest).get("files", {}).values():
        source = file["source"]
        if "path" not in source:  # made by a command at deployment
            continue
        asset = Asset((directory / source["path"]).resolve(), source.get("packaging") == "zip")
        for destination in file["destinations"].values():
            yield destination["objectKey"], asset


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
