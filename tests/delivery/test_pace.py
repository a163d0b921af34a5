"""How fast posts go, and whom a 429 means: by clock and answers alone."""

import random

import pytest

from delivery.pace import Pace
from delivery.throttling import Throttling


class Account:
    """A quota, as API Gateway keeps it: a bucket that fills with `per_second` up to `burst`."""

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self.tokens = burst
        self.at = 0.0

    def takes(self, now: float) -> bool:
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.per_second)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


def _run(paces: list[Pace], account: Account, seconds: float, begin: float = 0.0) -> tuple[int, int]:
    """Post with all of them for some seconds: how many posts were taken, how many refused."""
    taken = refused = 0
    now = begin
    while now < begin + seconds:
        for pace in paces:
            while pace.wait(now) == 0:
                if account.takes(now):
                    taken += 1
                    pace.accepted(now)
                else:
                    refused += 1
                    pace.refused(now)
        now += 0.002
    return taken, refused


def test_without_refusals_it_keeps_its_bound_and_its_burst():
    pace = Pace(1000, burst=200)

    at_once = 0
    while pace.wait(0.0) == 0:
        at_once += 1
    taken, refused = _run([pace], Account(1e9, 1e9), 2.0)

    assert at_once == pytest.approx(200, abs=2)
    assert taken == pytest.approx(2000, rel=0.02)
    assert refused == 0


@pytest.mark.parametrize("environments", [1, 5, 20])
def test_environments_share_the_accounts_quota_and_waste_little_of_it(environments):
    paces = [Pace(5000, burst=1000) for _ in range(environments)]
    account = Account(10_000, burst=5_000)

    _run(paces, account, 5)
    taken, refused = _run(paces, account, 8, begin=5)

    possible = min(10_000, 5000 * environments) * 8
    assert taken >= 0.75 * possible
    assert refused <= 0.15 * taken


def test_what_was_refused_gives_the_pace_back_slowly():
    pace = Pace(5000, burst=1000)
    _run([pace], Account(500, burst=50), 5)
    slowed = pace.per_second

    _run([pace], Account(1e9, 1e9), 3, begin=5)
    later = pace.per_second
    _run([pace], Account(1e9, 1e9), 30, begin=8)

    assert slowed < 1500
    assert slowed < later < 5000
    assert pace.per_second == 5000


def test_refusals_of_many_that_were_fine_mean_the_account():
    throttling = Throttling()
    now = 0.0
    for number in range(100):
        throttling.accepted(f"c{number}", now)

    verdicts = [throttling.refused(f"c{number}", now) for number in range(40)]

    assert not any(verdicts[:7])
    assert all(verdicts[20:])


def test_one_among_many_means_its_reader():
    throttling = Throttling()

    verdicts = []
    for round_ in range(50):
        for number in range(100):
            if number == 7:
                verdicts.append(throttling.refused("c7", round_ / 50))
            else:
                throttling.accepted(f"c{number}", round_ / 50)

    assert not any(verdicts)


def test_an_office_of_slow_readers_is_soon_told_from_the_account():
    throttling = Throttling()

    verdicts = []
    for round_ in range(20):
        for number in range(100):
            if number < 20:
                verdicts.append(throttling.refused(f"c{number}", round_))
            else:
                throttling.accepted(f"c{number}", round_)

    assert not any(verdicts[100:])


def test_the_account_is_seen_whichever_connections_it_hits():
    throttling = Throttling()
    chance = random.Random(1)
    blamed = accused = 0
    for post in range(20_000):
        connection_id = f"c{chance.randrange(1000)}"
        if chance.random() < 0.3:
            accused += 1
            blamed += not throttling.refused(connection_id, post / 5000)
        else:
            throttling.accepted(connection_id, post / 5000)

    assert blamed < 0.05 * accused


def test_a_slow_reader_is_left_alone_ever_longer_until_one_post_is_taken():
    throttling = Throttling()
    now = 0.0
    pauses = []
    for _ in range(8):
        throttling.refused("c", now)
        throttling.give_up("c", now)
        begun = now
        while throttling.leaves_alone("c", now):
            now += 0.25
        pauses.append(now - begun)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    throttling.accepted("c", now)
    throttling.give_up("c", now)
    assert not throttling.leaves_alone("c", now)


def test_what_is_remembered_of_slow_readers_is_bounded():
    throttling = Throttling()

    for number in range(30_000):
        throttling.refused(f"c{number}", number / 10)

    assert len(throttling._suspects) <= 10_000
