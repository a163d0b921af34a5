"""What has changed between two assemblies, in words."""

from dataclasses import replace
from pathlib import Path

from local_aws.model import (
    Assembly,
    EventSource,
    Function,
    LambdaIntegration,
    Queue,
    WebSocketApi,
    WebSocketRoute,
)
from local_aws.reloading.changes import changes

ECHO = Function(name="echo", arn="arn:echo", handler="app.handler", code=Path("/code"), environment={})
JOBS = Queue(name="jobs", arn="arn:aws:sqs:us-east-1:1:jobs", url="http://q/jobs")
API = WebSocketApi(
    id="a1",
    name="sockets",
    stage="prod",
    routes={"$default": WebSocketRoute(key="$default", integration=LambdaIntegration(function="echo"))},
)
BEFORE = Assembly(
    region="us-east-1", account="1", functions={"echo": ECHO}, queues=(JOBS,), websocket_apis=(API,)
)


def said(after: Assembly) -> list[str]:
    return [str(change) for change in changes(BEFORE, after)]


def test_the_same_assembly_has_no_changes() -> None:
    assert said(replace(BEFORE)) == []


def test_what_differs_in_a_function_is_named() -> None:
    longer = replace(ECHO, timeout_seconds=9, environment={"A": "b"})

    assert said(replace(BEFORE, functions={"echo": longer})) == [
        "function echo (environment, timeout seconds)"
    ]


def test_what_comes_and_goes_is_named() -> None:
    other = replace(ECHO, name="other")

    assert said(replace(BEFORE, functions={"other": other}, queues=())) == [
        "function echo (removed)",
        "function other (added)",
        "queue jobs (removed)",
    ]


def test_stages_and_mappings_are_told_apart() -> None:
    source = EventSource(queue_arn=JOBS.arn, function="echo")
    after = replace(
        BEFORE,
        websocket_apis=(API, replace(API, stage="beta")),
        event_sources=(source, replace(source, batch_size=1)),
    )

    assert said(after) == [
        "WebSocket API sockets beta (added)",
        "mapping jobs to echo (added)",
        "mapping jobs to echo #2 (added)",
    ]


def test_another_region_is_a_change_and_an_output_is_none() -> None:
    assert said(replace(BEFORE, region="eu-west-1", outputs={"Url": "x"})) == ["region (changed)"]
