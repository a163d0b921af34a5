"""The status page as a person sees it, and what strangers' text can't do to it."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from local_aws.functions.status import EnvironmentStatus, FunctionStatus, InvocationRecord
from local_aws.gateway.status import ApiStatus, ConnectionStatus, GatewayStatus
from local_aws.model import Unsupported
from local_aws.queues.service import QueueStatus
from local_aws.status.document import document, duration
from local_aws.status.snapshot import Snapshot

NOW = 1_795_622_121.0
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
DONE = InvocationRecord("r1", "echo", "WebSocket API", NOW - 30, 0.0123, "success", b"hello\n")
FAILED = InvocationRecord("r2", "echo", "SQS jobs", NOW - 5, 2.5, "timeout", b"\x1b[31mred\x1b[0m\n\x07")
SNAPSHOT = Snapshot(
    now=NOW,
    started=NOW - 600,
    addresses={"WebSocket API sockets": "ws://127.0.0.1:8000/prod"},
    functions=(
        FunctionStatus(
            "echo", "app.handler", (EnvironmentStatus(7, "busy", 4.0, "r3", "Invoke"),), 1, 3, 1, None, FAILED
        ),
        FunctionStatus("idle", "app.handler", (), 0, 0, 0, None, None),
    ),
    queues=(QueueStatus("jobs", 3, 1, 0, 125.0, "dead"), QueueStatus("dead", 2, 0, 0, 125.0, None)),
    gateway=GatewayStatus(
        apis=(
            ApiStatus(
                api_id="a1",
                name="sockets",
                stage="prod",
                routes=("$default",),
                connections=(
                    ConnectionStatus(
                        connection_id="abc=",
                        connected_at=NOW - 300,
                        last_active=NOW - 10,
                        source_ip="127.0.0.1",
                        user_agent="Firefox",
                        events_in_flight=1,
                        unsent=0,
                    ),
                ),
            ),
        ),
        connecting=0,
        accepted=1,
        refused=0,
        messages=12,
        posts=4,
    ),
    invocations=(FAILED, DONE),
    unsupported=(Unsupported(logical_id="Cluster", type="AWS::ECS::Cluster", meaning="no containers run"),),
)


class Page(HTMLParser):
    """What a browser makes of it: the text, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def shown(snapshot: Snapshot = SNAPSHOT) -> Page:
    return Page(document(snapshot))


@pytest.mark.parametrize(
    "sentence",
    [
        r"1\s+connections",
        r"12\s+messages in",
        r"10 min\s+up",
        r"ws://127\.0\.0\.1:8000/prod",
        r"echo\s+app\.handler\s+busy 4 s",
        r"idle\s+app\.handler\s+no process",
        r"jobs\s+3\s+1\s+0\s+2 min\s+dead",
        r"abc=\s+5 min\s+10 s\s+127\.0\.0\.1\s+Firefox\s+1\s+0",
        r"echo\s+SQS jobs\s+timeout\s+2\.5 s",
        r"echo\s+WebSocket API\s+12\.3 ms\s+Request\s+r1\s+hello",
        r"AWS::ECS::Cluster\s+Cluster\s+no containers run",
    ],
)
def test_it_says_what_there_is(sentence: str) -> None:
    assert re.search(sentence, shown().text)


def test_messages_among_dead_letters_stand_out() -> None:
    found = document(SNAPSHOT)
    assert '<span class="bad">2</span>' in found
    assert '<span class="bad">3</span>' not in found


def test_the_picture_has_a_bar_for_each_invocation_of_the_last_minute_and_each_that_runs() -> None:
    older = replace(DONE, id="r0", started=NOW - 90)
    bars = [
        attributes
        for tag, attributes in shown(replace(SNAPSHOT, invocations=(FAILED, DONE, older))).elements
        if tag == "rect"
    ]

    assert [bar["class"] for bar in bars] == ["failed", "done", "busy"]
    assert [float(bar["x"] or "") for bar in bars] == pytest.approx([916.7, 500, 933.3], abs=0.1)


def test_terminal_colours_are_left_out_of_logs() -> None:
    text = shown().text
    assert "red" in text
    assert not set("\x1b\x07") & set(text)
    assert "[31m" not in text


def test_nothing_from_outside_becomes_markup() -> None:
    honest = [tag for tag, _ in shown().elements]
    api = SNAPSHOT.gateway.apis[0]
    connection = replace(api.connections[0], user_agent=EVIL, connection_id=EVIL, source_ip=EVIL)
    hostile = replace(
        SNAPSHOT,
        functions=(replace(SNAPSHOT.functions[0], name=EVIL, last_error=replace(FAILED, trigger=EVIL)),
                   *SNAPSHOT.functions[1:]),
        queues=tuple(replace(queue, name=EVIL) for queue in SNAPSHOT.queues),
        gateway=replace(SNAPSHOT.gateway, apis=(replace(api, name=EVIL, connections=(connection,)),)),
        invocations=tuple(
            replace(record, function=EVIL, trigger=EVIL, id=EVIL, log=EVIL.encode() + b"\xff")
            for record in SNAPSHOT.invocations
        ),
        unsupported=(Unsupported(logical_id=EVIL, type=EVIL, meaning=EVIL),),
    )  # fmt: skip
    page = shown(hostile)

    assert [tag for tag, _ in page.elements] == honest
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert EVIL in page.text


def test_an_empty_stack_has_a_page_too() -> None:
    empty = Snapshot(
        now=NOW,
        started=NOW,
        addresses={},
        functions=(),
        queues=(),
        gateway=GatewayStatus(apis=(), connecting=0, accepted=0, refused=0, messages=0, posts=0),
        invocations=(),
        unsupported=(),
    )
    assert "None yet." in shown(empty).text


@pytest.mark.parametrize(
    ("seconds", "exact", "rough"),
    [
        (0.00042, "0.4 ms", "0 s"),
        (0.42, "420 ms", "0 s"),
        (4.2, "4.2 s", "4 s"),
        (250, "250.0 s", "4 min"),
        (90_000, "90000.0 s", "25 h"),
        (400_000, "400000.0 s", "5 d"),
    ],
)
def test_durations(seconds: float, exact: str, rough: str) -> None:
    assert (duration(seconds), duration(seconds, rough=True)) == (exact, rough)
