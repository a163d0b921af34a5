"""Makes `docs/conformance.md` of the suite's tests: `python -m tests.conformance.document`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.autobahn import EXPECTED
from tests.conformance.behaviour import Behaviour

PAGE = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
_SECTIONS = {
    "test_connecting": "Connecting",
    "test_events": "Events",
    "test_messages": "Messages",
    "test_closing": "Closing",
    "test_management": "The management API, `@connections`",
    "test_cloudfront": "Behind CloudFront",
}
_HEAD = """\
# How like API Gateway the gateway is

Made by `python -m tests.conformance.document` of the tests in `tests/conformance`; don't edit it by hand.

Each line is a behaviour of API Gateway's WebSocket APIs and the test that holds the local gateway to it.
The tests talk over real sockets with standard clients (`websockets`, boto3, the AWS CLI) to an app of the
suite's own (`tests/conformance/app`), which `python -m local_aws` runs from its synthesised template. The
same app can be deployed, and the same tests asked of it.

```console
$ make conformance                                  # here
$ cd tests/conformance/app && cdk deploy            # in an account; it prints Endpoint
$ make conformance ENDPOINT=wss://….execute-api.us-east-1.amazonaws.com/live
```

The source says where a behaviour is known from. **Unconfirmed** is what rests on documentation that leaves
room, on reports or on inference: such a line may be wrong, and a run against an account would tell. Tests
marked *local* can only be asked of the local gateway, for the reason given; against an account they are
skipped.
"""
_TAIL = """\
## Where it differs on purpose

- The route selection expression is read from strict JSON; the service's own parser also takes unquoted
  keys.
- Outgoing messages aren't compressed, also where compression was negotiated.
- The quotas of an account (500 new connections a second, 10,000 requests a second) aren't held; throttles
  of stages and routes are.
- Templates know `$context`, `$stageVariables`, `$input` and the functions of `$util` but for `parseJson`.
  Directives such as `#set` stay as text, which is said at the start.
- A client never sees 1008, 1011 or 1012: nobody is cut off for too many requests, and the service isn't
  restarted under its clients.
- IAM and JWT authorizers aren't run, which is said at the start.

## The WebSocket protocol

`make autobahn` runs 247 cases of the Autobahn suite against an echo function behind the gateway. A gateway
that keeps API Gateway's rules fails some of them, and the run passes only if it is these and no other:

{failing}
"""


def page() -> str:
    """The page."""
    parts = [_HEAD]
    total = unconfirmed = 0
    for module, title in _SECTIONS.items():
        behaviours = list(_behaviours(module))
        total += len(behaviours)
        unconfirmed += sum(not each.confirmed for each in behaviours)
        rows = "".join(_row(each) for each in behaviours)
        parts.append(f"## {title}\n\n| behaviour | source | test | |\n| --- | --- | --- | --- |\n{rows}")
    parts.insert(1, f"{total} behaviours, {unconfirmed} of them unconfirmed.\n")
    failing = "".join(f"- {', '.join(cases)}: {rule}\n" for rule, cases in EXPECTED.items())
    parts.append(_TAIL.format(failing=failing.rstrip()))
    return "\n".join(parts)


def _behaviours(module: str) -> Iterator[Behaviour]:
    """Those of a module, in the order of its tests."""
    for value in vars(importlib.import_module(f"tests.conformance.{module}")).values():
        if isinstance(found := getattr(value, "behaviour", None), Behaviour):
            yield found


def _row(behaviour: Behaviour) -> str:
    source = behaviour.source
    known_from = source.name if source.url is None else f"[{source.name}]({source.url})"
    notes = [] if behaviour.confirmed else ["unconfirmed"]
    if behaviour.local is not None:
        notes.append(f"*local*: {behaviour.local}")
    sentence = behaviour.sentence.replace("|", "\\|")
    return f"| {sentence} | {known_from} | `{behaviour.module}::{behaviour.test}` | {', '.join(notes)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
