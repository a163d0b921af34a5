"""A whole stack that isn't the chat: started, used, stopped, killed, and refused with a sentence."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time

import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.local_aws.assembly_files import function
from tests.local_aws.running_stack import Stack, said_back, until


def test_it_says_where_its_apis_are_then_that_it_is_ready(stack):
    said = stack.start()

    assert said[-3:] == [
        f"WebSocket API sockets: ws://127.0.0.1:{stack.port}/prod",
        "Ready",
        f"It is at http://127.0.0.1:{stack.port}/",
    ]
    assert stack.noted() == ["TRIGGERED"]
    assert stack.stop() == 0


def test_a_message_goes_to_its_function_and_back_and_a_queued_one_is_worked_on(stack):
    stack.start()

    assert asyncio.run(said_back(stack, '{"action": "hi"}')) == '{"action": "hi"}'
    stack.send("job")

    until(lambda: "job" in stack.noted())
    assert (stack.data / "logs" / "worker.log").read_text().count("START RequestId: ") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_closes_sockets_with_1001_and_runs_their_disconnect(stack, number):
    stack.start()

    async def hold() -> int | None:
        async with connect(f"ws://127.0.0.1:{stack.port}/prod") as socket:
            assert stack.process is not None
            stack.process.send_signal(number)
            stack.process.send_signal(number)  # impatience is harmless
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), 10)
            return closed.value.rcvd and closed.value.rcvd.code

    began = time.monotonic()
    assert asyncio.run(hold()) == 1001
    assert stack.ended() == 0
    assert time.monotonic() - began < 10
    assert stack.noted()[-2:] == ["CONNECT", "DISCONNECT"]
    assert stack.processes() == []


def test_a_stop_doesnt_wait_for_a_function_that_never_ends(stack):
    stack.start()
    stack.invoke_in_background("worker", '{"spin": true}')
    time.sleep(0.5)

    began = time.monotonic()
    assert stack.stop() == 0

    assert time.monotonic() - began < 10
    assert stack.processes() == []


def test_queued_messages_survive_a_stop_and_a_kill(stack):
    stack.start()
    stack.send(*(f"a{n}" for n in range(60)))
    assert stack.stop() == 0
    assert len(stack.noted()) < 61, "too little was queued to try anything"

    stack.start()
    stack.send(*(f"b{n}" for n in range(60)))
    assert stack.stop(signal.SIGKILL) == -signal.SIGKILL

    stack.start()
    wanted = {f"{letter}{n}" for letter in "ab" for n in range(60)}
    until(lambda: wanted <= set(stack.noted()), 30)


def test_a_killed_stack_leaves_no_process_and_its_sockets_are_disconnected_at_the_next_start(stack):
    stack.start()

    async def leave_behind() -> None:
        socket = await connect(f"ws://127.0.0.1:{stack.port}/prod")
        stack.invoke_in_background("worker", '{"spin": true}')
        await asyncio.sleep(0.5)
        assert stack.process is not None
        stack.process.kill()
        await socket.wait_closed()

    asyncio.run(leave_behind())
    stack.ended()
    until(lambda: stack.processes() == [])
    assert "DISCONNECT" not in stack.noted()

    stack.start()

    until(lambda: stack.noted()[-1] == "DISCONNECT")


def test_it_stops_with_the_process_that_it_was_told_to(stack):
    other = subprocess.Popen(["sleep", "60"])
    stack.run("--stop-with", str(other.pid))
    until(lambda: (stack.data / "stack.json").exists())

    other.kill()
    other.wait()

    assert stack.ended() == 0


DATABASE = {
    "Type": "AWS::RDS::DBInstance",
    "Properties": {
        "Engine": "postgres",
        "DBName": "kept",
        "MasterUsername": "master",
        "ManageMasterUserPassword": True,
    },
}


def test_a_killed_database_is_started_again(tmp_path):
    stack = Stack(tmp_path, Db=DATABASE)
    stack.start()
    port = json.loads((stack.data / "stack.json").read_text())["database_port"]
    url = f"postgresql://master@127.0.0.1:{port}/kept"
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE t AS SELECT 7 AS n")

    os.kill(int((stack.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def answers() -> bool:
        try:
            with psycopg.connect(url) as connection:
                return connection.execute("SELECT n FROM t").fetchone() == (7,)
        except psycopg.OperationalError:
            return False

    until(answers, 15)
    assert stack.stop() == 0
    assert stack.processes() == []


# Refusals


def refused(stack: Stack, *options: str) -> str:
    """The last thing it says when it can't start: a line, no traceback, and nothing left running."""
    stack.run(*options)
    assert stack.ended() == 1
    assert stack.processes() == []
    *before, sentence = stack.said_last.splitlines()
    assert all(line.startswith("migrate | ") for line in before), "not our words, but a function's"
    return sentence


@pytest.mark.parametrize("offset", [0, 1])
def test_a_taken_port_is_named(stack, offset):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.port + offset))
        taken.listen()

        assert refused(stack).startswith(f"Port {stack.port + offset} is taken by another program")


def test_a_second_stack_on_the_same_data_is_refused_and_the_first_goes_on(stack, tmp_path):
    stack.start()
    second = Stack(tmp_path)
    second.run()

    assert second.ended() == 1
    assert "Another stack runs on the data folder" in second.said_last
    assert asyncio.run(said_back(stack, "still here")) == "still here"


def test_a_failed_trigger_stops_the_start_with_its_message(tmp_path):
    broken = function(
        "def handler(event, context): raise ValueError('no such table')", FunctionName="migrate"
    )
    stack = Stack(tmp_path, Migrate=broken)

    assert "no such table" in refused(stack)


def test_a_data_folder_that_is_a_file_is_named(stack):
    stack.data.write_text("")

    assert str(stack.data) in refused(stack)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_data_folder_is_named(stack):
    stack.data.mkdir(mode=0o500)

    assert "Permission denied" in refused(stack)


def test_a_damaged_secrets_file_is_named(stack):
    stack.data.mkdir()
    (stack.data / "secrets.json").write_text("{")

    assert "secrets.json" in refused(stack)


# Beside a running stack


def test_a_command_runs_in_a_functions_environment(stack):
    stack.start()
    command = [sys.executable, "-m", "local_aws.exec", "--data-dir", str(stack.data)]
    show = ["--", "python", "-c", "import os; print(os.environ['NOTES'], os.environ['AWS_ENDPOINT_URL'])"]

    done = subprocess.run([*command, "echo", *show], capture_output=True, text=True, check=True)
    unknown = subprocess.run([*command, "nobody", *show], capture_output=True, text=True, check=False)
    stack.stop()
    stopped = subprocess.run([*command, "echo", *show], capture_output=True, text=True, check=False)

    assert done.stdout.split("\n")[0] == f"{stack.notes} http://127.0.0.1:{stack.port + 1}"
    assert (unknown.returncode, "echo, migrate, worker" in unknown.stderr) == (1, True)
    assert (stopped.returncode, "No stack runs on" in stopped.stderr) == (1, True)


def test_a_function_is_invoked_from_the_command_line(stack):
    stack.start()
    endpoint = f"http://127.0.0.1:{stack.port + 1}"
    command = [sys.executable, "-m", "local_aws.invoke", "--endpoint", endpoint]

    done = subprocess.run([*command, "worker", "{}"], capture_output=True, text=True, check=False)
    failed = subprocess.run([*command, "echo", "{}"], capture_output=True, text=True, check=False)
    unknown = subprocess.run([*command, "nobody"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "null\n")
    assert (failed.returncode, "KeyError" in failed.stdout) == (1, True)
    assert (unknown.returncode, "Function not found: nobody" in unknown.stderr) == (1, True)


def test_what_functions_need_is_written_for_their_owner_only(stack):
    stack.start()

    assert (stack.data / "stack.json").stat().st_mode & 0o777 == 0o600
    assert stack.data.stat().st_mode & 0o777 == 0o700
