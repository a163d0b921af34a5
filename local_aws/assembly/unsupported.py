"""Says what of an assembly doesn't run here, and what that means; and what needn't, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from local_aws.assembly.lambdas import reason_not_to_run
from local_aws.assembly.partial_support import missing_parts
from local_aws.assembly.resource_types import MEANINGS, NETWORK, RUN, SKIPPED
from local_aws.assembly.resources import Resource, Resources
from local_aws.assembly.scopes import NESTED_STACK
from local_aws.model import Function, Skipped, Unsupported


def unsupported(resources: Resources, functions: Mapping[str, Function]) -> tuple[Unsupported, ...]:
    """What doesn't run, and will be missed."""
    missed = (
        Unsupported(logical_id=resource.logical_id, type=resource.type, meaning=meaning)
        for resource in resources
        for meaning in _meanings(resource, functions)
    )
    return (*missed, *_elsewhere(resources))


def _elsewhere(resources: Resources) -> Iterator[Unsupported]:
    """Stacks of another region than the one in which everything runs here."""
    for scope in resources.scopes:
        region = scope.stack.region
        if region is not None and region != resources.region:
            yield Unsupported(
                logical_id=scope.stack.name,
                type=NESTED_STACK,
                meaning=f"it is for {region}, and everything runs as if in {resources.region} here",
            )


def skipped(resources: Resources, functions: Mapping[str, Function]) -> tuple[Skipped, ...]:
    """What has no part in a stack on one machine."""
    return tuple(
        Skipped(logical_id=resource.logical_id, type=resource.type, reason=reason)
        for resource in resources
        if (reason := _reason(resource)) is not None
    )


def _reason(resource: Resource) -> str | None:
    if resource.type == "AWS::Lambda::Function":
        reason = reason_not_to_run(resource)
        return reason if reason is not None and "custom resources" in reason else None
    if resource.type == "AWS::Lambda::LayerVersion" and not _layer_users(resource):
        return "only functions use it that don't run here"
    if resource.type.startswith("AWS::EC2::"):
        return NETWORK
    return SKIPPED.get(resource.type)


def _meanings(resource: Resource, functions: Mapping[str, Function]) -> Iterator[str]:
    if _reason(resource) is not None:
        return
    if resource.type in RUN:
        yield from missing_parts(resource, functions)
    else:
        default = (
            "its provider isn't called" if resource.type.startswith("Custom::") else "what uses it fails"
        )
        yield MEANINGS.get(resource.type, default)


def _layer_users(layer: Resource) -> bool:
    return any(
        layer.ref in function.get("Layers", ())
        for function in layer.scope.all.of_type("AWS::Lambda::Function")
        if reason_not_to_run(function) is None
    )
