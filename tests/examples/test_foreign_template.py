"""A template of nobody's we know: a nested selection key, no $default, and an authorizer's context."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.examples.conftest import running
from tests.local_aws.assembly_files import function, websocket_api, write_assembly

pytestmark = pytest.mark.stack

ECHO = """
import json, os
def handler(event, context):
    with open(os.environ["NOTES"], "a") as notes: notes.write(json.dumps(event) + chr(10))
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["eventType"])}
"""
AUTHORIZER = """
def handler(event, context):
    who = event["queryStringParameters"]["who"]
    if who == "nobody": raise Exception("Unauthorized")
    if who == "trouble": raise ValueError("trouble")
    effect = "Deny" if who == "stranger" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    return {
        "principalId": who,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant": "a", "n": 1, "ok": True, "arn": event["methodArn"]},
    }
"""


def resource(kind, **properties):
    return {"Type": kind, "Properties": properties}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("foreign")
    resources = {
        "Echo": function(
            ECHO, FunctionName="echo", Environment={"Variables": {"NOTES": str(folder / "notes")}}
        ),
        "Gatekeeper": function(AUTHORIZER, FunctionName="gatekeeper"),
        "MayAsk": resource(
            "AWS::Lambda::Permission",
            Action="lambda:InvokeFunction",
            FunctionName={"Ref": "Gatekeeper"},
            Principal="apigateway.amazonaws.com",
        ),
        **websocket_api("Echo", ["$connect", "$disconnect", "count"]),
        "Authorizer": resource(
            "AWS::ApiGatewayV2::Authorizer",
            ApiId={"Ref": "Api"},
            Name="gatekeeper",
            AuthorizerType="REQUEST",
            IdentitySource=["route.request.querystring.who"],
            AuthorizerUri={
                "Fn::Sub": "arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
                "${Gatekeeper.Arn}/invocations"
            },
        ),
    }
    resources["Api"]["Properties"]["RouteSelectionExpression"] = "$request.body.service.do"
    resources["Route0"]["Properties"] |= {
        "AuthorizationType": "CUSTOM",
        "AuthorizerId": {"Ref": "Authorizer"},
    }
    write_assembly(folder / "cdk.out", {"foreign": {"Resources": resources}})
    with running(folder / "cdk.out", folder / "data", "--strict") as stack:
        stack.notes = folder / "notes"
        yield stack


def noted(foreign, *types):
    """The events that the function got, of some types or of all."""
    lines = foreign.notes.read_text().splitlines() if foreign.notes.exists() else []
    events = [json.loads(line) for line in lines]
    return [event for event in events if not types or event["requestContext"]["eventType"] in types]


async def received(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 20))


async def test_what_the_authorizer_said_is_on_every_event(foreign):
    async with connect(f"{foreign.url}?who=ada") as socket:
        await socket.send('{"service": {"do": "count"}}')
        assert await received(socket) == "MESSAGE"
    for _ in range(200):
        events = noted(foreign)
        if len(events) == 3:
            break
        await asyncio.sleep(0.05)

    assert [event["requestContext"]["eventType"] for event in events] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    for event in events:
        said = event["requestContext"]["authorizer"]
        assert (said["principalId"], said["tenant"], said["n"], said["ok"]) == ("ada", "a", "1", "true")
        assert said["arn"].endswith("/prod/$connect")


@pytest.mark.parametrize(
    ("query", "status"), [("?who=stranger", 403), ("?who=nobody", 401), ("?who=trouble", 500), ("", 401)]
)
async def test_who_is_refused_never_gets_to_the_function(foreign, query, status):
    before = noted(foreign, "CONNECT")
    with pytest.raises(InvalidStatus) as refused:
        await connect(foreign.url + query)

    assert refused.value.response.status_code == status
    assert noted(foreign, "CONNECT") == before


@pytest.mark.parametrize(
    "frame",
    [
        '[2, "x"]',
        '"hi"',
        "5",
        "null",
        "",
        "no json",
        '{"service": "count"}',
        '{"service": {"do": ["count"]}}',
        '{"service": {"do": {"count": 1}}}',
        '{"service": {"do": 7}}',
        '{"service": {"do": "$connect"}}',
        '{"service": {"do": "$default"}}',
        '{"service": {"do": "count"}, "service": {"do": "nope"}}',
    ],
)
async def test_what_selects_no_route_is_forbidden_and_nothing_else_happens(foreign, frame):
    async with connect(f"{foreign.url}?who=ada") as socket:
        before = noted(foreign, "CONNECT", "MESSAGE")
        await socket.send(frame)
        refusal = await received(socket)
        assert noted(foreign, "CONNECT", "MESSAGE") == before
        await socket.send('{"service": {"do": "count"}}')

        assert refusal["message"] == "Forbidden"
        assert {"connectionId", "requestId"} <= set(refusal)
        assert await received(socket) == "MESSAGE"
