"""DynamoDB, S3, SNS, SSM and Secrets Manager as the template declares them, over real sockets."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio
from botocore.exceptions import ClientError

from local_aws import http
from local_aws.assembly import read
from local_aws.errors import StackError
from local_aws.logs import Logs
from local_aws.model import Assembly
from local_aws.services import Services
from tests.local_aws.assembly_files import function, read_resources, site, write_assembly

pytestmark = pytest.mark.asyncio(loop_scope="module")


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": "room", "AttributeType": "S"},
        {"AttributeName": "number", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "room", "KeyType": "HASH"},
        {"AttributeName": "number", "KeyType": "RANGE"},
    ],
}
BY_NUMBER = {
    "IndexName": "by-number",
    "KeySchema": [{"AttributeName": "number", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
RESOURCES = {
    "Target": function(FunctionName="target"),
    "Table": resource(
        "AWS::DynamoDB::Table",
        TableName="messages",
        **KEYS,
        # Templates may write numbers and booleans as strings.
        ProvisionedThroughput={"ReadCapacityUnits": "5", "WriteCapacityUnits": "5"},
        GlobalSecondaryIndexes=[BY_NUMBER],
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
        TimeToLiveSpecification={"AttributeName": "until", "Enabled": "true"},
        SSESpecification={"SSEEnabled": True},
    ),
    "Global": resource(
        "AWS::DynamoDB::GlobalTable",
        TableName="presence",
        AttributeDefinitions=KEYS["AttributeDefinitions"][:1],
        KeySchema=KEYS["KeySchema"][:1],
        BillingMode="PAY_PER_REQUEST",
        Replicas=[{"Region": "us-east-1"}],
    ),
    "Queue": resource("AWS::SQS::Queue", QueueName="jobs"),
    "Topic": resource("AWS::SNS::Topic", TopicName="news"),
    "ToQueue": resource(
        "AWS::SNS::Subscription",
        TopicArn={"Ref": "Topic"},
        Protocol="sqs",
        Endpoint={"Fn::GetAtt": ["Queue", "Arn"]},
        FilterPolicy={"kind": ["urgent"]},
        RawMessageDelivery=True,
    ),
    "Bucket": resource(
        "AWS::S3::Bucket", BucketName="files", VersioningConfiguration={"Status": "Enabled"}
    ),
    "Notifications": resource(
        "Custom::S3BucketNotifications",
        ServiceToken="arn:x",
        BucketName={"Ref": "Bucket"},
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {
                    "Events": ["s3:ObjectCreated:*"],
                    "LambdaFunctionArn": {"Fn::GetAtt": ["Target", "Arn"]},
                    "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "in/"}]}},
                }
            ]
        },
    ),
    "Site": resource("Custom::CDKBucketDeployment", ServiceToken="arn:x", DestinationBucketName="files",
                     SourceObjectKeys=["site.zip"]),
    "Parameter": resource("AWS::SSM::Parameter", Name="/app/level", Type="String", Value="high"),
    "Secret": resource("AWS::SecretsManager::Secret", Name="door", GenerateSecretString={}),
}  # fmt: skip


class Running:
    """Running services, and what left them."""

    def __init__(self, services: Services, url: str, assembly: Assembly) -> None:
        self.services = services
        self.assembly = assembly
        self.left: list[dict[str, Any]] = []
        self._url = url

    async def call(self, service: str, operation: str, **parameters: Any) -> Any:
        client = boto3.client(
            service,
            endpoint_url=self._url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )
        return await asyncio.to_thread(getattr(client, operation), **parameters)

    async def until_left(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        for _ in range(200):
            found = [message for message in self.left if message["kind"] == kind]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kind} in {self.left}")


def assembly_of(folder: Path, resources: dict[str, Any]) -> Assembly:
    (folder / "site").mkdir(exist_ok=True, parents=True)
    (folder / "site" / "index.html").write_text("<p>hello")
    written = write_assembly(
        folder / "out", {"stack": {"Resources": resources}}, {"site.zip": (str(folder / "site"), "zip")}
    )
    return read(written, site(folder))


@asynccontextmanager
async def running(folder: Path, assembly: Assembly) -> AsyncIterator[Running]:
    logs = Logs(folder / "logs", io.BytesIO())
    services = Services(assembly, folder / "services", logs)
    server = await http.serve(services.forward, host="127.0.0.1", port=0)
    made = Running(services, f"http://127.0.0.1:{server.port}", assembly)
    try:
        await services.start(made.left.append)
        yield made
    finally:
        server.close()
        await server.wait_closed(0.1)
        await services.close()
        logs.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder = tmp_path_factory.mktemp("services")
    async with running(folder, assembly_of(folder, RESOURCES)) as made:
        yield made


async def test_tables_have_their_keys_indexes_streams_and_expiry(stack):
    table = (await stack.call("dynamodb", "describe_table", TableName="messages"))["Table"]
    expiry = await stack.call("dynamodb", "describe_time_to_live", TableName="messages")

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["room", "number"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by-number"]
    assert table["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    assert expiry["TimeToLiveDescription"]["AttributeName"] == "until"
    [created] = [call for call in stack.assembly.aws_calls if call.parameters.get("TableName") == "messages"][
        :1
    ]
    assert table["LatestStreamArn"] == created.arn
    assert "presence" in (await stack.call("dynamodb", "list_tables"))["TableNames"]


async def test_changes_of_a_table_leave_as_stream_records(stack):
    key = {"room": {"S": "general"}, "number": {"N": "1"}}
    for text in ("one", "two", "two"):
        await stack.call(
            "dynamodb",
            "put_item",
            TableName="messages",
            Item={**key, "text": {"S": text}, "raw": {"B": b"\0"}},
        )
    await stack.call("dynamodb", "delete_item", TableName="messages", Key=key)

    records = [message["record"] for message in await stack.until_left("change", 3)]

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"]["text"] == {"S": "one"}
    assert records[1]["dynamodb"]["NewImage"] == {**key, "text": {"S": "two"}, "raw": {"B": "AA=="}}
    assert records[0]["dynamodb"]["Keys"] == key
    assert records[0]["eventSourceARN"].startswith(
        "arn:aws:dynamodb:us-east-1:123456789012:table/messages/stream/"
    )
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(set(numbers))


async def test_an_update_that_makes_an_item_is_one_change(stack):
    key = {"room": {"S": "updated"}, "number": {"N": "1"}}
    before = len(stack.left)
    for text in ("one", "two"):
        await stack.call(
            "dynamodb",
            "update_item",
            TableName="messages",
            Key=key,
            UpdateExpression="SET #t = :t",
            ExpressionAttributeNames={"#t": "text"},
            ExpressionAttributeValues={":t": {"S": text}},
        )
    await stack.until_left("change", 5)

    records = [message["record"] for message in stack.left[before:]]
    assert [(record["eventName"], record["dynamodb"]["NewImage"]) for record in records] == [
        ("INSERT", {**key, "text": {"S": "one"}}),
        ("MODIFY", {**key, "text": {"S": "two"}}),
    ]


async def test_of_many_conditional_writes_one_wins(stack):
    async def claim() -> bool:
        try:
            await stack.call(
                "dynamodb",
                "put_item",
                TableName="presence",
                Item={"room": {"S": "claimed"}},
                ConditionExpression="attribute_not_exists(room)",
            )
        except ClientError:
            return False
        return True

    assert sum(await asyncio.gather(*(claim() for _ in range(15)))) == 1


async def test_a_topics_message_leaves_for_subscribers_whose_filter_lets_it(stack):
    topic = next(call.parameters for call in stack.assembly.aws_calls if call.operation == "Subscribe")[
        "TopicArn"
    ]
    for kind in ("dull", "urgent"):
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        await stack.call("sns", "publish", TopicArn=topic, Message=kind, MessageAttributes=attributes)

    [notification] = await stack.until_left("notification")

    assert (notification["message"], notification["raw"], notification["protocol"]) == ("urgent", True, "sqs")
    assert notification["endpoint"] == "arn:aws:sqs:us-east-1:123456789012:jobs"
    assert notification["attributes"] == {"kind": {"Type": "String", "Value": "urgent"}}


async def test_a_buckets_objects_are_told_of_as_s3_does(stack):
    for key in ("out/ignored", "in/a é+b.txt"):
        await stack.call("s3", "put_object", Bucket="files", Key=key, Body=b"hello")

    [change] = await stack.until_left("object")

    record = change["event"]["Records"][0]
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["object"]["key"] == "in/a+%C3%A9%2Bb.txt"
    assert record["s3"]["object"]["size"] == 5
    assert {"userIdentity", "requestParameters", "responseElements"} <= set(record)
    assert change["target"].endswith(":function:target")


async def test_buckets_hold_what_is_deployed_into_them(stack):
    answer = await stack.call("s3", "get_object", Bucket="files", Key="index.html")

    assert (answer["Body"].read(), answer["ContentType"]) == (b"<p>hello", "text/html")
    assert (await stack.call("s3", "get_bucket_versioning", Bucket="files"))["Status"] == "Enabled"
    assert (await stack.call("s3", "head_object", Bucket="files", Key="index.html"))["ContentLength"] == 8
    with pytest.raises(ClientError, match="404"):
        await stack.call("s3", "head_object", Bucket="files", Key="nothing")


async def test_a_distribution_gets_what_functions_put_into_a_bucket(stack):
    def ask(key: str, *headers: tuple[str, str]) -> Any:
        request = http.Request("GET", "/x", "/x", "", list(headers), b"", "127.0.0.1")
        return stack.services.stored_object("files", key, request)

    await stack.call(
        "s3", "put_object", Bucket="files", Key="made/ü.txt", Body=b"made", CacheControl="no-store"
    )

    found = await ask("made/ü.txt")
    headers = dict(found.headers)
    assert (found.status, found.body, headers["cache-control"]) == (200, b"made", "no-store")
    assert (await ask("made/ü.txt", ("If-None-Match", headers["ETag"]))).status == 304
    assert (await ask("made/ü.txt", ("Range", "bytes=1-2"))).body == b"ad"
    assert (await ask("made/nothing")).status == 404


async def test_parameters_and_secrets_have_the_templates_values(stack):
    parameter = await stack.call("ssm", "get_parameter", Name="/app/level")
    declared = next(call for call in stack.assembly.aws_calls if call.operation == "CreateSecret")
    secret = await stack.call("secretsmanager", "get_secret_value", SecretId=declared.arn)

    assert parameter["Parameter"]["Value"] == "high"
    assert secret["SecretString"] == declared.parameters["SecretString"]


async def test_a_service_that_no_template_makes_is_refused(stack):
    with pytest.raises(ClientError, match="kinesis doesn't run on this machine"):
        await stack.call("kinesis", "list_streams")


async def test_many_answers_come_back_to_those_who_asked(stack):
    async def ask(number: int) -> bool:
        item = {"room": {"S": "many"}, "number": {"N": str(number)}}
        await stack.call("dynamodb", "put_item", TableName="messages", Item=item)
        answer = await stack.call("dynamodb", "get_item", TableName="messages", Key=item)
        return bool(answer["Item"] == item)

    assert all(await asyncio.gather(*(ask(number) for number in range(20))))


async def test_items_and_objects_survive_a_restart_and_a_changed_template(tmp_path):
    table = {**RESOURCES["Table"]["Properties"], "TableName": "kept"}
    resources = {
        "Kept": resource("AWS::DynamoDB::Table", **table),
        "Bucket": RESOURCES["Bucket"],
        "Secret": RESOURCES["Secret"],
    }
    item = {
        "room": {"S": "a"},
        "number": {"N": "1"},
        "raw": {"B": b"\0\xff"},
        "deep": {"M": {"x": {"NULL": True}}},
    }
    async with running(tmp_path, assembly_of(tmp_path, resources)) as made:
        await made.call("dynamodb", "put_item", TableName="kept", Item=item)
        await made.call(
            "s3",
            "put_object",
            Bucket="files",
            Key="k/ü",
            Body=b"kept",
            Metadata={"a": "b"},
            CacheControl="no-cache",
        )

        await made.call("secretsmanager", "put_secret_value", SecretId="door", SecretString="written")
        await made.call("secretsmanager", "create_secret", Name="own", SecretString="made")

        changed = {**resources, "More": resource("AWS::DynamoDB::Table", **{**table, "TableName": "more"})}
        await made.services.replace(assembly_of(tmp_path, changed))
        found = await made.call("dynamodb", "scan", TableName="kept")
        answer = await made.call("s3", "get_object", Bucket="files", Key="k/ü")
        body = answer["Body"].read()
        names = (await made.call("dynamodb", "list_tables"))["TableNames"]
        secrets = [
            (await made.call("secretsmanager", "get_secret_value", SecretId=name))["SecretString"]
            for name in ("door", "own")
        ]

    assert secrets == ["written", "made"]
    assert names == ["kept", "more"]
    assert found["Items"] == [item]
    assert (body, answer["Metadata"], answer["CacheControl"]) == (b"kept", {"a": "b"}, "no-cache")
    assert (tmp_path / "services" / "declared.json").stat().st_mode & 0o777 == 0o600


async def test_what_cant_be_made_stops_the_start_with_a_sentence(tmp_path):
    broken = resource("AWS::DynamoDB::Table", **KEYS | {"KeySchema": KEYS["KeySchema"][:1]})
    with pytest.raises(StackError, match=r"AWS::DynamoDB::Table Broken can't be made.*AttributeDefinitions"):
        async with running(tmp_path, read_resources(tmp_path, {"Broken": broken})):
            pass


async def test_nothing_runs_for_a_template_that_only_serves_files_from_a_bucket(tmp_path):
    async with running(tmp_path, assembly_of(tmp_path, {"Bucket": RESOURCES["Bucket"]})) as made:
        request = http.Request("GET", "/x", "/x", "", [], b"", "127.0.0.1")
        assert made.services.stored_object("files", "missing", request) is None
        assert not (tmp_path / "services").exists()


async def test_a_killed_process_is_started_again_for_the_next_request(stack):
    killed = stack.services.process
    killed.kill()
    while stack.services.process is killed:
        await asyncio.sleep(0.02)
        with suppress(ClientError):
            await stack.call("dynamodb", "list_tables")

    assert "messages" in (await stack.call("dynamodb", "list_tables"))["TableNames"]
