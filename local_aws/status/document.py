"""The status page as HTML. Pure: a snapshot in, markup out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from local_aws.functions.status import EnvironmentStatus, FunctionStatus, InvocationRecord
from local_aws.gateway.status import ApiStatus, ConnectionStatus
from local_aws.queues.service import QueueStatus
from local_aws.readable import readable
from local_aws.status.lanes import lanes
from local_aws.status.markup import Content, Markup, element, fragment, void
from local_aws.status.snapshot import Snapshot

ASSETS = "/_status"
_SHOWN_CONNECTIONS = 50
# Colours and cursor movements; other control characters a browser shows as nothing.
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def document(snapshot: Snapshot) -> str:
    """The whole page."""
    return "<!doctype html>\n" + element(
        "html",
        element(
            "head",
            void("meta", charset="utf-8"),
            void("meta", name="viewport", content="width=device-width, initial-scale=1"),
            void("meta", name="color-scheme", content="light dark"),
            element("title", "Local AWS"),
            void("link", rel="stylesheet", href=f"{ASSETS}/page.css"),
            element("noscript", void("meta", http_equiv="refresh", content=5)),
            element("script", src=f"{ASSETS}/page.js", defer=True),
        ),
        element("body", _header(snapshot), element("main", *_sections(snapshot))),
        lang="en",
    )


def _header(snapshot: Snapshot) -> Markup:
    addresses = [
        element(
            "li",
            element("span", name),
            element("a", address, href=address) if address.startswith("http") else element("code", address),
        )
        for name, address in snapshot.addresses.items()
    ]
    return element(
        "header",
        element("h1", "Local AWS", element("small", "live", id="live", role="status")),
        element("ul", *addresses, class_="addresses"),
    )


def _sections(snapshot: Snapshot) -> Iterable[Markup]:
    yield _tiles(snapshot)
    yield _section("lanes", "The last minute", lanes(snapshot))
    yield _section("functions", "Functions", _functions(snapshot))
    yield _section("queues", "Queues", _queues(snapshot.queues))
    yield _section(
        "connections", "Connections", *(_connections(api, snapshot.now) for api in snapshot.gateway.apis)
    )
    yield _section("errors", "Last errors", *_errors(snapshot))
    yield _section("invocations", "Invocations", *map(_invocation, snapshot.invocations))
    if snapshot.unsupported:
        rows = [(item.type, item.logical_id, item.meaning) for item in snapshot.unsupported]
        yield _section("unsupported", "Not run here", _table(("Type", "Resource", "What that means"), rows))


def _section(name: str, title: str, *content: Content) -> Markup:
    inner = fragment(*content) or element("p", "None yet.", class_="quiet")
    return element("section", element("h2", title), inner, id=name)


def _tiles(snapshot: Snapshot) -> Markup:
    ready = sum(queue.ready for queue in snapshot.queues)
    errors = sum(function.errors for function in snapshot.functions)
    tiles = [
        (snapshot.connections, "connections", False),
        (snapshot.gateway.messages, "messages in", False),
        (snapshot.gateway.posts, "posts out", False),
        (sum(function.invocations for function in snapshot.functions), "invocations", False),
        (ready, "queued", False),
        (errors, "errors", errors > 0),
    ]
    return element(
        "section",
        *(
            element("p", element("strong", f"{number:,}"), f" {name}", class_="bad" if bad else None)
            for number, name, bad in tiles
        ),
        element("p", element("strong", duration(snapshot.now - snapshot.started, rough=True)), " up"),
        id="tiles",
    )


def _functions(snapshot: Snapshot) -> Markup:
    def row(function: FunctionStatus) -> tuple[Content, ...]:
        return (
            fragment(element("b", function.name), element("code", function.handler)),
            [*map(_environment, function.environments)] or element("span", "no process", class_="quiet"),
            _count(function.waiting),
            _count(function.invocations),
            _count(function.errors, bad=True),
        )

    heads = ("Function", "Processes", "Waiting", "Invocations", "Errors")
    return _table(heads, [row(function) for function in snapshot.functions])


def _environment(environment: EnvironmentStatus) -> Markup:
    """A process as a chip: its state, and since when."""
    about = [f"process {environment.pid}"]
    if environment.trigger is not None:
        about.append(f"{environment.trigger}, request {environment.request_id}")
    return element(
        "span",
        f"{environment.state} {duration(environment.seconds, rough=True)}",
        class_=f"chip {environment.state}",
        title="; ".join(about),
    )


def _queues(queues: Sequence[QueueStatus]) -> Markup | None:
    dead = {queue.dead_letters for queue in queues}
    rows = [
        (
            element("b", queue.name),
            _count(queue.ready, bad=queue.name in dead),
            _count(queue.in_flight),
            _count(queue.delayed),
            "" if queue.oldest is None else duration(queue.oldest, rough=True),
            queue.dead_letters or "",
        )
        for queue in queues
    ]
    heads = ("Queue", "Ready", "In flight", "Delayed", "Oldest", "Dead letters go to")
    return _table(heads, rows) if rows else None


def _connections(api: ApiStatus, now: float) -> Markup:
    def row(connection: ConnectionStatus) -> tuple[Content, ...]:
        return (
            element("code", connection.connection_id),
            duration(now - connection.connected_at, rough=True),
            duration(now - connection.last_active, rough=True),
            connection.source_ip,
            element("span", connection.user_agent or "", class_="clip", title=connection.user_agent),
            _count(connection.events_in_flight),
            _count(connection.unsent),
        )

    heads = ("Connection", "Open for", "Silent for", "From", "Client", "Events", "Unsent bytes")
    shown = api.connections[-_SHOWN_CONNECTIONS:][::-1]
    rest = len(api.connections) - len(shown)
    return fragment(
        element("h3", f"{api.name} /{api.stage}", element("small", f"{len(api.connections):,} open")),
        _table(heads, map(row, shown)) if shown else None,
        element("p", f"and {rest:,} older ones", class_="quiet") if rest else None,
    )


def _errors(snapshot: Snapshot) -> Iterable[Markup]:
    failed = [function.last_error for function in snapshot.functions if function.last_error is not None]
    for record in sorted(failed, key=lambda record: -record.started):
        yield _invocation(record, kind="error", is_open=True)


def _invocation(record: InvocationRecord, *, kind: str = "i", is_open: bool = False) -> Markup:
    lines = [readable(line.encode()).decode(errors="replace").rstrip("\n") for line in record.log_lines]
    log = _TERMINAL.sub("", "\n".join(lines))
    failed = record.status != "success"
    return element(
        "details",
        element(
            "summary",
            element("time", clock(record.started), datetime=_iso(record.started)),
            element("b", record.function),
            element("span", record.trigger, class_="trigger"),
            element("span", record.status if failed else "", class_="bad"),
            element("span", duration(record.duration), class_="number"),
        ),
        element("p", "Request ", element("code", record.id), class_="quiet"),
        element("pre", log) if log else element("p", "It wrote nothing.", class_="quiet"),
        id=f"{kind}-{record.id}",
        class_="failed" if failed else None,
        open=is_open,
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[Content]]) -> Markup:
    # The column's name is in each cell as well: on a phone a row is a card.
    body = [
        element("tr", *(element("td", cell, data_name=head) for head, cell in zip(heads, row, strict=True)))
        for row in rows
    ]
    head = element("thead", element("tr", *(element("th", head, scope="col") for head in heads)))
    return element("table", head, element("tbody", *body))


def _count(number: int, *, bad: bool = False) -> Markup:
    return element("span", f"{number:,}", class_="zero" if number == 0 else "bad" if bad else None)


def duration(seconds: float, *, rough: bool = False) -> str:
    """A time span as people say it; `rough` ones have no fractions."""
    if rough:
        for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
            if seconds >= 2 * size:
                return f"{seconds / size:.0f} {unit}"
        return f"{max(seconds, 0):.0f} s"
    if seconds < 1:
        return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s"


def clock(moment: float) -> str:
    """The time of day here, to the millisecond."""
    return datetime.fromtimestamp(moment).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec="milliseconds")
