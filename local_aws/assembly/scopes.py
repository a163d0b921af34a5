"""One stack's resources and names, and what references to them come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from local_aws.assembly import attributes
from local_aws.assembly.cloud_assembly import Stack
from local_aws.assembly.intrinsics import holds, resolve
from local_aws.assembly.parameters import parameter_value
from local_aws.assembly.unresolved import Unresolved
from local_aws.errors import StackError

if TYPE_CHECKING:
    from local_aws.assembly.resources import Resources

NESTED_STACK = "AWS::CloudFormation::Stack"

T = TypeVar("T")


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
        """A property's value, resolved; `default` where the template doesn't set it. Raises `StackError`."""
        self.scope.all.last_read = f"{self.place}, {name}"
        if name not in self._resolved:
            given = self.properties.get(name)
            try:
                value = {} if given is None else resolve({name: given}, self.scope)
            except Unresolved as error:
                raise StackError(error.at(self.place)) from error
            self._resolved[name] = value.get(name)
        value = self._resolved[name]
        return default if value is None else value

    @property
    def place(self) -> str:
        """Where it is, for a person."""
        return f"Stack {self.scope.stack.name}, {self.type} {self.logical_id}"

    @property
    def ref(self) -> str:
        return self._located(lambda: self.scope.resource_ref(self))

    def attribute(self, name: str) -> str:
        return self._located(lambda: str(self.scope.attribute(self.logical_id, name)))

    def _located(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except Unresolved as error:
            raise StackError(error.at(self.place)) from error


class Scope:
    """A stack. What `intrinsics` asks for references.

    `declared_by` is the resource that a nested stack is in its parent, None for others.
    """

    def __init__(self, stack: Stack, resources: Resources, declared_by: Resource | None = None) -> None:
        self.stack = stack
        self.all = resources
        self._declared_by = declared_by
        self._conditions: dict[str, bool] = {}

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """The resources by their logical ids, without those whose condition is false."""
        found = {}
        for logical_id, body in self._section("Resources").items():
            place = f"Stack {self.stack.name}, {logical_id}"
            if logical_id.startswith("Fn::"):
                raise StackError(f"{place}: loops aren't unrolled here.")
            if not isinstance(body, Mapping) or not isinstance(body.get("Type"), str):
                raise StackError(f"{place}: this is no resource, it has no type.")
            properties = body.get("Properties", {})
            if not isinstance(properties, Mapping):
                raise StackError(f"{place}: its properties are no object.")
            depends_on = body.get("DependsOn", [])
            if not isinstance(depends_on, str | list):
                raise StackError(f"{place}: what it depends on is neither a name nor a list of names.")
            if self._is_wanted(body, logical_id):
                names = [depends_on] if isinstance(depends_on, str) else depends_on
                found[logical_id] = Resource(self, logical_id, body["Type"], properties, tuple(names))
        return found

    @cached_property
    def nested(self) -> dict[str, Scope]:
        """The nested stacks whose templates are in the assembly, by their logical ids."""
        found = {}
        for resource in self.resources.values():
            if resource.type == NESTED_STACK:
                name = attributes.physical_name(resource)
                stack = self.stack.nested(name, str(resource.get("TemplateURL")))
                if stack is not None:
                    found[resource.logical_id] = Scope(stack, self.all, resource)
        return found

    @cached_property
    def outputs(self) -> Mapping[str, Mapping[str, Any]]:
        """The outputs as they stand in the template, without those whose condition is false."""
        return {
            name: output
            for name, output in self._section("Outputs").items()
            if self._is_wanted(output, f"output {name}")
        }

    def output(self, name: str) -> object:
        """An output's value. Raises `Unresolved` where there is no such output, `StackError` otherwise."""
        if name not in self.outputs:
            raise Unresolved(f"stack {self.stack.name} has no output {name}")
        value = self.outputs[name].get("Value")
        return self._located(f"output {name}", lambda: resolve(value, self))

    def exports(self) -> dict[str, str]:
        """The names of the outputs that the stack exports, by their export names."""
        return {
            str(self._export_name(name)): name for name, output in self.outputs.items() if "Export" in output
        }

    # What `intrinsics` asks for

    def ref(self, name: str) -> object:
        if name.startswith("AWS::"):
            return self._pseudo_parameter(name)
        if name in self._section("Parameters"):
            return self._located(f"parameter {name}", lambda: self._parameter(name))
        return self.resource_ref(self._resource(name))

    def resource_ref(self, resource: Resource) -> str:
        return self._once(f"Ref of {resource.logical_id}", lambda: attributes.ref(resource))

    def attribute(self, name: str, attribute: str) -> object:
        resource = self._resource(name)
        if name in self.nested and attribute.startswith("Outputs."):
            return self.nested[name].output(attribute.removeprefix("Outputs."))
        return self._once(f"{name}.{attribute}", lambda: attributes.attribute(resource, attribute))

    def condition(self, name: str) -> bool:
        if name not in self._conditions:
            if name not in self._section("Conditions"):
                raise Unresolved(f"the stack has no condition {name}")
            expression = self._section("Conditions")[name]
            self._conditions[name] = self._located(f"condition {name}", lambda: holds(expression, self))
        return self._conditions[name]

    def mapping(self, name: str, first: str, second: str) -> object:
        try:
            return self._section("Mappings")[name][first][second]
        except (KeyError, TypeError):
            raise Unresolved(f"the stack has no mapping {name}, {first}, {second}") from None

    def exported(self, name: str) -> object:
        return self.all.exported(name)

    def stack_output(self, stack: str, output: str) -> object:
        return self.all.output(stack, output)

    def secret(self, secret_id: str) -> str:
        return self.all.secret(secret_id)

    def stored_parameter(self, name: str) -> str:
        return self.all.stored_parameter(name)

    def _export_name(self, output: str) -> object:
        name = self.outputs[output]["Export"]["Name"]
        return self._located(f"export of {output}", lambda: resolve(name, self))

    def _section(self, name: str) -> Mapping[str, Any]:
        section = self.stack.template.get(name, {})
        if not isinstance(section, Mapping):
            raise StackError(f"Stack {self.stack.name}: its {name} are no object.")
        return section

    def _is_wanted(self, body: Mapping[str, Any], place: str) -> bool:
        condition = body.get("Condition")
        return condition is None or self._located(place, lambda: self.condition(str(condition)))

    def _resource(self, name: str) -> Resource:
        try:
            return self.resources[name]
        except KeyError:
            raise Unresolved(f"it refers to {name}, which the stack doesn't have") from None

    def _pseudo_parameter(self, name: str) -> object:
        region, account = self.all.region, self.all.account
        values: dict[str, object] = {
            "AWS::Region": region,
            "AWS::AccountId": account,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": self.stack.name,
            "AWS::StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{self.stack.name}/local",
            "AWS::NotificationARNs": [],
        }
        if name not in values:
            raise Unresolved(f"the pseudo parameter {name} isn't understood here")
        return values[name]

    def _parameter(self, name: str) -> object:
        definition = self._section("Parameters")[name]
        if self._declared_by is not None:
            given = self._declared_by.get("Parameters", {}).get(name)
        else:
            given = self.all.given(f"{self.stack.name}:{name}") or self.all.given(name)
        return parameter_value(name, definition, given, self.all.stored_parameter)

    def _located(self, place: str, work: Callable[[], T]) -> T:
        """What `work` comes to, unless it needs itself; what goes wrong in it is said of `place`."""
        try:
            return self._once(place, work)
        except Unresolved as error:
            raise StackError(error.at(f"Stack {self.stack.name}", place)) from error

    def _once(self, place: str, work: Callable[[], T]) -> T:
        return self.all.once(f"{self.stack.name}: {place}", work)
