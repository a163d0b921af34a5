"""HTTP APIs: who may pass, who may be invoked, and what the event says of it."""

import json

import pytest

from local_aws.edge.http_api import HttpApiOrigin
from local_aws.functions import Invocation
from local_aws.gateway import Integrations
from local_aws.http import Request
from local_aws.model import Cors, HttpApi, HttpRoute, LambdaAuthorizer

ARN = "arn:aws:execute-api:eu-west-1:123456789012:site"


class Functions:
    """`show` answers with its event, `guard` as the Authorization header says."""

    def __init__(self):
        self.asked = []

    async def invoke(self, function, payload, *, request_id=None):
        event = json.loads(payload)
        if function == "show":
            answer = {"statusCode": 200, "body": payload.decode()}
            return Invocation(json.dumps(answer).encode(), None, "r")
        self.asked.append(event)
        says = event["headers"].get("authorization", "")
        if says == "unauthorized":
            return Invocation(b'{"errorMessage":"Unauthorized"}', "Unhandled", "r")
        if says == "simple":
            return Invocation(b'{"isAuthorized":true,"context":{"n":1,"ok":true}}', None, "r")
        if says == "not simple":
            return Invocation(b'{"isAuthorized":false}', None, "r")
        effect = {"allow": "Allow", "deny": "Deny"}.get(says)
        arn = event.get("routeArn") or event.get("methodArn")
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
        answer = {"principalId": "me", "policyDocument": {"Statement": [statement]}, "context": {"n": 1}}
        return Invocation(json.dumps(answer).encode() if effect else b"5", None, "r")


def origin(functions, *, may_invoke=lambda *_: True, cors=None, stage="$default", **settings):
    defaults = {"payload_format": "2.0", "identity_sources": ("$request.header.Authorization",)}
    authorizer = LambdaAuthorizer(id="auth1", name="guard", function="guard", **defaults | settings)
    routes = (
        HttpRoute(key="GET /guarded/{id}", function="show", authorizer=authorizer),
        HttpRoute(key="GET /old", function="show", authorizer=authorizer, payload_format="1.0"),
        HttpRoute(key="$default", function="show"),
    )
    api = HttpApi(id="site", name="site", stage=stage, routes=routes, cors=cors, variables={"v": "1"})
    integrations = Integrations(invoker=functions, region="eu-west-1", may_invoke=may_invoke)
    return HttpApiOrigin(api, integrations, account="123456789012", domain_name="site.example")


def get(path="/guarded/7", method="GET", **headers):
    given = [("Host", "x"), *headers.items()]
    return Request(method, path, path, "", given, b"", "127.0.0.1")


@pytest.mark.parametrize(
    ("says", "settings", "status"),
    [
        ("allow", {}, 200),
        ("deny", {}, 403),
        ("unauthorized", {}, 401),
        ("nonsense", {}, 500),
        ("simple", {"simple_responses": True}, 200),
        ("not simple", {"simple_responses": True}, 403),
        ("allow", {"simple_responses": True}, 500),
        ("allow", {"payload_format": "1.0"}, 200),
    ],
)
async def test_an_authorizer_decides(says, settings, status):
    answer = await origin(Functions(), **settings).answer(get(Authorization=says))

    assert answer.status == status


async def test_without_its_identity_source_nobody_is_asked():
    functions = Functions()
    answer = await origin(functions).answer(get())

    assert (answer.status, answer.body) == (401, b'{"message": "Unauthorized"}')
    assert functions.asked == []


async def test_the_event_says_who_it_was():
    it = origin(Functions())
    new = json.loads((await it.answer(get(Authorization="allow"))).body)
    old = json.loads((await it.answer(get("/old", Authorization="allow"))).body)

    assert new["requestContext"]["authorizer"] == {"lambda": {"principalId": "me", "n": 1}}
    assert old["requestContext"]["authorizer"] == {"principalId": "me", "n": 1}
    assert new["stageVariables"] == old["stageVariables"] == {"v": "1"}


async def test_the_authorizers_event_names_the_route():
    functions = Functions()
    await origin(functions, stage="prod").answer(get(Authorization="allow"))
    await origin(functions, payload_format="1.0").answer(get(Authorization="allow"))
    new, old = functions.asked

    assert (new["version"], new["type"], new["identitySource"]) == ("2.0", "REQUEST", ["allow"])
    assert new["routeArn"] == f"{ARN}/prod/GET/guarded/7"
    assert new["pathParameters"] == {"id": "7"}
    assert "body" not in new
    assert (old["version"], old["type"], old["identitySource"]) == ("1.0", "REQUEST", "allow")
    assert old["methodArn"] == f"{ARN}/$default/GET/guarded/7"


async def test_an_answer_counts_for_the_same_identity_as_long_as_it_says(monkeypatch):
    moment = 1_000.0
    monkeypatch.setattr("local_aws.edge.http_api.time.time", lambda: moment)
    functions = Functions()
    it = origin(functions, ttl_seconds=60, simple_responses=True)
    for says in ("simple", "simple", "not simple", "simple"):
        await it.answer(get(Authorization=says))
    assert len(functions.asked) == 2
    moment += 61
    await it.answer(get(Authorization="simple"))
    assert len(functions.asked) == 3


async def test_what_nothing_permits_is_a_500():
    def may_invoke(function, source_arn, role_arn):
        asked.append(source_arn)
        return function != "show"

    asked = []
    it = origin(Functions(), may_invoke=may_invoke)

    assert (await it.answer(get(Authorization="allow"))).status == 500
    assert (await it.answer(get("/else"))).status == 500
    assert asked == [
        f"{ARN}/authorizers/auth1",
        f"{ARN}/$default/GET/guarded/{{id}}",
        f"{ARN}/$default/$default",
    ]


async def test_a_preflight_needs_no_route_and_no_authorizer():
    it = origin(Functions(), cors=Cors(origins=("*",), methods=("GET",)))
    asks = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    answer = await it.answer(get(method="OPTIONS", **asks))

    assert answer.status == 204
    refused = await it.answer(get(Origin="https://a.example"))
    assert refused.status == 401
    assert ("access-control-allow-origin", "*") in list(refused.headers)
