"""All ways into a running stack's services, and who has which: functions, the developer, services."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from local_aws.access.access import Access
from local_aws.access.gate import Answer, Gate
from local_aws.http import Request, Response
from local_aws.model import Assembly, Function, Schedule
from local_aws.ports import HOST
from local_aws.proxy import Authority, Destinations, Proxy
from local_aws.roles import Credentials, Decision, Roles
from local_aws.signatures import sign

_NOT_YET = Response(503, [("Content-Type", "application/json")], b'{"message":"Service Unavailable"}')


class Edge(Protocol):
    """What answers at the hosts of APIs."""

    def handle(self, request: Request) -> Answer: ...

    def upgrade(self, request: Request, transport: asyncio.Transport, rest: bytes) -> None: ...


class Entrance:
    """Roles, the gate before the AWS endpoint, and the proxy that leads AWS's host names there.

    `edge` answers at the hosts of APIs as soon as it is set; `served` is the AWS endpoint behind the gate.
    """

    edge: Edge | None = None

    def __init__(
        self,
        assembly: Assembly,
        authority: Path,
        served: Callable[[Request], Answer],
        say: Callable[[str], None],
        *,
        page: Callable[[Request], Answer | None] = lambda request: None,
    ) -> None:
        self._assembly = assembly
        self._say = say
        self.roles = Roles(assembly)
        self._destinations = Destinations(assembly)
        self._proxy = Proxy(Authority(authority), self._destinations, self._at_its_host, self._upgrade, say)
        self.gate = Gate(Access(self.roles, say), assembly, served, page=page, called=self._proxy.warn)
        self._proxy_port = 0
        for sentence in _unknown(assembly):
            say(sentence)

    async def start(self) -> None:
        """Have the proxy listen. Functions may only start after this."""
        self._proxy_port = await self._proxy.start(HOST)

    async def close(self) -> None:
        await self._proxy.close()

    def replace(self, assembly: Assembly) -> None:
        """Hold everybody to another assembly's policies. Credentials that were given out stay good."""
        self._assembly = assembly
        self.roles.replace(assembly)
        self.gate.replace(assembly)
        self._destinations.replace(assembly)

    def identity(self, function: Function) -> dict[str, str]:
        """The credentials of a function's role, and its ways to AWS's hosts, as environment variables."""
        credentials = self.roles.credentials(function.role_arn, function.name)
        return _variables(credentials) | self._proxy.variables(self._proxy_port, function.name)

    def developer(self) -> dict[str, str]:
        """The same for whoever runs the stack, who may do everything."""
        return _variables(self.roles.developer_credentials) | self._proxy.variables(
            self._proxy_port, self.roles.developer.session
        )

    def may_invoke(self, function: str, source_arn: str, role_arn: str | None) -> bool:
        """Whether API Gateway may invoke a function: as a role, or by the function's permissions."""
        known = self._assembly.functions.get(function)
        if known is None:
            return True  # there is nothing to invoke, which is told elsewhere
        if role_arn is not None:
            return self.may(role_arn, "apigateway", "lambda:InvokeFunction", known.arn).allowed
        return self.roles.service_may_invoke("apigateway.amazonaws.com", known.arn, source_arn)

    def may_run(self, schedule: Schedule) -> bool:
        """Whether a schedule may invoke its function: as its role, a rule by the function's permissions."""
        known = self._assembly.functions.get(schedule.function or "")
        if known is None:
            return True
        if schedule.role_arn is not None:
            permitted = self.may(schedule.role_arn, "scheduler", "lambda:InvokeFunction", known.arn).allowed
        else:
            permitted = self.roles.service_may_invoke("events.amazonaws.com", known.arn, schedule.arn)
        if not permitted:
            why = (
                "no AWS::Lambda::Permission lets it"
                if schedule.role_arn is None
                else "its role doesn't let it"
            )
            self._say(f"{schedule.name} may not invoke {known.name}: {why}.")
        return permitted

    def may(self, role_arn: str | None, session: str, action: str, resource: str) -> Decision:
        """Whether a role lets a service do something in its name."""
        return self.roles.authorize(self.roles.session(role_arn, session), action, resource)

    async def as_role(self, request: Request, role_arn: str | None) -> Response:
        """Have a service answer a request that API Gateway makes as a role."""
        credentials = self.roles.credentials(role_arn, "apigateway")
        service = (request.header("Host") or "").partition(".")[0]
        signed = replace(request, headers=list(request.headers))
        if credentials.token is not None:
            signed.headers.append(("X-Amz-Security-Token", credentials.token))
        signed.headers += sign(
            signed,
            access_key=credentials.access_key,
            secret=credentials.secret,
            region=self._assembly.region,
            service=service,
            now=time.time(),
        )
        answer = self.gate.handle(signed)
        return answer if isinstance(answer, Response) else await answer

    def _at_its_host(self, request: Request) -> Answer:
        """What came through the proxy: an API's own host, or a service's."""
        if ".execute-api." not in (request.header("Host") or "") or "connections/" in request.path:
            return self.gate.handle(request)
        return _NOT_YET if self.edge is None else self.edge.handle(request)

    def _upgrade(self, request: Request, transport: asyncio.Transport, rest: bytes) -> None:
        if self.edge is None:
            transport.abort()
        else:
            self.edge.upgrade(request, transport, rest)


def _variables(credentials: Credentials) -> dict[str, str]:
    variables = {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret,
    }
    if credentials.token is not None:
        variables["AWS_SESSION_TOKEN"] = credentials.token
    return variables


def _unknown(assembly: Assembly) -> list[str]:
    """What isn't known of the roles that functions have."""
    used = {function.role_arn: name for name, function in assembly.functions.items() if function.role_arn}
    found = [
        f"{name} has the role {arn}, which the assembly doesn't declare: here it may do everything."
        for arn, name in used.items()
        if arn not in assembly.roles
    ]
    found += [
        f"The role {role.name} has the policy {policy}, which isn't known here: it allows nothing."
        for role in assembly.roles.values()
        if role.arn in used
        for policy in role.unknown_policies
    ]
    return found
