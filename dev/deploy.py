"""`python -m dev.deploy deploy|diff|destroy`: looks first, says what would happen, asks, does it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dev import account as accounts
from dev import cost, node, smoke, synthesis
from dev.failure import Failure
from dev.paths import ROOT, STATE

CERTIFICATES = ROOT / "infra" / "certificates" / "rds.pem"
_CDK = STATE / "cdk-cli" / "node_modules" / ".bin" / "cdk"
_ASSEMBLY = ROOT / "cdk.out"
_PROFILES = ("try", "production")


def deploy(profile: str, context: Mapping[str, str]) -> int:
    """Deploy a profile. Returns 0 when it works, as two people and an operator use it."""
    account = _compared(profile, context)
    _confirm(f"Deploy {profile} to {account.region} of account {account.id}?", "yes")
    outputs = STATE / "outputs.json"
    _cdk(
        "deploy", "--app", str(_ASSEMBLY), "--all", "--require-approval", "never",
        "--outputs-file", str(outputs), account=account,
    )  # fmt: skip
    told = json.loads(outputs.read_text(encoding="utf-8"))[f"{context.get('prefix', 'parlor')}-app"]
    url = told["ChatUrl"]
    status = smoke.Smoke(url, broadcast=smoke.broadcast_function(url, told["BroadcastFunctionName"])).run()
    print(
        f"The chat is at {url}" if status == 0 else f"Something is wrong with the chat at {url}: see above."
    )
    return status


def diff(profile: str, context: Mapping[str, str]) -> int:
    """Show what a deployment would change and cost, and change nothing."""
    _compared(profile, context)
    return 0


def destroy(profile: str, context: Mapping[str, str]) -> int:
    """Take a deployment down, but for what its policies keep."""
    account = _ready()
    _synthesised(profile, context)
    stacks = stacks_of(_ASSEMBLY)
    print(f"From {account.region} of account {account.id}:")
    for sentence in what_goes(stacks):
        print(f"  {sentence}")
    going = [stack["name"] for stack in stacks if not stack["protected"]]
    _confirm(f"Delete {' and '.join(going)}?", context.get("prefix", "parlor"))
    _cdk("destroy", "--app", str(_ASSEMBLY), "--force", *going, account=account)
    return 0


def stacks_of(assembly: Path) -> list[dict[str, Any]]:
    """The stacks of an assembly, those that need others first: name, protection, resources."""
    artifacts = cost.read(assembly / "manifest.json")["artifacts"]
    return [
        {
            "name": artifact["properties"].get("stackName", name),
            "protected": artifact["properties"].get("terminationProtection", False),
            "resources": cost.read(assembly / artifact["properties"]["templateFile"])["Resources"],
        }
        for name, artifact in reversed(artifacts.items())
        if artifact["type"] == "aws:cloudformation:stack"
    ]


def what_goes(stacks: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """What a removal deletes and what it keeps, a sentence each."""
    for stack in stacks:
        if stack["protected"]:
            yield f"{stack['name']} stays: it is protected, and holds what people wrote."
            continue
        resources = stack["resources"]
        kept = [name for name, each in resources.items() if each.get("DeletionPolicy") == "Retain"]
        copied = [name for name, each in resources.items() if each.get("DeletionPolicy") == "Snapshot"]
        yield f"{stack['name']} goes, with {len(resources) - len(kept)} of its {len(resources)} resources."
        yield from (f"  {_kind(resources[name])} {_plain(name)} stays, and goes on costing." for name in kept)
        yield from (
            f"  {_kind(resources[name])} {_plain(name)} goes; a last snapshot of it is made."
            for name in copied
        )


def _kind(resource: Mapping[str, Any]) -> str:
    return str(resource["Type"]).split("::")[-1]


def _plain(logical_id: str) -> str:
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def _compared(profile: str, context: Mapping[str, str]) -> accounts.Account:
    """Look at the account, synthesise what fits it into cdk.out, and print how both differ and the price."""
    account = _ready()
    print(f"Account {account.id}, {account.region}, as {account.caller}.")
    resources = _synthesised(profile, context)
    if left_out := accounts.context_for(account, resources, prefix=context.get("prefix", "parlor")):
        for sentence in accounts.explained(left_out, account):
            print(sentence)
        resources = _synthesised(profile, {**left_out, **context})
    _cdk("diff", "--app", str(_ASSEMBLY), account=account)
    prices = cost.read(cost.PRICES)
    lines = cost.monthly(resources, prices, cost.read(cost.TRAFFIC), people=100)
    print(cost.table(lines, 100, prices["date"]), flush=True)
    return account


def _ready() -> accounts.Account:
    account = accounts.look()
    if missing := list(accounts.to_do(account, certificates=CERTIFICATES)):
        raise Failure("\n".join(["Before anything can be deployed:", *missing]))
    return account


def _synthesised(profile: str, context: Mapping[str, str]) -> list[Mapping[str, Any]]:
    synthesis.synthesise_for_deployment({"profile": profile, **context}, validate=True)
    return cost.resources_of(_ASSEMBLY)


def _confirm(question: str, answer: str) -> None:
    if os.environ.get("YES") == "1":
        return
    if not sys.stdin.isatty():
        raise Failure(f"{question} Nobody is here to answer: YES=1 says so.")
    if input(f"{question} Type {answer} to go on: ").strip() != answer:
        raise Failure("Nothing was changed.")


def _cdk(command: str, *arguments: str, account: accounts.Account) -> None:
    environment = {
        **os.environ,
        **node.environment(),
        "CDK_DEFAULT_ACCOUNT": account.id,
        "CDK_DEFAULT_REGION": account.region,
        "AWS_REGION": account.region,
    }
    done = subprocess.run([str(_CDK), command, *arguments], cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        raise Failure(f"`cdk {command}` ended with status {done.returncode}: what it said is above.")


def context_of(text: str) -> dict[str, str]:
    """`a=1 b=2` as names and values."""
    pairs = [pair.partition("=") for pair in text.split()]
    if not all(name and separator and value for name, separator, value in pairs):
        raise Failure(f'CONTEXT is {text!r}: it must look like "alarm_email=ops@example.com firewall=true".')
    return {name: value for name, _, value in pairs}


def main(arguments: Sequence[str]) -> int:
    """Deploy, compare or destroy the PROFILE, with the CONTEXT."""
    profile = os.environ.get("PROFILE", "try")
    try:
        if profile not in _PROFILES:
            raise Failure(f"PROFILE is {profile!r}: choose one of {', '.join(_PROFILES)}.")
        context = context_of(os.environ.get("CONTEXT", ""))
        return {"deploy": deploy, "diff": diff, "destroy": destroy}[arguments[0]](profile, context)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
