"""CloudFormation's intrinsic functions, as a function's environment variables show them."""

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
CONDITIONS = {
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
        (5, "5"),
        (True, "true"),
    ],
)  # fmt: skip
def test_an_expression_comes_to_its_value(value, expression, result):
    assert value(expression, QUEUE, Mappings=MAPPINGS, Conditions=CONDITIONS) == result


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


def test_secrets_are_their_owners_only(value, tmp_path):
    value(reference("password"), SECRET)

    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ({"Ref": "Nothing"}, "refers to Nothing"),
        ({"Fn::GetAtt": ["Queue", "Colour"]}, "has no attribute Colour"),
        ({"Fn::ImportValue": "nowhere"}, "imports nowhere"),
        ({"Fn::Transform": {}}, "Fn::Transform"),
        ({"Fn::Select": [9, ["a"]]}, "item 9 of 1"),
        ({"Fn::FindInMap": ["No", "such", "map"]}, "no mapping"),
        ({"Fn::If": ["Unknown", 1, 2]}, "no condition Unknown"),
        ({"Ref": "Needed"}, "--parameter Needed=VALUE"),
        ({"Ref": "Self"}, "refers to itself"),
        ("{{resolve:secretsmanager:elsewhere:SecretString:x::}}", "the secret elsewhere"),
    ],
)
def test_what_cant_be_resolved_is_one_sentence(value, expression, complaint):
    itself = {"Self": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Self"}}}}

    with pytest.raises(StackError, match=complaint):
        value(expression, {**QUEUE, **itself}, Parameters={"Needed": {"Type": "String"}})
