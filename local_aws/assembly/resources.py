"""The resources of all stacks, and what references to them come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from local_aws.assembly import attributes
from local_aws.assembly.cloud_assembly import Stack
from local_aws.assembly.intrinsics import holds, resolve
from local_aws.assembly.site import ACCOUNT, REGION, Site
from local_aws.errors import StackError


@dataclass(slots=True, eq=False)
class Resource:
    """A resource of a template. `properties` are as they stand there, `get` resolves them."""

    scope: Scope
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]
    _resolved: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str, default: Any = None) -> Any:
        """A property's value, resolved; `default` where the template doesn't set it."""
        if name not in self._resolved:
            given = self.properties.get(name)
            value = {} if given is None else resolve({name: given}, self.scope)
            self._resolved[name] = value.get(name)
        value = self._resolved[name]
        return default if value is None else value

    @property
    def ref(self) -> str:
        return self.scope.resource_ref(self)

    def attribute(self, name: str) -> str:
        return str(self.scope.attribute(self.logical_id, name))


class Scope:
    """One stack's names. What `intrinsics` asks for references."""

    def __init__(self, stack: Stack, resources: Resources) -> None:
        self.stack = stack
        self.all = resources
        self._conditions: dict[str, bool] = {}
        self._resolving: set[tuple[str, str]] = set()

    @cached_property
    def resources(self) -> dict[str, Resource]:
        found = {}
        for logical_id, body in self.stack.template.get("Resources", {}).items():
            condition = body.get("Condition")
            if condition is not None and not self.condition(condition):
                continue
            depends_on = body.get("DependsOn", ())
            found[logical_id] = Resource(
                self,
                logical_id,
                body["Type"],
                body.get("Properties", {}),
                (depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
            )
        return found

    def ref(self, name: str) -> object:
        if name.startswith("AWS::"):
            return self._pseudo(name)
        if name in self.stack.template.get("Parameters", {}):
            return self._parameter(name)
        return self.resource_ref(self._resource(name))

    def resource_ref(self, resource: Resource) -> str:
        with _Once(self._resolving, (resource.logical_id, "Ref")):
            return attributes.ref(resource)

    def attribute(self, name: str, attribute: str) -> object:
        resource = self._resource(name)
        with _Once(self._resolving, (name, attribute)):
            return attributes.attribute(resource, attribute)

    def condition(self, name: str) -> bool:
        if name not in self._conditions:
            try:
                expression = self.stack.template["Conditions"][name]
            except KeyError:
                raise StackError(f"Stack {self.stack.name} has no condition {name}.") from None
            self._conditions[name] = holds(expression, self)
        return self._conditions[name]

    def mapping(self, name: str, first: str, second: str) -> object:
        try:
            return self.stack.template["Mappings"][name][first][second]
        except KeyError:
            raise StackError(f"Stack {self.stack.name} has no mapping {name}, {first}, {second}.") from None

    def exported(self, name: str) -> object:
        return self.all.exported(name)

    def stack_output(self, stack: str, output: str) -> object:
        return self.all.output(stack, output)

    def secret(self, secret_id: str) -> str:
        return self.all.secret(secret_id)

    def _resource(self, name: str) -> Resource:
        try:
            return self.resources[name]
        except KeyError:
            raise StackError(f"Stack {self.stack.name} refers to {name}, which it doesn't have.") from None

    def _pseudo(self, name: str) -> object:
        region = self.all.region
        values: dict[str, object] = {
            "AWS::Region": region,
            "AWS::AccountId": self.all.account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack.name,
            "AWS::StackId": (
                f"arn:aws:cloudformation:{region}:{self.all.account}:stack/{self.stack.name}/local"
            ),
            "AWS::NotificationARNs": [],
        }
        try:
            return values[name]
        except KeyError:
            raise StackError(f"The pseudo parameter {name} isn't understood here.") from None

    def _parameter(self, name: str) -> object:
        definition = self.stack.template["Parameters"][name]
        value = self.all.site.parameters.get(name, definition.get("Default"))
        if value is None:
            raise StackError(
                f"Stack {self.stack.name} needs a value for its parameter {name}: "
                f"give --parameter {name}=VALUE."
            )
        if "List" in definition.get("Type", "") and isinstance(value, str):
            return value.split(",")
        return value


class Resources:
    """All stacks of an assembly together."""

    def __init__(self, stacks: Iterable[Stack], site: Site) -> None:
        self.site = site
        self.scopes = [Scope(stack, self) for stack in stacks]
        regions = {scope.stack.region for scope in self.scopes} - {None}
        accounts = {scope.stack.account for scope in self.scopes} - {None}
        self.region = next(iter(sorted(filter(None, regions))), REGION)
        self.account = next(iter(sorted(filter(None, accounts))), ACCOUNT)

    def of_type(self, *types: str) -> Iterator[Resource]:
        for resource in self:
            if resource.type in types:
                yield resource

    def __iter__(self) -> Iterator[Resource]:
        for scope in self.scopes:
            yield from scope.resources.values()

    def outputs(self) -> dict[str, Any]:
        """All outputs by name. Where stacks share a name, the last one's."""
        found = {}
        for scope in self.scopes:
            for name, output in scope.stack.template.get("Outputs", {}).items():
                condition = output.get("Condition")
                if condition is None or scope.condition(condition):
                    found[name] = resolve(output["Value"], scope)
        return found

    def output(self, stack: str, name: str) -> object:
        for scope in self.scopes:
            output = scope.stack.template.get("Outputs", {}).get(name)
            if scope.stack.name == stack and output is not None:
                return resolve(output["Value"], scope)
        raise StackError(
            f"The template needs the output {name} of stack {stack}, which the assembly doesn't have."
        )

    def exported(self, name: str) -> object:
        for scope in self.scopes:
            for output in scope.stack.template.get("Outputs", {}).values():
                export = output.get("Export")
                if export is not None and resolve(export["Name"], scope) == name:
                    return resolve(output["Value"], scope)
        raise StackError(f"The template imports {name}, which no stack of the assembly exports.")

    def secret(self, secret_id: str) -> str:
        """A secret's string: a Secret's, or the master user's that RDS manages."""
        for resource in self.of_type("AWS::SecretsManager::Secret"):
            if secret_id in (resource.ref, resource.get("Name")):
                return attributes.secret_string(resource)
        for resource in self.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
            if secret_id == attributes.master_secret_arn(resource):
                return attributes.master_secret_string(resource)
        raise StackError(f"The template reads the secret {secret_id}, which the assembly doesn't declare.")


class _Once:
    """Fails where resolving something needs itself."""

    def __init__(self, active: set[tuple[str, str]], key: tuple[str, str]) -> None:
        self._active = active
        self._key = key

    def __enter__(self) -> None:
        if self._key in self._active:
            raise StackError(f"The template's {'.'.join(self._key)} refers to itself.")
        self._active.add(self._key)

    def __exit__(self, *_: object) -> None:
        self._active.discard(self._key)
