"""What an AWS account and region are like, and what has to be done before anything can be deployed there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from dev.failure import Failure

OLDEST_BOOTSTRAP = 6
"""What the templates of our CDK ask for (`BootstrapVersion`, rule CheckBootstrapVersion)."""
UNRESERVED = 100
"""Lambda keeps that much of an account's concurrency for functions without a reservation."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What was found. None stands for what these credentials may not see."""

    id: str
    region: str
    caller: str
    bootstrap: int | None
    concurrency: int | None
    api_logging_role: str | None


def look() -> Account:
    """Ask AWS, with the credentials and the region that its own command line would use.

    :raises Failure: There are no credentials or no region, or they don't work.
    """
    # boto3 itself knows only the older name of the variable.
    session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
    region = session.region_name
    if not region or not _REGION.fullmatch(region):
        raise Failure(
            "No AWS region is chosen: set AWS_REGION, or `region` for the profile in ~/.aws/config."
        )
    try:
        if session.get_credentials() is None:
            raise Failure(
                "There are no AWS credentials: sign in (aws sso login, aws configure), or set AWS_PROFILE."
            )
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise Failure(f"The AWS credentials don't work: {error}. Sign in again, or choose others.") from error
    return Account(
        id=caller["Account"],
        region=region,
        caller=caller["Arn"],
        bootstrap=_bootstrap(session),
        concurrency=_asked(session, "lambda", "get_account_settings", "AccountLimit", "ConcurrentExecutions"),
        api_logging_role=_asked(session, "apigateway", "get_account", "cloudwatchRoleArn"),
    )


def _bootstrap(session: boto3.Session) -> int | None:
    found = _asked(
        session, "ssm", "get_parameter", "Parameter", "Value", Name="/cdk-bootstrap/hnb659fds/version"
    )
    return int(found) if found else None


def _asked(session: boto3.Session, service: str, question: str, *path: str, **arguments: Any) -> Any:
    """A value out of an answer, None where there is none."""
    try:
        client: Any = session.client(service)  # type: ignore[call-overload] # any service
        answer = getattr(client, question)(**arguments)
    except (BotoCoreError, ClientError):
        return None
    for name in path:
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    return answer


def to_do(account: Account, *, certificates: Path) -> Iterator[str]:
    """What somebody must do first, a sentence each."""
    if account.bootstrap is None or account.bootstrap < OLDEST_BOOTSTRAP:
        what = "is not bootstrapped for the CDK"
        if account.bootstrap is not None:
            what = (
                f"was bootstrapped with version {account.bootstrap}, and it takes {OLDEST_BOOTSTRAP} or later"
            )
        yield (
            f"{account.region} of account {account.id} {what}: "
            f"run `npx aws-cdk@2 bootstrap aws://{account.id}/{account.region}` once."
        )
    if f"RDS {account.region} Root" not in certificates.read_text(encoding="utf-8"):
        yield (
            f"infra/certificates/rds.pem has no certificate for {account.region}: functions there would "
            "trust no database. Append that region's from "
            "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem."
        )


def context_for(account: Account, resources: Sequence[Mapping[str, Any]], *, prefix: str) -> dict[str, str]:
    """What the template must leave out in this account, as context for the synthesis."""
    left_out = {}
    reserved = sum(
        each["Properties"].get("ReservedConcurrentExecutions", 0)
        for each in resources
        if each["Type"] == "AWS::Lambda::Function"
    )
    if account.concurrency is not None and account.concurrency < reserved + UNRESERVED:
        left_out["reserve_concurrency"] = "false"
    ours = f"role/{prefix}-app-"
    if account.api_logging_role and ours not in account.api_logging_role:
        left_out["api_logging_role"] = "false"
    return left_out


def explained(left_out: Mapping[str, str], account: Account) -> Iterator[str]:
    """What leaving it out means."""
    if "reserve_concurrency" in left_out:
        yield (
            f"This account runs {account.concurrency} functions at once at most, too few to reserve any: "
            "that limit bounds the connections to the database. More people take more of it: ask for 1,000 "
            "with `aws service-quotas request-service-quota-increase --service-code lambda "
            "--quota-code L-B99A9384 --desired-value 1000`."
        )
    if "api_logging_role" in left_out:
        yield "API Gateway has a role for logs in this region already: it is used and left as it is."
