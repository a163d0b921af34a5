"""Which actions on which resources requests ask for, as the SDK itself makes them."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from local_aws.access.calls import Account, needs
from local_aws.http import Request
from local_aws.signatures import joined_headers

SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf"
ACCOUNT = Account(id="123456789012", region="us-east-1", secrets={"db": SECRET_ARN})
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table"
PARAMETER = "arn:aws:ssm:us-east-1:123456789012:parameter"
TOPIC = "arn:aws:sns:us-east-1:123456789012:news"
QUEUE_URL = "http://127.0.0.1:8001/123456789012/jobs"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:jobs"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:target"


class Caught(Exception):
    """Carries a request that was about to be sent."""


def request_of(service: str, operation: str, addressing: str, parameters: dict[str, Any]) -> Request:
    """The request that boto3 would send."""
    client = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(s3={"addressing_style": addressing}),
    )
    sent: list[AWSPreparedRequest] = []

    def catch(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        raise Caught

    client.meta.events.register("before-send", catch)
    with pytest.raises(Caught):
        getattr(client, operation)(**parameters)
    [request] = sent
    host, _, target = request.url.removeprefix("https://").partition("/")
    path, _, query = f"/{target}".partition("?")
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    headers = [
        (name, value.decode() if isinstance(value, bytes) else value)
        for name, value in request.headers.items()
    ]
    return Request(
        request.method,
        f"/{target}",
        path,
        query,
        [("Host", host), *headers],
        body.encode() if isinstance(body, str) else body,
        "",
    )


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "expected"),
    [
        ("sqs", "send_message", {"QueueUrl": QUEUE_URL, "MessageBody": "x"}, {("sqs:SendMessage", QUEUE)}),
        (
            "sqs",
            "send_message_batch",
            {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "a", "MessageBody": "x"}]},
            {("sqs:SendMessage", QUEUE)},
        ),
        ("sqs", "get_queue_url", {"QueueName": "jobs"}, {("sqs:GetQueueUrl", QUEUE)}),
        ("sqs", "list_queues", {}, {("sqs:ListQueues", "*")}),
        ("lambda", "invoke", {"FunctionName": "target"}, {("lambda:InvokeFunction", FUNCTION)}),
        ("lambda", "invoke", {"FunctionName": FUNCTION}, {("lambda:InvokeFunction", FUNCTION)}),
        (
            "lambda",
            "invoke",
            {"FunctionName": "target", "Qualifier": "live"},
            {("lambda:InvokeFunction", f"{FUNCTION}:live")},
        ),
        ("lambda", "invoke", {"FunctionName": "target:3"}, {("lambda:InvokeFunction", f"{FUNCTION}:3")}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, {("dynamodb:GetItem", f"{TABLE}/t")}),
        (
            "dynamodb",
            "query",
            {"TableName": "t", "IndexName": "idx"},
            {("dynamodb:Query", f"{TABLE}/t/index/idx")},
        ),
        ("dynamodb", "scan", {"TableName": f"{TABLE}/t"}, {("dynamodb:Scan", f"{TABLE}/t")}),
        (
            "dynamodb",
            "batch_write_item",
            {"RequestItems": {"a": [{"DeleteRequest": {"Key": {}}}], "b": [{"DeleteRequest": {"Key": {}}}]}},
            {("dynamodb:BatchWriteItem", f"{TABLE}/a"), ("dynamodb:BatchWriteItem", f"{TABLE}/b")},
        ),
        (
            "dynamodb",
            "transact_write_items",
            {
                "TransactItems": [
                    {"Put": {"TableName": "a", "Item": {}}},
                    {"ConditionCheck": {"TableName": "b", "Key": {}, "ConditionExpression": "x"}},
                ]
            },
            {("dynamodb:PutItem", f"{TABLE}/a"), ("dynamodb:ConditionCheckItem", f"{TABLE}/b")},
        ),
        (
            "dynamodb",
            "execute_statement",
            {"Statement": 'UPDATE "t" SET a = 1'},
            {("dynamodb:PartiQLUpdate", f"{TABLE}/t")},
        ),
        ("dynamodb", "list_tables", {}, {("dynamodb:ListTables", "*")}),
        ("ssm", "get_parameter", {"Name": "/app/key"}, {("ssm:GetParameter", f"{PARAMETER}/app/key")}),
        (
            "ssm",
            "get_parameters_by_path",
            {"Path": "/app"},
            {("ssm:GetParametersByPath", f"{PARAMETER}/app")},
        ),
        (
            "ssm",
            "get_parameters",
            {"Names": ["a", "b:3"]},
            {("ssm:GetParameters", f"{PARAMETER}/a"), ("ssm:GetParameters", f"{PARAMETER}/b")},
        ),
        (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "db"},
            {("secretsmanager:GetSecretValue", SECRET_ARN)},
        ),
        (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": SECRET_ARN.rpartition("-")[0]},
            {("secretsmanager:GetSecretValue", SECRET_ARN)},
        ),
        ("sns", "publish", {"TopicArn": TOPIC, "Message": "x"}, {("sns:Publish", TOPIC)}),
        (
            "sns",
            "publish_batch",
            {"TopicArn": TOPIC, "PublishBatchRequestEntries": [{"Id": "a", "Message": "x"}]},
            {("sns:Publish", TOPIC)},
        ),
        ("sns", "publish", {"PhoneNumber": "+1", "Message": "x"}, {("sns:Publish", "*")}),
        ("sts", "get_caller_identity", {}, set()),
        (
            "sts",
            "assume_role",
            {"RoleArn": "arn:aws:iam::1:role/x", "RoleSessionName": "me"},
            {("sts:AssumeRole", "arn:aws:iam::1:role/x")},
        ),
    ],
)
def test_a_call_needs_its_action_on_its_resource(service, operation, parameters, expected):
    request = request_of(service, operation, "auto", parameters)

    found = needs(request, joined_headers(request), service, ACCOUNT)

    assert {(need.action, need.resource) for need in found} == expected


BUCKET = "arn:aws:s3:::files"


@pytest.mark.parametrize("addressing", ["path", "virtual"])
@pytest.mark.parametrize(
    ("operation", "parameters", "expected"),
    [
        ("list_buckets", None, {("s3:ListAllMyBuckets", "*")}),
        ("list_objects_v2", {"Prefix": "a"}, {("s3:ListBucket", BUCKET)}),
        ("head_bucket", {}, {("s3:ListBucket", BUCKET)}),
        ("create_bucket", {}, {("s3:CreateBucket", BUCKET)}),
        ("get_bucket_location", {}, {("s3:GetBucketLocation", BUCKET)}),
        ("put_bucket_cors", {"CORSConfiguration": {"CORSRules": []}}, {("s3:PutBucketCORS", BUCKET)}),
        ("delete_bucket_policy", {}, {("s3:DeleteBucketPolicy", BUCKET)}),
        ("delete_bucket_cors", {}, {("s3:PutBucketCORS", BUCKET)}),
        ("list_object_versions", {}, {("s3:ListBucketVersions", BUCKET)}),
        ("get_object", {"Key": "a b/c"}, {("s3:GetObject", f"{BUCKET}/a b/c")}),
        ("get_object", {"Key": "a", "VersionId": "v"}, {("s3:GetObjectVersion", f"{BUCKET}/a")}),
        ("head_object", {"Key": "a"}, {("s3:GetObject", f"{BUCKET}/a")}),
        ("put_object", {"Key": "a", "Body": b"x"}, {("s3:PutObject", f"{BUCKET}/a")}),
        ("delete_object", {"Key": "a"}, {("s3:DeleteObject", f"{BUCKET}/a")}),
        ("get_object_tagging", {"Key": "a"}, {("s3:GetObjectTagging", f"{BUCKET}/a")}),
        ("put_object_acl", {"Key": "a", "ACL": "private"}, {("s3:PutObjectAcl", f"{BUCKET}/a")}),
        ("create_multipart_upload", {"Key": "a"}, {("s3:PutObject", f"{BUCKET}/a")}),
        (
            "abort_multipart_upload",
            {"Key": "a", "UploadId": "u"},
            {("s3:AbortMultipartUpload", f"{BUCKET}/a")},
        ),
        (
            "copy_object",
            {"Key": "a", "CopySource": {"Bucket": "other", "Key": "b"}},
            {("s3:PutObject", f"{BUCKET}/a"), ("s3:GetObject", "arn:aws:s3:::other/b")},
        ),
        (
            "delete_objects",
            {"Delete": {"Objects": [{"Key": "a&b"}, {"Key": "c"}]}},
            {("s3:DeleteObject", f"{BUCKET}/a&b"), ("s3:DeleteObject", f"{BUCKET}/c")},
        ),
    ],
)
def test_s3_says_it_in_method_path_and_query(addressing, operation, parameters, expected):
    given = {} if parameters is None else {"Bucket": "files", **parameters}
    request = request_of("s3", operation, addressing, given)

    found = needs(request, joined_headers(request), "s3", ACCOUNT)

    assert {(need.action, need.resource) for need in found} == expected


def test_what_a_listing_asks_for_can_be_a_condition():
    request = request_of("s3", "list_objects_v2", "path", {"Bucket": "files", "Prefix": "home/ada/"})

    [need] = needs(request, joined_headers(request), "s3", ACCOUNT)

    assert need.context["s3:prefix"] == ("home/ada/",)
