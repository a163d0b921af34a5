"""The gate as SDKs meet it: each service's own errors for who isn't known, and for who may not."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import http
from local_aws.access.access import Access
from local_aws.access.gate import Gate
from local_aws.http import Request, Response
from local_aws.model import Assembly, AwsCall, Bucket, Role, WebSocketApi
from local_aws.roles import Credentials, Roles
from local_aws.roles.documents import statements
from local_aws.signatures import sign

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
QUEUE_URL = f"http://127.0.0.1:1/{ACCOUNT}/jobs"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:db-AbCdEf"
API = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:abcdefghij"
CONNECTION = "Aa-_1bcdefghijk="

ALLOWED = [
    ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:target"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/notes"),
    ("s3:GetObject", "arn:aws:s3:::files/*"),
    ("s3:PutObject", "arn:aws:s3:::inbox/uploads/*"),
    ("sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:news"),
    ("secretsmanager:GetSecretValue", SECRET),
    ("execute-api:ManageConnections", f"{API}/prod/*/@connections/*"),
    ("sts:AssumeRole", OTHER),
]
TRUST = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ROLE}}]
EVERYBODY_READS = [
    {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::public/*"}
]


def assembly() -> Assembly:
    policy = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in ALLOWED]
    return Assembly(
        region="us-east-1",
        account=ACCOUNT,
        functions={},
        websocket_apis=(WebSocketApi(id="abcdefghij", name="sockets", stage="prod", routes={}),),
        buckets=tuple(Bucket(name=name, arn=f"arn:aws:s3:::{name}") for name in ("public", "inbox")),
        roles={
            ROLE: Role(arn=ROLE, name="worker", statements=statements({"Statement": policy})),
            OTHER: Role(arn=OTHER, name="other", trust=statements({"Statement": TRUST})),
        },
        resource_policies={"arn:aws:s3:::public": statements({"Statement": EVERYBODY_READS})},
        aws_calls=(
            AwsCall(
                resource="Db",
                service="secretsmanager",
                operation="CreateSecret",
                parameters={"Name": "db"},
                arn=SECRET,
            ),
        ),
    )


_PUBLISHED = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"


@dataclasses.dataclass
class Stand:
    """A gate on a real socket. What passes it is written down and answered with nothing."""

    url: str
    roles: Roles
    passed: list[Request]
    said: list[str]

    @property
    def worker(self) -> Credentials:
        return self.roles.credentials(ROLE, "sender")

    async def call(
        self,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        credentials: Credentials,
        path: str = "",
    ) -> Any:
        client = boto3.client(
            service,
            endpoint_url=self.url + path,
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.token,
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        return await asyncio.to_thread(getattr(client, operation), **parameters)

    async def refused(self, *arguments: Any) -> tuple[str, str, int]:
        """The code, the message and the status of the SDK's error."""
        with pytest.raises(ClientError) as error:
            await self.call(*arguments)
        response = error.value.response
        return (
            response["Error"]["Code"],
            response["Error"]["Message"],
            response["ResponseMetadata"]["HTTPStatusCode"],
        )


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    passed: list[Request] = []
    said: list[str] = []

    def served(request: Request) -> Response:
        passed.append(request)
        if request.header("X-Amz-Target"):
            return Response(200, [("Content-Type", "application/x-amz-json-1.0")], b"{}")
        return Response(200, (), _PUBLISHED if b"Action=Publish" in request.body else b"")

    roles = Roles(assembly())
    gate = Gate(Access(roles, said.append), assembly(), served)
    server = await http.serve(gate.handle, host="127.0.0.1", port=0)
    yield Stand(f"http://127.0.0.1:{server.port}", roles, passed, said)
    server.close()
    await server.wait_closed(0.2)


CALLS = [
    ("sqs", "send_message", {"QueueUrl": QUEUE_URL, "MessageBody": "x"}),
    ("lambda", "invoke", {"FunctionName": "target"}),
    ("dynamodb", "get_item", {"TableName": "notes", "Key": {"id": {"S": "1"}}}),
    ("s3", "get_object", {"Bucket": "files", "Key": "a b/ü"}),
    ("sns", "publish", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:news", "Message": "x"}),
    ("secretsmanager", "get_secret_value", {"SecretId": "db"}),
    ("apigatewaymanagementapi", "post_to_connection", {"ConnectionId": CONNECTION, "Data": b"x"}),
]
WHERE = {"apigatewaymanagementapi": "/prod"}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
async def test_what_the_role_allows_passes(stand, call):
    await stand.call(*call, stand.worker, WHERE.get(call[0], ""))

    assert len(stand.passed) == 1
    assert stand.said == []


FORBIDDEN = [
    (
        ("sqs", "receive_message", {"QueueUrl": QUEUE_URL}),
        ("AccessDenied", 403),
        ("sqs:ReceiveMessage", f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"),
    ),
    (
        ("lambda", "invoke", {"FunctionName": "target", "Qualifier": "live"}),
        ("AccessDeniedException", 403),
        ("lambda:InvokeFunction", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:target:live"),
    ),
    (
        ("dynamodb", "get_item", {"TableName": "other", "Key": {"id": {"S": "1"}}}),
        ("AccessDeniedException", 400),
        ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/other"),
    ),
    (
        ("s3", "put_object", {"Bucket": "files", "Key": "a"}),
        ("AccessDenied", 403),
        ("s3:PutObject", "arn:aws:s3:::files/a"),
    ),
    (
        ("sns", "publish", {"TopicArn": f"arn:aws:sns:us-east-1:{ACCOUNT}:other", "Message": "x"}),
        ("AuthorizationError", 403),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:other"),
    ),
    (
        ("secretsmanager", "get_secret_value", {"SecretId": "other"}),
        ("AccessDeniedException", 400),
        ("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:other"),
    ),
]


@pytest.mark.parametrize(("call", "error", "need"), FORBIDDEN, ids=lambda value: value[0])
async def test_what_no_policy_allows_is_refused_as_the_service_does_and_said(stand, call, error, need):
    action, resource = need

    code, message, status = await stand.refused(*call, stand.worker)

    assert (code, status) == error
    assert message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/sender is not authorized to perform: {action} "
        f"on resource: {resource} because no identity-based policy allows the {action} action"
    )
    assert stand.passed == []
    [line] = stand.said
    for named in ("sender", action, resource, "worker"):
        assert named in line


async def test_a_connection_of_another_stage_may_not_be_posted_to(stand):
    stand.roles.replace(dataclasses.replace(assembly(), roles={ROLE: Role(arn=ROLE, name="worker")}))

    code, message, status = await stand.refused(*CALLS[-1], stand.worker, "/prod")

    assert (code, status) == ("AccessDeniedException", 403)
    assert f"execute-api:ManageConnections on resource: {API}/prod/POST/@connections/{CONNECTION}" in message


async def test_a_denied_call_that_is_repeated_is_said_once(stand):
    for _ in range(3):
        await stand.refused(*FORBIDDEN[0][0], stand.worker)

    assert len(stand.said) == 1


# Who isn't known.

UNKNOWN = {
    "sqs": ("SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"),
    "lambda": ("InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"),
    "dynamodb": ("InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"),
    "s3": ("SignatureDoesNotMatch", "InvalidAccessKeyId", "ExpiredToken"),
    "sns": ("SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"),
    "secretsmanager": ("InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException"),
    "apigatewaymanagementapi": (
        "InvalidSignatureException",
        "UnrecognizedClientException",
        "ExpiredTokenException",
    ),
}


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
async def test_a_key_of_ours_must_come_with_its_secret_and_its_token(stand, call):
    known = stand.worker
    path = WHERE.get(call[0], "")
    wrong_secret, wrong_token, expired = UNKNOWN[call[0]]

    async def code(**change: str | None) -> str:
        return (await stand.refused(*call, dataclasses.replace(known, **change), path))[0]

    assert await code(secret="another") == wrong_secret
    assert await code(token=None) == wrong_token
    assert await code(token="another") == wrong_token
    assert await code(access_key="ASIALOCALOFLASTWEEK1") == expired
    assert stand.passed == []


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
async def test_any_other_key_is_the_developers(stand, call):
    await stand.call(*call, Credentials("test", "test"), WHERE.get(call[0], ""))
    await stand.call(*call, stand.roles.developer_credentials, WHERE.get(call[0], ""))

    assert len(stand.passed) == 2


async def fetched(
    url: str, path: str, *lines: str, method: str = "GET", host: str | None = None
) -> tuple[int, str]:
    """Status and body of a request without an SDK."""
    authority = url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*authority.split(":"))
    head = "\r\n".join(
        [f"{method} {path} HTTP/1.1", f"Host: {host or authority}", "Connection: close", *lines]
    )
    writer.write(head.encode() + b"\r\n\r\n")
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer.partition("\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("path", "line", "status", "expected"),
    [
        ("/prod/@connections/x", "X: y", 403, '{"message": "Missing Authentication Token"}'),
        ("/2015-03-31/functions/target/invocations", "X: y", 403, "Missing Authentication Token"),
        ("/", "X-Amz-Target: AmazonSQS.SendMessage", 403, "MissingAuthenticationTokenException"),
        ("/", "X-Amz-Target: DynamoDB_20120810.GetItem", 400, "MissingAuthenticationTokenException"),
        ("/?Action=Publish", "X: y", 403, "<Code>MissingAuthenticationToken</Code>"),
        ("/prod/@connections/x", "Authorization: Bearer abc", 403, "algorithm"),
    ],
)
async def test_what_nobody_signed_is_refused(stand, path, line, status, expected):
    found, body = await fetched(stand.url, path, line)

    assert (found, expected in body) == (status, True)
    assert stand.passed == []


async def test_anybody_may_read_a_public_object_and_nothing_else(stand):
    assert (await fetched(stand.url, "/public/a"))[0] == 200
    status, body = await fetched(stand.url, "/public/a", method="DELETE")

    assert (status, "<Code>AccessDenied</Code>" in body) == (403, True)


# Connections.


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/prod", "127.0.0.1"),
        ("/abcdefghij/prod", "127.0.0.1"),
        ("/prod", "abcdefghij.execute-api.us-east-1.amazonaws.com"),
        ("", "execute-api.us-east-1.amazonaws.com"),
    ],
)
async def test_a_post_finds_its_api_by_path_and_by_host(stand, path, host):
    assert await posted(stand, f"{path}/@connections/{CONNECTION.replace('=', '%3D')}", host) == 200

    [passed] = stand.passed
    assert passed.path == "/abcdefghij/prod/@connections/Aa-_1bcdefghijk%3D"


async def test_a_post_that_names_no_stage_is_said_to_fail_on_aws(stand):
    await posted(stand, f"/@connections/{CONNECTION}", "execute-api.us-east-1.amazonaws.com")

    assert "on AWS it fails" in stand.said[0]


async def test_a_stage_that_is_not_there_is_the_gateways_to_refuse(stand):
    assert await posted(stand, f"/other/@connections/{CONNECTION}", "127.0.0.1") == 200

    assert stand.passed[0].path == f"/other/@connections/{CONNECTION}"


async def posted(stand: Stand, path: str, host: str) -> int:
    """The status of a post in the role's name."""
    known = stand.worker
    request = Request("POST", path, path, "", [("Host", host)], b"", "")
    headers = sign(
        request,
        access_key=known.access_key,
        secret=known.secret,
        region="us-east-1",
        service="execute-api",
        now=time.time(),
    )
    headers.append(("X-Amz-Security-Token", known.token or ""))
    lines = [f"{name}: {value}" for name, value in headers]
    status, _ = await fetched(stand.url, path, *lines, method="POST", host=host)
    return status


async def test_a_session_may_become_a_role_that_trusts_it_and_is_held_to_that(stand):
    me = await stand.call("sts", "get_caller_identity", {}, stand.worker)
    assert me["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/sender"

    answer = await stand.call("sts", "assume_role", {"RoleArn": OTHER, "RoleSessionName": "me"}, stand.worker)
    given = answer["Credentials"]
    other = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    assert (await stand.call("sts", "get_caller_identity", {}, other))["Arn"].endswith(
        "assumed-role/other/me"
    )
    assert (await stand.refused(*CALLS[0], other))[0] == "AccessDenied"
    code, _, _ = await stand.refused("sts", "assume_role", {"RoleArn": ROLE, "RoleSessionName": "me"}, other)
    assert code == "AccessDenied"


async def test_presigned_addresses_are_checked_like_any_other(stand):
    known = stand.worker
    client = boto3.client(
        "s3", endpoint_url=stand.url, region_name="us-east-1", aws_access_key_id=known.access_key,
        aws_secret_access_key=known.secret, aws_session_token=known.token,
        config=Config(signature_version="s3v4"),
    )  # fmt: skip
    allowed = client.generate_presigned_url("get_object", {"Bucket": "files", "Key": "a"}).removeprefix(
        stand.url
    )
    forbidden = client.generate_presigned_url("get_object", {"Bucket": "others", "Key": "a"}).removeprefix(
        stand.url
    )

    assert (await fetched(stand.url, allowed))[0] == 200
    assert (await fetched(stand.url, forbidden))[0] == 403
    assert "SignatureDoesNotMatch" in (await fetched(stand.url, allowed.replace("/files/a", "/files/b")))[1]


async def test_a_form_is_taken_by_the_key_that_signed_its_policy(stand):
    known = stand.roles.credentials(ROLE, "sender")
    client = boto3.client(
        "s3", endpoint_url=stand.url, region_name="us-east-1", aws_access_key_id=known.access_key,
        aws_secret_access_key=known.secret, aws_session_token=known.token,
        config=Config(signature_version="s3v4"),
    )  # fmt: skip

    def upload(bucket: str, **changed: str) -> int:
        form = client.generate_presigned_post(bucket, "uploads/${filename}")
        fields = form["fields"] | changed
        return requests.post(
            f"{stand.url}/{bucket}", data=fields, files={"file": ("a.bin", b"\0x")}, timeout=5
        ).status_code

    assert await asyncio.to_thread(upload, "inbox") == 200
    assert await asyncio.to_thread(upload, "public") == 403
    assert await asyncio.to_thread(upload, "inbox", policy="e30=") == 403
    assert await asyncio.to_thread(upload, "inbox", **{"x-amz-security-token": "x"}) == 403


async def test_a_region_that_is_not_the_stacks_is_refused(stand):
    client = boto3.client(
        "sqs", endpoint_url=stand.url, region_name="eu-west-1", aws_access_key_id=stand.worker.access_key,
        aws_secret_access_key=stand.worker.secret, aws_session_token=stand.worker.token,
    )  # fmt: skip

    with pytest.raises(ClientError, match="valid region"):
        await asyncio.to_thread(client.send_message, QueueUrl=QUEUE_URL, MessageBody="x")
