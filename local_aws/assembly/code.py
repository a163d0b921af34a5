"""Where code and files of the assembly lie: in an asset's folder, or one made of what is inline or packed."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from local_aws.assembly.cloud_assembly import Asset
from local_aws.errors import StackError


def inline_folder(workspace: Path, source: str) -> Path:
    """A folder with `source` as index.py, as Lambda makes one of `ZipFile`."""
    folder = workspace / hashlib.sha256(source.encode()).hexdigest()[:20]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.py").write_text(source, encoding="utf-8")
    return folder


def asset_folder(workspace: Path, asset: Asset) -> Path:
    """The folder of an asset's files; a zip file is unpacked once."""
    if asset.path.is_dir():
        return asset.path
    if not asset.path.is_file():
        raise StackError(f"The assembly's asset {asset.path} is missing: run `cdk synth` again.")
    if not zipfile.is_zipfile(asset.path):
        raise StackError(f"The assembly's asset {asset.path} is neither a folder nor a zip file.")
    folder = workspace / hashlib.sha256(asset.path.read_bytes()).hexdigest()[:20]
    if not folder.is_dir():
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        with zipfile.ZipFile(asset.path) as archive:
            archive.extractall(unfinished)
        unfinished.rename(folder)
    return folder


def with_markers(workspace: Path, folder: Path, values: Mapping[str, str], *, escaped: bool) -> Path:
    """A copy of a folder whose files have values in the places of markers, as a bucket deployment puts them.

    Where they are to be `escaped`, they go into JSON strings.
    """
    if escaped:
        values = {marker: json.dumps(value)[1:-1] for marker, value in values.items()}
    facts = json.dumps([str(folder), dict(values)]).encode()
    copy = workspace / hashlib.sha256(facts).hexdigest()[:20]
    if not copy.is_dir():
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(folder, unfinished)
        for path in unfinished.rglob("*"):
            if path.is_file():
                content = path.read_bytes()
                for marker, value in values.items():
                    content = content.replace(marker.encode(), value.encode())
                path.write_bytes(content)
        unfinished.rename(copy)
    return copy
