"""Batches of shards against a management API that answers, refuses and fails in every way."""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from delivery import connection, run
from delivery.deliveries import IDS_IN_A_MESSAGE, SECONDS_TO_FINISH, Deliveries, Received
from delivery.posting import Poster
from delivery.signing import Signer, payload_hash
from delivery.sqs import QueueError
from tests.delivery.management_api import THROTTLED, ManagementApi, answer, certificate

SIGNER = Signer("AKID", "secret", "token", "eu-west-1", "execute-api")
GONE = answer(410)


class Queue:
    """A queue that takes what it is sent, or fails."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self.delays: list[int] = []
        self.hidden: dict[str, int] = {}
        self.fails = False

    def send(self, bodies: Sequence[str], *, delay_seconds: int = 0, deadline: float | None = None) -> None:
        if self.fails and bodies:
            raise QueueError("The queue can't be reached.")
        self.messages += [json.loads(body) for body in bodies]
        self.delays += [delay_seconds] * len(bodies)

    def hide(self, receipts: Sequence[tuple[str, int]], *, deadline: float | None = None) -> None:
        if self.fails and receipts:
            raise QueueError("The queue can't be reached.")
        self.hidden |= dict(receipts)

    def close(self) -> None:
        pass


class Function:
    """The delivery function's logic, with its queues in reach."""

    def __init__(self, api: ManagementApi, **options: object) -> None:
        self.deliveries, self.dead_letters, self.gone = Queue(), Queue(), Queue()
        self.poster = Poster(api.url, SIGNER, **options)
        self.logic = Deliveries(
            self.poster, deliveries=self.deliveries, dead_letters=self.dead_letters, gone=self.gone
        )

    def deliver(self, *bodies: str, seconds: float = 10, count: int = 1) -> list[int]:
        """Deliver messages received for the `count`th time; the positions of those that come again."""
        received = [Received(f"m{number}", body, f"r{number}", count) for number, body in enumerate(bodies)]
        failed = self.logic.deliver(received, seconds=seconds + SECONDS_TO_FINISH)
        return sorted(int(message_id[1:]) for message_id in failed)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(run, "FIRST_BACKOFF_SECONDS", 0.005)
    monkeypatch.setattr(run, "MAX_BACKOFF_SECONDS", 0.02)


@pytest.fixture(scope="module")
def certificate_files(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(params=["plain", "tls"])
def start(request, certificate_files) -> Iterator[Callable[..., tuple[ManagementApi, Function]]]:
    with ExitStack() as stack:

        def both(script: dict | None = None, **options: object) -> tuple[ManagementApi, Function]:
            api = ManagementApi(script or {}, delay=float(options.pop("delay", 0)))
            tls = None
            if request.param == "tls":
                tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                tls.load_cert_chain(*certificate_files)
                options["ca_file"] = str(certificate_files[0])
            api.start(tls)
            stack.callback(api.stop)
            function = Function(api, **options)
            stack.callback(function.logic.close)
            return api, function

        yield both


def shard(*connections: str, data: str = '{"type":"system"}', **more: bool) -> str:
    return json.dumps({"connections": connections, "data": data, **more})


def ids(count: int, prefix: str = "c") -> list[str]:
    return [f"{prefix}{number}=" for number in range(count)]


def test_everyone_gets_their_frame_once(start):
    api, function = start()

    failed = function.deliver(shard(*ids(150), data="first ☃"), shard(*ids(60, "d"), data="second"))

    assert failed == []
    assert api.counts == dict.fromkeys([*ids(150), *ids(60, "d")], 1)
    assert {request.body.decode() for request in api.requests if request.connection_id[0] == "c"} == {
        "first ☃"
    }
    assert function.gone.messages == function.deliveries.messages == function.dead_letters.messages == []


def test_who_is_to_be_closed_hears_why_and_is_closed(start):
    api, function = start({"gone=": [GONE, GONE]})

    failed = function.deliver(shard("a=", "gone=", "b=", close=True), shard("c="))

    assert failed == []
    assert sorted(api.closed) == ["a=", "b=", "gone="]
    assert [request.method for request in api.requests if request.connection_id == "a="] == ["POST", "DELETE"]
    assert api.counts["c="] == 1
    assert function.gone.messages == [{"connections": ["gone="]}]
    assert function.deliveries.messages == function.dead_letters.messages == []


def test_who_takes_no_last_frame_is_closed_all_the_same(start):
    api, function = start({"full=": [THROTTLED] * 20})

    assert function.deliver(shard("full=", "a=", close=True)) == []

    assert sorted(set(api.closed)) == ["a=", "full="]


def test_what_could_not_be_closed_is_tried_again_without_the_frame(start):
    api, function = start({"a=": [answer(200), *[answer(500)] * 20]})

    assert function.deliver(shard("a=", "b=", close=True)) == []

    assert function.deliveries.messages == [{"connections": ["a="], "data": "", "close": True}]
    before = len(api.requests)
    function.deliver(json.dumps(function.deliveries.messages[0]))
    assert {request.method for request in api.requests[before:]} == {"DELETE"}


def test_the_request_is_signed_as_it_is_sent(start):
    api, function = start()

    function.deliver(shard("Lx0=", data="hello"))

    request = api.requests[0]
    stamp = request.headers["x-amz-date"]
    now = time.mktime(time.strptime(stamp, "%Y%m%dT%H%M%SZ")) - time.timezone
    expected = SIGNER.headers(
        "POST", f"127.0.0.1:{api.port}", "/ws/@connections/Lx0%3D", body_hash=payload_hash(b"hello"), now=now
    )
    assert request.path == "/ws/@connections/Lx0%3D"
    assert request.headers["authorization"] == expected["Authorization"]
    assert request.headers["x-amz-security-token"] == "token"
    assert request.headers["host"] == f"127.0.0.1:{api.port}"


def test_no_more_connections_than_allowed_and_all_of_them_at_work(start):
    api, function = start(delay=0.02, max_connections=8)

    function.deliver(shard(*ids(100)))

    assert api.handshakes == 8
    assert api.most_at_once == 8


def test_the_first_connection_of_a_shard_is_posted_to_first(start):
    api, function = start(max_connections=1)

    function.deliver(shard(*ids(20)))

    assert [request.connection_id for request in api.requests] == ids(20)


def test_messages_of_a_batch_are_posted_in_turn(start):
    api, function = start(max_connections=1)

    function.deliver(shard(*ids(50)), shard("two1=", "two2="), shard(*ids(30, "d")))

    order = [request.connection_id for request in api.requests]
    assert order[:6] == ["c0=", "two1=", "d0=", "c1=", "two2=", "d1="]
    assert len(order) == 82


def test_connections_are_kept_from_one_batch_to_the_next(start):
    api, function = start(max_connections=4)

    for _ in range(5):
        assert function.deliver(shard(*ids(20))) == []

    assert api.handshakes == 4


def test_a_closed_connection_is_reported_and_not_tried_again(start):
    api, function = start({"c1=": [GONE], "c3=": [GONE]})

    failed = function.deliver(shard(*ids(5)), shard("c1=", "other"))

    assert failed == []
    assert sorted(function.gone.messages[0]["connections"]) == ["c1=", "c3="]
    assert api.posts_to("c3=") == 1


@pytest.mark.parametrize("body", ["<html>Gone</html>", "null", '{"message": 7}', "x" * 5000, "\x00\u00fc"])
def test_gone_is_gone_whatever_the_answer_says_besides(start, body):
    api, function = start({"c1=": [answer(410, body, "Content-Type: text/html")]})

    assert function.deliver(shard(*ids(3))) == []
    assert function.gone.messages == [{"connections": ["c1="]}]
    assert api.counts == dict.fromkeys(ids(3), 1)


def test_many_closed_connections_are_reported_in_messages_of_bounded_size(start):
    _, function = start({each: [GONE] for each in ids(250)})

    function.deliver(shard(*ids(250)))

    sizes = [len(message["connections"]) for message in function.gone.messages]
    assert sorted(sizes) == [50, IDS_IN_A_MESSAGE, IDS_IN_A_MESSAGE]


def test_an_unreachable_gone_queue_fails_nothing(start, caplog):
    _, function = start({"c1=": [GONE]})
    function.gone.fails = True

    assert function.deliver(shard(*ids(3))) == []
    assert "stay listed" in caplog.text


@pytest.mark.parametrize(
    "fault",
    [
        THROTTLED,
        answer(500),
        answer(503, "busy", "Connection: close"),
        answer(408),
        "reset",
        "close",
        "garbage",
        "half",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["429", "500", "503", "408", "reset", "close", "garbage", "half", "malformed"],
)
def test_what_may_pass_is_tried_again_for_that_connection_alone(start, fault):
    api, function = start({"c2=": [fault, fault]})

    failed = function.deliver(shard(*ids(10)))

    assert failed == []
    assert api.counts == {**dict.fromkeys(ids(10), 1), "c2=": 3}
    assert function.deliveries.messages == []


def test_no_answer_counts_as_a_fault_after_a_while(start, monkeypatch):
    monkeypatch.setattr(run, "ANSWER_SECONDS", 0.2)
    api, function = start({"c2=": ["hang"]})

    assert function.deliver(shard(*ids(10))) == []
    assert api.posts_to("c2=") == 2


def test_what_remains_of_a_shard_goes_back_alone(start):
    api, function = start({"c2=": [THROTTLED] * 99, "c5=": [answer(500)] * 99})

    failed = function.deliver(shard(*ids(8), data="frame"))

    assert failed == []
    [again] = function.deliveries.messages
    assert again["data"] == "frame"
    assert sorted(again["connections"]) == ["c2=", "c5="]
    assert function.deliveries.delays[0] > 0
    assert api.posts_to("c5=") == run.ATTEMPTS
    assert api.posts_to("c1=") == 1


def test_a_shard_that_nobody_got_is_left_to_sqs(start):
    _, function = start({each: [THROTTLED] * 99 for each in ids(4)})

    failed = function.deliver(shard("fine"), shard(*ids(4)), shard("fine2"))

    assert failed == [1]
    assert function.deliveries.messages == []


def test_what_cannot_be_put_back_comes_again_as_a_whole(start, caplog):
    _, function = start({"c2=": [THROTTLED] * 99})
    function.deliveries.fails = True

    assert function.deliver(shard(*ids(4))) == [0]
    assert "some may get it twice" in caplog.text


def test_what_comes_again_as_a_whole_is_posted_only_to_whom_it_failed_for(start):
    api, function = start({"c2=": [answer(500)] * run.ATTEMPTS})
    function.deliveries.fails = True
    assert function.deliver(shard(*ids(4))) == [0]
    function.deliveries.fails = False

    assert function.deliver(shard(*ids(4)), count=2) == []
    assert api.counts == {**dict.fromkeys(ids(4), 1), "c2=": run.ATTEMPTS + 1}


@pytest.mark.parametrize(("count", "seconds"), [(1, 2), (2, 10), (3, 30), (4, 60), (9, 60)])
def test_what_comes_again_comes_soon_and_then_ever_later(count, seconds, caplog):
    api = ManagementApi({"a=": [answer(403)]}).start()
    function = Function(api)
    try:
        assert function.deliver(shard("a="), "poison", shard("b="), count=count) == [0, 1]
        assert function.deliveries.hidden == {"r0": seconds, "r1": 1}
    finally:
        function.logic.close()
        api.stop()


@pytest.mark.parametrize("status", [400, 413, 404])
def test_what_will_never_be_taken_is_set_aside_and_not_tried_again(start, status, caplog):
    api, function = start({"c2=": [answer(status, '{"message":"Invalid connectionId: c2="}')]})

    failed = function.deliver(shard(*ids(4), data="frame"))

    assert failed == []
    assert function.dead_letters.messages == [{"connections": ["c2="], "data": "frame"}]
    assert api.posts_to("c2=") == 1
    assert f"{status} " in caplog.text
    assert "Invalid connectionId" in caplog.text


def test_a_missing_permission_is_not_taken_for_the_frames_fault(start, caplog):
    denied = answer(403, '{"message":"User is not authorized"}')
    api, function = start({each: [denied] * 9 for each in ids(3)})

    assert function.deliver(shard(*ids(3))) == [0]
    assert function.dead_letters.messages == []
    assert api.posts_to("c1=") == 1
    assert "not authorized" in caplog.text


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("not json", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "connections"),
        ('{"connections": "abc", "data": "x"}', "connections"),
        ('{"connections": [1], "data": "x"}', "connections"),
        ('{"connections": ["a"]}', "data"),
        ('{"connections": ["a"], "data": {}}', "data"),
        ('{"connections": ["a"], "data": "\\ud800"}', "surrogates"),
        (shard("a", data="x" * 131_073), "131,073 bytes"),
    ],
)
def test_a_poison_message_fails_alone_and_says_why(start, message, why, caplog):
    api, function = start()

    assert function.deliver(shard("a="), message, shard("b=")) == [1]
    assert api.counts == {"a=": 1, "b=": 1}
    assert why in caplog.text


@pytest.mark.parametrize("impossible", ["", "..", "a/../b c", "a\r\nX-Injected: 1", "ü", "x" * 129])
def test_an_impossible_id_never_becomes_a_request(start, impossible):
    api, function = start()

    assert function.deliver(shard("a=", impossible)) == []
    assert api.counts == {"a=": 1}
    assert function.dead_letters.messages == [{"connections": [impossible], "data": '{"type":"system"}'}]


def test_an_id_named_twice_is_posted_to_once(start):
    api, function = start()

    function.deliver(shard("a=", "a=", "b="))

    assert api.counts == {"a=": 1, "b=": 1}


def test_nothing_to_deliver_is_fine(start):
    _, function = start()

    assert function.deliver() == []
    assert function.deliver(shard()) == []


def test_the_time_ends_a_batch(start, monkeypatch):
    monkeypatch.setattr(run, "MAX_BACKOFF_SECONDS", 60)
    api, function = start({"c0=": ["hang"], "c1=": [THROTTLED] * 99})
    started = time.monotonic()

    failed = function.deliver(shard(*ids(5)), seconds=0.5)

    assert time.monotonic() - started < 1.5
    assert failed == []
    assert sorted(function.deliveries.messages[0]["connections"]) == ["c0=", "c1="]
    assert function.deliver(shard(*ids(5))) == []
    assert api.posts_to("c0=") == 2


def test_no_time_at_all_leaves_everything_to_sqs(start):
    api, function = start()

    assert function.deliver(shard(*ids(5)), seconds=-1) == [0]
    assert len(api.requests) <= 5


def test_connections_that_died_in_sleep_cost_nobody_a_try(start):
    api, function = start(max_connections=4)
    function.deliver(shard(*ids(20)))
    api.drop_all()

    assert function.deliver(shard(*ids(20, "d"))) == []
    assert {api.posts_to(each) for each in ids(20, "d")} == {1}


def test_connections_that_slept_long_are_not_trusted(start, monkeypatch):
    api, function = start(max_connections=4)
    function.deliver(shard(*ids(20)))
    later = time.time() + 3600
    monkeypatch.setattr(connection.time, "time", lambda: later)

    assert function.deliver(shard(*ids(20))) == []
    assert api.handshakes == 8


def test_a_restart_of_the_api_is_survived(start):
    api, function = start(max_connections=4)
    function.deliver(shard(*ids(20)))
    dropped = []

    def drop(request):
        if request.connection_id == "d10=" and not dropped:
            dropped.append(request)
            for writer in list(api._writers):
                writer.transport.abort()

    api.on_request = drop
    assert function.deliver(shard(*ids(40, "d"))) == []
    assert set(api.counts) >= set(ids(40, "d"))
    assert sum(api.posts_to(each) for each in ids(40, "d")) <= 40 + 4


@pytest.mark.parametrize(
    "pieces",
    [
        b"HTTP/1.1 200 OK\r\nContent-Le|ngth: 0\r\n\r|\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe|llo",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel|\r\n2\r\nlo\r\n|0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nuntil the end",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
)
def test_every_form_of_a_response_is_understood(start, pieces):
    api, function = start({each: [pieces] for each in ids(3)}, max_connections=1)

    assert function.deliver(shard(*ids(6))) == []
    assert api.counts == dict.fromkeys(ids(6), 1)


def test_posts_are_paced(start):
    api, function = start(posts_per_second=500)

    started = time.monotonic()
    assert function.deliver(shard(*ids(300))) == []

    assert time.monotonic() - started >= (300 - 100 - 1) / 500
    assert api.counts == dict.fromkeys(ids(300), 1)


def test_the_accounts_limit_slows_down_and_loses_nothing(start):
    api, function = start(posts_per_second=20_000)
    api.posts_per_second = 600

    failed = function.deliver(shard(*ids(600)))

    assert failed == []
    assert function.deliveries.messages == []
    assert len(api.requests) - api.refused == 600
    assert api.refused <= 300
    assert function.poster.pace.per_second < 2_000


def test_one_slow_reader_holds_up_nobody(start):
    api, function = start({"c2=": [THROTTLED] * 99}, max_connections=8)

    started = time.monotonic()
    assert function.deliver(shard(*ids(200)), shard("two1=", "c2="), shard("two2=")) == []

    assert time.monotonic() - started < 1
    assert sum(count == 1 for connection_id, count in api.counts.items() if connection_id != "c2=") == 201
    assert [message["connections"] for message in function.deliveries.messages] == [["c2="], ["c2="]]
    assert function.poster.pace.per_second == 5000


def test_a_slow_reader_is_left_alone_for_a_while(start):
    api, function = start({"c2=": [THROTTLED] * 99})
    function.deliver(shard(*ids(5)))
    tried = api.posts_to("c2=")

    assert function.deliver(shard(*ids(5))) == []
    assert api.posts_to("c2=") == tried
    assert [message["connections"] for message in function.deliveries.messages] == [["c2="], ["c2="]]


def test_who_has_not_kept_up_for_long_is_disconnected_to_catch_up_by_history(start):
    api, function = start({"c2=": [THROTTLED] * run.ATTEMPTS_FOR_A_SLOW_READER, "c3=": [answer(500)] * 99})

    failed = function.deliver(shard("c2="), shard("c3="), count=4)

    assert api.closed == ["c2="]
    assert failed == [1]
    assert function.gone.messages == [{"connections": ["c2="]}]


def test_tls_sessions_are_resumed(certificate_files):
    api, function = _over_tls(certificate_files, certificate_files)
    try:
        function.deliver(shard("a="))
        api.drop_all()
        function.deliver(shard(*ids(10)))
        assert api.handshakes > 1
        assert api.resumed == api.handshakes - 1
    finally:
        function.logic.close()
        api.stop()


def test_a_server_that_nobody_vouches_for_gets_nothing(certificate_files, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    api, function = _over_tls(certificate(tmp_path), certificate_files)
    try:
        assert function.deliver(shard("a="), seconds=1) == [0]
        assert api.requests == []
        assert "certificate" in caplog.text.lower()
    finally:
        function.logic.close()
        api.stop()


def test_nobody_listening_is_said_and_left_to_sqs(caplog):
    api = ManagementApi().start()
    api.stop()
    function = Function(api)
    try:
        assert function.deliver(shard(*ids(3)), seconds=1) == [0]
        assert "no connection" in caplog.text
    finally:
        function.logic.close()


def _over_tls(served, trusted) -> tuple[ManagementApi, Function]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*served)
    api = ManagementApi().start(tls)
    return api, Function(api, ca_file=str(trusted[0]))
