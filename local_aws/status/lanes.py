"""The last minute as a picture: a lane for each function, a bar for each invocation."""

from __future__ import annotations

from local_aws.functions.status import InvocationRecord
from local_aws.status.markup import Markup, element, fragment
from local_aws.status.snapshot import Snapshot

_SECONDS = 60.0
_WIDTH = 1000.0
_LANE = 22
_LEAST_WIDTH = 2.0


def lanes(snapshot: Snapshot) -> Markup | None:
    """An image as wide as the page. Its right edge is now: busy processes reach up to it."""
    since = snapshot.now - _SECONDS
    recent = [record for record in snapshot.invocations if record.started + record.duration > since]
    busy = [
        (function.name, environment.seconds)
        for function in snapshot.functions
        for environment in function.environments
        if environment.state == "busy"
    ]
    names = [
        function.name
        for function in snapshot.functions
        if function.name in {record.function for record in recent} | {name for name, _ in busy}
    ]
    if not names:
        return None
    rows = [
        element(
            "div",
            element("b", name),
            element(
                "svg",
                *(_done(record, since) for record in recent if record.function == name),
                *(
                    _bar(_SECONDS - seconds, seconds, "busy", None)
                    for other, seconds in busy
                    if other == name
                ),
                viewBox=f"0 0 {_WIDTH:.0f} {_LANE}",
                preserveAspectRatio="none",
                aria_hidden="true",
            ),
        )
        for name in names
    ]
    scale = element(
        "div", element("b"), element("p", element("span", "a minute ago"), element("span", "now"))
    )
    return element("div", fragment(*rows), scale, class_="lanes")


def _done(record: InvocationRecord, since: float) -> Markup:
    bar = _bar(
        record.started - since,
        record.duration,
        "failed" if record.status != "success" else "done",
        f"{record.trigger}, {record.duration * 1000:.1f} ms, {record.status}",
    )
    return element("a", bar, href=f"#i-{record.id}")


def _bar(start: float, seconds: float, kind: str, title: str | None) -> Markup:
    left = max(start, 0.0) / _SECONDS * _WIDTH
    width = max(min(seconds, _SECONDS - max(start, 0.0)) / _SECONDS * _WIDTH, _LEAST_WIDTH)
    return element(
        "rect",
        element("title", title) if title is not None else None,
        class_=kind,
        x=f"{left:.1f}",
        y=3,
        width=f"{width:.1f}",
        height=_LANE - 6,
    )
