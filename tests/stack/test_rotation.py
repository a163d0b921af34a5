"""Both secrets are replaced in the running stack, as deployments do it: nobody is cut off or signed out."""

from __future__ import annotations

import time
import uuid
from pathlib import Path

import pytest

from tests.infra.conftest import run_app
from tests.stack.person import Person
from tests.stack.running import Stack, running

pytestmark = pytest.mark.stack


def deploy(stack: Stack, **numbers: str) -> None:
    """Replace the stack's assembly by one with other secrets, and wait until it holds."""
    before = len(stack.output)
    context = {"profile": "laptop", "aws:cdk:bundling-stacks": [], **numbers}
    done = run_app(stack.data_dir / "cdk.out", context)
    assert done.returncode == 0, done.stderr
    deadline = time.monotonic() + 30
    while "The assembly has changed. Applied:" not in stack.output[before:]:
        assert time.monotonic() < deadline, stack.output[before:]
        time.sleep(0.05)


def test_a_rotation_of_both_secrets_cuts_nobody_off(tmp_path: Path) -> None:
    with running(tmp_path / "data", RELOAD="yes") as stack:
        name = f"ada-{uuid.uuid4().hex[:8]}"
        person, guest = Person(stack).sign_up(name), Person(stack)
        with person.connect("general") as hers, guest.connect("general") as theirs:
            deploy(stack, django_keys="2,1", gateway_secrets="2,3")
            for sender, receiver in ((hers, theirs), (theirs, hers)):
                text = f"still here {uuid.uuid4()}"
                assert sender.say(text)["ok"]
                receiver.hear(text)
            # Under the new secrets: a page, a token, another connection.
            assert person.session()["user"]["username"] == name
            with person.connect("support") as another:
                assert another.say("and here")["ok"]
