"""The functions' packages, built as for a deployment: what they hold, and that they are always the same."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import dependencies, packages
from infra.failure import Failure
from infra.paths import DATABASE_CERTIFICATES, REQUIREMENTS
from tests.infra.conftest import Assembly, run_app

WITH_DJANGO = ("websocket", "http", "sessions", "broadcast", "migrate")
# What AWS's runtime brings besides boto3: its client, and the hooks of snapshots.
OF_THE_RUNTIME = dependencies.PROVIDED_BY_LAMBDA - {"python-dateutil"} | {
    "dateutil", "awslambdaric", "runtime_client", "snapshot_restore_py", "simplejson",
}  # fmt: skip
NEWEST_GLIBC = (2, 34)
VARIABLES = {
    "DJANGO_SETTINGS_MODULE": "django_project.settings",
    "AWS_LAMBDA_FUNCTION_NAME": "parlor-websocket",
    "PUBLIC_ORIGIN": "https://chat.example.com",
    "DJANGO_SECRET_KEY": "a key",
    "GATEWAY_SECRETS": "one,two",
}


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """The assembly of a deployment, packages built and rules validated."""
    outdir = tmp_path_factory.mktemp("deployed")
    done = run_app(outdir, {}, validate=True)
    assert done.returncode == 0, done.stderr
    return Assembly(outdir)


def package_of(assembly: Assembly, function: str) -> Path:
    _, has = assembly.the("AWS::Lambda::Function", FunctionName=function)
    return assembly.folder / f"asset.{has['Code']['S3Key'].removesuffix('.zip')}"


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def zipped(folder: Path, target: Path) -> bytes:
    """The folder as a deployment packs it, with the times and modes that its files have."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files(folder)):
            archive.write(folder / name, name)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("function", "package"),
    [("parlor-websocket", packages.DJANGO), ("parlor-delivery", packages.DELIVERY)],
)
def test_packages_stay_within_their_budget(deployed, tmp_path, function, package):
    assert len(zipped(package_of(deployed, function), tmp_path / "package.zip")) <= package.most_bytes


def test_the_delivery_function_carries_its_own_code_alone(deployed):
    assert {name.split("/")[0] for name in files(package_of(deployed, "parlor-delivery"))} == {
        "delivery",
        "lambda_handlers",
    }


def test_functions_with_django_share_one_package_without_what_lambda_has(deployed):
    [package] = {package_of(deployed, f"parlor-{name}") for name in WITH_DJANGO}
    top = {name.split("/")[0] for name in files(package)}
    assert {"chat", "delivery", "django_project", "lambda_handlers", "django", "psycopg"} <= top
    assert not top & {"boto3", "botocore", "urllib3", "bin", "infra", "local_aws", "tests"}
    assert "certificates/rds.pem" in files(package)


def test_what_is_in_a_package_is_compiled_for_the_functions_python(deployed):
    if dependencies.python_of(dependencies.LAMBDA) is None:
        pytest.skip(f"no Python {dependencies.LAMBDA.python} here")
    for function in ("parlor-http", "parlor-delivery"):
        names = files(package_of(deployed, function))
        tag = f"cpython-{dependencies.LAMBDA.python.replace('.', '')}"
        sources = {name for name in names if name.endswith(".py")}
        compiled = {
            re.sub(rf"__pycache__/(.*)\.{tag}\.pyc$", r"\1.py", name)
            for name in names
            if name.endswith(".pyc")
        }
        assert sources
        assert sources - compiled == set()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The packages as they are for this machine, so that it can run them: those for Lambda are for arm64."""
    systems = {
        "Linux": f"{platform.machine()}-manylinux_2_28",
        "Darwin": f"{platform.machine()}-apple-darwin",
    }
    target = dependencies.Target(
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        platform=systems[platform.system()].replace("arm64", "aarch64"),
    )
    folder = tmp_path_factory.mktemp("here")
    for name, package in (("django", packages.DJANGO), ("delivery", packages.DELIVERY)):
        (folder / name).mkdir()
        package.write(folder / name, target)
    runtime = folder / "runtime"
    runtime.mkdir()
    for module in OF_THE_RUNTIME:
        spec = importlib.util.find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (runtime / source.name).symlink_to(source)
    return folder


@pytest.mark.parametrize("function", [*WITH_DJANGO, "delivery"])
def test_a_package_and_the_runtime_are_enough_for_the_handler(here, function):
    package = here / ("delivery" if function == "delivery" else "django")
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        f"from lambda_handlers import {function}\n"
        f"assert callable({function}.handler)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", program, package, here / "runtime"],
        env=VARIABLES,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_compiled_libraries_are_for_lambdas_processor_and_c_library(deployed):
    libraries = list(package_of(deployed, "parlor-http").rglob("*.so*"))
    assert libraries
    for path in libraries:
        content = path.read_bytes()
        assert content[:4] == b"\x7fELF"
        assert content[18:20] == b"\xb7\x00", path  # EM_AARCH64
        needed = {(2, int(minor)) for minor in re.findall(rb"GLIBC_2\.(\d+)", content)}
        assert all(version <= NEWEST_GLIBC for version in needed), path


def test_nothing_in_a_package_is_of_this_machine(deployed):
    package = package_of(deployed, "parlor-http")
    for path in package.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    leftovers = {name for name in files(package) if re.search(r"RECORD$|INSTALLER$|REQUESTED$|\.lock$", name)}
    assert leftovers == set()
    for path in package.rglob("*.pyc"):
        assert str(package).encode() not in path.read_bytes()


def test_the_same_source_makes_the_same_package_to_the_byte(tmp_path, monkeypatch):
    def built(folder: Path) -> bytes:
        folder.mkdir()
        packages.DJANGO.write(folder)
        return zipped(folder, folder.with_suffix(".zip"))

    kept = built(tmp_path / "one")
    # Somewhere else, by somebody else, from nothing.
    monkeypatch.setattr(dependencies, "CACHE", tmp_path / "another cache")
    mask = os.umask(0o077)
    try:
        assert built(tmp_path / "another path") == kept
    finally:
        os.umask(mask)


def test_what_lambda_provides_is_left_out_of_the_lock_and_nothing_else():
    lock = REQUIREMENTS.read_text(encoding="utf-8")
    names = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))

    kept = set(re.findall(r"^([a-z0-9-]+)==", dependencies.locked_requirements(lock), re.MULTILINE))

    assert kept == names - dependencies.PROVIDED_BY_LAMBDA
    assert names >= dependencies.PROVIDED_BY_LAMBDA


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
