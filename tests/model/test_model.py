"""Whatever is lost, doubled, reordered or killed: everybody ends up with the same, whole conversation.

The chats are the web client's own, run by Node; the functions, the database and what they say to each other
are the real ones. A client written for this would only show that one of that kind could be right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count, cycle
from typing import TypeVar

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from tests.model.chats import Chats, bundle
from tests.model.world import Death, Link, World

# `make faults` sets it; the few examples of `make test` are the same each time.
EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))

people = st.sampled_from(["ann", "ann's phone", "a guest"])
positions = st.integers(0, 5)
deaths: st.SearchStrategy[Death | None] = st.sampled_from(
    [None, None, "at the start", "before the queue", "after the queue", "before the answer"]
)
fates = st.sampled_from([1, 1, 2, 0])
"""How often a push arrives."""
_Fate = TypeVar("_Fate")


def harms(fate: st.SearchStrategy[_Fate]) -> st.SearchStrategy[list[_Fate]]:
    return st.lists(fate, min_size=1, max_size=7)


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chats]:
    with Chats(bundle(tmp_path_factory.mktemp("client"))) as running:
        yield running


class Conversation(RuleBasedStateMachine):
    """Three clients of two people, two rooms, and a network and functions that fail in every way."""

    chats: Chats
    user: User
    tags = count(1)

    @initialize()
    def begin(self) -> None:
        self.patch = pytest.MonkeyPatch()
        who: dict[str, User | None] = {"ann": self.user, "ann's phone": self.user, "a guest": None}
        self.world = World(self.chats, self.patch, who, next(self.tags))
        self.world.recover()

    # What people do

    @rule(client=people)
    def write(self, client: str) -> None:
        self.world.write(client)

    @rule(client=people, room=st.sampled_from([0, 1]))
    def enter(self, client: str, room: int) -> None:
        self.world.tell("enter", client=client, room=self.world.rooms[room])

    @rule(client=people, number=positions, deletes=st.booleans())
    def alter(self, client: str, number: int, deletes: bool) -> None:
        self.world.alter(client, number, deletes=deletes)

    # What becomes of frames

    def _with(self, direction: str) -> list[Link]:
        return [link for link in self.world.links if link.open and getattr(link, direction)]

    # Without preconditions: what is under way depends on clocks, and the same draws must be possible again.

    @rule(link=positions, position=positions, death=deaths)
    def handle(self, link: int, position: int, death: Death | None) -> None:
        if links := self._with("up"):
            self.world.handle(links[link % len(links)], position, death=death)

    @rule(link=positions, position=positions, times=fates)
    def deliver(self, link: int, position: int, times: int) -> None:
        if links := self._with("down"):
            self.world.deliver(links[link % len(links)], position, times=times)

    @rule(
        speakers=st.lists(people, max_size=6),
        fates=harms(fates),
        deaths=harms(deaths),
        last_first=st.booleans(),
    )
    def talk(
        self, speakers: list[str], fates: list[int], deaths: list[Death | None], last_first: bool
    ) -> None:
        """People write, and all that is under way arrives, some of it harmed."""
        for speaker in speakers:
            self.world.write(speaker)
        position = -1 if last_first else 0
        doomed, fated = cycle(deaths), cycle(fates)
        while self._with("up") or self._with("down"):
            for link in self._with("up"):
                self.world.handle(link, position, death=next(doomed))
            for link in self._with("down"):
                self.world.deliver(link, position, times=next(fated))

    @rule(client=people, told=st.booleans())
    def cut(self, client: str, told: bool) -> None:
        if link := self.world.link_of(client):
            self.world.cut(link, told=told)

    @rule(seconds=st.sampled_from([0.2, 1, 5, 15]))
    def wait(self, seconds: float) -> None:
        self.world.wait(int(seconds * 1000))

    @rule()
    def the_schedule_runs(self) -> None:
        self.world.pass_on_overdue()

    @invariant()
    def nothing_twice_and_nothing_of_another_room(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.check_recovered()
            finally:
                self.patch.undo()


def test_everybody_ends_up_with_the_same_conversation(chats: Chats, alice: User, settings: Settings) -> None:
    settings.CHAT_SEND_LIMIT = 100_000
    Conversation.chats, Conversation.user = chats, alice
    run_state_machine_as_test(Conversation, settings=_how_long())  # type: ignore[no-untyped-call]


def _how_long() -> settings:
    return settings(
        max_examples=EXAMPLES or 15,
        stateful_step_count=60 if EXAMPLES else 50,
        derandomize=not EXAMPLES,
        # Shrinking takes minutes: `make faults` does it.
        phases=tuple(Phase) if EXAMPLES else (Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
