"""What an operator does with the running stack: broadcasts, the shell, the admin, the AWS CLI."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.stack.person import Person
from tests.stack.running import Stack

pytestmark = pytest.mark.stack


def client(stack: Stack, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=stack.aws_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}),
    )


def test_a_broadcast_reaches_every_room(stack: Stack) -> None:
    text = f"Maintenance {uuid.uuid4()}"
    with Person(stack).connect("general") as here, Person(stack).connect("support") as there:
        answer = stack.make("broadcast", f"MESSAGE={text}")
        assert answer.returncode == 0, answer.stderr
        assert json.loads(answer.stdout)["connections"] >= 2
        for socket in (here, there):
            assert socket.of_type("system")["message"] == text


def test_a_broadcast_to_one_room_stays_in_it(stack: Stack) -> None:
    text = f"Only \"here\": {uuid.uuid4()} $HOME 'x'"
    with Person(stack).connect("general") as here, Person(stack).connect("support") as there:
        answer = stack.make("broadcast", f"MESSAGE={text.replace('$', '$$')}", "ROOM=general")
        assert answer.returncode == 0, answer.stderr
        assert here.of_type("system")["message"] == text
        assert [frame for frame in there.quiet() if frame["type"] == "system"] == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"message": ""},
        {"message": 5},
        {"message": "x", "room": "nowhere"},
        {"message": "x", "room": 5},
        [],
    ],
)
def test_a_broadcast_that_says_nothing_sensible_is_refused_with_a_sentence(
    stack: Stack, event: object
) -> None:
    answer = client(stack, "lambda").invoke(FunctionName="parlor-broadcast", Payload=json.dumps(event))
    refusal = json.loads(answer["Payload"].read())
    assert refusal["ok"] is False
    assert refusal["error"].endswith(".")


def test_the_shell_broadcasts_with_one_call(stack: Stack) -> None:
    text = f"From the shell {uuid.uuid4()}"
    code = f"from chat.broadcast import broadcast; broadcast({text!r}, room='general')"
    with Person(stack).connect("general") as socket:
        shell = stack.manage("shell", "-c", code)
        assert shell.returncode == 0, shell.stderr
        assert socket.of_type("system")["message"] == text


def test_the_librarys_own_lines_reach_every_browser_from_the_shell(stack: Stack) -> None:
    text = f"Maintenance will be performed in 5 minutes. {uuid.uuid4()}"
    code = (
        "from django_aws_api_gateway_websockets.models import WebSocketSession\n"
        "everyone = WebSocketSession.objects.filter(connected=True)\n"
        f"everyone.send_message({{'type': 'system', 'message': {text!r}}})"
    )
    with Person(stack).connect("general") as here, Person(stack).connect("support") as there:
        shell = stack.make("shell", typed=code)
        assert shell.returncode == 0, shell.stderr
        for socket in (here, there):
            assert socket.of_type("system")["message"] == text


def test_an_admin_is_made_with_a_printed_password_and_can_enter(stack: Stack) -> None:
    name = f"root-{uuid.uuid4().hex[:8]}"
    made = stack.make("admin", f"USERNAME={name}")
    assert made.returncode == 0, made.stderr
    assert name in made.stdout
    password = made.stdout.split()[-1]
    person = Person(stack).log_in(name, password)
    assert "staff" in [room["name"] for room in person.session()["rooms"]]
    assert person.get("/admin/").status_code == 200
    with person.connect("staff") as socket:
        assert socket.history()["room"] == "staff"


def test_an_admin_can_be_given_a_password(stack: Stack) -> None:
    name = f"root-{uuid.uuid4().hex[:8]}"
    assert stack.make("admin", f"USERNAME={name}", "PASSWORD=a long one 7").returncode == 0
    Person(stack).log_in(name, "a long one 7")


def test_the_aws_command_line_invokes_the_broadcast(stack: Stack, tmp_path: Any) -> None:
    out = tmp_path / "answer.json"
    ran = subprocess.run(
        [sys.executable, "-m", "awscli", "--endpoint-url", stack.aws_endpoint, "--region", "us-east-1",
         "lambda", "invoke", "--function-name", "parlor-broadcast",
         "--payload", json.dumps({"message": "From the command line."}), str(out)],
        capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert json.loads(out.read_text())["ok"] is True


def test_a_connection_can_be_described_posted_to_and_closed(stack: Stack) -> None:
    management = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"{stack.aws_endpoint}/ws",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    with pytest.raises(management.exceptions.GoneException):
        management.get_connection(ConnectionId="AAAAAAAAAAAAAAA=")


def test_commands_without_what_they_need_say_so(stack: Stack) -> None:
    for target, missing in (("broadcast", "MESSAGE"), ("admin", "USERNAME")):
        answer = stack.make(target)
        assert answer.returncode != 0
        assert f"{missing} is missing" in answer.stderr
