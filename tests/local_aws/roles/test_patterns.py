"""IAM's wildcards against a plain definition of them, and its policy variables."""

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.roles.patterns import equals, matches, matches_arn

texts = st.text("abAB:/*?.$[", max_size=12)


def defined(pattern: str, value: str) -> bool:
    """What `*` and `?` mean, without any cleverness."""

    @cache
    def from_here(at: int, read: int) -> bool:
        if at == len(pattern):
            return read == len(value)
        if pattern[at] == "*":
            return any(from_here(at + 1, further) for further in range(read, len(value) + 1))
        return read < len(value) and pattern[at] in ("?", value[read]) and from_here(at + 1, read + 1)

    return from_here(0, 0)


@settings(max_examples=200, deadline=None)
@given(texts, texts)
def test_wildcards_mean_what_they_are_defined_to_mean(pattern, value):
    if "${" not in pattern:
        assert matches(pattern, value, {}) == defined(pattern, value)


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?", max_size=8), texts, st.text("ab*?", max_size=8), st.text("ab*?", max_size=20))
def test_a_variables_value_stands_for_itself_whatever_is_in_it(before, value, after, subject):
    context = {"aws:username": (value,)}
    # A character that can't come otherwise stands for the value on both sides.
    expected = any(
        defined(before, subject[:start]) and defined(after, subject[start + len(value) :])
        for start in range(len(subject) + 1)
        if subject[start : start + len(value)] == value
    )

    assert matches(f"{before}${{aws:username}}{after}", subject, context) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=10))
def test_actions_are_matched_without_regard_to_case(action):
    assert matches(action.upper(), action.lower(), {}, ignore_case=True) or "${" in action


def test_a_long_row_of_stars_takes_no_time():
    started = time.perf_counter()

    assert not matches("*a" * 40 + "b", "a" * 2000, {})
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("jobs/${aws:PrincipalTag/team, 'none'}/*", "jobs/none/1", True),
        ("jobs/${aws:PrincipalTag/team}/*", "jobs/none/1", False),
        ("${*}.txt", "*.txt", True),
        ("${*}.txt", "a.txt", False),
        ("${$}{x}", "${x}", True),
    ],
)
def test_variables_have_defaults_and_three_are_characters(pattern, value, expected):
    assert matches(pattern, value, {}) is expected


def test_several_values_are_no_value_of_a_variable():
    assert not equals("${aws:TagKeys}", "a", {"aws:tagkeys": ("a", "b")})
    assert equals("${aws:TagKeys}", "a", {"aws:tagkeys": ("a",)})


@pytest.mark.parametrize(
    ("pattern", "arn", "expected"),
    [
        (
            "arn:aws:execute-api:us-east-1:1:abc/*$connect",
            "arn:aws:execute-api:us-east-1:1:abc/prod/$connect",
            True,
        ),
        ("arn:aws:execute-api:us-east-1:1:abc/*/*/x", "arn:aws:execute-api:us-east-1:1:abc/prod/GET/x", True),
        ("arn:aws:execute-api:*:1:abc/*", "arn:aws:execute-api:us-east-1:1:abd/x", False),
        # A star stays within its part of an ARN, up to the last one.
        ("arn:aws:*:abc", "arn:aws:sqs:us-east-1:1:abc", False),
        ("arn:aws:sns:us-east-1:1:*", "arn:aws:sns:us-east-1:1:topic:subscription", True),
    ],
)
def test_arns_are_compared_part_by_part(pattern, arn, expected):
    assert matches_arn(pattern, arn, {}) is expected
