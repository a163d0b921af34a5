"""Mappings whose function may not read from their source."""

import pytest

from tests.local_aws.assembly_files import function, read_resources


def resource(kind, **properties):
    return {"Type": kind, "Properties": properties}


def mapping(source, *, actions):
    """A function on a queue or a table's stream, whose role allows these actions."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": source}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}]
    keys = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    return {
        "Queue": resource("AWS::SQS::Queue", QueueName="jobs"),
        "Table": resource(
            "AWS::DynamoDB::Table", StreamSpecification={"StreamViewType": "KEYS_ONLY"}, **keys
        ),
        "Role": resource("AWS::IAM::Role", Policies=policies, AssumeRolePolicyDocument={"Statement": []}),
        "Target": function(FunctionName="target", Role={"Fn::GetAtt": ["Role", "Arn"]}),
        "Mapping": resource(
            "AWS::Lambda::EventSourceMapping", EventSourceArn=source, FunctionName={"Ref": "Target"}
        ),
    }


QUEUE = {"Fn::GetAtt": ["Queue", "Arn"]}
STREAM = {"Fn::GetAtt": ["Table", "StreamArn"]}


@pytest.mark.parametrize(
    ("source", "actions"), [(QUEUE, "sqs:*"), (STREAM, ["dynamodb:Get*", "dynamodb:Describe*"])]
)
def test_a_permitted_mapping_runs(tmp_path, source, actions):
    assembly = read_resources(tmp_path, mapping(source, actions=actions))

    assert len(assembly.event_sources + assembly.stream_sources) == 1
    assert assembly.unsupported == ()


@pytest.mark.parametrize(
    ("source", "actions", "missing"),
    [
        (QUEUE, ["sqs:ReceiveMessage", "sqs:GetQueueAttributes"], "sqs:DeleteMessage"),
        (STREAM, ["dynamodb:DescribeStream"], "dynamodb:GetRecords, dynamodb:GetShardIterator"),
    ],
)
def test_another_is_left_out_and_named(tmp_path, source, actions, missing):
    assembly = read_resources(tmp_path, mapping(source, actions=actions))

    assert assembly.event_sources + assembly.stream_sources == ()
    [unsupported] = assembly.unsupported
    assert unsupported.type == "AWS::Lambda::EventSourceMapping"
    assert unsupported.meaning.startswith(
        f"AWS refuses it: the role of target doesn't allow {missing} on arn:aws:"
    )
