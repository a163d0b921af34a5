"""Before and around a deployment: what is asked of the account, what is said, what is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from dev.account import Account, context_for, explained, look, to_do
from dev.deploy import CERTIFICATES, context_of, main, what_goes
from dev.failure import Failure

READY = Account(
    id="123456789012",
    region="eu-west-1",
    caller="arn:aws:iam::123456789012:user/ada",
    bootstrap=25,
    concurrency=1000,
    api_logging_role=None,
)


def changed(**values: Any) -> Account:
    return Account(**{**{name: getattr(READY, name) for name in READY.__slots__}, **values})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIDTEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("aws")
def test_a_bootstrapped_account_is_ready() -> None:
    assert look().bootstrap is None
    ssm = boto3.client("ssm", region_name="eu-west-1")
    ssm.put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="25", Type="String")

    found = look()

    assert (found.id, found.region, found.bootstrap) == ("123456789012", "eu-west-1", 25)
    assert list(to_do(found, certificates=CERTIFICATES)) == []
    # What may not be asked stays unknown, and decides nothing.
    assert found.concurrency is None
    assert context_for(found, [], prefix="parlor") == {}


def test_without_a_region_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(Failure, match="No AWS region is chosen: set AWS_REGION"):
        look()


def test_without_credentials_it_says_how_to_sign_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(Failure, match="There are no AWS credentials: sign in"):
        look()


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            changed(bootstrap=None),
            "is not bootstrapped.*npx aws-cdk@2 bootstrap aws://123456789012/eu-west-1",
        ),
        (changed(bootstrap=5), "was bootstrapped with version 5, and it takes 6 or later"),
        (changed(region="mars-north-1"), "has no certificate for mars-north-1.*Append"),
    ],
)
def test_what_is_missing_is_said_with_what_to_do(found: Account, says: str) -> None:
    [sentence] = to_do(found, certificates=CERTIFICATES)
    assert re.search(says, sentence)


def reserving(number: int) -> list[dict[str, Any]]:
    return [{"Type": "AWS::Lambda::Function", "Properties": {"ReservedConcurrentExecutions": number}}]


@pytest.mark.parametrize(
    ("found", "left_out"),
    [
        (changed(concurrency=1000), {}),
        (changed(concurrency=120), {}),
        (changed(concurrency=119), {"reserve_concurrency": "false"}),
        (changed(concurrency=10), {"reserve_concurrency": "false"}),
        (changed(api_logging_role="arn:aws:iam::123456789012:role/others"), {"api_logging_role": "false"}),
        (changed(api_logging_role="arn:aws:iam::123456789012:role/parlor-app-AccessLogsRole1F-x"), {}),
    ],
)
def test_what_the_account_has_or_cannot_have_is_left_out(found: Account, left_out: dict[str, str]) -> None:
    assert context_for(found, reserving(20), prefix="parlor") == left_out
    assert len(list(explained(left_out, found))) == len(left_out)


def test_a_removal_says_what_goes_and_what_stays() -> None:
    def resource(kind: str, policy: str | None = None) -> dict[str, Any]:
        return {"Type": kind, **({"DeletionPolicy": policy} if policy else {})}

    app = {
        "name": "parlor-app",
        "protected": False,
        "resources": {
            "WebSiteD504717C": resource("AWS::S3::Bucket", "Retain"),
            "DatabaseB269D8BB": resource("AWS::RDS::DBInstance", "Snapshot"),
            "QueueAAAA0000": resource("AWS::SQS::Queue"),
        },
    }
    data = {"name": "parlor-data", "protected": True, "resources": {}}
    assert list(what_goes([app, data])) == [
        "parlor-app goes, with 2 of its 3 resources.",
        "  Bucket WebSite stays, and goes on costing.",
        "  DBInstance Database goes; a last snapshot of it is made.",
        "parlor-data stays: it is protected, and holds what people wrote.",
    ]


def test_the_context_is_read_and_what_is_none_refused() -> None:
    assert context_of("") == {}
    assert context_of("firewall=true alarm_email=a@b.example") == {
        "firewall": "true",
        "alarm_email": "a@b.example",
    }
    for text in ("firewall", "=x", "a=1 b"):
        with pytest.raises(Failure, match="CONTEXT is"):
            context_of(text)


def test_a_profile_that_is_not_for_aws_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROFILE", "laptop")
    assert main(["deploy"]) == 1
    assert capsys.readouterr().err == "PROFILE is 'laptop': choose one of try, production.\n"
