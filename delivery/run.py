"""One batch of posts: many at once over kept connections, until each is settled or the time is up."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus

from delivery.connection import Connection
from delivery.posting import Outcome, Post, Poster, posts_in_turn
from delivery.responses import Response
from delivery.shards import Shard

ATTEMPTS = 6
ATTEMPTS_FOR_A_SLOW_READER = 3
ANSWER_SECONDS = 5.0
FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 2.0
_SWEEP_SECONDS = 0.25


async def post(
    poster: Poster, work: Sequence[tuple[Shard, Outcome]], *, seconds: float, method: str = "POST"
) -> None:
    """Post each shard's frame to its connections and write down what became of it.

    What isn't settled after `seconds` remains. With the method DELETE the connections are closed instead.
    """
    # What the peer closed while the loop stood still is noticed before the first write to it.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await _Run(poster, posts_in_turn(poster, work, method), seconds, method).finished()


class _Run:
    """The posts of one call. Driven by what happens on connections, without a task for each post."""

    def __init__(self, poster: Poster, posts: Sequence[Post], seconds: float, method: str) -> None:
        self._poster = poster
        self._method = method
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + seconds
        self._ready = deque(posts)
        self._posts = posts
        self._unsettled = len(posts)
        self._under_way: dict[Connection, Post] = {}
        self._awake: set[Connection] = set()
        """Opened or answering in this run: what breaks there breaks for another reason than sleep."""
        self._opening = 0
        self._failed_openings = 0
        self._may_open = True
        self._timers: set[asyncio.TimerHandle] = set()
        self._paced = False
        self._done: asyncio.Future[None] = self._loop.create_future()

    async def finished(self) -> None:
        """Run until every post is settled or the time is up."""
        self._leave_slow_readers_alone()
        if self._unsettled:
            self._later(max(0.0, self._deadline - self._loop.time()), self._time_is_up)
            self._later(_SWEEP_SECONDS, self._sweep)
            self._pump()
            try:
                await self._done
            finally:
                self._clear_up()

    def answered(self, connection: Connection, response: Response) -> None:
        """An answer came. Called by the connection."""
        post = self._under_way.pop(connection)
        self._awake.add(connection)
        now = self._loop.time()
        self._poster.took(now - connection.deadline + ANSWER_SECONDS)
        status = response.status
        if 200 <= status < 300:
            post.outcome.delivered += 1
            self._poster.pace.accepted(now)
            self._poster.throttling.accepted(post.connection_id, now)
            self._settle(post)
        elif status == HTTPStatus.GONE:
            post.outcome.gone.append(post.connection_id)
            self._settle(post)
        else:
            self._not_taken(post, response, now)
        if not response.keeps:
            self._pump()
        elif self._ready and not self._paced:
            self._send_next(connection, now)
        else:
            self._poster.idle.append(connection)

    def broke(self, connection: Connection, reason: str) -> None:
        """No answer will come. Called by the connection."""
        post = self._under_way.pop(connection)
        if connection in self._awake:
            self._try_again(post, reason)
        else:  # it was most likely closed before the request, which is no failure of the post
            post.attempts -= 1
            self._ready.appendleft(post)
        self._pump()

    def _not_taken(self, post: Post, response: Response, now: float) -> None:
        status = response.status
        reason = f"{status} {response.body[:200].decode(errors='replace')}".strip()
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            self._throttled(post, reason, now)
        elif status >= 500 or status == HTTPStatus.REQUEST_TIMEOUT:
            self._try_again(post, reason)
        elif status == HTTPStatus.FORBIDDEN:
            # A missing permission or wrong credentials: nothing that passes soon, nor the frame's fault.
            self._leave(post, reason)
        else:
            post.outcome.refused[post.connection_id] = reason
            self._settle(post)

    def _throttled(self, post: Post, reason: str, now: float) -> None:
        post.reason = reason
        if self._poster.throttling.refused(post.connection_id, now):
            self._poster.pace.refused(now)
            post.attempts -= 1  # not this post's fault
            self._ready.append(post)
        elif post.attempts < ATTEMPTS_FOR_A_SLOW_READER:
            self._try_again(post, reason)
        else:
            self._poster.throttling.give_up(post.connection_id, now)
            post.outcome.slow.add(post.connection_id)
            self._leave(post, reason)

    def _leave_slow_readers_alone(self) -> None:
        now = self._loop.time()
        tried: deque[Post] = deque()
        for post in self._ready:
            if self._method == "POST" and self._poster.throttling.leaves_alone(post.connection_id, now):
                post.outcome.slow.add(post.connection_id)
                self._leave(post, "its reader doesn't keep up")
            else:
                tried.append(post)
        self._ready = tried

    def _pump(self) -> None:
        """Use every idle connection, and open more while there is something to send."""
        idle = self._poster.idle
        while self._ready and not self._paced and idle:
            connection = idle.pop()
            if connection.usable:
                self._send_next(connection, self._loop.time())
            else:
                connection.leave()
        if not self._paced and self._may_open:
            room = self._poster.wanted_connections - len(self._under_way) - len(self._poster.opening)
            for _ in range(min(room, len(self._ready) - self._opening)):
                self._open_another()

    def _send_next(self, connection: Connection, now: float) -> None:
        wait = self._poster.pace.wait(now)
        if wait > 0:
            self._poster.idle.append(connection)
            if not self._paced:
                self._paced = True
                self._later(wait, self._go_on)
            return
        post = self._ready.popleft()
        post.attempts += 1
        self._under_way[connection] = post
        connection.send(self, post.requests.to(post.connection_id), deadline=now + ANSWER_SECONDS)

    def _go_on(self) -> None:
        self._paced = False
        self._pump()

    def _open_another(self) -> None:
        self._opening += 1
        task = self._loop.create_task(self._open())
        self._poster.opening.add(task)
        task.add_done_callback(self._poster.opening.discard)

    async def _open(self) -> None:
        try:
            connection = await self._poster.open()
        except OSError as error:  # TimeoutError and TLS errors are among them
            self._opening -= 1
            if not self._done.done():
                self._not_opened(f"no connection: {error or type(error).__name__}")
            return
        self._opening -= 1
        self._failed_openings = 0
        self._awake.add(connection)
        if self._ready and not self._paced and not self._done.done():
            self._send_next(connection, self._loop.time())
        else:
            self._poster.idle.append(connection)

    def _not_opened(self, reason: str) -> None:
        """Go on with the connections that there are; with none, wait and in the end give up."""
        if self._opening or self._under_way or not self._may_open:
            return
        self._failed_openings += 1
        backoff = _backoff(self._failed_openings)
        if self._failed_openings >= ATTEMPTS or self._loop.time() + backoff >= self._deadline:
            for post in [*self._ready]:
                self._leave(post, reason)
            self._ready.clear()
            return
        for post in self._ready:
            post.reason = reason
        self._may_open = False
        self._later(backoff, self._open_again)

    def _open_again(self) -> None:
        self._may_open = True
        self._pump()

    def _try_again(self, post: Post, reason: str) -> None:
        post.reason = reason
        delay = _backoff(post.attempts)
        if post.attempts >= ATTEMPTS or self._loop.time() + delay >= self._deadline:
            self._leave(post, reason)
        else:
            self._later(delay, self._return, post)

    def _return(self, post: Post) -> None:
        self._ready.append(post)
        self._pump()

    def _leave(self, post: Post, reason: str) -> None:
        post.outcome.remaining[post.connection_id] = reason
        self._settle(post)

    def _settle(self, post: Post) -> None:
        post.settled = True
        self._unsettled -= 1
        if not self._unsettled and not self._done.done():
            self._done.set_result(None)

    def _sweep(self) -> None:
        """Give up on answers that are overdue."""
        now = self._loop.time()
        for connection in [late for late in self._under_way if late.deadline < now]:
            post = self._under_way.pop(connection)
            connection.leave()
            self._try_again(post, f"no answer within {ANSWER_SECONDS:g} s")
        self._pump()
        self._later(_SWEEP_SECONDS, self._sweep)

    def _time_is_up(self) -> None:
        if not self._done.done():
            self._done.set_result(None)

    def _clear_up(self) -> None:
        for timer in self._timers:
            timer.cancel()
        for connection in self._under_way:
            connection.leave()  # its answer, if it comes, would be taken for the next request's
        for post in self._posts:
            if not post.settled:
                post.outcome.remaining[post.connection_id] = post.reason
        self._ready.clear()
        self._paced = True

    def _later(self, seconds: float, call: Callable[..., None], *arguments: object) -> None:
        def run() -> None:
            self._timers.discard(timer)
            call(*arguments)

        timer = self._loop.call_later(seconds, run)
        self._timers.add(timer)


def _backoff(attempts: int) -> float:
    longest = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (attempts - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 - spreads load, hides nothing
