"""A function under a debugger: which, where, and that one can really be attached."""

import asyncio
import json
import socket
from typing import Any

import pytest

from local_aws.errors import StackError
from local_aws.functions.debugging import debug_ports


@pytest.fixture
def installed(monkeypatch) -> None:
    monkeypatch.setattr("local_aws.functions.debugging.find_spec", lambda name: name)


@pytest.mark.parametrize(
    ("given", "ports"),
    [
        ([], {}),
        (["a"], {"a": 5678}),
        (["a:7000", "b"], {"a": 7000, "b": 5679}),
    ],
)
def test_each_function_has_a_port(installed, given, ports):
    assert debug_ports(given, {"a", "b"}) == ports


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["c"], "There is no function c to debug. There are: a, b."),
        (["a:x"], "x is no port"),
        (["a:0"], "0 is no port"),
        (["a:7000", "b:7000"], "at the same port"),
    ],
)
def test_what_cant_be_is_said(installed, given, said):
    with pytest.raises(StackError, match=said):
        debug_ports(given, {"a", "b"})


def test_without_debugpy_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr("local_aws.functions.debugging.find_spec", lambda name: None)
    with pytest.raises(StackError, match="pip install debugpy"):
        debug_ports(["a"], {"a"})


class Debugger:
    """As much of the Debug Adapter Protocol as it takes to stop at a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, command: str, **arguments: Any) -> None:
        message = {"seq": 1, "type": "request", "command": command, "arguments": arguments}
        body = json.dumps(message).encode()
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def until(self, kind: str, name: str) -> Any:
        while True:
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            message = json.loads(await self._reader.readexactly(int(head.partition(":")[2])))
            if message.get(kind) == name:
                return message.get("body")

    async def ask(self, command: str, **arguments: Any) -> Any:
        self.send(command, **arguments)
        return await self.until("command", command)

    def close(self) -> None:
        self._writer.close()


async def test_an_event_stops_at_a_breakpoint_for_longer_than_its_timeout(function, start):
    pytest.importorskip("debugpy")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = "def handler(event, context):\n    doubled = 2 * event\n    return doubled + 1\n"
    target = function(source, timeout_seconds=1)
    functions = start(target, debug={"target": port})
    await functions.warm("target")

    async with asyncio.timeout(30):
        debugger = Debugger(*await asyncio.open_connection("127.0.0.1", port))
        await debugger.ask("initialize", adapterID="test", pathFormat="path")
        debugger.send("attach", name="test", type="python")
        await debugger.until("event", "initialized")
        await debugger.ask(
            "setBreakpoints", source={"path": str(target.code / "app.py")}, breakpoints=[{"line": 3}]
        )
        await debugger.ask("configurationDone")
        under_way = asyncio.create_task(functions.invoke("target", b"4"))
        stopped = await debugger.until("event", "stopped")
        frame = (await debugger.ask("stackTrace", threadId=stopped["threadId"]))["stackFrames"][0]
        seen = await debugger.ask("evaluate", expression="doubled", frameId=frame["id"])
        await asyncio.sleep(1.2)
        debugger.send("continue", threadId=stopped["threadId"])
        invocation = await under_way
        debugger.close()

    assert (frame["line"], seen["result"]) == (3, "8")
    assert (invocation.payload, invocation.error) == (b"9", None)
