"""Requests on their way to a server on this machine, and its answers on their way back."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from local_aws.http import Request
from local_aws.services.forwarding import Forwarder, Unreachable


def request(method="GET", body=b"", headers=()):
    return Request(method, "/a%20b?c=%2B", "/a%20b", "c=%2B", list(headers), body, "127.0.0.1")


@asynccontextmanager
async def server(*answers):
    """Gives these answers, one for each request; None closes the connection instead."""
    heard, connections, left = [], [], list(answers)

    async def serve(reader, writer):
        connections.append(writer)
        try:
            while left:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                heard.append(head + await reader.readexactly(length))
                answer = left.pop(0)
                if answer is None:
                    break
                writer.write(answer)
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    forwarder = Forwarder("127.0.0.1", listener.sockets[0].getsockname()[1])
    try:
        yield forwarder, heard, connections
    finally:
        forwarder.close()
        listener.close()
        for writer in connections:
            writer.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"


async def test_a_request_goes_as_it_came_but_for_what_is_the_connections_own():
    async with server(OK) as (forwarder, heard, _):
        given = [("Host", "bucket.s3.amazonaws.com"), ("X-A", "ü"), ("Transfer-Encoding", "chunked")]

        answer = await forwarder.forward(request("PUT", b"body", given))

    assert (answer.status, list(answer.headers), answer.body) == (200, [("X-A", "b")], b"ok")
    assert heard == [
        b"PUT /a%20b?c=%2B HTTP/1.1\r\nHost: bucket.s3.amazonaws.com\r\nX-A: \xfc\r\n"
        b"Content-Length: 4\r\n\r\nbody"
    ]


async def test_a_connection_is_used_again_and_one_that_was_closed_is_not():
    closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with server(OK, OK, closing, OK) as (forwarder, _, connections):
        for count in (1, 1, 1, 2):
            await forwarder.forward(request())
            assert len(connections) == count


@pytest.mark.parametrize(
    ("method", "answer", "status", "body"),
    [
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 200, b""),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        ("GET", b"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, b"x"),
    ],
)
async def test_answers_of_all_kinds_come_back(method, answer, status, body):
    async with server(answer) as (forwarder, _, _):
        came = await forwarder.forward(request(method))

    assert (came.status, came.body) == (status, body)


async def test_an_object_that_is_only_asked_about_keeps_its_length():
    async with server(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n") as (forwarder, _, _):
        answer = await forwarder.forward(request("HEAD"))

    assert ("Content-Length", "500") in list(answer.headers)


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 200 OK\r\nContent-Le", b"no http at all\r\n\r\n"])
async def test_what_never_answers_properly_is_unreachable(answer):
    async with server(answer) as (forwarder, _, connections):
        asking = asyncio.create_task(forwarder.forward(request()))
        await asyncio.sleep(0.05)
        for writer in connections:
            writer.close()
        with pytest.raises(Unreachable):
            await asking


async def test_a_server_that_isnt_there_is_unreachable():
    async with server() as (forwarder, _, _):
        pass

    with pytest.raises(Unreachable):
        await forwarder.forward(request())
