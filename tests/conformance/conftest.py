"""The suite's deployment: local unless ENDPOINT names one in an account."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.clients import Api
from tests.conformance.deployment import Deployment, Observer, deployed, local

_ENDPOINT = os.environ.get("ENDPOINT")


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """The running app."""
    if _ENDPOINT:
        yield deployed(_ENDPOINT)
    else:
        with local(tmp_path_factory.mktemp("conformance")) as running:
            yield running


@pytest.fixture(scope="session")
def observer(deployment: Deployment) -> Iterator[Observer]:
    observing = Observer(deployment)
    yield observing
    observing.close()


@pytest.fixture
def api(deployment: Deployment, observer: Observer) -> Api:
    return Api(deployment, observer)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only the local gateway can be asked, where it isn't that."""
    if not _ENDPOINT:
        return
    for item in items:
        if (mark := item.get_closest_marker("local_only")) is not None:
            item.add_marker(pytest.mark.skip(reason=f"Not asked of a deployment: {mark.args[0]}"))
