"""The simulation against what can be said without it."""

from dataclasses import replace

import pytest

from benchmarks.scaling import Design, Quotas, deliver, posts_per_environment

QUOTAS = Quotas()
DESIGN = Design(environments=20, posts_per_environment=4000)


def test_a_small_room_waits_for_the_way_alone():
    found = deliver(2, QUOTAS, DESIGN)

    assert found.acknowledged == pytest.approx(0.02)
    assert found.last == pytest.approx(0.062, abs=0.003)


def test_a_multitude_takes_what_the_account_lets_through():
    found = deliver(200_000, QUOTAS, DESIGN)

    assert found.last == pytest.approx((200_000 - QUOTAS.posts_burst) / QUOTAS.posts, rel=0.02)
    assert found.wall == "the account's posts"


def test_few_environments_are_the_wall_where_the_account_is_not():
    quotas = replace(QUOTAS, posts=1e9, posts_burst=1e9)

    found = deliver(100_000, quotas, Design(environments=2, posts_per_environment=1000))

    assert found.wall == "the environments"
    assert found.last == pytest.approx(50, rel=0.02)


def test_slow_queueing_is_the_wall_where_nothing_else_is():
    quotas = replace(QUOTAS, posts=1e9, posts_burst=1e9)
    design = replace(DESIGN, posts_per_environment=1e9, batch_call=0.5)

    found = deliver(100_000, quotas, design)

    assert found.wall == "the queueing"
    assert found.last == pytest.approx(found.acknowledged, rel=0.1)


def test_more_connections_never_take_less_time():
    for design in (DESIGN, Design(environments=1, posts_per_environment=464)):
        found = [deliver(size, QUOTAS, design) for size in (1, 100, 101, 1_000, 10_000, 20_000)]

        assert [each.last for each in found] == sorted(each.last for each in found)
        assert all(each.half <= each.last for each in found)


def test_an_environment_posts_what_its_share_of_a_processor_allows():
    assert posts_per_environment(0.1, memory_mib=1769, bound=1e9) == pytest.approx(10_000)
    assert posts_per_environment(0.1, memory_mib=512, bound=1e9) == pytest.approx(2894, rel=0.01)
    assert posts_per_environment(0.001, memory_mib=4096, bound=5000) == 5000
