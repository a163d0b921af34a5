"""What a benchmark found comes back out of its file, and onto the page."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import results
from benchmarks.figures import cell
from benchmarks.plots import draw
from benchmarks.report import write
from benchmarks.results import Bars, Lines, Result

RESULT = Result(
    title="Throwing stones",
    measures="Ten stones.",
    baseline="one stone.",
    columns=["", "m/s"],
    rows=[["ours", 12.345], ["theirs", "can't | won't"]],
    plots=[
        Bars(title="Speed <x>", unit="m/s", bars=[("ours", 12.345), ("theirs", "can't")]),
        Lines(title="Far", x="kg", y="m", series={"ours": [(1, 9), (10, 3)], "theirs": []}, logarithmic=True),
    ],
    versions={"stone": "1.0"},
)


def test_a_result_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    results.keep("stones", RESULT, load=0.5, folder=tmp_path)

    (found,) = results.kept(tmp_path)

    assert found.name == "stones"
    assert found.result.rows == [["ours", 12.345], ["theirs", "can't | won't"]]
    assert [type(plot) for plot in found.result.plots] == [Bars, Lines]
    assert found.result.versions == {"stone": "1.0"}


def test_a_row_that_lacks_a_cell_is_refused(tmp_path: Path) -> None:
    broken = Result(title="", measures="", baseline="", columns=["", "m/s"], rows=[["ours"]])

    with pytest.raises(ValueError, match="2 columns"):
        results.keep("stones", broken, load=0, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_page_has_each_result_and_its_plots_and_no_others(tmp_path: Path) -> None:
    results.keep("stones", RESULT, load=0.5, folder=tmp_path / "results")
    images = tmp_path / "images" / "benchmarks"
    images.mkdir(parents=True)
    (images / "gone-1.svg").write_text("")

    write(tmp_path / "performance.md", results.kept(tmp_path / "results"))

    page = (tmp_path / "performance.md").read_text()
    assert "## Throwing stones" in page
    assert "| ours | 12.3 |" in page
    assert r"| theirs | can't \| won't |" in page
    assert sorted(path.name for path in images.iterdir()) == ["stones-1.svg", "stones-2.svg"]
    assert all(f"images/benchmarks/{path.name}" in page for path in images.iterdir())


def test_plots_are_well_formed_and_longer_bars_mean_more() -> None:
    for plot in RESULT.plots:
        ElementTree.fromstring(draw(plot))
    twice = ElementTree.fromstring(draw(Bars(title="", unit="", bars=[("a", 4.0), ("b", 2.0)])))
    a, b = (float(bar.attrib["width"]) for bar in twice.iter("{http://www.w3.org/2000/svg}rect"))
    assert a == pytest.approx(2 * b)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.03914, "0.0391"),
        (12.0, "12"),
        (4868.2, "4,870"),
        (1e6, "1,000,000"),
        (None, "–"),
        (-2.5, "-2.5"),
    ],
)
def test_figures_have_three_digits(value: float | None, text: str) -> None:
    assert cell(value) == text
