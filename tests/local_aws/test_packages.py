"""What a function requires and doesn't bring along."""

import zipfile
from pathlib import Path

import pytest

from local_aws.errors import StackError
from local_aws.functions.layers import python_path
from local_aws.model import Assembly, Function
from local_aws.packages import Packages, requires_installation


def wheel(folder: Path, name: str) -> Path:
    """A wheel of one module, which can be installed without any network."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "ANSWER = 42\n")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def code(tmp_path):
    folder = tmp_path / "code"
    folder.mkdir()
    return folder


@pytest.fixture
def assembly(code):
    functions = {
        name: Function(name=name, arn="arn", handler="app.handler", code=code, environment={})
        for name in ("first", "second")
    }
    return Assembly(region="us-east-1", account="1", functions=functions)


async def test_requirements_are_installed_once_and_found_after_the_code(code, assembly, tmp_path):
    wheel(code, "parcel")
    (code / "requirements.txt").write_text("# what it needs\n./parcel-1.0-py3-none-any.whl\n")
    said = []

    provided = await Packages(tmp_path / "packages", said.append).provided(assembly)
    assert said[0] == "Installing what first requires: requirements.txt names what isn't in its code."
    assert said[-1].startswith("Installed in ")

    installed = [python_path(function)[1] for function in provided.functions.values()]
    assert installed[0] == installed[1]
    assert "ANSWER" in (installed[0] / "parcel.py").read_text()
    said.clear()
    assert await Packages(tmp_path / "packages", said.append).provided(assembly) == provided
    assert said == []


async def test_what_cant_be_installed_is_a_sentence_with_the_reason(code, assembly, tmp_path):
    (code / "requirements.txt").write_text("./missing-1.0-py3-none-any.whl\n")

    with pytest.raises(StackError, match=r"What first requires can't be installed[\s\S]*missing"):
        await Packages(tmp_path / "packages", lambda line: None).provided(assembly)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, False),
        ({"requirements.txt": "\n# nothing\n"}, False),
        ({"requirements.txt": "parcel\n"}, True),
        ({"requirements.txt": "parcel\n", "parcel-2.dist-info/METADATA": ""}, False),
        # What the functions' Python has anyway, as an installer locks it.
        ({"requirements.txt": "pytest>=7 \\\n    --hash=sha256:00  # via something\n"}, False),
        ({"requirements.txt": "pytest==0.1\n"}, True),
        ({"requirements.txt": "parcel ; sys_platform == 'win32'\n"}, False),
        ({"requirements.txt": "-r others.txt\n"}, True),
    ],
)
def test_bundled_code_is_used_as_it_is(code, files, expected):
    for name, text in files.items():
        (code / name).parent.mkdir(exist_ok=True)
        (code / name).write_text(text)

    assert requires_installation(code) is expected
