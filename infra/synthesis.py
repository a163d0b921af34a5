"""The app as a whole: two stacks, synthesised into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import App, Tags

from infra.app_stack import AppStack
from infra.configuration import LAPTOP, configuration_from
from infra.data import DataStack
from infra.failure import Failure
from infra.paths import CLIENT, DJANGO_STATIC, ROOT

# Everything in place instead of copied, so that a saved file counts without another synthesis.
_IN_PLACE: Mapping[str, Any] = {"aws:cdk:bundling-stacks": [], "aws:cdk:disable-asset-staging": True}


def synthesise(context: Mapping[str, Any], outdir: Path) -> None:
    """Write the assembly.

    :raises Failure: The context asks for what there isn't, or something isn't built.
    """
    configuration = configuration_from(context)
    for built in (CLIENT / "index.html", DJANGO_STATIC / "admin"):
        if not built.exists():
            raise Failure(f"{built.relative_to(ROOT)} is not built yet: run `make build`.")
    if configuration.profile == LAPTOP.profile:
        context = {**context, **_IN_PLACE}
    # Neither account nor region: a fixed one would turn availability zones into a lookup over the network.
    app = App(context=dict(context), outdir=str(outdir), analytics_reporting=False)
    data_stack = DataStack(app, f"{configuration.prefix}-data", configuration=configuration)
    AppStack(app, f"{configuration.prefix}-app", configuration=configuration, data_stack=data_stack)
    Tags.of(app).add("app", configuration.prefix)
    Tags.of(app).add("profile", configuration.profile)
    app.synth()
