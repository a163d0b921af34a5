"""What every role may do, as a table that a person can read: nothing may be added without a line in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.conftest import Assembly
from tests.infra.reading import actions, functions, name_of, role_of, shown, statements

TABLE = Path(__file__).with_name("roles.txt")
USING_DATABASE = {"parlor-websocket", "parlor-http", "parlor-sessions", "parlor-broadcast", "parlor-migrate"}


@pytest.fixture(params=["try", "production", "laptop"])
def template(request, assembly):
    return assembly(request.param)


def table(template: Assembly) -> Iterator[str]:
    """Each role with who may take it, then a line for each thing that it may touch."""
    yield "Every role with the service that takes it, and below on what it may do what.\n"
    for role, has in sorted(
        template.of("AWS::IAM::Role").items(), key=lambda pair: name_of(template, pair[0])
    ):
        [trust] = has["AssumeRolePolicyDocument"]["Statement"]
        yield f"\n{name_of(template, role)} ({shown(template, trust['Principal']['Service'])})\n"
        for policy in has.get("ManagedPolicyArns", ()):
            yield f"  as AWS says in {shown(template, policy)}\n"
        allowed: dict[str, set[str]] = {}
        for statement in statements(template, role):
            assert statement["Effect"] == "Allow"
            assert "Condition" not in statement or statement["Condition"]
            resources = statement["Resource"]
            for resource in resources if isinstance(resources, list) else [resources]:
                allowed.setdefault(shown(template, resource), set()).update(actions(statement))
        for resource, done in sorted(allowed.items()):
            yield f"  {resource}: {', '.join(sorted(done))}\n"


def test_roles_may_do_what_the_table_says_and_nothing_else(template):
    """After a change that is meant: python -m tests.infra.test_roles, and read what it changed."""
    assert "".join(table(template)).splitlines() == TABLE.read_text(encoding="utf-8").splitlines()


def test_only_attaching_to_the_network_is_allowed_on_everything(template):
    for name in functions(template):
        for statement in statements(template, role_of(template, name)):
            if statement["Resource"] == "*":
                assert all(action.startswith("ec2:") for action in actions(statement))
                assert name in USING_DATABASE


def test_functions_in_the_vpc_may_attach_to_it_before_they_are_made(template):
    needed = {"ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"}
    for name, has in functions(template).items():
        role = template.of("AWS::IAM::Role")[role_of(template, name)]
        # In the role itself, not in a policy that comes after it.
        own = {
            action
            for policy in role["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
            for action in actions(statement)
        }
        assert (needed <= own) == ("VpcConfig" in has)


def test_each_function_signs_in_as_its_own_user_and_only_the_migration_as_the_master(template):
    for name in USING_DATABASE:
        [statement] = [
            each
            for each in statements(template, role_of(template, name))
            if "rds-db:connect" in actions(each)
        ]
        user = "parlor_master" if name == "parlor-migrate" else name.replace("-", "_")
        assert shown(template, statement["Resource"]).endswith(f"/{user}")
        assert functions(template)[name]["Environment"]["Variables"]["DATABASE_USER"] == user
    assert not any(
        "rds-db:connect" in actions(each)
        for each in statements(template, role_of(template, "parlor-delivery"))
    )


if __name__ == "__main__":
    import tempfile

    from tests.infra.conftest import run_app

    with tempfile.TemporaryDirectory() as folder:
        done = run_app(Path(folder), {"profile": "try", "aws:cdk:bundling-stacks": []})
        assert done.returncode == 0, done.stderr
        TABLE.write_text("".join(table(Assembly(Path(folder)))), encoding="utf-8")
