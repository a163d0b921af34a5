"""Puts an assembly together: each part of it from its resources, and what of it doesn't run here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from local_aws.addresses import Addresses
from local_aws.assembly import apis, aws_calls, distributions, identity, lambdas, messaging, storage
from local_aws.assembly.attributes import physical_name
from local_aws.assembly.cloud_assembly import stacks
from local_aws.assembly.endpoints import Endpoints
from local_aws.assembly.mapping_permissions import with_permitted_mappings
from local_aws.assembly.resources import Resource, Resources
from local_aws.assembly.site import Site
from local_aws.assembly.unsupported import skipped, unsupported
from local_aws.errors import StackError
from local_aws.model import Assembly, Unsupported

_NAMED = (
    "AWS::DynamoDB::Table",
    "AWS::Lambda::Function",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
)


def read(directory: Path, site: Site) -> Assembly:
    """Read the assembly in `directory`. Raises `StackError`, with a sentence, where it can't be understood.

    Secrets that it declares are made where `site.secrets` doesn't have them yet.
    """
    resources = Resources(stacks(directory, site.stacks), site)
    try:
        assembly = with_permitted_mappings(_assembly(resources, site))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise StackError(
            f"{resources.last_read}: this isn't understood here ({type(error).__name__}: {error})."
        ) from error
    site.secrets.save()
    resources.check_given()
    _check_names(resources)
    if site.strict and assembly.unsupported:
        raise StackError(_all_of(assembly.unsupported))
    return assembly


def _check_names(resources: Resources) -> None:
    """On AWS stacks of several accounts or regions may use the same names. Here there is one of each."""
    known: dict[tuple[str, str], Resource] = {}
    for resource in resources.of_type(*_NAMED):
        name = physical_name(resource)
        other = known.setdefault((resource.type, name), resource)
        if other is not resource:
            raise StackError(
                f"{resource.place} has the name {name} of {other.place}: here they can't run side by side. "
                "Choose one of the stacks with --stack."
            )


def _all_of(unsupported: Sequence[Unsupported]) -> str:
    lines = [f"  {item.type} {item.logical_id}: {item.meaning}." for item in unsupported]
    return "\n".join(["Not everything of the assembly runs here, and --strict makes that an error:", *lines])


def _assembly(resources: Resources, site: Site) -> Assembly:
    websocket_apis, http_apis = apis.websocket_apis(resources), apis.http_apis(resources)
    fronts = distributions.distributions(resources)
    endpoints = Endpoints(
        websocket_apis,
        http_apis,
        Addresses(websocket_apis, http_apis, fronts, site.port),
        region=resources.region,
        endpoint_port=site.endpoint_port,
    )
    functions = lambdas.functions(resources, endpoints)
    return Assembly(
        region=resources.region,
        account=resources.account,
        functions=functions,
        websocket_apis=websocket_apis,
        http_apis=http_apis,
        queues=messaging.queues(resources),
        event_sources=messaging.event_sources(resources, functions),
        schedules=messaging.schedules(resources, functions),
        aws_calls=aws_calls.aws_calls(resources),
        stream_sources=aws_calls.stream_sources(resources, functions),
        buckets=storage.buckets(resources, endpoints),
        distributions=fronts,
        databases=storage.databases(resources),
        triggers=lambdas.triggers(resources, functions),
        roles=identity.roles(resources),
        resource_policies=identity.resource_policies(resources),
        invoke_permissions=identity.invoke_permissions(resources),
        unsupported=unsupported(resources, functions),
        skipped=skipped(resources, functions),
        outputs={name: endpoints.rewritten(str(value)) for name, value in resources.outputs().items()},
    )
