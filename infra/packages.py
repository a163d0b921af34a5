"""The functions' packages: built here, without Docker, the same on every machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.dependencies import LAMBDA, Target, compile_all, dependencies
from infra.failure import Failure
from infra.paths import DATABASE_CERTIFICATES, ROOT

CA_FILE = "/var/task/certificates/rds.pem"

_NOT_IN_A_PACKAGE = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a function's package holds. `sources` are folders and files of the checkout, at the same place."""

    sources: Sequence[str]
    with_dependencies: bool
    most_bytes: int
    """Of its zip file. What is more takes longer to start, so it is a decision."""

    def write(self, folder: Path, target: Target = LAMBDA) -> None:
        """Put everything into an empty folder.

        :raises Failure: Something is missing, or the dependencies can't be had.
        """
        for source in self.sources:
            _copy(ROOT / source, folder / source)
        compile_all(folder, target)
        if self.with_dependencies:
            _copy(_database_certificates(), folder / "certificates" / "rds.pem")
            shutil.copytree(dependencies(target), folder, dirs_exist_ok=True)
        _even_out(folder)


DJANGO = Package(
    sources=["chat", "delivery", "django_project", "lambda_handlers"],
    with_dependencies=True,
    most_bytes=12_000_000,
)
DELIVERY = Package(
    sources=["delivery", "lambda_handlers/__init__.py", "lambda_handlers/delivery.py"],
    with_dependencies=False,
    most_bytes=200_000,
)


def code(package: Package) -> lambda_.Code:
    """The package as an asset. Where bundling is off (on the laptop) the asset is the checkout itself."""
    return lambda_.Code.from_asset(
        str(ROOT),
        # Of what was built, not of what it was built from: a changed lock file must change it.
        asset_hash_type=AssetHashType.OUTPUT,
        bundling=BundlingOptions(
            image=DockerImage.from_registry("unused"),
            local=_Here(package),
            # Never run. It tells the packages apart where the CDK looks up what it has bundled already.
            command=list(package.sources),
        ),
    )


_LONG_AGO = 315_532_800
"""1980, the first year that a zip file knows."""

failures: list[Failure] = []
"""Why bundling failed: an exception doesn't come back from jsii as itself."""


@jsii.implements(ILocalBundling)
class _Here:
    def __init__(self, package: Package) -> None:
        self._package = package

    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        try:
            self._package.write(Path(output_dir))
        except Failure as failure:
            failures.append(failure)
            raise
        return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_NOT_IN_A_PACKAGE)
    else:
        shutil.copyfile(source, target)


def _database_certificates() -> Path:
    # The CDK CLI names the region that it will deploy to; without it there is nothing to check against.
    region = os.environ.get("CDK_DEFAULT_REGION", "")
    if region and f"RDS {region} Root" not in DATABASE_CERTIFICATES.read_text(encoding="utf-8"):
        raise Failure(
            f"{DATABASE_CERTIFICATES.relative_to(ROOT)} has no certificate for {region}: functions there "
            "would trust no database. Append the region's from "
            "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem."
        )
    return DATABASE_CERTIFICATES


def _even_out(folder: Path) -> None:
    """Give every file one mode and one time, whatever this machine makes of new files."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_LONG_AGO, _LONG_AGO))
