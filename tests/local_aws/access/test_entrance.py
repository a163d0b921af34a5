"""What the template lets AWS's own services do with functions."""

import dataclasses
import time
from pathlib import Path

import pytest

from local_aws.access import Entrance
from local_aws.http import Request, Response
from local_aws.model import Assembly, Function, InvokePermission, Network, Role, Schedule
from local_aws.roles.documents import statements
from local_aws.signatures import sign

ROLE = "arn:aws:iam::123456789012:role/scheduler"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:target"
RULE = "arn:aws:events:us-east-1:123456789012:rule/nightly"
ROUTE = "arn:aws:execute-api:us-east-1:123456789012:abcdefghij/prod/$connect"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"


def assembly(*permissions: InvokePermission, allows: str = "lambda:InvokeFunction") -> Assembly:
    policy = {"Statement": {"Effect": "Allow", "Action": allows, "Resource": "*"}}
    return Assembly(
        region="us-east-1",
        account="123456789012",
        functions={
            "target": Function(
                name="target",
                arn=FUNCTION,
                handler="x.y",
                code=Path(),
                environment={},
                role_arn="arn:elsewhere",
            )
        },
        roles={ROLE: Role(arn=ROLE, name="scheduler", statements=statements(policy))},
        invoke_permissions=permissions,
    )


def permission(service: str, source: str) -> InvokePermission:
    return InvokePermission(function=FUNCTION, principal=f"{service}.amazonaws.com", source_arn=source)


class Stand:
    def __init__(self, folder: Path, given: Assembly) -> None:
        self.said: list[str] = []
        self.passed: list[Request] = []
        self.entrance = Entrance(given, folder, self._served, self.said.append)
        self.said.clear()

    def _served(self, request: Request) -> Response:
        self.passed.append(request)
        return Response(200)


def schedule(**options: str | None) -> Schedule:
    return Schedule(
        **{"name": "nightly", "arn": RULE, "expression": "rate(1 day)", "function": "target", **options}
    )


@pytest.mark.parametrize(
    ("given", "asked", "permitted"),
    [
        (assembly(permission("events", RULE)), schedule(), True),
        (assembly(permission("events", RULE + "s")), schedule(), False),
        (assembly(permission("apigateway", RULE)), schedule(), False),
        (assembly(), schedule(role_arn=ROLE), True),
        (assembly(allows="sqs:*"), schedule(role_arn=ROLE), False),
    ],
)
def test_a_schedule_needs_a_permission_or_a_role(tmp_path, given, asked, permitted):
    stand = Stand(tmp_path, given)

    assert stand.entrance.may_run(asked) is permitted
    assert ["nightly may not invoke target" in line for line in stand.said] == ([] if permitted else [True])


@pytest.mark.parametrize(
    ("given", "role_arn", "permitted"),
    [
        (assembly(permission("apigateway", ROUTE)), None, True),
        (assembly(permission("apigateway", ROUTE.replace("prod", "test"))), None, False),
        (assembly(), ROLE, True),
        (assembly(permission("apigateway", ROUTE), allows="sqs:*"), ROLE, False),
    ],
)
def test_a_route_needs_a_permission_or_the_integrations_role(tmp_path, given, role_arn, permitted):
    assert Stand(tmp_path, given).entrance.may_invoke("target", ROUTE, role_arn) is permitted


async def test_a_function_that_could_not_call_from_its_vpc_is_named_once(tmp_path):
    given = assembly(allows="*")
    isolated = dataclasses.replace(
        given.functions["target"], network=Network(internet=False, endpoints=frozenset({"sqs"}))
    )
    stand = Stand(tmp_path, dataclasses.replace(given, functions={"target": isolated}))

    def call(service: str) -> None:
        known = stand.entrance.roles.credentials(isolated.role_arn, "target")
        request = Request("POST", "/", "/", "", [("Host", "127.0.0.1")], b"{}", "")
        request.headers += sign(
            request,
            access_key=known.access_key,
            secret=known.secret,
            region="us-east-1",
            service=service,
            now=time.time(),
        )
        request.headers.append(("X-Amz-Security-Token", known.token or ""))
        assert stand.entrance.gate.handle(request) == Response(200)

    for service in ("sqs", "dynamodb", "dynamodb"):
        call(service)

    [line] = stand.said
    assert line.startswith("target called dynamodb. On AWS the call would hang")


async def test_a_service_integration_is_held_to_its_role(tmp_path):
    body = b'{"QueueUrl": "http://x/123456789012/jobs", "MessageBody": "x"}'
    headers = [("host", "sqs.us-east-1.amazonaws.com"), ("x-amz-target", "AmazonSQS.SendMessage")]
    request = Request("POST", "/", "/", "", headers, body, "127.0.0.1")
    stand = Stand(tmp_path, assembly(allows="sqs:SendMessage"))

    assert (await stand.entrance.as_role(request, ROLE)).status == 200
    stand.entrance.replace(assembly(allows="sqs:ReceiveMessage"))
    assert (await stand.entrance.as_role(request, ROLE)).status == 403
    assert len(stand.passed) == 1


def test_what_is_not_known_of_roles_is_said_at_the_start(tmp_path):
    said: list[str] = []
    function = assembly().functions["target"]
    given = dataclasses.replace(
        assembly(),
        functions={"target": function, "other": dataclasses.replace(function, name="other", role_arn=ROLE)},
        roles={ROLE: Role(arn=ROLE, name="scheduler", unknown_policies=("arn:aws:iam::aws:policy/Rare",))},
    )

    Entrance(given, tmp_path, lambda request: Response(200), said.append)

    assert any("target has the role arn:elsewhere" in line for line in said)
    assert any("scheduler has the policy arn:aws:iam::aws:policy/Rare" in line for line in said)
