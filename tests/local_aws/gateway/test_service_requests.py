"""AWS integrations: what a message becomes at a service, and what the client gets of the answer."""

import json

import pytest
from websockets.asyncio.client import connect

from local_aws.gateway.mapping import Values
from local_aws.gateway.service_requests import NoRequest, message_of, service_request
from local_aws.http import Response
from local_aws.model import IntegrationResponse, ServiceIntegration, WebSocketRoute
from tests.local_aws.gateway.running import api_with, running
from tests.local_aws.gateway.test_connecting import refusal

VALUES = Values('{"id":"1 & 2"}', {"connectionId": "L0SM9cOFvHcCIhw="})
FORM = {"Content-Type": "'application/x-www-form-urlencoded'"}


def integration(service="sqs", path="path/123456789012/jobs", **settings):
    defaults = {"method": "POST", "role_arn": "role"}
    return ServiceIntegration(service=service, path=path, **defaults | settings)


def requested(made, values=VALUES):
    request = service_request(made, values, region="eu-west-1")
    return request, {name.lower(): value for name, value in request.headers}, request.body.decode()


def test_a_form_for_sqs_becomes_its_json_protocol():
    template = (
        "Action=SendMessage&MessageBody=$util.urlEncode($input.path('$.id'))&DelaySeconds=3"
        "&MessageAttribute.1.Name=who&MessageAttribute.1.Value.StringValue=$context.connectionId"
        "&MessageAttribute.1.Value.DataType=String"
    )
    request, headers, body = requested(integration(headers=FORM, request_templates={"$default": template}))

    assert (request.method, request.target, headers["host"]) == ("POST", "/", "sqs.eu-west-1.amazonaws.com")
    assert headers["x-amz-target"] == "AmazonSQS.SendMessage"
    assert json.loads(body) == {
        "QueueUrl": "/123456789012/jobs",
        "MessageBody": "1 & 2",
        "DelaySeconds": 3,
        "MessageAttributes": {"who": {"StringValue": "L0SM9cOFvHcCIhw=", "DataType": "String"}},
    }


def test_an_action_of_a_json_service_is_its_target():
    template = '{"TableName":"t","Item":{"id":{"S":$input.json(\'$.id\')}}}'
    made = integration("dynamodb", "action/PutItem", request_templates={"$default": template})
    request, headers, body = requested(made)

    assert (request.target, headers["host"]) == ("/", "dynamodb.eu-west-1.amazonaws.com")
    assert headers["x-amz-target"] == "DynamoDB_20120810.PutItem"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert json.loads(body) == {"TableName": "t", "Item": {"id": {"S": "1 & 2"}}}


def test_an_action_of_a_query_service_is_in_the_query():
    query = {"Message": "route.request.body.id", "TopicArn": "'arn:x'"}
    request, _, _ = requested(integration("sns", "action/Publish", query=query))

    assert request.target == "/?Message=1+%26+2&TopicArn=arn%3Ax&Action=Publish"


def test_a_path_is_taken_as_it_is_with_headers_and_query_filled_in():
    made = integration(
        "lambda",
        "path/2015-03-31/functions/f/invocations",
        headers={"X-Amz-Invocation-Type": "'Event'", "X-None": "route.request.header.None"},
        query={"Qualifier": "context.connectionId"},
    )
    request, headers, body = requested(made)

    assert request.path == "/2015-03-31/functions/f/invocations"
    assert request.query == "Qualifier=L0SM9cOFvHcCIhw%3D"
    assert headers["x-amz-invocation-type"] == "Event"
    assert "x-none" not in headers
    assert body == VALUES.body


def test_without_a_template_that_fits_nothing_is_sent_if_it_says_so():
    made = integration(passes_through=False, request_templates={"a": "A", "b": "B"}, template_selection="c")
    with pytest.raises(NoRequest):
        requested(made)


@pytest.mark.parametrize(("status", "message"), [(200, b"stored 7"), (400, b"refused"), (500, b'{"id":7}')])
def test_the_services_status_selects_what_the_client_gets(status, message):
    responses = {
        "/200/": IntegrationResponse(templates={"$default": "stored $input.path('$.id')"}),
        "/4\\d\\d/": IntegrationResponse(templates={"$default": "refused"}),
        "$default": IntegrationResponse(),
    }
    made = integration("dynamodb", "action/PutItem", responses=responses)

    assert message_of(made, Response(status, body=b'{"id":7}'), VALUES) == message


async def test_a_route_asks_the_service_as_its_role():
    asked = []

    async def services(request, role_arn):
        asked.append((request.header("X-Amz-Target"), role_arn))
        return Response(200, body=b'{"MessageId":"m"}')

    made = integration("dynamodb", "action/PutItem")
    api = api_with(
        WebSocketRoute(key="$default", integration=made, answers=True),
        WebSocketRoute(key="quiet", integration=made),
    )
    async with running(api, services=services) as it, connect(it.url) as client:
        await client.send('{"action":"quiet"}')
        await client.send("x")
        assert await client.recv() == '{"MessageId":"m"}'

    assert asked == [("DynamoDB_20120810.PutItem", "role")] * 2


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        ("arn:aws:lambda:eu-west-1:1:function:f", "Internal server error"),
        ("arn:aws:lambda:eu-west-1:1:function:f:live", "Internal server error"),
        ("arn:aws:lambda:eu-west-1:1:function:g", "answered"),
        ("g", "answered"),
    ],
)
async def test_lambda_invokes_a_function_only_where_that_is_permitted(function, answer):
    async def services(request, role_arn):
        return Response(200, body=b"answered")

    def may_invoke(function, source_arn, role_arn):
        return (function, source_arn.rpartition("/")[2]) != ("f", "by-lambda")

    path = f"path/2015-03-31/functions/{function}/invocations"
    made = integration("lambda", path, role_arn=None)
    api = api_with(WebSocketRoute(key="by-lambda", integration=made, answers=True))
    async with (
        running(api, services=services, may_invoke=may_invoke) as it,
        connect(it.url) as client,
    ):
        await client.send('{"action":"by-lambda"}')
        assert answer in await client.recv()


async def test_a_table_can_be_kept_without_any_function():
    asked = []

    async def services(request, role_arn):
        asked.append((request.header("X-Amz-Target"), request.body.decode()))
        return Response(200, body=b"{}")

    def storing(key, action):
        template = '{"id":"$context.connectionId","event":"$context.eventType"}'
        made = integration("dynamodb", f"action/{action}", request_templates={"$default": template})
        return WebSocketRoute(key=key, integration=made)

    api = api_with(storing("$connect", "PutItem"), storing("$disconnect", "DeleteItem"))
    async with running(api, services=services) as it, connect(it.url):
        [connection_id] = it.gateway.connections

    assert asked == [
        ("DynamoDB_20120810.PutItem", f'{{"id":"{connection_id}","event":"CONNECT"}}'),
        ("DynamoDB_20120810.DeleteItem", f'{{"id":"{connection_id}","event":"DISCONNECT"}}'),
    ]


async def test_a_service_refuses_a_connect_by_its_status():
    async def services(request, role_arn):
        return Response(400, body=b"ConditionalCheckFailedException")

    api = api_with(WebSocketRoute(key="$connect", integration=integration("dynamodb", "action/PutItem")))
    async with running(api, services=services) as it:
        assert (await refusal(it.url)).status_code == 400


async def test_a_service_that_isnt_there_is_an_internal_server_error():
    api = api_with(WebSocketRoute(key="$default", integration=integration(), answers=True))
    async with running(api) as it, connect(it.url) as client:
        await client.send("x")
        assert "Internal server error" in await client.recv()
