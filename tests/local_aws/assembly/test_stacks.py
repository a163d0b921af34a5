"""Several stacks: nested ones, stages, names that clash, and values that come from outside."""

import json
import re

import pytest

from local_aws.assembly import read
from local_aws.errors import StackError
from tests.local_aws.assembly_files import function, read_resources, site, write_assembly

URL = {
    "Fn::Join": [
        "",
        ["https://s3.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}, "/assets-1/inner.json"],
    ]
}


def resource(kind, **properties):
    return {"Type": kind, "Properties": properties}


def queue(name):
    return resource("AWS::SQS::Queue", QueueName=name)


def showing(expression):
    return function(FunctionName="target", Environment={"Variables": {"X": expression}})


@pytest.fixture
def nested(tmp_path):
    """The assembly of a stack with nested ones, whose templates are assets."""

    def made(outer, **inner):
        out = tmp_path / "out"
        out.mkdir()
        for name, template in inner.items():
            (out / f"{name}.nested.template.json").write_text(json.dumps(template))
        assets = {f"{name}.json": (f"{name}.nested.template.json", "file") for name in inner}
        return read(write_assembly(out, {"outer": {"Resources": outer}}, assets), site(tmp_path))

    return made


def test_a_nested_stack_gets_parameters_and_gives_outputs(nested):
    inner = {
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {"Queue": queue({"Fn::Sub": "${Name}-jobs"})},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}}},
    }
    outer = {
        "Target": showing({"Fn::GetAtt": ["Nested", "Outputs.Arn"]}),
        "Nested": resource("AWS::CloudFormation::Stack", TemplateURL=URL, Parameters={"Name": "my"}),
    }

    assembly = nested(outer, inner=inner)

    assert [queue.name for queue in assembly.queues] == ["my-jobs"]
    assert assembly.functions["target"].environment["X"] == assembly.queues[0].arn
    assert assembly.unsupported == ()


def test_a_nested_stack_may_need_what_its_sibling_gives(nested):
    giving = {"Resources": {"Queue": queue("first")}, "Outputs": {"Name": {"Value": "first"}}}
    needing = {
        "Parameters": {"Name": {"Type": "String"}},
        "Conditions": {"IsFirst": {"Fn::Equals": [{"Ref": "Name"}, "first"]}},
        "Resources": {"Queue": queue("second") | {"Condition": "IsFirst"}},
    }
    given = {"Name": {"Fn::GetAtt": ["B", "Outputs.Name"]}}
    outer = {
        "A": resource("AWS::CloudFormation::Stack", TemplateURL="https://x/needing.json", Parameters=given),
        "B": resource("AWS::CloudFormation::Stack", TemplateURL="https://x/giving.json"),
    }

    assembly = nested(outer, needing=needing, giving=giving)

    assert {queue.name for queue in assembly.queues} == {"first", "second"}


def test_a_nested_stack_from_elsewhere_is_named(tmp_path):
    elsewhere = resource("AWS::CloudFormation::Stack", TemplateURL="https://example.com/other.json")

    [unsupported] = read_resources(tmp_path, {"Nested": elsewhere}).unsupported

    assert unsupported.meaning == "nothing of it runs: its template isn't in the assembly"


def two_stages(tmp_path):
    for stage in ("dev", "prod"):
        write_assembly(
            tmp_path / "out" / f"assembly-{stage}",
            {f"{stage}-app": {"Resources": {"Queue": queue("jobs"), "Target": showing(stage)}}},
        )
    artifacts = {
        stage: {"type": "cdk:cloud-assembly", "properties": {"directoryName": f"assembly-{stage}"}}
        for stage in ("dev", "prod")
    }
    (tmp_path / "out" / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return tmp_path / "out"


def test_stages_that_use_the_same_names_cant_run_side_by_side(tmp_path):
    sentence = (
        "Stack prod-app, AWS::SQS::Queue Queue has the name jobs of Stack dev-app, AWS::SQS::Queue Queue: "
        "here they can't run side by side. Choose one of the stacks with --stack."
    )
    with pytest.raises(StackError, match=f"^{re.escape(sentence)}$"):
        read(two_stages(tmp_path), site(tmp_path))


@pytest.mark.parametrize("pattern", ["prod-app", "prod-*"])
def test_one_stage_is_chosen_by_its_stacks_name(tmp_path, pattern):
    assembly = read(two_stages(tmp_path), site(tmp_path, stacks=(pattern,)))

    assert assembly.functions["target"].environment == {"X": "prod"}


def test_a_stack_that_isnt_there_is_said_with_those_that_are(tmp_path):
    with pytest.raises(StackError, match=r"No stack is named test. The assembly has dev-app, prod-app\."):
        read(two_stages(tmp_path), site(tmp_path, stacks=("test",)))


def test_what_a_chosen_stack_depends_on_comes_along(tmp_path):
    folder = write_assembly(
        tmp_path / "out",
        {
            "data": {"Resources": {"Queue": queue("jobs")}, "Outputs": {"Name": {"Value": "jobs"}}},
            "app": {
                "Resources": {
                    "T": showing({"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Name"}})
                }
            },
            "other": {"Resources": {"Queue": queue("others")}},
        },
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["artifacts"]["app"]["dependencies"] = ["data", "all.assets"]
    (folder / "manifest.json").write_text(json.dumps(manifest))

    assembly = read(folder, site(tmp_path, stacks=("app",)))

    assert [queue.name for queue in assembly.queues] == ["jobs"]
    assert assembly.functions["target"].environment == {"X": "jobs"}


def test_a_stack_of_another_region_is_named(tmp_path):
    folder = write_assembly(
        tmp_path / "out",
        {
            "certificates": {"Resources": {"Queue": queue("jobs")}},
            "app": {"Resources": {"T": showing({"Ref": "AWS::Region"})}},
        },
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["artifacts"]["certificates"]["environment"] = "aws://111111111111/us-east-1"
    manifest["artifacts"]["app"]["environment"] = "aws://111111111111/eu-west-1"
    (folder / "manifest.json").write_text(json.dumps(manifest))

    assembly = read(folder, site(tmp_path))

    assert (assembly.region, assembly.account) == ("eu-west-1", "111111111111")
    assert assembly.functions["target"].environment == {"X": "eu-west-1"}
    [unsupported] = assembly.unsupported
    assert unsupported.logical_id == "certificates"
    assert unsupported.meaning == "it is for us-east-1, and everything runs as if in eu-west-1 here"


# Parameters


@pytest.fixture
def value(tmp_path):
    """What a reference to the parameter P comes to."""

    def resolved(definition, given=None, expression=None, **resources):
        template = {
            "Parameters": {"P": definition},
            "Resources": {"Target": showing(expression or {"Ref": "P"}), **resources},
        }
        folder = write_assembly(tmp_path / "out", {"app": template})
        machine = site(tmp_path, parameters=given or {})
        return read(folder, machine).functions["target"].environment["X"]

    return resolved


STORED = resource("AWS::SSM::Parameter", Name="/app/level", Type="String", Value="high")
STORED_LIST = resource("AWS::SSM::Parameter", Name="/app/zones", Type="StringList", Value="a,b")


@pytest.mark.parametrize(
    ("definition", "given", "expression", "result"),
    [
        ({"Type": "String", "Default": "a"}, {}, None, "a"),
        ({"Type": "String", "Default": "a"}, {"P": "b"}, None, "b"),
        ({"Type": "String", "Default": "a"}, {"app:P": "b", "P": "c"}, None, "b"),
        ({"Type": "Number", "Default": 5}, {}, None, "5"),
        ({"Type": "CommaDelimitedList", "Default": "a, b"}, {}, {"Fn::Select": [1, {"Ref": "P"}]}, "b"),
        ({"Type": "List<Number>", "Default": "1,2"}, {}, {"Fn::Join": ["+", {"Ref": "P"}]}, "1+2"),
        ({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/level"}, {}, None, "high"),
        (
            {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/app/zones"},
            {},
            {"Fn::Join": ["+", {"Ref": "P"}]},
            "a+b",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/shared/vpc"},
            {"/shared/vpc": "vpc-1"},
            None,
            "vpc-1",
        ),
    ],
)
def test_a_parameter_comes_to_its_value(value, definition, given, expression, result):
    assert value(definition, given, expression, Stored=STORED, Zones=STORED_LIST) == result


@pytest.mark.parametrize(
    ("definition", "given", "complaint"),
    [
        ({"Type": "String"}, {}, "Stack app, parameter P: it needs a value: give --parameter P=VALUE."),
        (
            {"Type": "String", "AllowedValues": ["a"], "ConstraintDescription": "only a"},
            {"P": "b"},
            "Stack app, parameter P: 'b' is no value for it (only a).",
        ),
        (
            {"Type": "String", "AllowedPattern": "[a-z]+"},
            {"P": "B"},
            "Stack app, parameter P: 'B' is no value for it.",
        ),
        ({"Type": "Number", "MaxValue": "3"}, {"P": "4"}, "Stack app, parameter P: '4' is no value for it."),
        ({"Type": "Number"}, {"P": "x"}, "Stack app, parameter P: 'x' is no value for it."),
        ({"Type": "String", "MinLength": 2}, {"P": "x"}, "Stack app, parameter P: 'x' is no value for it."),
        ({"Type": "String", "Default": "a"}, {"Q": "1"}, "The assembly has no parameter Q: it has P."),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/a"},
            {},
            "Stack app, parameter P: it reads the SSM parameter /a, which the assembly doesn't declare: "
            "give its value by --parameter '/a=VALUE'.",
        ),
    ],
)
def test_what_a_parameter_cant_be_is_said(value, definition, given, complaint):
    with pytest.raises(StackError, match=f"^{re.escape(complaint)}$"):
        value(definition, given)


# Strictness


def test_strictly_everything_must_run(tmp_path):
    resources = {"Stream": resource("AWS::Kinesis::Stream"), "Node": function(Runtime="nodejs22.x")}
    folder = write_assembly(tmp_path / "out", {"app": {"Resources": resources}})

    with pytest.raises(StackError) as refused:
        read(folder, site(tmp_path, strict=True))

    title, *lines = str(refused.value).splitlines()
    assert title == "Not everything of the assembly runs here, and --strict makes that an error:"
    assert lines[0] == "  AWS::Kinesis::Stream Stream: what uses it fails."
    assert "nodejs22.x" in lines[1]
