"""The roles of a running stack: who has which credentials, and what each may do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from local_aws.model import Assembly, Role, Statement
from local_aws.roles.evaluation import Verdict, evaluate, of_action, of_principal
from local_aws.roles.patterns import Context, matches_arn

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_NO_CONTEXT: Context = {}
_MOST_DECISIONS = 8192


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair, and for a role's session its token."""

    access_key: str
    secret: str
    token: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Principal:
    """Who makes a request.

    Without a `role` nothing restricts it: it is the developer, or a role that is declared elsewhere.
    `session` is the name of the role's session: for a function, the function's own.
    """

    arn: str
    session: str
    role: Role | None = None
    names: tuple[str, ...] = ()
    """What policies of resources may call it."""
    context: Context = field(default_factory=dict)
    relevant: dict[tuple[str, str], _Relevant] = field(default_factory=dict)
    """What policies say of an action on a resource that has a policy of its own, as far as asked for."""
    decided: dict[tuple[str, str], Decision] = field(default_factory=dict)
    """Decisions that look at nothing but action and resource: connections are posted to again and again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request is allowed. Of a refusal `message` is AWS's text, `reason` its end.

    `note` is what to know beyond it.
    """

    allowed: bool
    message: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Relevant:
    """The statements about one action, and whether they look at more than the resource's name."""

    own: tuple[Statement, ...]
    shared: tuple[Statement, ...]
    boundary: tuple[Statement, ...] | None
    conditional: bool


@dataclass(frozen=True, slots=True)
class _Identity:
    credentials: Credentials
    role_arn: str | None
    session: str


_ALLOWED = Decision(True)
_MOST_REMEMBERED = 10_000


class Roles:
    """Credentials by role and session, made anew at each start, and the policies that they are held to."""

    SESSION_PREFIX = "ASIALOCAL"
    """Begins the key ids of sessions, so that one of an earlier start is told from a stranger's."""

    def __init__(self, assembly: Assembly) -> None:
        self._account = assembly.account
        self._sessions: dict[tuple[str | None, str], _Identity] = {}
        self._identities: dict[str, _Identity] = {}
        self._principals: dict[str, Principal] = {}
        self._may_invoke: dict[tuple[str, str, str], bool] = {}
        self.developer = Principal(f"arn:aws:iam::{self._account}:user/developer", "developer")
        self.anybody = Principal("anonymous", "anybody", Role(arn="", name="none"))
        self.developer_credentials = Credentials(_random_key("AKIALOCAL"), secrets.token_urlsafe(30))
        self.replace(assembly)

    def replace(self, assembly: Assembly) -> None:
        """Take over another assembly's policies. Credentials that were given out stay good."""
        self._roles = assembly.roles
        self._resource_policies = assembly.resource_policies
        self._invoke_permissions = assembly.invoke_permissions
        self._may_invoke.clear()
        self.region = assembly.region
        self._principals.clear()

    def credentials(self, role_arn: str | None, session: str) -> Credentials:
        """The credentials of a role's session, the same whenever asked. A function's session has its name."""
        identity = self._sessions.get((role_arn, session))
        if identity is None:
            made = Credentials(
                _random_key(self.SESSION_PREFIX), secrets.token_urlsafe(30), secrets.token_urlsafe(60)
            )
            identity = _Identity(made, role_arn, session)
            self._sessions[role_arn, session] = self._identities[made.access_key] = identity
        return identity.credentials

    def known(self, access_key: str) -> Credentials | None:
        """The credentials that a key id made here belongs to."""
        if access_key == self.developer_credentials.access_key:
            return self.developer_credentials
        identity = self._identities.get(access_key)
        return None if identity is None else identity.credentials

    def principal(self, access_key: str) -> Principal:
        """Who has a key: a role's session; the developer for every key that wasn't made here."""
        principal = self._principals.get(access_key)
        if principal is None:
            identity = self._identities.get(access_key)
            if identity is None:
                return self.developer
            principal = self._principals[access_key] = self._session(identity.role_arn, identity.session)
        return principal

    def session(self, role_arn: str | None, session: str) -> Principal:
        """A role's session, for what a service does in the role's name."""
        return self.principal(self.credentials(role_arn, session).access_key)

    def trusts(self, role_arn: str, principal: Principal) -> bool:
        """Whether a role's trust policy lets a principal assume it. The developer may become every role."""
        role = self._roles.get(role_arn)
        if role is None or principal is self.developer:
            return role is not None
        trusting = of_action(_addressed(role.trust, principal, allows_account=True), "sts:AssumeRole")
        anything = (replace(statement, resources=("*",)) for statement in trusting)
        context = {**_moment(), **principal.context}
        return evaluate(anything, role_arn, context).verdict is Verdict.ALLOWED

    def authorize(
        self, principal: Principal, action: str, resource: str, context: Context = _NO_CONTEXT
    ) -> Decision:
        """Whether a principal may do `action` (`sqs:SendMessage`) to a resource (an ARN, `*` if unknown)."""
        if principal.role is None:
            return _ALLOWED
        decision = principal.decided.get((action, resource))
        if decision is None:
            decision, conditional = self._decide(principal, principal.role, action, resource, context)
            if not conditional:
                if len(principal.decided) >= _MOST_DECISIONS:
                    principal.decided.clear()
                principal.decided[action, resource] = decision
        return decision

    def _decide(
        self, principal: Principal, role: Role, action: str, resource: str, context: Context
    ) -> tuple[Decision, bool]:
        """A decision, and whether it holds only for this context."""
        owner = _owner(resource)
        policy = self._resource_policies.get(owner)
        key = (action, "" if policy is None else owner)
        relevant = principal.relevant.get(key)
        if relevant is None:
            relevant = _relevant(principal, role, policy or (), action)
            principal.relevant[key] = relevant
        context = {**_moment(), **principal.context, **context} if relevant.conditional else principal.context
        own = evaluate(relevant.own, resource, context)
        shared = evaluate(relevant.shared, resource, context)
        bound = None if relevant.boundary is None else evaluate(relevant.boundary, resource, context)
        why = _why_not(own.verdict, shared.verdict, bound.verdict if bound else None, action)
        if why is None:
            return _ALLOWED, relevant.conditional
        evaluations = [evaluation for evaluation in (own, shared, bound) if evaluation is not None]
        unknown = ", ".join(operator for one in evaluations for operator in one.unknown_operators)
        refusal = Decision(
            False,
            f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource} {why}",
            why.removeprefix("because ").removeprefix("with "),
            f"A condition has an operator that isn't understood here: {unknown}." if unknown else "",
        )
        return refusal, relevant.conditional

    def service_may_invoke(self, service: str, function_arn: str, source_arn: str) -> bool:
        """Whether a Lambda permission lets a service (`apigateway.amazonaws.com`) invoke for that source.

        `function_arn` may end in a version or an alias.
        """
        asked = (service, function_arn, source_arn)
        allowed = self._may_invoke.get(asked)  # every message asks again
        if allowed is None:
            if len(self._may_invoke) >= _MOST_REMEMBERED:
                self._may_invoke.clear()
            allowed = self._may_invoke[asked] = self._is_permitted(*asked)
        return allowed

    def _is_permitted(self, service: str, function_arn: str, source_arn: str) -> bool:
        function, qualifier = _without_qualifier(function_arn)
        return any(
            permission.function == function
            # An integration's function is known without the qualifier that it may have.
            and qualifier in (None, permission.qualifier)
            and permission.principal in (service, "*")
            and permission.source_account in (None, self._account)
            and (permission.source_arn is None or matches_arn(permission.source_arn, source_arn, _NO_CONTEXT))
            for permission in self._invoke_permissions
        )

    def _session(self, role_arn: str | None, session: str) -> Principal:
        role = None if role_arn is None else self._roles.get(role_arn)
        name = role.name if role is not None else (role_arn or "unnamed").rpartition("/")[2]
        arn = f"arn:aws:sts::{self._account}:assumed-role/{name}/{session}"
        return Principal(
            arn,
            session,
            role,
            names=(arn, role_arn or arn),
            context={
                "aws:principalarn": (role_arn or arn,),
                "aws:principalaccount": (self._account,),
                "aws:principaltype": ("AssumedRole",),
                "aws:principalisawsservice": ("false",),
                "aws:userid": (f"AROALOCAL{name.upper()[:12]}:{session}",),
                "aws:requestedregion": (self.region,),
                # Plain HTTP on the loopback address stands for what is TLS on AWS.
                "aws:securetransport": ("true",),
                "aws:viaawsservice": ("false",),
                "aws:sourceip": ("127.0.0.1",),
            },
        )


def _relevant(principal: Principal, role: Role, policy: tuple[Statement, ...], action: str) -> _Relevant:
    own = of_action(role.statements, action)
    shared = of_action(_addressed(policy, principal), action)
    boundary = None if role.boundary is None else of_action(role.boundary, action)
    every = own + shared + (boundary or ())
    conditional = any(_looks_at_the_request(statement, principal.context) for statement in every)
    return _Relevant(own, shared, boundary, conditional)


def _looks_at_the_request(statement: Statement, of_principal: Context) -> bool:
    """Whether what it says depends on more than who does what to which resource."""
    keys = {key.lower() for by_key in statement.conditions.values() for key in by_key}
    values = (value for by_key in statement.conditions.values() for value in by_key.values())
    texts = (*statement.resources, *statement.not_resources, *(text for value in values for text in value))
    return not keys <= of_principal.keys() or any("${" in text for text in texts)


def _addressed(
    policy: Iterable[Statement], principal: Principal, *, allows_account: bool = False
) -> Iterator[Statement]:
    """The statements of a resource's policy that concern a principal.

    Naming the whole account denies to its roles, but allows only what their own policies allow too. A role's
    trust policy is asked after those (`allows_account`).
    """
    account = principal.arn.split(":")[4:5]
    everyone = (*principal.names, *account, *(f"arn:aws:iam::{one}:root" for one in account))
    for statement in policy:
        names = principal.names if statement.allows and not allows_account else everyone
        yield from of_principal([statement], {"AWS": names})


def _why_not(own: Verdict, shared: Verdict, bound: Verdict | None, action: str) -> str | None:
    """The end of AWS's sentence about a refusal. None where there is nothing to refuse."""
    kinds = {"identity-based policy": own, "resource-based policy": shared, "permissions boundary": bound}
    for kind, verdict in kinds.items():
        if verdict is Verdict.DENIED:
            return f"with an explicit deny in {'an' if kind[0] in 'i' else 'a'} {kind}"
    if Verdict.ALLOWED not in (own, shared):
        return f"because no identity-based policy allows the {action} action"
    if bound is Verdict.SILENT:
        return f"because no permissions boundary allows the {action} action"
    return None


def _owner(resource: str) -> str:
    """The ARN that has the policy: an object's bucket, a version's function."""
    if resource.startswith("arn:aws:s3:::"):
        return resource.partition("/")[0]
    if ":function:" in resource:
        return _without_qualifier(resource)[0]
    return resource


def _without_qualifier(function_arn: str) -> tuple[str, str | None]:
    parts = function_arn.split(":")
    return ":".join(parts[:7]), ":".join(parts[7:]) or None


def _moment() -> Context:
    now = time.time()
    return {
        "aws:currenttime": (datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),),
        "aws:epochtime": (str(int(now)),),
    }


def _random_key(prefix: str) -> str:
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(20 - len(prefix)))
