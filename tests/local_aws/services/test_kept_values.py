"""Parameters and secrets that were written to, at the next start."""

import pytest

from local_aws.services.kept_values import Values


class Store:
    """Values by name, of which the template gives some."""

    def __init__(self, given):
        self._given = given
        self.held = dict(given)

    def given(self):
        return self._given

    def values(self):
        return iter(self.held.items())

    def put(self, name, value):
        self.held[name] = value


@pytest.mark.parametrize(
    ("given_then", "written", "given_now", "held"),
    [
        ({"a": "1"}, {}, {"a": "1"}, {"a": "1"}),
        ({"a": "1"}, {"a": "2"}, {"a": "1"}, {"a": "2"}),
        # The template gives another value than it did: that one counts.
        ({"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "3"}),
        ({"a": "1"}, {}, {"a": "3"}, {"a": "3"}),
        # What no template declares.
        ({}, {"b": "2"}, {"a": "1"}, {"a": "1", "b": "2"}),
        ({"a": "1"}, {"a": "2"}, {}, {}),
    ],
)
def test_what_was_written_stays_until_the_template_gives_another_value(
    tmp_path, given_then, written, given_now, held
):
    store = Store(given_then)
    store.held |= written
    Values(tmp_path / "kept.json", store).write()

    later = Store(given_now)
    Values(tmp_path / "kept.json", later).restore()

    assert later.held == held
    assert (tmp_path / "kept.json").stat().st_mode & 0o777 == 0o600


def test_at_the_first_start_nothing_is_kept(tmp_path):
    store = Store({"a": "1"})
    Values(tmp_path / "kept.json", store).restore()

    assert store.held == {"a": "1"}
