"""Autobahn's cases: exactly those fail that API Gateway's rules make fail."""

import asyncio
import os

import pytest

from tests.conformance import autobahn
from tests.local_aws.gateway.running import running

# A case of each kind. All of them take the better part of a minute: `make autobahn`.
REPRESENTATIVES = (
    "1.*",
    "2.*",
    "3.1",
    "4.1.1",
    "5.1",
    "5.3",
    "5.9",
    "6.1.*",
    "6.4.1",
    "7.1.5",
    "7.3.*",
    "7.9.1",
)


async def test_the_protocol_is_kept(tmp_path):
    async with running() as it:
        ran, failed = await asyncio.to_thread(
            autobahn.run, it.url, tmp_path / "report", include=REPRESENTATIVES
        )

    assert len(ran) > 40
    assert failed == autobahn.failing() & ran


@pytest.mark.skipif("AUTOBAHN" not in os.environ, reason="All of Autobahn's cases: make autobahn")
def test_every_case_through_a_function(deployment, tmp_path):
    ran, failed = autobahn.run(deployment.url("echo"), tmp_path / "report")

    assert len(ran) == 247
    assert failed == autobahn.failing()
