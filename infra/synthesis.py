"""The app as a whole: two stacks, synthesised into a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Tags

from infra.app_stack import AppStack
from infra.configuration import LAPTOP, configuration_from
from infra.data import DataStack
from infra.failure import Failure
from infra.firewall import FirewallStack
from infra.paths import CLIENT, DJANGO_STATIC, ROOT

# Everything in place instead of copied, so that a saved file counts without another synthesis.
_IN_PLACE: Mapping[str, Any] = {"aws:cdk:bundling-stacks": [], "aws:cdk:disable-asset-staging": True}


def synthesise(context: Mapping[str, Any], outdir: Path) -> None:
    """Write the assembly.

    :raises Failure: The context asks for what there isn't, something isn't built, or rules are broken.
    """
    configuration = configuration_from(context)
    for built in (CLIENT / "index.html", DJANGO_STATIC / "admin"):
        if not built.exists():
            raise Failure(f"{built.relative_to(ROOT)} is not built yet: run `make build`.")
    if configuration.profile == LAPTOP.profile:
        context = {**context, **_IN_PLACE}
    # Neither account nor region: a fixed one would turn availability zones into a lookup over the network.
    app = App(
        context=dict(context),
        outdir=str(outdir),
        analytics_reporting=False,
        # Three times as long as everything else. Deployments and a test have it done.
        builtin_cloud_formation_validation=os.environ.get("CDK_VALIDATION") == "true",
    )
    data_stack = DataStack(app, f"{configuration.prefix}-data", configuration=configuration)
    firewall = (
        FirewallStack(app, f"{configuration.prefix}-firewall", configuration=configuration)
        if configuration.firewall
        else None
    )
    app_stack = AppStack(
        app,
        f"{configuration.prefix}-app",
        configuration=configuration,
        data_stack=data_stack,
        firewall=firewall,
    )
    if configuration.profile != LAPTOP.profile:
        # Only then: loading the rules takes longer than a synthesis here may.
        from infra import acknowledgements

        acknowledgements.check(app)
        acknowledgements.acknowledge(configuration, data_stack, app_stack)
    Tags.of(app).add("app", configuration.prefix)
    Tags.of(app).add("profile", configuration.profile)
    try:
        app.synth()
    except RuntimeError as error:  # what comes back through jsii has lost its class
        if not str(error).startswith("ValidationFailed"):
            raise
        raise Failure(_broken_rules(outdir / "validation-report.json")) from None


def _broken_rules(report: Path) -> str:
    """The rules that are broken, and where: one line each."""
    found = json.loads(report.read_text(encoding="utf-8"))
    lines = [
        f"{violation['ruleName']} {construct['constructPath']}: {violation['description']}"
        for plugin in found["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    ]
    return "\n".join(
        ["The template breaks rules:", *lines, "Mend it, or say why it stands: infra/acknowledgements.py."]
    )
