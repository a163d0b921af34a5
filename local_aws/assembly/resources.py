"""The resources of all stacks, and what crosses from one stack into another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, TypeVar

from local_aws.assembly import attributes
from local_aws.assembly.cloud_assembly import Stack
from local_aws.assembly.scopes import Resource, Scope
from local_aws.assembly.site import ACCOUNT, REGION, Site
from local_aws.assembly.unresolved import Unresolved
from local_aws.errors import StackError

__all__ = ["Resource", "Resources"]

T = TypeVar("T")


class Resources:
    """All stacks of an assembly together.

    They run as if all were in one region: the one of most functions, where stacks name several.
    `last_read` tells which property was looked at last.
    """

    def __init__(self, stacks: Iterable[Stack], site: Site) -> None:
        self.site = site
        self.last_read = "The assembly"
        self._stacks = [Scope(stack, self) for stack in stacks]
        self._active: dict[str, None] = {}
        self._asked: set[str] = set()
        by_functions = sorted((scope.stack for scope in self._stacks), key=_functions, reverse=True)
        self.regions = list(dict.fromkeys(stack.region for stack in by_functions if stack.region))
        self.region = self.regions[0] if self.regions else REGION
        self.account = next((stack.account for stack in by_functions if stack.account), ACCOUNT)

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """The stacks, each before its nested ones."""
        return tuple(scope for stack in self._stacks for scope in _with_nested(stack))

    def of_type(self, *types: str) -> Iterator[Resource]:
        for resource in self:
            if resource.type in types:
                yield resource

    def __iter__(self) -> Iterator[Resource]:
        for scope in self.scopes:
            yield from scope.resources.values()

    def outputs(self) -> dict[str, Any]:
        """All outputs by name. Where stacks share a name, the last one's."""
        return {name: scope.output(name) for scope in self._stacks for name in scope.outputs}

    # What crosses stacks. These raise `Unresolved`.

    def output(self, stack: str, name: str) -> object:
        for scope in self._stacks:
            if scope.stack.name == stack:
                return scope.output(name)
        raise Unresolved(f"it needs the output {name} of stack {stack}, which the assembly doesn't have")

    def exported(self, name: str) -> object:
        for scope in self.scopes:
            if (output := scope.exports().get(name)) is not None:
                return scope.output(output)
        raise Unresolved(f"it imports {name}, which no stack of the assembly exports")

    def secret(self, secret_id: str) -> str:
        """A secret's string: a Secret's, the master user's that RDS manages, or a given one."""
        for resource in self.of_type("AWS::SecretsManager::Secret"):
            if secret_id in (resource.ref, resource.get("Name")):
                return attributes.secret_string(resource)
        for resource in self.of_type("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"):
            if secret_id == attributes.master_secret_arn(resource):
                return attributes.master_secret_string(resource)
        return self._elsewhere("the secret", secret_id)

    def stored_parameter(self, name: str) -> str:
        """An SSM parameter's value: a declared one's, or a given one."""
        for resource in self.of_type("AWS::SSM::Parameter"):
            if name in (resource.ref, resource.get("Name")):
                return str(resource.get("Value"))
        return self._elsewhere("the SSM parameter", name)

    def given(self, name: str) -> str | None:
        """What the person gave by this name, if anything."""
        self._asked.add(name)
        return self.site.parameters.get(name)

    def check_given(self) -> None:
        """Raises `StackError` where something was given that nothing of the assembly has a use for."""
        declared = {
            name: f"{scope.stack.name}:{name}"
            for scope in self._stacks
            for name in scope.stack.template.get("Parameters", {})
        }
        known = {*declared, *declared.values(), *self._asked}
        for name in self.site.parameters:
            if name not in known:
                has = f"it has {', '.join(sorted(declared))}" if declared else "it has none"
                raise StackError(f"The assembly has no parameter {name}: {has}.")

    def once(self, name: str, work: Callable[[], T]) -> T:
        """What `work` comes to. Raises `Unresolved` where it needs itself."""
        if name in self._active:
            chain = [*self._active, name]
            circle = " → ".join(chain[chain.index(name) :])
            raise Unresolved(f"it refers to itself ({circle})")
        self._active[name] = None
        try:
            return work()
        finally:
            del self._active[name]

    def _elsewhere(self, kind: str, name: str) -> str:
        value = self.given(name)
        if value is None:
            raise Unresolved(
                f"it reads {kind} {name}, which the assembly doesn't declare: give its value by "
                f"--parameter '{name}=VALUE'"
            )
        return value


def _with_nested(scope: Scope) -> Iterator[Scope]:
    yield scope
    for nested in scope.nested.values():
        yield from _with_nested(nested)


def _functions(stack: Stack) -> int:
    resources = stack.template.get("Resources")
    bodies = resources.values() if isinstance(resources, dict) else ()
    return sum(isinstance(body, dict) and body.get("Type") == "AWS::Lambda::Function" for body in bodies)
