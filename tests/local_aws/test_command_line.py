"""The options of `python -m local_aws`."""

import pytest

from local_aws.__main__ import main
from tests.local_aws.assembly_files import function, write_assembly


@pytest.fixture
def arguments(tmp_path):
    """Those of a stack whose template has something that can't run, and needs a parameter."""
    resources = {"Stream": {"Type": "AWS::Kinesis::Stream"}, "Node": function(Runtime="nodejs22.x")}
    template = {"Resources": resources, "Parameters": {"Level": {"Type": "String"}}}
    folder = write_assembly(tmp_path / "cdk.out", {"app": template})
    return ["--assembly", str(folder), "--data-dir", str(tmp_path / "data"), "--port", "24650"]


def test_strictly_what_cant_run_is_an_error_that_lists_all_of_it(arguments, capsys):
    assert main([*arguments, "--strict"]) == 1

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Not everything of the assembly runs here, and --strict makes that an error:"
    assert any("AWS::Kinesis::Stream Stream" in line for line in said[1:])
    assert any("AWS::Lambda::Function Node" in line and "nodejs22.x" in line for line in said[1:])


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--stack", "other"], "No stack is named other. The assembly has app.\n"),
        (["--parameter", "Other=1"], "The assembly has no parameter Other: it has Level.\n"),
        (["--port", "70000"], "70000 is no usable port: take one from 1 to 65534.\n"),
    ],
)
def test_what_the_assembly_doesnt_have_is_one_sentence(arguments, capsys, options, complaint):
    assert main([*arguments, *options]) == 1
    assert capsys.readouterr().err == complaint


@pytest.mark.parametrize(
    "options", [["--parameter", "Level"], ["--parameter", "=x"], ["--idle-limit", "0"], ["--what"]]
)
def test_wrong_use_is_told_apart_from_a_stack_that_cant_start(arguments, capsys, options):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *options])

    assert ended.value.code == 2
    assert "usage: python -m local_aws" in capsys.readouterr().err
