"""The calls that make tables, buckets, topics, parameters and secrets."""

import pytest

from local_aws.model import StreamSource
from tests.local_aws.assembly_files import function, read_resources


def resource(kind, **properties):
    return {"Type": kind, "Properties": properties}


def calls(tmp_path, **resources):
    return {call.name: call for call in read_resources(tmp_path, resources).aws_calls}


KEYS = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
INDEX = {"IndexName": "by", "KeySchema": KEYS["KeySchema"], "Projection": {"ProjectionType": "ALL"}}


def test_a_tables_capacity_and_indexes_are_as_the_api_takes_them(tmp_path):
    capacity = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    index = {**INDEX, "ContributorInsightsSpecification": {"Enabled": True}}
    made = calls(
        tmp_path,
        Provisioned=resource(
            "AWS::DynamoDB::Table", **KEYS, ProvisionedThroughput=capacity, GlobalSecondaryIndexes=[index]
        ),
        OnDemand=resource(
            "AWS::DynamoDB::GlobalTable",
            **KEYS,
            BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[index],
        ),
    )

    provisioned = made["CreateTable of AWS::DynamoDB::Table Provisioned"].parameters
    on_demand = made["CreateTable of AWS::DynamoDB::GlobalTable OnDemand"].parameters
    assert provisioned["GlobalSecondaryIndexes"] == [{**INDEX, "ProvisionedThroughput": capacity}]
    assert (on_demand["BillingMode"], on_demand["GlobalSecondaryIndexes"]) == ("PAY_PER_REQUEST", [INDEX])
    assert "ProvisionedThroughput" not in on_demand


def test_a_buckets_own_notifications_are_as_the_api_takes_them(tmp_path):
    bucket = resource(
        "AWS::S3::Bucket",
        BucketName="files",
        CorsConfiguration={"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 5}]},
        NotificationConfiguration={
            "LambdaConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Function": "arn:f",
                    "Filter": {"S3Key": {"Rules": [{"Name": "Suffix", "Value": ".png"}]}},
                }
            ]
        },
    )

    made = calls(tmp_path, Bucket=bucket)

    notifications = made["PutBucketNotificationConfiguration of AWS::S3::Bucket Bucket"]
    assert notifications.eager
    assert notifications.parameters["NotificationConfiguration"] == {
        "LambdaFunctionConfigurations": [
            {
                "LambdaFunctionArn": "arn:f",
                "Events": ["s3:ObjectCreated:*"],
                "Filter": {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".png"}]}},
            }
        ]
    }
    [rule] = made["PutBucketCors of AWS::S3::Bucket Bucket"].parameters["CORSConfiguration"]["CORSRules"]
    assert rule == {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}


@pytest.mark.parametrize(("protocol", "eager"), [("sqs", True), ("lambda", True), ("email", False)])
def test_a_topic_is_there_from_the_start_where_something_here_hears_of_it(tmp_path, protocol, eager):
    subscription = resource(
        "AWS::SNS::Subscription",
        TopicArn={"Ref": "Topic"},
        Protocol=protocol,
        Endpoint="x",
        FilterPolicy={"kind": ["a"]},
        RawMessageDelivery=True,
    )

    made = calls(tmp_path, Topic=resource("AWS::SNS::Topic", TopicName="news"), Subscription=subscription)

    assert made["CreateTopic of AWS::SNS::Topic Topic"].eager is eager
    given = made["Subscribe of AWS::SNS::Subscription Subscription"].parameters
    assert given["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:news"
    assert given["Attributes"] == {"FilterPolicy": '{"kind": ["a"]}', "RawMessageDelivery": "true"}


def test_a_master_users_secret_is_there_though_no_resource_declares_it(tmp_path):
    database = resource(
        "AWS::RDS::DBInstance", Engine="postgres", MasterUsername="master", ManageMasterUserPassword=True
    )

    [call] = calls(tmp_path, Db=database).values()

    assert (call.operation, call.parameters["Name"]) == ("CreateSecret", "rds!db-stack-Db")
    assert call.arn.startswith("arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-stack-Db-")


def test_a_mapping_from_a_stream_has_the_templates_limits(tmp_path):
    resources = {
        "Table": resource(
            "AWS::DynamoDB::Table", **KEYS, TableName="t", StreamSpecification={"StreamViewType": "NEW_IMAGE"}
        ),
        "Target": function(FunctionName="target"),
        "Mapping": resource(
            "AWS::Lambda::EventSourceMapping",
            EventSourceArn={"Fn::GetAtt": ["Table", "StreamArn"]},
            FunctionName={"Ref": "Target"},
            StartingPosition="LATEST",
            BatchSize=5,
            BisectBatchOnFunctionError=True,
            MaximumRetryAttempts=2,
            MaximumRecordAgeInSeconds=-1,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
            DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:1:failed"}},
        ),
    }

    [source] = read_resources(tmp_path, resources).stream_sources

    assert source == StreamSource(
        stream_arn="arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026-01-01T00:00:00.000",
        function="target",
        batch_size=5,
        bisects=True,
        maximum_retries=2,
        on_failure="arn:aws:sqs:us-east-1:1:failed",
        reports_batch_item_failures=True,
        patterns=({"eventName": ["INSERT"]},),
    )
