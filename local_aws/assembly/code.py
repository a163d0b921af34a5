"""Where a function's code lies: the asset's folder, or one that inline and packed code is put into."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
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
