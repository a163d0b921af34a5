"""Who gets the status page, and who doesn't."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.functions.service import Functions
from local_aws.gateway import Gateway, Integrations
from local_aws.http import Request, Response
from local_aws.logs import Logs
from local_aws.model import Assembly, Function, Queue
from local_aws.queues.service import Queues
from local_aws.status import Sources, StatusPage

ASSEMBLY = Assembly(
    region="us-east-1",
    account="1",
    functions={
        "echo": Function(
            name="echo", arn="arn:echo", handler="app.handler", code=Path("/code"), environment={}
        )
    },
    queues=(Queue(name="jobs", arn="arn:jobs", url="http://q/jobs"),),
)
BROWSER = {
    "Accept": "text/html,application/xhtml+xml",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
}


@pytest.fixture
def page(tmp_path: Path) -> Iterator[StatusPage]:
    logs = Logs(tmp_path / "logs")
    functions = Functions(ASSEMBLY.functions, region="us-east-1", endpoint_url="http://x", logs=logs)
    queues = Queues(ASSEMBLY.queues, tmp_path / "queues.journal")
    gateway = Gateway((), Integrations(invoker=functions, region="us-east-1"), account="1")
    yield StatusPage(
        Sources(
            functions=functions,
            queues=queues,
            gateway=gateway,
            assembly=lambda: ASSEMBLY,
            port=8000,
            started=0,
        )
    )
    queues.close()
    logs.close()


def get(
    page: StatusPage, path: str = "/", *, host: str = "127.0.0.1:8001", method: str = "GET", **headers: str
) -> Response | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = [("Host", host), *(BROWSER | named).items()]
    return page.answer(Request(method, path, path, "", sent, b"", "127.0.0.1"))


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "LOCALHOST", "[::1]:8001"])
def test_a_browser_on_this_machine_gets_it(page: StatusPage, host: str) -> None:
    response = get(page, host=host)

    assert response is not None
    assert response.status == 200
    assert b"<h1>" in response.body


@pytest.mark.parametrize("path", ["/", "/_status/data.json", "/_status/page.js"])
@pytest.mark.parametrize(
    "host", ["evil.example:8001", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_a_name_that_was_made_to_lead_here_gets_nothing(page: StatusPage, path: str, host: str) -> None:
    response = get(page, path, host=host)

    assert response is not None
    assert response.status == 403
    assert b"echo" not in response.body


def test_another_sites_page_may_link_to_it_but_not_read_it(page: StatusPage) -> None:
    linked = get(page, Sec_Fetch_Site="cross-site")
    fetched = get(page, "/_status/data.json", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")

    assert linked is not None
    assert linked.status == 200
    assert fetched is not None
    assert fetched.status == 403


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/", "*/*"),  # S3's list of buckets
        ("POST", "/", "text/html"),
        ("GET", "/bucket/key", "text/html"),
        ("POST", "/_status/data.json", "*/*"),
        ("GET", "/_statuses", "text/html"),
    ],
)
def test_what_is_for_a_service_is_left_to_it(page: StatusPage, method: str, path: str, accept: str) -> None:
    assert get(page, path, method=method, Accept=accept) is None


def test_it_loads_nothing_from_elsewhere_and_nothing_inline_runs(page: StatusPage) -> None:
    response = get(page)
    assert response is not None
    policy = dict(response.headers)["Content-Security-Policy"]
    html = response.body.decode()

    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=", html)
    for address in re.findall(r'(?:src|href)="([^"#]+)"', html):
        assert address.startswith(("/_status/", "http://127.0.0.1:8000/"))
        if address.startswith("/_status/"):
            asset = get(page, address)
            assert asset is not None
            assert asset.status == 200


def test_tools_get_the_same_as_json(page: StatusPage) -> None:
    response = get(page, "/_status/data.json", Accept="*/*")

    assert response is not None
    found = json.loads(response.body)
    assert [function["name"] for function in found["functions"]] == ["echo"]
    assert found["queues"][0] | {"oldest": None} == {
        "name": "jobs",
        "ready": 0,
        "in_flight": 0,
        "delayed": 0,
        "oldest": None,
        "dead_letters": None,
    }
    assert found["invocations"] == []
