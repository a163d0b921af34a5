"""The functions' packages, built as for a deployment: what they hold, and that they are always the same."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import packages
from infra.failure import Failure
from infra.paths import DATABASE_CERTIFICATES, REQUIREMENTS
from tests.infra.conftest import Assembly, run_app


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The assembly of `cdk deploy`, packages built and rules validated."""
    outdir = tmp_path_factory.mktemp("deployed")
    done = run_app(outdir, {}, validate=True)
    assert done.returncode == 0, done.stderr
    return Assembly(outdir)


def package_of(assembly: Assembly, function: str) -> Path:
    _, has = assembly.the("AWS::Lambda::Function", FunctionName=function)
    return assembly.folder / f"asset.{has['Code']['S3Key'].removesuffix('.zip')}"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_delivery_function_carries_its_own_code_alone(deployed):
    assert {name.split("/")[0] for name in files(package_of(deployed, "parlor-delivery"))} == {
        "delivery",
        "lambda_handlers",
    }
    assert sum(path.stat().st_size for path in package_of(deployed, "parlor-delivery").rglob("*")) < 200_000


def test_the_delivery_package_is_enough_for_its_handler(deployed):
    done = subprocess.run(
        [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, '.'); import lambda_handlers.delivery"],
        cwd=package_of(deployed, "parlor-delivery"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_functions_with_django_share_one_package_without_what_lambda_has(deployed):
    names = ("websocket", "http", "sessions", "broadcast", "migrate")
    [package] = {package_of(deployed, f"parlor-{name}") for name in names}
    top = {name.split("/")[0] for name in files(package)}
    assert {"chat", "delivery", "django_project", "lambda_handlers", "django", "psycopg"} <= top
    assert not top & {"boto3", "botocore", "urllib3", "bin", "infra", "local_aws", "tests"}
    assert "certificates/rds.pem" in files(package)


def test_compiled_libraries_are_for_lambdas_processor(deployed):
    libraries = list(package_of(deployed, "parlor-http").rglob("*.so*"))
    machines = {path.read_bytes()[18:20] for path in libraries}
    assert libraries
    assert machines == {b"\xb7\x00"}  # EM_AARCH64


def test_nothing_in_a_package_is_of_this_machine(deployed):
    package = package_of(deployed, "parlor-http")
    for path in package.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    leftovers = {name for name in files(package) if re.search(r"RECORD$|INSTALLER$|REQUESTED$|\.lock$", name)}
    assert leftovers == set()


def test_the_same_source_makes_the_same_package(tmp_path):
    def fingerprint(folder: Path) -> dict[str, str]:
        packages.DJANGO.write(folder)
        return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files(folder)}

    (tmp_path / "one").mkdir()
    (tmp_path / "another path").mkdir()
    mask = os.umask(0o077)
    try:
        one = fingerprint(tmp_path / "one")
    finally:
        os.umask(mask)

    assert one == fingerprint(tmp_path / "another path")


def test_what_lambda_provides_is_left_out_of_the_lock_and_nothing_else():
    lock = REQUIREMENTS.read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))

    kept = set(re.findall(r"^([a-z0-9-]+)==", packages.locked_requirements(lock), re.MULTILINE))

    assert kept == names - packages.PROVIDED_BY_LAMBDA
    assert names >= packages.PROVIDED_BY_LAMBDA


def test_the_certificates_are_those_that_the_database_uses(deployed):
    text = DATABASE_CERTIFICATES.read_text(encoding="utf-8")
    names = re.findall(r"^# (Amazon RDS .*)$", text, re.MULTILINE)
    assert len(names) == text.count("BEGIN CERTIFICATE") >= 27
    assert all(name.endswith("Root CA RSA2048 G1") for name in names)
    _, database = deployed.the("AWS::RDS::DBInstance")
    assert database["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"


def test_a_region_whose_certificate_is_missing_is_said_before_anything_is_deployed(tmp_path, monkeypatch):
    monkeypatch.setenv("CDK_DEFAULT_REGION", "mars-north-1")
    with pytest.raises(Failure, match=r"no certificate for mars-north-1.*Append"):
        packages.DJANGO.write(tmp_path)


def test_a_package_that_cannot_be_built_ends_synthesis_with_a_sentence(tmp_path):
    done = run_app(tmp_path / "out", {}, CDK_DEFAULT_REGION="mars-north-1")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("infra/certificates/rds.pem has no certificate")
    assert "Traceback" not in done.stderr


def test_synthesis_needs_no_network_once_dependencies_are_cached(deployed, tmp_path):
    probe = subprocess.run(["unshare", "-r", "-n", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no network namespaces here")

    done = run_app(tmp_path / "out", {}, "unshare", "-r", "-n")

    assert done.returncode == 0, done.stderr
    again = Assembly(tmp_path / "out")
    assert again.templates == deployed.templates


def test_the_laptop_uses_the_checkout_in_place(assembly):
    laptop = assembly("laptop")
    manifest = (laptop.folder / "parlor-app.assets.json").read_text(encoding="utf-8")
    assert f'"path": "{packages.ROOT}"' in manifest
    assert not list(laptop.folder.glob("asset.*"))
