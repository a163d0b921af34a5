"""Functions with their code and environment, and the triggers that run them during a deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from local_aws.assembly.attributes import physical_name
from local_aws.assembly.code import asset_folder, inline_folder
from local_aws.assembly.endpoints import Endpoints
from local_aws.assembly.network import network_of
from local_aws.assembly.resources import Resource, Resources
from local_aws.errors import StackError
from local_aws.model import EventInvocation, Function, Trigger

_FUNCTION_NAME = re.compile(r":function:([A-Za-z0-9_-]+)")
_RUNTIME = re.compile(r"python3\.\d+")


def functions(resources: Resources, endpoints: Endpoints) -> dict[str, Function]:
    """The Python functions, without those that only serve custom resources of the deployment."""
    found = {}
    for resource in resources.of_type("AWS::Lambda::Function"):
        if reason_not_to_run(resource) is None:
            function = _function(resource, endpoints)
            found[function.name] = function
    return found


def reason_not_to_run(resource: Resource) -> str | None:
    """Why a function isn't run here, if it isn't."""
    if resource.attribute("Arn") in _providers(resource.scope.all):
        return "it serves custom resources during a deployment"
    if resource.get("PackageType") == "Image":
        return "it is a container image, and only Python functions run here"
    runtime = str(resource.get("Runtime", ""))
    if not _RUNTIME.fullmatch(runtime):
        return f"its runtime is {runtime}, and only Python functions run here"
    code = resource.get("Code", {})
    if "ZipFile" not in code and str(code.get("S3Key")) not in resource.scope.stack.assets:
        return "its code isn't in the assembly"
    return None


def function_name(arn_or_name: str) -> str:
    """The function's name out of its ARN, a version's or an alias's, an integration's URI, or the name."""
    match = _FUNCTION_NAME.search(arn_or_name)
    return match[1] if match else arn_or_name


def triggers(resources: Resources, functions: Mapping[str, Function]) -> tuple[Trigger, ...]:
    """Custom::Trigger resources in the order of their dependencies."""
    found: list[Trigger] = []
    visited: set[Resource] = set()

    def visit(resource: Resource) -> None:
        if resource in visited:
            return
        visited.add(resource)
        for logical_id in resource.depends_on:
            if (dependency := resource.scope.resources.get(logical_id)) is not None:
                visit(dependency)
        if resource.type == "Custom::Trigger":
            name = function_name(str(resource.get("HandlerArn")))
            if name in functions:
                before = _dependants(resource, functions)
                found.append(Trigger(name=resource.logical_id, function=name, before=before))

    for resource in resources.of_type("Custom::Trigger"):
        visit(resource)
    return tuple(found)


def _dependants(trigger: Resource, functions: Mapping[str, Function]) -> tuple[str, ...]:
    names = (
        physical_name(resource)
        for resource in trigger.scope.resources.values()
        if resource.type == "AWS::Lambda::Function" and trigger.logical_id in resource.depends_on
    )
    return tuple(name for name in names if name in functions)


def _providers(resources: Resources) -> set[str]:
    custom = (
        resource
        for resource in resources
        if resource.type.startswith(("Custom::", "AWS::CloudFormation::Cu"))
    )
    return {str(resource.get("ServiceToken")) for resource in custom}


def _function(resource: Resource, endpoints: Endpoints) -> Function:
    name = physical_name(resource)
    variables = resource.get("Environment", {}).get("Variables", {})
    logging = resource.get("LoggingConfig", {})
    reserved = resource.get("ReservedConcurrentExecutions")
    return Function(
        name=name,
        arn=resource.attribute("Arn"),
        handler=str(resource.get("Handler", "")),
        code=_code(resource),
        environment={name: endpoints.rewritten(_text(value)) for name, value in variables.items()},
        timeout_seconds=int(resource.get("Timeout", 3)),
        memory_mb=int(resource.get("MemorySize", 128)),
        role_arn=resource.get("Role"),
        reserved_concurrency=None if reserved is None else int(reserved),
        runtime=str(resource.get("Runtime")),
        log_format="JSON" if logging.get("LogFormat") == "JSON" else "Text",
        application_log_level=str(logging.get("ApplicationLogLevel", "INFO")),
        system_log_level=str(logging.get("SystemLogLevel", "INFO")),
        log_group=logging.get("LogGroup"),
        layers=_layers(resource),
        qualifiers=_qualifiers(resource.scope.all, name),
        events=_events(resource, name),
        network=network_of(resource),
    )


def unknown_layers(resource: Resource) -> list[str]:
    """The layers of a function that are no resources of the assembly."""
    known = {layer.ref for layer in resource.scope.all.of_type("AWS::Lambda::LayerVersion")}
    return [str(layer) for layer in resource.get("Layers", ()) if layer not in known]


def _layers(resource: Resource) -> tuple[Path, ...]:
    layers = {layer.ref: layer for layer in resource.scope.all.of_type("AWS::Lambda::LayerVersion")}
    return tuple(_layer(layers[ref]) for ref in resource.get("Layers", ()) if ref in layers)


def _layer(resource: Resource) -> Path:
    asset = resource.scope.stack.assets.get(str(resource.get("Content", {}).get("S3Key")))
    if asset is None:
        raise StackError(f"{resource.place}, Content: this is no asset of the assembly.")
    return asset_folder(resource.scope.all.site.workspace, asset)


def _qualifiers(resources: Resources, function: str) -> dict[str, str]:
    """Versions by themselves, and aliases with the version that they lead to."""
    versions = {
        version: version
        for resource in resources.of_type("AWS::Lambda::Version")
        if function_name(str(resource.get("FunctionName"))) == function
        for version in [resource.attribute("Version")]
    }
    aliases = {
        str(resource.get("Name")): str(resource.get("FunctionVersion"))
        for resource in resources.of_type("AWS::Lambda::Alias")
        if function_name(str(resource.get("FunctionName"))) == function
    }
    return versions | aliases


def _events(resource: Resource, function: str) -> EventInvocation:
    dead_letters = resource.get("DeadLetterConfig", {}).get("TargetArn")
    configurations = [
        configuration
        for configuration in resource.scope.all.of_type("AWS::Lambda::EventInvokeConfig")
        if function_name(str(configuration.get("FunctionName"))) == function
    ]
    if not configurations:
        return EventInvocation(dead_letters=dead_letters)
    # That of $LATEST before those of aliases: one holds for all of a function's events here.
    configuration = min(configurations, key=lambda found: found.get("Qualifier") != "$LATEST")
    destinations = configuration.get("DestinationConfig", {})
    return EventInvocation(
        maximum_age=int(configuration.get("MaximumEventAgeInSeconds", 21_600)),
        maximum_retries=int(configuration.get("MaximumRetryAttempts", 2)),
        on_success=destinations.get("OnSuccess", {}).get("Destination"),
        on_failure=destinations.get("OnFailure", {}).get("Destination"),
        dead_letters=dead_letters,
    )


def _code(resource: Resource) -> Path:
    workspace = resource.scope.all.site.workspace
    code = resource.get("Code", {})
    if (source := code.get("ZipFile")) is not None:
        return inline_folder(workspace, str(source))
    return asset_folder(workspace, resource.scope.stack.assets[str(code.get("S3Key"))])


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
