"""What the command line takes of the gateway, and refuses with a sentence."""

import pytest

from local_aws.__main__ import main


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--chaos", "nonsense=1", "'nonsense' is none of delay-ms, reorder"),
        ("--chaos", "drop=2", "drop must be from 0 to 1"),
        ("--idle-limit", "0", "0 is no number of seconds"),
        ("--idle-limit", "nan", "nan is no number of seconds"),
        ("--age-limit", "-1", "-1 is no number of seconds"),
        ("--messages-at-once", "0", "0 is less than 1"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(option, value, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--assembly", "cdk.out", f"{option}={value}"])

    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_the_options_are_told_of(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])

    told = capsys.readouterr().out
    assert all(f"--{name}" in told for name in ("idle-limit", "age-limit", "messages-at-once", "chaos"))
