"""Hostile HTTP requests, by schemathesis after docs/openapi.yaml: none fails, all are answered as it says.

FUZZ_INPUTS says how many; the same FUZZ_SEED gives the same ones.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.fuzz.party import prepared
from tests.stack.person import Person
from tests.stack.running import ROOT, Stack, running

pytestmark = pytest.mark.stack

DESCRIPTION = ROOT / "docs" / "openapi.yaml"
INPUTS = int(os.environ.get("FUZZ_INPUTS", "1500")) // 50
SEED = int(os.environ.get("FUZZ_SEED", "20261201"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("http") / "data") as started:
        yield started


def test_the_description_names_the_routes_that_there_are() -> None:
    from django_project.page_urls import urlpatterns

    routed = {f"/{pattern.pattern}" for pattern in urlpatterns}
    described = set(yaml.safe_load(DESCRIPTION.read_text())["paths"])
    assert described <= routed
    # Further pages of accounts are forms for people; what programs call is described.
    assert {path for path in routed if path.startswith("/api/")} == {
        path for path in described if path.startswith("/api/")
    }


def test_what_the_description_says_is_true(stack: Stack) -> None:
    """Asked as it should be, the API answers as described: keys, kinds, statuses."""
    api = schemathesis.openapi.from_path(DESCRIPTION)
    guest = Person(stack)
    member = prepared(stack)["people"][0]
    for person in (guest, member):
        answer = person.get("/api/session")
        api["/api/session"]["GET"].validate_response(answer)
    answer = member.post("/api/ws-token")
    assert answer.status_code == 200
    api["/api/ws-token"]["POST"].validate_response(answer)
    assert guest.post("/api/ws-token").status_code == 403
    assert requests.post(f"{stack.url}/api/ws-token", timeout=10).status_code == 403
    assert member.get("/api/ws-token").status_code == 405


def test_hostile_requests(stack: Stack) -> None:
    api = schemathesis.openapi.from_path(DESCRIPTION)
    operations = [found.ok() for found in api.get_all_operations()]
    modes = list(GenerationMode)
    each = max(1, INPUTS // (len(operations) * len(modes)))
    statuses: Counter[int] = Counter()
    started = time.monotonic()
    for operation in operations:
        for mode in modes:
            _ask(stack, operation, mode, each, statuses)
        print(f"{statuses.total():,} requests, {time.monotonic() - started:.0f} s", flush=True)
    print(dict(statuses.most_common()))
    assert statuses
    assert not [status for status in statuses if status >= 500]
    assert "Traceback" not in stack.output


def _ask(stack: Stack, operation: Any, mode: GenerationMode, count: int, statuses: Counter[int]) -> None:
    person = Person(stack)
    page = person.get("/accounts/login/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    # What would be refused for want of a token is let through to what reads it.
    headers = {"X-CSRFToken": token[1], "Origin": stack.url}

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.headers = {**headers, **(case.headers or {})}
        if isinstance(case.body, dict) and "csrfmiddlewaretoken" in case.body:
            case.body["csrfmiddlewaretoken"] = token[1]
        answer = case.call(base_url=stack.url, session=person.http, allow_redirects=False, timeout=30)
        statuses[answer.status_code] += 1
        checks = [not_a_server_error]
        if mode is GenerationMode.POSITIVE:
            checks += [status_code_conformance, response_schema_conformance]
        case.validate_response(answer, checks=checks)

    # What takes no parameters can't be given wrong ones.
    with contextlib.suppress(Unsatisfiable):
        ask()
