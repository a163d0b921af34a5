"""Finds the stacks and the assets of an assembly: manifest.json, templates, asset manifests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
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

    def nested(self, name: str, template_url: str) -> Stack | None:
        """The nested stack whose template is the asset at a URL; None for one that isn't in the assembly."""
        asset = self.assets.get(template_url.rpartition("/")[2])
        if asset is None:
            return None
        try:
            template = _json(asset.path)
        except (OSError, ValueError) as error:
            raise StackError(
                f"Stack {self.name}: the nested stack's template {asset.path.name} can't be read ({error}): "
                "run `cdk synth` again."
            ) from error
        return Stack(name, template, self.assets, self.region, self.account)


def stacks(directory: Path, only: Sequence[str] = ()) -> list[Stack]:
    """The stacks of an assembly, those of its stages included, dependencies first.

    `only` are patterns of the names of those to take, with what they depend on. Raises `StackError` where the
    folder is no assembly, or has no such stack.
    """
    try:
        found = list(_Assembly(directory).stacks(only))
        names = [] if found else sorted(stack.name for stack in _Assembly(directory).stacks(()))
    except FileNotFoundError as error:
        raise StackError(
            f"{directory} holds no synthesised assembly ({error.filename} is missing): run `cdk synth` first."
        ) from error
    except NotADirectoryError as error:
        raise StackError(
            f"{directory} is no folder: --assembly takes the folder that `cdk synth` wrote."
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StackError(
            f"The assembly in {directory} can't be read ({error}): run `cdk synth` again."
        ) from error
    if only and not found:
        raise StackError(f"No stack is named {' or '.join(only)}. The assembly has {', '.join(names)}.")
    return found


class _Assembly:
    """One folder with a manifest: an app's, or a stage's within it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._artifacts: dict[str, Any] = _json(directory / "manifest.json").get("artifacts", {})
        self._assets: dict[str, Asset] = {}
        for artifact in self._artifacts.values():
            if artifact["type"] == "cdk:asset-manifest":
                self._assets.update(_assets(directory, artifact["properties"]["file"]))

    def stacks(self, only: Sequence[str]) -> Iterator[Stack]:
        done: set[str] = set()
        for name in self._artifacts:
            yield from self._visit(name, only, done)

    def _visit(self, name: str, only: Sequence[str], done: set[str]) -> Iterator[Stack]:
        if name in done or name not in self._artifacts:
            return
        artifact = self._artifacts[name]
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            done.add(name)
            yield from _Assembly(self._directory / properties["directoryName"]).stacks(only)
        elif artifact["type"] == "aws:cloudformation:stack":
            stack_name = properties.get("stackName", name)
            names = (stack_name, artifact.get("displayName", name))
            if only and not any(fnmatchcase(known, pattern) for known in names for pattern in only):
                return
            done.add(name)
            for dependency in artifact.get("dependencies", ()):
                yield from self._visit(dependency, (), done)
            yield self._stack(stack_name, artifact)

    def _stack(self, name: str, artifact: Mapping[str, Any]) -> Stack:
        account, _, region = artifact.get("environment", "").removeprefix("aws://").partition("/")
        template = _json(self._directory / artifact["properties"]["templateFile"])
        if not isinstance(template, dict):
            raise TypeError(f"the template of stack {name} is no object")
        return Stack(
            name,
            template,
            self._assets,
            None if region.startswith("unknown") else region or None,
            None if account.startswith("unknown") else account or None,
        )


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
