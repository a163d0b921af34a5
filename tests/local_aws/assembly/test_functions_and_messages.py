"""What the template says of functions beside their code, and of what invokes them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from local_aws.assembly import read
from local_aws.model import EventInvocation
from tests.local_aws.assembly_files import function, read_resources, site, write_assembly


def resource(kind: str, **properties: object) -> dict[str, object]:
    return {"Type": kind, "Properties": properties}


def get_att(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def mapping(**properties: object) -> dict[str, object]:
    return resource(
        "AWS::Lambda::EventSourceMapping",
        **{"EventSourceArn": get_att("Queue"), "FunctionName": {"Ref": "It"}} | properties,
    )


def test_layers_lie_in_their_assets_lowest_first(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "cdk.out" / name / "python").mkdir(parents=True)
    layer = "AWS::Lambda::LayerVersion"
    resources = {
        "One": resource(layer, Content={"S3Bucket": "b", "S3Key": "one.zip"}),
        "Two": resource(layer, Content={"S3Bucket": "b", "S3Key": "two.zip"}),
        "It": function(
            FunctionName="it",
            Layers=[{"Ref": "One"}, {"Ref": "Two"}, "arn:aws:lambda:us-east-1:9:layer:powertools:7"],
        ),
    }
    assets = {"one.zip": ("one", "zip"), "two.zip": ("two", "zip")}
    folder = write_assembly(tmp_path / "cdk.out", {"stack": {"Resources": resources}}, assets)

    assembly = read(folder, site(tmp_path))

    assert [path.name for path in assembly.functions["it"].layers] == ["one", "two"]
    [unsupported] = assembly.unsupported
    assert "arn:aws:lambda:us-east-1:9:layer:powertools:7" in unsupported.meaning


def test_versions_and_aliases_are_qualifiers(tmp_path):
    resources = {
        "It": function(FunctionName="it"),
        "Version": resource("AWS::Lambda::Version", FunctionName={"Ref": "It"}),
        "Alias": resource(
            "AWS::Lambda::Alias",
            FunctionName={"Ref": "It"},
            FunctionVersion=get_att("Version", "Version"),
            Name="live",
        ),
    }

    assert read_resources(tmp_path, resources).functions["it"].qualifiers == {"1": "1", "live": "1"}


def test_what_becomes_of_events_is_in_the_template(tmp_path):
    resources = {
        "Bad": resource("AWS::SQS::Queue", QueueName="bad"),
        "Dead": resource("AWS::SQS::Queue", QueueName="dead"),
        "It": function(FunctionName="it", DeadLetterConfig={"TargetArn": get_att("Dead")}),
        "Other": function(FunctionName="other"),
        "Config": resource(
            "AWS::Lambda::EventInvokeConfig",
            FunctionName={"Ref": "It"},
            Qualifier="$LATEST",
            MaximumEventAgeInSeconds=300,
            MaximumRetryAttempts=0,
            DestinationConfig={"OnFailure": {"Destination": get_att("Bad")}},
        ),
    }

    functions = read_resources(tmp_path, resources).functions

    prefix = "arn:aws:sqs:us-east-1:123456789012:"
    assert functions["it"].events == EventInvocation(
        maximum_age=300,
        maximum_retries=0,
        on_failure=f"{prefix}bad",
        dead_letters=f"{prefix}dead",
    )
    assert functions["other"].events == EventInvocation()


def test_a_queue_says_what_it_is(tmp_path):
    resources = {
        "Named": resource(
            "AWS::SQS::Queue",
            QueueName="orders.fifo",
            FifoQueue=True,
            ContentBasedDeduplication=True,
            DeduplicationScope="messageGroup",
        ),
        "Unnamed": resource("AWS::SQS::Queue", FifoQueue=True),
        "Plain": resource("AWS::SQS::Queue"),
    }

    named, unnamed, plain = read_resources(tmp_path, resources).queues

    assert (named.fifo, named.deduplicates_content, named.deduplicates_in_groups) == (True, True, True)
    assert unnamed.fifo
    assert unnamed.name.endswith(".fifo")
    assert not plain.fifo
    assert not plain.name.endswith(".fifo")


def test_a_mapping_has_its_filters(tmp_path):
    pattern = {"body": {"kind": ["a"]}}
    resources = {
        "Queue": resource("AWS::SQS::Queue"),
        "It": function(FunctionName="it"),
        "Mapping": mapping(FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]}),
        "Off": mapping(Enabled=False),
    }

    [source] = read_resources(tmp_path, resources).event_sources

    assert source.patterns == (pattern,)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"BatchSize": 11}, "needs MaximumBatchingWindowInSeconds"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "2 is the least"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "its filter is invalid"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "its filter is invalid"),
        ({"FunctionName": {"Ref": "Slow"}}, "30 s, is less than the function's timeout, 60 s"),
    ],
)
def test_a_mapping_that_aws_refuses_isnt_run_and_is_named(tmp_path, properties, reason):
    resources = {
        "Queue": resource("AWS::SQS::Queue"),
        "It": function(FunctionName="it"),
        "Slow": function(FunctionName="slow", Timeout=60),
        "Mapping": mapping(**properties),
    }

    assembly = read_resources(tmp_path, resources)

    assert assembly.event_sources == ()
    assert any(reason in unsupported.meaning for unsupported in assembly.unsupported)


def test_a_rule_has_several_targets_each_with_its_own_input(tmp_path: Path):
    targets = [
        {"Id": "1", "Arn": get_att("It"), "Input": '{"a": 1}'},
        {"Id": "2", "Arn": get_att("It"), "InputPath": "$.detail"},
        {
            "Id": "3",
            "Arn": get_att("It"),
            "InputTransformer": {"InputPathsMap": {"t": "$.time"}, "InputTemplate": '"<t>"'},
        },
        {"Id": "4", "Arn": get_att("Queue"), "SqsParameters": {"MessageGroupId": "g"}},
    ]
    resources = {
        "Queue": resource("AWS::SQS::Queue", QueueName="q.fifo", FifoQueue=True),
        "It": function(FunctionName="it"),
        "Rule": resource("AWS::Events::Rule", ScheduleExpression="rate(1 day)", Targets=targets),
    }

    assembly = read_resources(tmp_path, resources)

    first, second, third, fourth = assembly.schedules
    assert (first.function, first.input) == ("it", '{"a": 1}')
    assert second.input_path == "$.detail"
    assert third.transformer is not None
    assert (third.transformer.template, third.transformer.paths) == ('"<t>"', {"t": "$.time"})
    assert fourth.function is None
    assert (fourth.queue_arn, fourth.message_group) == ("arn:aws:sqs:us-east-1:123456789012:q.fifo", "g")


def test_a_schedule_has_its_start_and_end(tmp_path):
    resources = {
        "It": function(FunctionName="it"),
        "Schedule": resource(
            "AWS::Scheduler::Schedule",
            ScheduleExpression="rate(1 hour)",
            StartDate="2026-01-01T00:00:00Z",
            EndDate="2026-02-01T00:00:00.000Z",
            Target={"Arn": get_att("It"), "RoleArn": "arn:r"},
        ),
    }

    [schedule] = read_resources(tmp_path, resources).schedules

    assert schedule.start == datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule.end == datetime(2026, 2, 1, tzinfo=UTC)
