"""The functions' packages: built here, without Docker, the same on every machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.failure import Failure
from infra.paths import DATABASE_CERTIFICATES, REQUIREMENTS, ROOT

PYTHON = "3.13"
PLATFORM = "aarch64-manylinux_2_28"  # Lambda's python3.13 is Amazon Linux 2023: glibc 2.34
CA_FILE = "/var/task/certificates/rds.pem"

PROVIDED_BY_LAMBDA = frozenset(
    {"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3"}
)
"""boto3 and what it needs are part of the Lambda runtime."""

_NOT_IN_A_PACKAGE = shutil.ignore_patterns("__pycache__", "*.pyc", ".DS_Store")
# What an installer leaves behind and what differs from machine to machine.
_LEFTOVERS = (
    "bin",
    ".lock",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
    "*.dist-info/uv_*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a function's package holds. `sources` are folders and files of the checkout, at the same place."""

    sources: Sequence[str]
    with_dependencies: bool

    def write(self, folder: Path) -> None:
        """Put everything into an empty folder.

        :raises Failure: Something is missing, or the dependencies can't be had.
        """
        for source in self.sources:
            _copy(ROOT / source, folder / source)
        if self.with_dependencies:
            _copy(_database_certificates(), folder / "certificates" / "rds.pem")
            _install(folder)
            _compile(folder)
        _even_out_modes(folder)


DJANGO = Package(sources=["chat", "delivery", "django_project", "lambda_handlers"], with_dependencies=True)
DELIVERY = Package(
    sources=["delivery", "lambda_handlers/__init__.py", "lambda_handlers/delivery.py"],
    with_dependencies=False,
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


def locked_requirements(lock: str) -> str:
    """The lock file without what Lambda provides."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return "".join(
        entry
        for entry in entries
        if re.split(r"[=\[ ]", entry, maxsplit=1)[0].lower() not in PROVIDED_BY_LAMBDA
        and not entry.startswith("#")
    )


def _install(folder: Path) -> None:
    command = [
        sys.executable, "-m", "uv", "pip", "install",
        "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--link-mode", "copy",
        "--python-platform", PLATFORM, "--python-version", PYTHON,
        "--target", str(folder), "-r", "-",
    ]  # fmt: skip
    requirements = locked_requirements(REQUIREMENTS.read_text(encoding="utf-8"))
    # First from uv's cache alone: without a network, uv otherwise gives up on what it has.
    for offline in ({"UV_OFFLINE": "1"}, {}):
        installed = subprocess.run(  # noqa: S603 - our own command
            command,
            input=requirements,
            text=True,
            capture_output=True,
            check=False,
            env={**os.environ, **offline},
        )
        if installed.returncode == 0:
            break
    else:
        raise Failure(
            "The functions' dependencies can't be fetched: the first time this takes a connection to PyPI. "
            f"uv says: {installed.stderr.strip()}"
        )
    _remove(path for pattern in _LEFTOVERS for path in folder.glob(pattern))
    # Nobody chooses another language than English here: 6 MB less to load at each cold start.
    _remove(
        path
        for path in folder.glob("django/**/locale/*/LC_MESSAGES")
        if path.parent.name not in ("en", "en_US")
    )


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _compile(folder: Path) -> None:
    """Add bytecode: /var/task is read-only, and without it Django starts a second later each time."""
    python = _python_of_the_functions()
    if python is None:
        print(
            f"No Python {PYTHON} here to compile the functions' packages with: "
            "a cold start on AWS will take about a second longer.",
            file=sys.stderr,
        )
        return
    subprocess.run(  # noqa: S603 - our own command
        [python, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
         "-s", str(folder), "-p", "/var/task", str(folder)],
        check=True,
        env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},
    )  # fmt: skip


def _python_of_the_functions() -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [
        sys.executable,
        shutil.which(f"python{PYTHON}"),
        *sorted(pyenv.glob(f"versions/{PYTHON}.*/bin/python")),
    ]
    for candidate in map(str, filter(None, candidates)):
        asked = subprocess.run(  # noqa: S603 - our own command
            [candidate, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            text=True,
            capture_output=True,
            check=False,
        )
        if asked.stdout.strip() == PYTHON:
            return candidate
    return None


def _even_out_modes(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
