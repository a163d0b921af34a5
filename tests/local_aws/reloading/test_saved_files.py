"""What counts as saved: as editors, version control and bundlers change files, and nothing else."""

import asyncio
import contextlib
import os
import resource
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from local_aws.reloading import inotify
from local_aws.reloading.saved_files import Root, SavedFiles


class Watch:
    """Watches folders of a test, and waits for what it was told."""

    def __init__(self, without: Iterable[Path] = ()) -> None:
        self.told: list[frozenset[Path]] = []
        self._more = asyncio.Event()
        self.files = SavedFiles(self._on_saved, without=without)

    def _on_saved(self, paths: frozenset[Path]) -> None:
        self.told.append(paths)
        self._more.set()

    async def next(self) -> set[Path]:
        """All that is told until nothing comes any more."""
        await asyncio.wait_for(self._more.wait(), 5)
        await asyncio.sleep(0.15)
        return self.so_far()

    def so_far(self) -> set[Path]:
        paths = {path for paths in self.told for path in paths}
        self.told.clear()
        self._more.clear()
        return paths


@pytest.fixture(params=["the kernel", "watchfiles"])
async def watch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watch]:
    if request.param == "watchfiles":
        monkeypatch.setattr(inotify, "available", lambda: False)
    watch = Watch()
    yield watch
    watch.files.close()
    await asyncio.sleep(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "söurce code"
    (folder / "package").mkdir(parents=True)
    (folder / "package" / "module.py").write_text("1")
    return folder


async def started(watch: Watch, *roots: Root) -> None:
    watch.files.watch(roots)
    await asyncio.sleep(0.15)  # watchfiles begins in a thread of its own


async def test_a_saved_file_is_told_of(watch: Watch, folder: Path) -> None:
    await started(watch, Root(folder))

    (folder / "package" / "module.py").write_text("2")

    assert await watch.next() == {folder / "package" / "module.py"}


async def test_a_file_that_an_editor_replaces_is_told_of(watch: Watch, folder: Path) -> None:
    module = folder / "package" / "module.py"
    await started(watch, Root(folder))

    module.rename(module.with_name("module.py~"))
    module.write_text("2")
    module.with_name("module.py~").unlink()

    assert await watch.next() == {module}


async def test_a_single_file_is_watched_though_it_is_replaced_again_and_again(
    watch: Watch, folder: Path
) -> None:
    module = folder / "package" / "module.py"
    await started(watch, Root(module))

    for text in "abc":
        new = module.with_name("new.py")
        new.write_text(text)
        new.replace(module)
        assert await watch.next() == {module}


async def test_files_in_a_folder_that_comes_later_are_told_of(watch: Watch, folder: Path) -> None:
    await started(watch, Root(folder))

    shutil.copytree(folder / "package", folder / "copy" / "deep")
    assert folder / "copy" / "deep" / "module.py" in await watch.next()
    await asyncio.sleep(0.15)
    (folder / "copy" / "deep" / "module.py").write_text("3")

    assert await watch.next() == {folder / "copy" / "deep" / "module.py"}


async def test_a_folder_that_is_made_anew_is_watched_again(watch: Watch, folder: Path) -> None:
    await started(watch, Root(folder, deep=False))

    shutil.rmtree(folder)
    await asyncio.sleep(0.2)
    watch.so_far()
    os.mkdir(folder)
    await asyncio.sleep(0.2)
    (folder / "manifest.json").write_text("{}")

    assert folder / "manifest.json" in await watch.next()


async def test_what_is_no_source_is_passed_over(watch: Watch, folder: Path) -> None:
    other = folder.parent / "elsewhere"
    for name in ("__pycache__", "node_modules", ".git", "venv"):
        (folder / name).mkdir()
    (folder / "venv" / "pyvenv.cfg").write_text("")
    other.mkdir()
    await started(watch, Root(folder))

    for path in (
        folder / "__pycache__" / "module.cpython-311.pyc",
        folder / "node_modules" / "index.js",
        folder / ".git" / "index",
        folder / "venv" / "site.py",
        folder / "package" / ".module.py.swp",
        folder / "package" / "module.py~",
        other / "module.py",
    ):
        path.write_text("")
    await asyncio.sleep(0.2)
    (folder / "package" / "module.py").write_text("2")

    assert await watch.next() == {folder / "package" / "module.py"}


async def test_the_data_folder_is_no_source_though_it_lies_among_them(folder: Path) -> None:
    data = folder / "data"
    (data / "cdk.out").mkdir(parents=True)
    watch = Watch(without=[data])
    await started(watch, Root(folder), Root(data / "cdk.out", deep=False))

    (data / "queues.journal").write_text("")
    (data / "cdk.out" / "manifest.json").write_text("{}")

    assert await watch.next() == {data / "cdk.out" / "manifest.json"}
    watch.files.close()


async def test_many_files_at_once_are_told_of_in_few_words(folder: Path) -> None:
    watch = Watch()
    await started(watch, Root(folder))

    for number in range(200):
        (folder / f"{number}.py").write_text("")
        if number % 50 == 0:
            await asyncio.sleep(0)

    await asyncio.wait_for(watch._more.wait(), 5)
    await asyncio.sleep(0.15)
    assert len(watch.told) <= 3
    assert len(watch.so_far()) == 200
    watch.files.close()


async def test_the_first_file_is_told_of_before_anything_else_happens(folder: Path) -> None:
    watch = Watch()
    await started(watch, Root(folder))

    (folder / "package" / "module.py").write_text("2")
    for _ in range(2):
        await asyncio.sleep(0)

    assert watch.told == [frozenset({folder / "package" / "module.py"})]
    watch.files.close()


async def test_watching_wakes_nobody_up(folder: Path) -> None:
    watch = Watch()
    await started(watch, Root(folder))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    await asyncio.sleep(0.5)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before < 5
    watch.files.close()


async def test_a_closed_watch_leaves_no_descriptor(folder: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    watch = Watch()
    await started(watch, Root(folder))
    watch.files.close()

    assert set(os.listdir("/proc/self/fd")) == before
    with contextlib.suppress(FileNotFoundError):
        (folder / "package" / "module.py").unlink()
    await asyncio.sleep(0.1)
    assert watch.told == []
