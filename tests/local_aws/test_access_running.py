"""A foreign template under its own roles: grants work, and what is missing is refused as on AWS."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from websockets.asyncio.client import connect

from tests.local_aws.assembly_files import function, websocket_api
from tests.local_aws.running_stack import Stack

SOURCE = """
import json, os, boto3
from botocore.exceptions import ClientError

def clients(where):
    yield "environment", dict(endpoint_url=os.environ["CALLBACK"])
    yield "event", dict(endpoint_url="https://" + where["domainName"] + "/" + where["stage"])
    yield "library", dict(endpoint_url="https://%s.execute-api.%s.amazonaws.com/%s" % (
        where["apiId"], os.environ["AWS_REGION"], where["stage"]))
    yield "none", {}

def handler(event, context):
    where = event["requestContext"]
    if where["eventType"] != "MESSAGE":
        return {"statusCode": 200}
    for name, options in clients(where):
        client = boto3.client("apigatewaymanagementapi", **options)
        client.post_to_connection(ConnectionId=where["connectionId"], Data=name.encode())
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="x")
    boto3.client("sqs", endpoint_url="https://sqs.us-east-1.amazonaws.com").send_message(
        QueueUrl=os.environ["QUEUE"], MessageBody="y")
    return {"statusCode": 200, "body": "done"}

def outsider(event, context):
    refused = []
    connections = boto3.client("apigatewaymanagementapi", endpoint_url=os.environ["CALLBACK"])
    tries = [
        lambda: connections.post_to_connection(ConnectionId=event["connection"], Data=b"x"),
        lambda: boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="x"),
        lambda: boto3.client("lambda").invoke(FunctionName="poster"),
    ]
    for attempt in tries:
        try:
            attempt()
        except ClientError as error:
            refused.append([error.response["Error"]["Code"], error.response["Error"]["Message"]])
    return refused
"""


def role(*statements: dict[str, Any]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    policies = (
        [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}] if statements else []
    )
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}, "Policies": policies},
    }


def joined(*parts: object) -> dict[str, Any]:
    return {"Fn::Join": ["", list(parts)]}


CALLBACK = joined("https://", {"Ref": "Api"}, ".execute-api.", {"Ref": "AWS::Region"}, ".amazonaws.com/prod")
CONNECTIONS = joined("arn:aws:execute-api:us-east-1:123456789012:", {"Ref": "Api"}, "/prod/*/@connections/*")
VARIABLES = {"Environment": {"Variables": {"CALLBACK": CALLBACK, "QUEUE": {"Ref": "Jobs"}}}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack"))
    stack.resources = {
        "Poster": function(
            SOURCE, FunctionName="poster", Role={"Fn::GetAtt": ["PosterRole", "Arn"]}, Timeout=30, **VARIABLES
        ),
        "PosterRole": role(
            {"Effect": "Allow", "Action": "execute-api:ManageConnections", "Resource": CONNECTIONS},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Jobs", "Arn"]}},
        ),
        "Outsider": function(
            SOURCE,
            FunctionName="outsider",
            Handler="index.outsider",
            Role={"Fn::GetAtt": ["OutsiderRole", "Arn"]},
            Timeout=30,
            **VARIABLES,
        ),
        "OutsiderRole": role(),
        "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
        **websocket_api("Poster", ["$default"]),
    }
    stack.start()
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stack.stop()


def client(stack: Stack, service: str, **options: Any) -> Any:
    defaults = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=f"http://127.0.0.1:{stack.port + 1}", **defaults | options)


async def test_a_granted_function_reaches_a_connection_however_it_names_the_endpoint(stack):
    async with connect(f"ws://127.0.0.1:{stack.port}/prod", proxy=None) as socket:
        await socket.send("hello")
        frames = [await asyncio.wait_for(socket.recv(), 20) for _ in range(5)]

    assert frames == ["environment", "event", "library", "none", "done"]
    attributes = client(stack, "sqs").get_queue_attributes(
        QueueUrl="http://x/123456789012/jobs", AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "2"


async def test_a_function_without_a_grant_is_refused_everywhere(stack):
    event = json.dumps({"connection": "AAAAAAAAAAAAAAA="})

    answer = await asyncio.to_thread(client(stack, "lambda").invoke, FunctionName="outsider", Payload=event)

    refused = json.loads(answer["Payload"].read())
    assert [code for code, _ in refused] == ["AccessDeniedException", "AccessDenied", "AccessDeniedException"]
    actions = ("execute-api:ManageConnections", "sqs:SendMessage", "lambda:InvokeFunction")
    for (_, message), action in zip(refused, actions, strict=True):
        assert ":assumed-role/stack-OutsiderRole-" in message
        assert f"/outsider is not authorized to perform: {action} on resource: arn:aws:" in message


def test_a_command_in_a_functions_environment_is_the_developers(stack):
    source = (
        "import boto3, os; boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody='z'); "
        "print(boto3.client('sts', endpoint_url='https://sts.us-east-1.amazonaws.com').get_caller_identity()['Arn'])"
    )
    command = [sys.executable, "-m", "local_aws.exec", "--data-dir", str(stack.data), "outsider", "--"]

    done = subprocess.run(
        [*command, sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env=os.environ | {"AWS_PROFILE": "nowhere", "AWS_SESSION_TOKEN": "mine"},
        check=False,
    )

    assert done.stdout.strip() == "arn:aws:iam::123456789012:user/developer", done.stderr
    assert (stack.data / "stack.json").stat().st_mode & 0o777 == 0o600


def test_a_functions_key_needs_its_secret(stack):
    variables = json.loads((stack.data / "stack.json").read_text())["environments"]["poster"]
    keys = {
        "aws_access_key_id": variables["AWS_ACCESS_KEY_ID"],
        "aws_session_token": variables["AWS_SESSION_TOKEN"],
    }
    message = {"QueueUrl": "http://x/123456789012/jobs", "MessageBody": "x"}

    client(stack, "sqs", **keys, aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"]).send_message(
        **message
    )
    with pytest.raises(ClientError, match="signature we calculated does not match"):
        client(stack, "sqs", **keys, aws_secret_access_key="guessed").send_message(**message)


def test_connections_are_not_open_at_the_edge_either(stack):
    for port in (stack.port, stack.port + 1):
        url = f"http://127.0.0.1:{port}/prod/@connections/AAAAAAAAAAAAAAA="
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url, b"x")


def test_what_was_refused_is_said_in_the_terminal(stack):
    stack.stop()

    line = next(line for line in stack.said_last.splitlines() if "sqs:SendMessage" in line)
    queue = "arn:aws:sqs:us-east-1:123456789012:jobs"
    assert line.startswith(
        f"outsider may not do sqs:SendMessage on {queue} with its role stack-OutsiderRole-"
    )
    assert "A post to @connections named no API and no stage: on AWS it fails." in stack.said_last
