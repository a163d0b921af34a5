"""What a role's sessions may do, by all the policies that concern them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_aws.model import Assembly, InvokePermission, Role, Statement
from local_aws.roles import Decision, Roles
from local_aws.roles.documents import statements
from local_aws.roles.managed import managed_policy

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:jobs"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:target"


def roles(
    *policy: dict[str, object],
    boundary: list[dict[str, object]] | None = None,
    queue_policy: list[dict[str, object]] | None = None,
    trust: list[dict[str, object]] | None = None,
    permissions: tuple[InvokePermission, ...] = (),
) -> Roles:
    role = Role(
        arn=ROLE,
        name="worker",
        statements=statements({"Statement": list(policy)}),
        boundary=None if boundary is None else statements({"Statement": boundary}),
        trust=statements({"Statement": trust or []}),
    )
    return Roles(
        Assembly(
            region="us-east-1",
            account=ACCOUNT,
            functions={},
            roles={ROLE: role},
            resource_policies={}
            if queue_policy is None
            else {QUEUE: statements({"Statement": queue_policy})},
            invoke_permissions=permissions,
        )
    )


def allow(action: str = "sqs:SendMessage", resource: str = QUEUE, **more: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "sqs:*", resource: str = "*", **more: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def decision(held: Roles) -> Decision:
    return held.authorize(held.session(ROLE, "sender"), "sqs:SendMessage", QUEUE)


def test_what_no_policy_allows_is_refused_in_aws_words():
    refused = decision(roles(allow("sqs:ReceiveMessage")))

    assert not refused.allowed
    assert refused.message == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/sender is not authorized to perform: "
        f"sqs:SendMessage on resource: {QUEUE} "
        "because no identity-based policy allows the sqs:SendMessage action"
    )


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (allow(), True),
        (allow("SQS:sendMessage"), True),
        (allow("sqs:Send*"), True),
        (allow(resource="arn:aws:sqs:*:*:j?bs"), True),
        (allow(resource=QUEUE.upper()), False),
        ({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}, True),
        ({"Effect": "Allow", "NotAction": "sqs:Send*", "Resource": "*"}, False),
        ({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}, True),
        ({"Effect": "Allow", "Action": "*", "NotResource": [QUEUE, "x"]}, False),
        (allow(Condition={"StringEquals": {"aws:PrincipalArn": ROLE}}), True),
        (allow(Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}), False),
        (allow(Condition={"StringMatches": {"aws:RequestedRegion": "us-east-1"}}), False),
        (allow(resource="arn:aws:sqs:us-east-1:${aws:PrincipalAccount}:jobs"), True),
        (allow(Condition={"Bool": {"aws:SecureTransport": True}}), True),
    ],
)  # fmt: skip
def test_a_statement_allows_what_it_says(statement, allowed):
    assert decision(roles(statement)).allowed is allowed


@pytest.mark.parametrize(
    "denying",
    [
        {"policy": deny()},
        {"policy": deny(Condition={"StringEquals": {"aws:PrincipalArn": ROLE}})},
        {"policy": deny(Condition={"NotUnderstood": {"aws:PrincipalArn": "x"}})},
        {"policy": {"Effect": "Deny", "NotAction": "sqs:Receive*", "Resource": "*"}},
        {"queue": deny(Principal="*")},
        {"queue": deny(Principal={"AWS": ACCOUNT})},
        {"queue": deny(Principal={"AWS": ROLE})},
        {
            "queue": {
                "Effect": "Deny",
                "NotPrincipal": {"AWS": "arn:aws:iam::1:role/x"},
                "Action": "*",
                "Resource": "*",
            }
        },
        {"boundary": deny()},
    ],
)
def test_an_explicit_deny_anywhere_wins(denying):
    policies = [allow(), *([denying["policy"]] if "policy" in denying else [])]
    held = roles(
        *policies,
        queue_policy=[allow(Principal="*"), *([denying["queue"]] if "queue" in denying else [])],
        boundary=[allow("*", "*"), denying["boundary"]] if "boundary" in denying else None,
    )

    refused = decision(held)

    assert not refused.allowed
    assert "with an explicit deny in" in refused.message


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from([allow(), allow("*", "*"), allow("sqs:*"), allow("s3:*", "*")]), max_size=4),
    st.lists(st.sampled_from([deny(), deny("*"), deny("sqs:SendMessage", QUEUE), deny("s3:*")]), max_size=3),
    st.randoms(use_true_random=False),
)
def test_deny_wins_in_any_order(allowing, denying, random):
    policy = [*allowing, *denying]
    random.shuffle(policy)
    expected = any(one != allow("s3:*", "*") for one in allowing) and all(
        one == deny("s3:*") for one in denying
    )

    assert decision(roles(*policy)).allowed is expected


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ROLE}, True),
        ({"AWS": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/sender"}, True),
        # The account may: which of its roles does, their own policies say.
        ({"AWS": ACCOUNT}, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False),
        ({"Service": "sns.amazonaws.com"}, False),
    ],
)
def test_within_an_account_the_resource_may_allow_as_well(principal, allowed):
    assert decision(roles(queue_policy=[allow(Principal=principal)])).allowed is allowed


def test_a_boundary_limits_what_policies_allow():
    held = roles(allow(), boundary=[allow("s3:*", "*")])

    assert "no permissions boundary allows" in decision(held).message
    assert decision(roles(allow(), boundary=[allow("*", "*")])).allowed


def test_what_makes_a_condition_useless_is_told():
    refused = decision(roles(allow(Condition={"StringMatches": {"aws:SourceIp": "1"}})))

    assert "StringMatches" in refused.note


def test_the_developer_may_do_everything_and_so_may_a_role_from_elsewhere():
    held = roles(deny())

    assert held.authorize(held.principal("AKIAANYTHING"), "sqs:SendMessage", QUEUE).allowed
    assert held.authorize(held.session("arn:aws:iam::1:role/other", "f"), "sqs:SendMessage", QUEUE).allowed


def test_credentials_stay_while_policies_change():
    held = roles(allow())
    before = held.credentials(ROLE, "sender")
    assert decision(held).allowed

    held.replace(
        Assembly(
            region="us-east-1", account=ACCOUNT, functions={}, roles={ROLE: Role(arn=ROLE, name="worker")}
        )
    )

    assert held.credentials(ROLE, "sender") == before
    assert not held.authorize(held.principal(before.access_key), "sqs:SendMessage", QUEUE).allowed
    assert held.credentials(ROLE, "another") != before


@pytest.mark.parametrize(
    ("principal", "trusted"),
    [
        ({"AWS": ROLE}, True),
        ({"AWS": ACCOUNT}, True),
        ({"AWS": "arn:aws:iam::1:role/other"}, False),
        ({"Service": "lambda.amazonaws.com"}, False),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(principal, trusted):
    held = roles(trust=[{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}])

    assert held.trusts(ROLE, held.session(ROLE, "sender")) is trusted
    assert held.trusts(ROLE, held.developer)
    assert not held.trusts(ROLE + "s", held.developer)


API = f"arn:aws:execute-api:us-east-1:{ACCOUNT}:abc"


@pytest.mark.parametrize(
    ("permission", "asked", "may"),
    [
        ({}, {}, True),
        ({"principal": "sns.amazonaws.com"}, {}, False),
        ({"source_arn": f"{API}/*$connect"}, {}, True),
        ({"source_arn": f"{API}/*$default"}, {}, False),
        ({"source_account": "1"}, {}, False),
        ({"source_account": ACCOUNT}, {}, True),
        ({"function": FUNCTION + "s"}, {}, False),
        ({"qualifier": "live"}, {"function_arn": f"{FUNCTION}:live"}, True),
        ({"qualifier": "live"}, {"function_arn": f"{FUNCTION}:old"}, False),
        ({}, {"function_arn": f"{FUNCTION}:live"}, False),
    ],
)
def test_a_permission_lets_a_service_invoke(permission, asked, may):
    given = {"function": FUNCTION, "principal": "apigateway.amazonaws.com"} | permission
    held = roles(permissions=(InvokePermission(**given),))
    request = {
        "service": "apigateway.amazonaws.com",
        "function_arn": FUNCTION,
        "source_arn": f"{API}/prod/$connect",
    }

    assert held.service_may_invoke(**request | asked) is may


def test_managed_policies_that_functions_have_are_known():
    basic = managed_policy("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")

    assert statements(basic) == (
        Statement(
            allows=True,
            actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
            resources=("*",),
        ),
    )
    assert managed_policy("arn:aws:iam::aws:policy/NoSuchPolicy") is None
    assert managed_policy(f"arn:aws:iam::{ACCOUNT}:policy/AdministratorAccess") is None
