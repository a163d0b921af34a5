"""Conditions as IAM documents them: every operator, what is missing, and several values."""

import pytest

from local_aws.roles.conditions import UnknownOperator, hold

CONTEXT = {
    "aws:sourcearn": ("arn:aws:sns:us-east-1:1:topic",),
    "aws:securetransport": ("true",),
    "aws:sourceip": ("10.1.2.3",),
    "aws:currenttime": ("2026-11-25T12:00:00Z",),
    "s3:prefix": ("home/ada/x",),
    "s3:max-keys": ("50",),
    "aws:tagkeys": ("team", "cost"),
}


@pytest.mark.parametrize(
    ("operator", "key", "value", "expected"),
    [
        ("StringEquals", "s3:prefix", "home/ada/x", True),
        ("StringEquals", "S3:Prefix", "home/ada/x", True),
        ("StringEquals", "s3:prefix", "HOME/ada/x", False),
        ("StringEqualsIgnoreCase", "s3:prefix", "HOME/ada/x", True),
        ("StringNotEquals", "s3:prefix", "other", True),
        ("StringNotEquals", "s3:prefix", ["other", "home/ada/x"], False),
        ("StringLike", "s3:prefix", "home/*", True),
        ("StringLike", "s3:prefix", ["a*", "h*"], True),
        ("StringNotLike", "s3:prefix", "home/*", False),
        ("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:top*", True),
        ("ArnEquals", "aws:SourceArn", "arn:aws:sns:us-east-1:1:topic", True),
        ("ArnEquals", "aws:SourceArn", "arn:aws:sns:us-east-1:1:other", False),
        ("ArnNotLike", "aws:SourceArn", "arn:aws:sns:*:*:other", True),
        ("Bool", "aws:SecureTransport", "true", True),
        ("Bool", "aws:SecureTransport", "False", False),
        ("NumericLessThan", "s3:max-keys", "51", True),
        ("NumericLessThan", "s3:max-keys", "50", False),
        ("NumericLessThanEquals", "s3:max-keys", "50", True),
        ("NumericGreaterThan", "s3:max-keys", "9", True),
        ("NumericEquals", "s3:max-keys", "50.0", True),
        ("NumericNotEquals", "s3:max-keys", "50", False),
        ("NumericEquals", "s3:prefix", "50", False),
        ("DateLessThan", "aws:CurrentTime", "2026-11-25T12:00:01Z", True),
        ("DateGreaterThan", "aws:CurrentTime", "2026-11-25T13:00:00+02:00", True),
        ("IpAddress", "aws:SourceIp", "10.0.0.0/8", True),
        ("NotIpAddress", "aws:SourceIp", ["10.0.0.0/8", "192.168.0.0/16"], False),
        ("Null", "aws:SourceVpc", "true", True),
        ("Null", "aws:SourceIp", "true", False),
        ("Null", "aws:SourceIp", "false", True),
        # What the request doesn't have.
        ("StringEquals", "aws:PrincipalOrgID", "o-1", False),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1", True),
        ("StringEqualsIfExists", "s3:prefix", "o-1", False),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-1", True),
        ("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::1:role/x", True),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "true", True),
        # Several values.
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team", "cost", "other"], True),
        ("ForAllValues:StringEquals", "aws:TagKeys", ["team"], False),
        ("ForAllValues:StringEquals", "dynamodb:Attributes", ["a"], True),
        ("ForAnyValue:StringLike", "aws:TagKeys", ["te*"], True),
        ("ForAnyValue:StringEquals", "aws:TagKeys", ["other"], False),
        ("ForAnyValue:StringEquals", "dynamodb:Attributes", ["a"], False),
        ("ForAnyValue:StringNotEquals", "aws:TagKeys", ["team"], True),
        ("ForAllValues:StringNotEquals", "aws:TagKeys", ["team"], False),
    ],
)
def test_an_operator_means_what_iam_documents(operator, key, value, expected):
    wanted = tuple(value) if isinstance(value, list) else (value,)

    assert hold({operator: {key: wanted}}, CONTEXT) is expected


def test_all_conditions_must_hold():
    both = {"Bool": {"aws:SecureTransport": ("true",)}, "StringLike": {"s3:prefix": ("home/*",)}}

    assert hold(both, CONTEXT)
    assert not hold({**both, "Null": {"aws:SourceIp": ("true",)}}, CONTEXT)


@pytest.mark.parametrize("operator", ["StringMatches", "ForSomeValues:StringEquals", "IfExists"])
def test_an_operator_that_is_not_understood_is_named(operator):
    with pytest.raises(UnknownOperator, match=operator):
        hold({operator: {"aws:SourceIp": ("1",)}}, CONTEXT)
