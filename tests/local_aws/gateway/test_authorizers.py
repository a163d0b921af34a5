"""Lambda authorizers: identity sources, policies, and what each answer means for the client."""

import json

import pytest
from websockets.asyncio.client import connect

from local_aws.functions import Invocation
from local_aws.gateway.authorizers import (
    Denied,
    Identity,
    InvalidAuthorizer,
    Unauthorized,
    allows,
    as_strings,
    identity,
    identity_values,
    simple_identity,
)
from local_aws.gateway.mapping import Values
from local_aws.model import LambdaAuthorizer, LambdaIntegration, WebSocketRoute
from tests.local_aws.gateway.running import ACCOUNT, Functions, api_with, route, running
from tests.local_aws.gateway.test_connecting import refusal

ARN = "arn:aws:execute-api:eu-west-1:123456789012:api1/ws/$connect"


def statement(effect="Allow", action="execute-api:Invoke", resource=ARN):
    return {"Effect": effect, "Action": action, "Resource": resource}


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def answered(answer, error=None):
    return Invocation(json.dumps(answer).encode(), error, "request")


@pytest.mark.parametrize(
    ("document", "allowed"),
    [
        (policy(statement()), True),
        (policy(statement(action="execute-api:*")), True),
        (policy(statement(action="EXECUTE-API:invoke")), True),
        (policy(statement(action=["s3:GetObject", "execute-api:Invoke"])), True),
        (policy(statement(action="s3:GetObject")), False),
        (policy(statement(resource="*")), True),
        (policy(statement(resource="arn:aws:execute-api:*:*:api1/*")), True),
        (policy(statement(resource=["nothing", ARN.replace("$", "?")])), True),
        (policy(statement(resource=ARN.replace("ws", "other"))), False),
        (policy(statement(), statement("Deny", resource="*")), False),
        (policy(statement("Deny", resource="elsewhere"), statement()), True),
        (policy(), False),
        ({"Statement": statement()}, True),
        ({}, False),
        ({"Statement": ["nonsense", None, {"Effect": "Allow"}]}, False),
    ],
)
def test_a_denial_wins_and_what_isnt_named_is_denied(document, allowed):
    assert allows(document, ARN) is allowed


def test_an_answer_names_who_is_let_in():
    answer = {"principalId": "me", "policyDocument": policy(statement()), "context": {"tenant": "a"}}

    assert identity(answered(answer), ARN) == Identity("me", {"tenant": "a"})


def test_a_context_is_carried_as_strings():
    assert as_strings({"a": "x", "n": 1, "f": 1.5, "yes": True}) == {
        "a": "x",
        "n": "1",
        "f": "1.5",
        "yes": "true",
    }


@pytest.mark.parametrize(
    ("answer", "error", "refusal"),
    [
        ({"principalId": "me", "policyDocument": policy(statement("Deny"))}, None, Denied),
        ({"errorMessage": "Unauthorized", "errorType": "Exception"}, "Unhandled", Unauthorized),
        ({"errorMessage": "unauthorized"}, "Unhandled", InvalidAuthorizer),
        ({"errorMessage": "Task timed out"}, "Unhandled", InvalidAuthorizer),
        (None, None, InvalidAuthorizer),
        ("Unauthorized", None, InvalidAuthorizer),
        ({"principalId": "me"}, None, InvalidAuthorizer),
        ({"policyDocument": policy(statement())}, None, InvalidAuthorizer),
        (
            {"principalId": "me", "policyDocument": policy(statement()), "context": {"a": []}},
            None,
            InvalidAuthorizer,
        ),
        (
            {"principalId": "me", "policyDocument": policy(statement()), "context": "a"},
            None,
            InvalidAuthorizer,
        ),
    ],
)
def test_other_answers_refuse(answer, error, refusal):
    with pytest.raises(refusal):
        identity(answered(answer, error), ARN)


def test_a_simple_answer_lets_in_or_refuses():
    assert simple_identity(answered({"isAuthorized": True, "context": {"a": 1}})) == Identity("", {"a": 1})
    with pytest.raises(Denied):
        simple_identity(answered({"isAuthorized": False}))
    with pytest.raises(InvalidAuthorizer):
        simple_identity(answered({"principalId": "me"}))


def test_every_identity_source_must_be_there():
    values = Values("", {"stage": "ws"}, {"v": "1"}, headers={"Auth": "token"}, query={"q": "x", "none": ""})
    sources = [
        "route.request.header.auth",
        "route.request.querystring.q",
        "context.stage",
        "stageVariables.v",
    ]

    assert identity_values(sources, values) == ("token", "x", "ws", "1")
    for missing in ("route.request.header.other", "route.request.querystring.none"):
        with pytest.raises(Unauthorized):
            identity_values([*sources, missing], values)


def guarded(**settings):
    """An API whose `$connect` has an authorizer."""
    authorizer = LambdaAuthorizer(id="auth1", name="guard", function="guard", **settings)
    guarded_route = WebSocketRoute(
        key="$connect", integration=LambdaIntegration(function="connect"), authorizer=authorizer
    )
    return api_with(guarded_route, route("$default"))


class Guarded(Functions):
    """Functions with an authorizer's one."""

    def guard(self, event):
        return {
            "principalId": "me",
            "policyDocument": policy(statement(resource=event["methodArn"])),
            "context": {"n": 1},
        }


async def test_the_authorizer_is_asked_before_the_integration_and_heard_in_every_event():
    functions = Guarded()
    async with running(guarded(), functions) as it:
        async with connect(it.url) as client:
            await client.send("x")
            await client.recv()
        await functions.disconnected()

    asked, *events = functions.events
    assert (asked["type"], asked["methodArn"]) == ("REQUEST", ARN)
    assert [event["requestContext"]["eventType"] for event in events] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    for event in events:
        assert event["requestContext"]["authorizer"] == {"principalId": "me", "n": "1"}


async def test_without_its_identity_source_nobody_is_asked():
    functions = Guarded()
    async with running(guarded(identity_sources=("route.request.header.Auth",)), functions) as it:
        assert (await refusal(it.url)).status_code == 401
        assert functions.events == []
        async with connect(it.url, additional_headers={"auth": "x"}):
            pass


async def test_an_authorizer_that_may_not_be_invoked_is_a_500():
    def may_invoke(function, source_arn, role_arn):
        asked.append((function, source_arn, role_arn))
        return function != "guard"

    asked = []
    async with running(guarded(role_arn="role"), Guarded(), may_invoke=may_invoke) as it:
        assert (await refusal(it.url)).status_code == 500

    arn = f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:api1/authorizers/auth1"
    assert asked == [("guard", arn, "role")]
