"""Event patterns: each operator, and what AWS would refuse."""

import pytest

from local_aws.event_patterns import PatternInvalid, check, matches

EVENT = {
    "source": "shop",
    "n": 5,
    "on": True,
    "none": None,
    "tags": ["a", "b"],
    "detail": {"state": "RUNNING", "ip": "10.1.2.3", "file": "a/b.png", "empty": ""},
    "items": [{"kind": "x", "size": 1}, {"kind": "y", "size": 20}],
}


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["shop"]},
        {"source": ["other", "shop"]},
        {"n": [5]},
        {"n": [5.0]},
        {"on": [True]},
        {"none": [None]},
        {"tags": ["b"]},
        {"detail": {"state": ["RUNNING"]}},
        {"detail": {"state": [{"prefix": "RUN"}]}},
        {"detail": {"state": [{"suffix": "ING"}]}},
        {"detail": {"state": [{"prefix": {"equals-ignore-case": "run"}}]}},
        {"detail": {"state": [{"equals-ignore-case": "running"}]}},
        {"detail": {"state": [{"anything-but": ["STOPPED"]}]}},
        {"detail": {"state": [{"anything-but": {"prefix": "STOP"}}]}},
        {"detail": {"state": [{"anything-but": "STOPPED"}]}},
        {"detail": {"file": [{"wildcard": "*/b.*"}]}},
        {"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}},
        {"detail": {"empty": [""]}},
        {"detail": {"missing": [{"exists": False}]}},
        {"missing": {"deeper": [{"exists": False}]}},
        {"missing": [{"exists": False}, "x"]},
        {"source": [{"exists": True}]},
        {"n": [{"numeric": [">", 4, "<=", 5]}]},
        {"n": [{"numeric": ["=", 5]}]},
        {"items": {"kind": ["y"]}},
        {"$or": [{"source": ["other"]}, {"n": [5]}]},
        {"source": ["shop"], "n": [{"numeric": ["<", 9]}]},
    ],
)
def test_what_matches(pattern):
    check(pattern)
    assert matches(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["Shop"]},
        {"n": ["5"]},
        {"on": [1]},
        {"n": [True]},
        {"missing": [None]},
        {"missing": [{"anything-but": ["x"]}]},
        {"tags": ["c"]},
        {"detail": ["RUNNING"]},
        {"detail": {"state": [{"prefix": "ING"}]}},
        {"detail": {"state": [{"anything-but": ["RUNNING"]}]}},
        {"detail": {"file": [{"wildcard": "*.jpg"}]}},
        {"detail": {"ip": [{"cidr": "192.168.0.0/16"}]}},
        {"detail": {"state": [{"cidr": "10.0.0.0/8"}]}},
        {"source": [{"exists": False}]},
        {"n": [{"numeric": [">", 5]}]},
        {"source": [{"numeric": [">", 5]}]},
        {"items": {"kind": ["z"]}},
        {"$or": [{"source": ["other"]}, {"n": [6]}]},
        {"source": ["shop"], "n": [6]},
    ],
)
def test_what_doesnt(pattern):
    check(pattern)
    assert not matches(pattern, EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        [],
        {},
        {"a": "b"},
        {"a": []},
        {"a": [{"like": "b"}]},
        {"a": [{"prefix": 1}]},
        {"a": [{"prefix": "b", "suffix": "c"}]},
        {"a": [{"numeric": [">"]}]},
        {"a": [{"numeric": ["~", 1]}]},
        {"a": [{"cidr": "nowhere"}]},
        {"a": {"b": {}}},
        {"$or": [{"a": ["b"]}]},
    ],
)
def test_what_aws_would_refuse(pattern):
    with pytest.raises(PatternInvalid):
        check(pattern)
