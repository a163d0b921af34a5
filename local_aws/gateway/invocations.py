"""Calling a function for somebody who waits only so long."""

from __future__ import annotations

import asyncio

from local_aws.functions import Invocation, Invoker


class FunctionFailed(Exception):
    """An exception, a crash or a timeout of the function; the text is the beginning of its error."""


async def call(invoker: Invoker, function: str, payload: bytes, *, timeout_ms: int) -> bytes:
    """The function's answer. Raises TimeoutError, `Throttled`, `FunctionNotFound`, `FunctionFailed`.

    As on AWS a function goes on when nobody waits for it any more.
    """
    invocation = asyncio.ensure_future(invoker.invoke(function, payload))
    invocation.add_done_callback(_take_notice)
    async with asyncio.timeout(timeout_ms / 1000):
        outcome = await asyncio.shield(invocation)
    if outcome.error is not None:
        raise FunctionFailed(outcome.payload[:200].decode("utf-8", "replace"))
    return outcome.payload


def _take_notice(invocation: asyncio.Future[Invocation]) -> None:
    """Keep asyncio from complaining about the failure of an invocation that nobody waits for any more."""
    if not invocation.cancelled():
        invocation.exception()
