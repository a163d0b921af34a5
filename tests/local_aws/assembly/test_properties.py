"""What holds of intrinsic functions whatever they are given, and of templates whatever they hold."""

import ipaddress
import json
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local_aws.assembly import read
from local_aws.assembly.cloud_assembly import Stack
from local_aws.assembly.intrinsics import holds, resolve
from local_aws.assembly.resources import Resources
from local_aws.errors import StackError
from tests.local_aws.assembly_files import function, site, write_assembly

QUICK = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

text = st.text(st.characters(exclude_characters="${}", exclude_categories=["Cs"]), max_size=12)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,7}", fullmatch=True).filter(lambda name: name != "Ref")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(names, values, max_size=3),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def nothing(tmp_path_factory):
    """References in a stack that declares nothing."""
    resources = Resources([Stack("stack", {}, {}, None, None)], site(tmp_path_factory.mktemp("site")))
    return resources.scopes[0]


@QUICK
@given(plain)
def test_what_has_no_function_in_it_comes_to_itself(nothing, value):
    assert resolve(value, nothing) == value


substitutions = st.lists(
    st.tuples(st.just("text"), text) | st.tuples(st.sampled_from(["name", "escape"]), names)
)


@QUICK
@given(substitutions, st.data())
def test_a_substitution_replaces_names_and_nothing_else(nothing, parts, data):
    values = {name: data.draw(st.text(max_size=5)) for kind, name in parts if kind == "name"}
    written = {"text": "{}", "name": "${{{}}}", "escape": "${{!{}}}"}
    template = "".join(written[kind].format(part) for kind, part in parts)
    expected = {"text": str, "name": values.get, "escape": lambda name: f"${{{name}}}"}

    result = resolve({"Fn::Sub": [template, values]}, nothing)

    assert result == "".join(expected[kind](part) for kind, part in parts)


@QUICK
@given(st.text(min_size=1, max_size=2), st.text(max_size=20))
def test_joining_what_was_split_gives_it_back(nothing, separator, whole):
    assert resolve({"Fn::Join": [separator, {"Fn::Split": [separator, whole]}]}, nothing) == whole


@QUICK
@given(plain)
def test_a_json_string_is_the_values_json(nothing, value):
    assert json.loads(resolve({"Fn::ToJsonString": value}, nothing)) == value


@QUICK
@given(st.integers(8, 24), st.integers(1, 8), st.integers(0, 6))
def test_blocks_lie_within_their_network_and_apart(nothing, prefix, bits, log):
    count = 2 ** min(log, 32 - prefix - bits) if prefix + bits <= 32 else 1
    network = ipaddress.ip_network(f"10.0.0.0/{prefix}")

    blocks = [ipaddress.ip_network(b) for b in resolve({"Fn::Cidr": [str(network), count, bits]}, nothing)]

    assert len(set(blocks)) == count
    assert all(block.subnet_of(network) and block.num_addresses == 2**bits for block in blocks)


conditions = st.recursive(
    st.booleans().map(lambda value: ({"Fn::Equals": ["x", "x" if value else "y"]}, value)),
    lambda inner: st.one_of(
        inner.map(lambda one: ({"Fn::Not": [one[0]]}, not one[1])),
        st.lists(inner, min_size=2, max_size=4).map(
            lambda many: ({"Fn::And": [c for c, _ in many]}, all(v for _, v in many))
        ),
        st.lists(inner, min_size=2, max_size=4).map(
            lambda many: ({"Fn::Or": [c for c, _ in many]}, any(v for _, v in many))
        ),
    ),
)


@QUICK
@given(conditions)
def test_conditions_hold_as_their_logic_says(nothing, made):
    condition, value = made
    assert holds(condition, nothing) is value


FUNCTIONS = (
    "Ref Condition Fn::GetAtt Fn::Join Fn::Sub Fn::Select Fn::Split Fn::If Fn::And Fn::Or Fn::Not Fn::Equals "
    "Fn::FindInMap Fn::Base64 Fn::Cidr Fn::GetAZs Fn::Length Fn::ToJsonString Fn::ImportValue "
    "Fn::GetStackOutput Fn::Transform Fn::Nothing"
)
WORDS = "Made Queue Arn AWS::Region AWS::NoValue ${Queue} ${Made.Arn} {{resolve:ssm:a}} ,"
functions = st.sampled_from(FUNCTIONS.split())
words = st.sampled_from(["", *WORDS.split()])
expressions = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | words,
    lambda values: st.one_of(
        st.lists(values, max_size=3),
        st.dictionaries(words, values, max_size=2),
        st.tuples(functions, st.lists(values, max_size=3) | values).map(lambda pair: {pair[0]: pair[1]}),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    expressions,
    expressions,
    st.sampled_from(["FunctionName", "Timeout", "Environment", "Role", "Layers", "Code"]),
)
def test_whatever_a_template_holds_it_is_read_or_refused_with_a_sentence(first, second, name):
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": first, "RedrivePolicy": second}}
    resources = {"Made": function(**{name: first}), "Queue": queue}
    conditions = {"C": second}
    with tempfile.TemporaryDirectory() as folder:
        template = {"Resources": resources, "Conditions": conditions, "Outputs": {"O": {"Value": second}}}
        written = write_assembly(Path(folder) / "out", {"stack": template})
        with suppress_sentence():
            read(written, site(Path(folder)))


@contextmanager
def suppress_sentence():
    """Let a refusal pass that says where the template is wrong."""
    try:
        yield
    except StackError as refused:
        if not str(refused).startswith("Stack stack"):
            raise
