"""CloudFormation's intrinsic functions, as a function's environment variables show them."""

import re

import pytest

from local_aws.assembly import read
from local_aws.errors import StackError
from tests.local_aws.assembly_files import function, read_resources, site, write_assembly


@pytest.fixture
def value(tmp_path):
    """What an expression comes to in a function's environment."""

    def resolved(expression, resources=None, **template):
        target = function(FunctionName="target", Environment={"Variables": {"X": expression}})
        assembly = read_resources(tmp_path, {"Target": target, **(resources or {})}, **template)
        return assembly.functions["target"].environment.get("X")

    return resolved


QUEUE = {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}}}
MAPPINGS = {"Sizes": {"us-east-1": {"small": "1"}}}
STORED = {
    "Stored": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/app/level", "Type": "String", "Value": "high"},
    }
}
CONDITIONS = {
    "Lists": {"Fn::Equals": [{"Fn::Split": [",", "a,b"]}, ["a", "b"]]},
    "Yes": {"Fn::Equals": ["a", "a"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}]},
}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::StackName"}, "stack"),
        ({"Ref": "Queue"}, "http://127.0.0.1:8001/123456789012/jobs"),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:aws:sqs:us-east-1:123456789012:jobs"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "jobs"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Partition"}, 3, True]]}, "a-aws-3-true"),
        ({"Fn::Sub": "${AWS::Region}/${Queue.QueueName}/${!Literal}"}, "us-east-1/jobs/${Literal}"),
        ({"Fn::Sub": ["${Mine}.${AWS::URLSuffix}", {"Mine": "x-${y}"}]}, "x-${y}.amazonaws.com"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": ["0", {"Fn::GetAZs": ""}]}, "us-east-1a"),
        ({"Fn::Base64": "hi"}, "aGk="),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "1"),
        ({"Fn::If": ["Yes", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", {"Ref": "AWS::Region"}]}, "us-east-1"),
        ({"Fn::If": ["Both", "then", "else"]}, "then"),
        ({"Fn::If": ["No", "then", {"Ref": "AWS::NoValue"}]}, None),
        ({"Fn::ToJsonString": {"a": [1]}}, '{"a":[1]}'),
        ({"Fn::Select": [2, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]}, "10.0.2.0/24"),
        ({"Fn::Select": [1, {"Fn::Cidr": ["fd00::/56", "2", "64"]}]}, "fd00:0:0:1::/64"),
        ({"Fn::FindInMap": ["Sizes", "no", "small", {"DefaultValue": {"Ref": "AWS::Region"}}]}, "us-east-1"),
        ({"Fn::FindInMap": ["Sizes", "us-east-1", "small", {"DefaultValue": "9"}]}, "1"),
        ({"Fn::Length": {"Fn::Split": [",", "a,b,c"]}}, "3"),
        ({"Fn::Join": ["", ["{{resolve:ssm:", "/app/level", ":1}}"]]}, "high"),
        ("{{resolve:ssm:/app/level}} and {{resolve:ssm-secure:/app/level:2}}", "high and high"),
        ({"Fn::If": ["Lists", "then", "else"]}, "then"),
        ({"Fn::Sub": ["${!Escaped}${Mine}", {"Mine": {"Fn::If": ["No", "a", "b"]}}]}, "${Escaped}b"),
        (5, "5"),
        (True, "true"),
    ],
)  # fmt: skip
def test_an_expression_comes_to_its_value(value, expression, result):
    assert value(expression, {**QUEUE, **STORED}, Mappings=MAPPINGS, Conditions=CONDITIONS) == result


def test_a_parameter_has_its_default_or_the_given_value(value, tmp_path):
    parameters = {"Level": {"Type": "String", "Default": "low"}}
    assert value({"Ref": "Level"}, Parameters=parameters) == "low"

    again = read(tmp_path / "cdk.out", site(tmp_path, parameters={"Level": "high"}))
    assert again.functions["target"].environment["X"] == "high"


def test_a_resource_whose_condition_is_false_isnt_there(tmp_path):
    resources = {"Queue": QUEUE["Queue"] | {"Condition": "No"}}

    assert read_resources(tmp_path, resources, Conditions=CONDITIONS).queues == ()


@pytest.mark.parametrize(
    "crossing",
    [{"Fn::ImportValue": "shared"}, {"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Url"}}],
)
def test_values_cross_stacks(tmp_path, crossing):
    output = {"Url": {"Value": {"Ref": "Queue"}, "Export": {"Name": "shared"}}}
    target = function(FunctionName="target", Environment={"Variables": {"X": crossing}})
    folder = write_assembly(
        tmp_path / "out",
        {"data": {"Resources": QUEUE, "Outputs": output}, "app": {"Resources": {"T": target}}},
    )

    assert read(folder, site(tmp_path)).functions["target"].environment["X"].endswith("/jobs")


SECRET = {
    "Secret": {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {
            "GenerateSecretString": {
                "SecretStringTemplate": '{"username": "ada"}',
                "GenerateStringKey": "password",
                "PasswordLength": 20,
                "ExcludePunctuation": True,
            }
        },
    }
}


def reference(key):
    return {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, f":SecretString:{key}::}}}}"]]}


def test_a_secrets_key_is_resolved_and_stays_the_same_at_the_next_start(value):
    first = value(reference("password"), SECRET)

    assert len(first) == 20
    assert first.isalnum()
    assert value(reference("username"), SECRET) == "ada"
    assert value(reference("password"), SECRET) == first


def test_a_secret_that_nothing_refers_to_stays_the_same_too(tmp_path):
    def made():
        [call] = read_resources(tmp_path, SECRET).aws_calls
        return call.parameters["SecretString"]

    assert made() == made()


def test_secrets_are_their_owners_only(value, tmp_path):
    value(reference("password"), SECRET)

    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


CIRCLE = "it refers to itself (stack: Ref of Self → stack: Ref of Self)"


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ({"Ref": "Nothing"}, "it refers to Nothing, which the stack doesn't have"),
        ({"Fn::Sub": "${Nothing}"}, "it refers to Nothing, which the stack doesn't have"),
        ({"Fn::GetAtt": ["Queue", "Colour"]}, "AWS::SQS::Queue Queue has no attribute Colour here"),
        ({"Fn::ImportValue": "nowhere"}, "it imports nowhere, which no stack of the assembly exports"),
        (
            {"Fn::GetStackOutput": {"StackName": "a", "OutputName": "b"}},
            "it needs the output b of stack a, which",
        ),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "no transform is applied here (AWS::Include)"),
        ({"Fn::Brand::New": []}, "Fn::Brand::New isn't understood here"),
        ({"Fn::Select": [9, ["a"]]}, "it selects item 9 of 1"),
        ({"Fn::Select": [-1, ["a"]]}, "it selects item -1 of 1"),
        ({"Fn::Join": ["", "text"]}, 'Fn::Join isn\'t used as it should be: ["", "text"]'),
        ({"Fn::Split": ["", "text"]}, 'Fn::Split isn\'t used as it should be: ["", "text"]'),
        ({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}, "Fn::Cidr isn't used as it should be"),
        ({"Fn::FindInMap": ["No", "such", "map"]}, "the stack has no mapping No, such, map"),
        ({"Fn::If": ["Unknown", 1, 2]}, "the stack has no condition Unknown"),
        ({"Ref": "AWS::Weather"}, "the pseudo parameter AWS::Weather isn't understood here"),
        ("{{resolve:secretsmanager:elsewhere:SecretString:x::}}", "it reads the secret elsewhere, which"),
        ("{{resolve:weather:today}}", "{{resolve:weather:today}} isn't understood here"),
    ],
)
def test_what_cant_be_resolved_is_one_sentence_that_says_where(value, expression, complaint):
    place = "Stack stack, AWS::Lambda::Function Target, Environment.Variables.X: "
    with pytest.raises(StackError, match=f"^{re.escape(place + complaint)}.*[.]$"):
        value(expression, QUEUE)


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        (
            {
                "Resources": {
                    "Self": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Self"}}}
                }
            },
            f"Stack stack, AWS::SQS::Queue Self, QueueName: {CIRCLE}.",
        ),
        (
            {"Conditions": {"A": {"Condition": "B"}, "B": {"Fn::Not": [{"Condition": "A"}]}}},
            "Stack stack, condition A: it refers to itself (stack: condition A → stack: condition B → stack: "
            "condition A).",
        ),
        (
            {"Conditions": {"A": {"Fn::Weather": []}}},
            'Stack stack, condition A: this is no condition: {"Fn::Wea',
        ),
        (
            {"Resources": {"Made": {"Properties": {}}}},
            "Stack stack, Made: this is no resource, it has no type.",
        ),
        ({"Resources": {"Made": []}}, "Stack stack, Made: this is no resource, it has no type."),
        (
            {"Resources": {"Made": {"Type": "A", "Properties": []}}},
            "Stack stack, Made: its properties are no object.",
        ),
        ({"Resources": []}, "Stack stack: its Resources are no object."),
        (
            {"Resources": {"Fn::ForEach::Many": []}},
            "Stack stack, Fn::ForEach::Many: loops aren't unrolled here.",
        ),
        ({"Outputs": {"Url": {"Value": {"Ref": "No"}}}}, "Stack stack, output Url: it refers to No, which"),
        (
            {"Resources": {"Made": function(Timeout="soon")}},
            "Stack stack, AWS::Lambda::Function Made, Timeout: this isn't understood here (ValueError",
        ),
    ],
)
def test_a_malformed_template_is_one_sentence_that_says_where(tmp_path, template, complaint):
    conditions = (
        {"Conditional": {"Type": "AWS::SQS::Queue", "Condition": "A"}} if "Conditions" in template else {}
    )
    whole = {"Resources": conditions, **template}
    folder = write_assembly(tmp_path / "out", {"stack": whole})

    with pytest.raises(StackError, match=f"^{re.escape(complaint)}"):
        read(folder, site(tmp_path))


def test_outputs_that_need_each_other_are_one_sentence(tmp_path):
    def importing(name):
        return {"Out": {"Value": {"Fn::ImportValue": name}, "Export": {"Name": "b" if name == "a" else "a"}}}

    stacks = {"one": {"Outputs": importing("a")}, "two": {"Outputs": importing("b")}}
    folder = write_assembly(tmp_path / "out", stacks)

    with pytest.raises(StackError, match=r"it refers to itself \(.*output Out → .*output Out"):
        read(folder, site(tmp_path))
