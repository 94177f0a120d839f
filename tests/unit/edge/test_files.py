"""Manifests on a real disk: what is read, in which order, and that every way of changing a file is noticed."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from isthmus.edge.files import FileChange, FilesError, Watcher, load
from isthmus.kube.refs import FieldPath, ObjectRef


def config(name: str, value: str = "x") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: {value}}}\n"


def ref(name: str) -> ObjectRef:
    return ObjectRef("ConfigMap", "default", name)


def names(objects: tuple) -> list[str]:  # type: ignore[type-arg]
    return [obj.metadata.name for obj in objects]


def ids(diagnostics: tuple) -> list[str]:  # type: ignore[type-arg]
    return [each.code.id for each in diagnostics]


def save(path: Path, text: str) -> None:
    """As most editors do: a temporary file beside it, renamed over it."""
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(text)
    temporary.rename(path)


def test_files_and_folders_in_order(tmp_path: Path) -> None:
    for path in ("b.yaml", "a.yml", "sub/c.json", "sub/deep/d.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(config(Path(path).stem))
    for path in ("notes.txt", ".hidden.yaml", "b.yaml~", "#b.yaml#", ".git/e.yaml", "b.yaml.bak"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(config("never"))
    loaded = load([str(tmp_path)])
    assert names(loaded.objects) == ["a", "b", "c", "d"]
    assert not loaded.diagnostics
    assert names(load([str(tmp_path / "sub"), str(tmp_path / "b.yaml")]).objects) == ["c", "d", "b"]
    assert loaded.texts[str(tmp_path / "b.yaml")] == config("b")


def test_a_file_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config("a"))
    (tmp_path / "z.yaml").symlink_to("a.yaml")
    (tmp_path / "loop").symlink_to(".")
    loaded = load([str(tmp_path / "a.yaml"), str(tmp_path), str(tmp_path / "loop")])
    assert (names(loaded.objects), loaded.diagnostics) == (["a"], ())


def test_a_mounted_config_map_counts_once(tmp_path: Path) -> None:
    mount(tmp_path, "v1", {"a.yaml": config("a")})
    assert names(load([str(tmp_path)]).objects) == ["a"]


def test_standard_input_has_a_name() -> None:
    loaded = load(["-"], b"kind: [")
    assert str(loaded.diagnostics[0].pos) == "stdin:1:8"
    assert names(load(["-"], config("a").encode()).objects) == ["a"]


def test_a_pipe_can_be_given() -> None:
    reading, writing = os.pipe()
    os.write(writing, config("a").encode())
    os.close(writing)
    assert names(load([f"/dev/fd/{reading}"]).objects) == ["a"]
    os.close(reading)


@pytest.mark.parametrize("paths", [["gone.yaml"], ["gone", "also-gone"]])
def test_missing_paths_are_an_error_that_names_them(paths: list[str], tmp_path: Path) -> None:
    given = [str(tmp_path / path) for path in paths]
    with pytest.raises(FilesError) as error:
        load([str(tmp_path), *given])
    assert all(path in str(error.value) for path in given) and "-f" in str(error.value)
    with pytest.raises(FilesError):
        Watcher(given)


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"a: 1\nb: \xff\n", "line 2"), (b"\xff\xfe\x00", "utf-16")],
    ids=["not UTF-8", "half a character"],
)
def test_what_is_not_text_is_a_finding(content: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    (tmp_path / "b.yaml").write_text(config("b"))
    loaded = load([str(tmp_path)])
    assert (names(loaded.objects), ids(loaded.diagnostics)) == (["b"], ["ISTH0014"])
    assert word in loaded.diagnostics[0].message


def test_a_link_to_nothing_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere.yaml")
    assert ids(load([str(tmp_path)]).diagnostics) == ["ISTH0014"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_texts_of_other_systems(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(config("a").replace("\n", "\r\n").encode(encoding))
    assert names(load([str(tmp_path)]).objects) == ["a"]


class Changes:
    """The changes that a watcher reports, awaited with a limit."""

    def __init__(self, watcher: Watcher, iterator: AsyncIterator[FileChange]) -> None:
        self.watcher = watcher
        self._iterator = iterator

    async def next(self) -> FileChange:
        async with asyncio.timeout(10):
            return await anext(self._iterator)

    async def until(self, wanted: Callable[[FileChange], object]) -> FileChange:
        """The first change that is as wanted; a write in several steps may show as several changes."""
        while not wanted(change := await self.next()):
            pass
        return change


@asynccontextmanager
async def watching(*paths: Path, stdin: bytes | None = None) -> AsyncIterator[Changes]:
    """A watcher that has begun to watch: what a test does after this is seen by events, as it happens.

    The watching begins after the first change is handed out, so two changes of a file elsewhere come first.
    """
    with TemporaryDirectory(prefix="isth-") as elsewhere:
        watcher = Watcher([*map(str, paths), elsewhere], {"-": stdin or b""})
        async with aclosing(aiter(watcher)) as iterator:  # type: ignore[type-var]
            changes = Changes(watcher, iterator)
            for value in ("one", "two"):
                save(Path(elsewhere, "elsewhere.yaml"), config("elsewhere", value))
                assert names((await changes.next()).upserts) == ["elsewhere"]
            yield changes


def mount(folder: Path, version: str, files: dict[str, str]) -> None:
    """As the kubelet mounts a ConfigMap: a folder for each version, `..data` swapped to it in one step."""
    (folder / f"..{version}").mkdir()
    for name, text in files.items():
        (folder / f"..{version}" / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").rename(folder / "..data")


async def test_a_write_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config("a") + "---\n" + config("b"))
    async with watching(tmp_path) as changes:
        assert names(changes.watcher.loaded.objects) == ["a", "b"]
        (tmp_path / "a.yaml").write_text(config("a") + "---\n" + config("b", "new"))
        change = await changes.until(lambda change: change.upserts)
        assert (names(change.upserts), change.deletes) == (["b"], ())
        assert time.monotonic() - change.seconds_at < 10


async def test_what_changed_before_the_watching_began_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config("a"))
    watcher = Watcher([str(tmp_path)])
    save(tmp_path / "a.yaml", config("a", "new"))
    async with aclosing(aiter(watcher)) as iterator, asyncio.timeout(10):  # type: ignore[type-var]
        assert names((await anext(iterator)).upserts) == ["a"]


async def test_an_editor_s_save(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a"))
    async with watching(tmp_path) as changes:
        for value in ("one", "two", "three"):
            save(path, config("a", value))
            change = await changes.next()
            assert (names(change.upserts), change.deletes, change.diagnostics) == (["a"], (), ())


async def test_an_editor_that_deletes_and_writes_anew_withdraws_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a"))
    async with watching(tmp_path) as changes:
        for value in ("one", "two"):
            path.rename(tmp_path / "a.yaml~")
            path.write_text(config("a", value))
            change = await changes.next()
            assert (names(change.upserts), change.deletes) == (["a"], ())


async def test_a_single_file_replaced_by_rename(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a"))
    async with watching(path) as changes:
        (tmp_path / "other.yaml").write_text(config("never"))
        for value in ("one", "two"):
            save(path, config("a", value))
            assert names((await changes.next()).upserts) == ["a"]


async def test_a_mounted_config_map_is_swapped(tmp_path: Path) -> None:
    mount(tmp_path, "v1", {"a.yaml": config("a")})
    async with watching(tmp_path) as changes:
        for version in ("v2", "v3"):
            mount(tmp_path, version, {"a.yaml": config("a", version)})
            change = await changes.next()
            assert (names(change.upserts), change.deletes) == (["a"], ())


async def test_one_file_of_a_mounted_config_map(tmp_path: Path) -> None:
    mount(tmp_path, "v1", {"a.yaml": config("a")})
    async with watching(tmp_path / "a.yaml") as changes:
        for version in ("v2", "v3"):
            mount(tmp_path, version, {"a.yaml": config("a", version)})
            assert names((await changes.next()).upserts) == ["a"]


async def test_a_link_out_of_the_folder_is_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    outside.mkdir()
    (outside / "real.yaml").write_text(config("a"))
    (folder / "a.yaml").symlink_to(outside / "real.yaml")
    async with watching(folder) as changes:
        save(outside / "real.yaml", config("a", "one"))
        assert names((await changes.next()).upserts) == ["a"]
        (outside / "real.yaml").write_text(config("a", "two"))
        assert (await changes.until(lambda change: change.upserts)).upserts


async def test_new_files_in_new_folders(tmp_path: Path) -> None:
    async with watching(tmp_path) as changes:
        (tmp_path / "x" / "y").mkdir(parents=True)
        (tmp_path / "x" / "y" / "a.yaml").write_text(config("a"))
        assert names((await changes.until(lambda change: change.upserts)).upserts) == ["a"]
        (tmp_path / "x" / "y" / "b.yaml").write_text(config("b"))
        assert names((await changes.until(lambda change: change.upserts)).upserts) == ["b"]


async def test_a_folder_that_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "a.yaml").write_text(config("a"))
    async with watching(folder) as changes:
        folder.rename(tmp_path / "gone")
        change = await changes.until(lambda change: change.deletes)
        assert change.deletes == (ref("a"),)
        assert ids(change.diagnostics) == ["ISTH0019"]
        (tmp_path / "gone").rename(folder)
        change = await changes.next()
        assert (names(change.upserts), change.diagnostics) == (["a"], ())
        (folder / "a.yaml").write_text(config("a", "new"))
        assert names((await changes.until(lambda change: change.upserts)).upserts) == ["a"]


@pytest.mark.parametrize("how", ["deleted", "emptied", "renamed away", "one of two documents removed"])
async def test_what_is_gone_is_withdrawn_after_the_grace(how: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("b") + "---\n" + config("a"))
    async with watching(tmp_path) as changes:
        started = time.monotonic()
        if how == "deleted":
            path.unlink()
        elif how == "emptied":
            path.write_text("")
        elif how == "renamed away":
            path.rename(tmp_path / "a.txt")
        else:
            save(path, config("b"))
        change = await changes.until(lambda change: change.deletes)
        assert set(change.deletes) == ({ref("a")} if "one" in how else {ref("a"), ref("b")})
        assert time.monotonic() - started >= 0.2
        assert ids(change.diagnostics) == ([] if (tmp_path / "a.yaml").exists() else ["ISTH0018"])


async def test_a_broken_document_keeps_its_object_until_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a") + "---\n" + config("b"))
    async with watching(tmp_path) as changes:
        save(path, config("a", "new") + "---\n" + config("b") + "x: [")
        change = await changes.next()
        assert (names(change.upserts), change.deletes) == (["a"], ())
        assert ids(change.diagnostics) == ["ISTH0001", "ISTH0015"]
        save(path, config("a", "new") + "---\n" + config("b", "mended"))
        change = await changes.next()
        assert (names(change.upserts), change.deletes, change.diagnostics) == (["b"], (), ())


async def test_standard_input_beside_files(tmp_path: Path) -> None:
    async with watching(Path("-"), tmp_path, stdin=config("i").encode()) as changes:
        assert names(changes.watcher.loaded.objects) == ["i"]
        save(tmp_path / "a.yaml", config("a"))
        change = await changes.next()
        assert (names(change.upserts), change.deletes) == (["a"], ())


async def test_places_follow_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a") + "---\n" + config("b"))
    async with watching(tmp_path) as changes:
        save(path, "# one\n# two\n" + config("a") + "---\n" + config("b"))
        change = await changes.next()
        assert not change.upserts
        moved = {obj.metadata.name: obj for obj in change.moved}
        source = moved["b"].source
        assert source is not None
        assert str(changes.watcher.positions.of(source, FieldPath(("data",)))) == f"{path}:11:1"
        assert changes.watcher.texts[str(path)].splitlines()[10] == "data: {k: x}"


async def test_a_cancelled_watcher_leaves_no_task(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    watcher = Watcher([str(tmp_path)])

    seen = asyncio.Queue[FileChange]()

    async def follow() -> None:
        async for change in watcher:
            await seen.put(change)

    task = asyncio.create_task(follow())
    async with asyncio.timeout(10):
        for value in ("one", "two"):
            save(tmp_path / "a.yaml", config("a", value))
            await seen.get()
    task.cancel()
    await asyncio.wait({task}, timeout=10)
    assert task.cancelled()
    assert asyncio.all_tasks() <= before


def test_a_folder_without_manifests_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "empty" / "below").mkdir(parents=True)
    (tmp_path / "empty" / "notes.txt").write_text("none")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.yaml").write_text(config("a"))
    paths = [str(tmp_path / name) for name in ("empty", "full", "full")]
    found = load(paths).diagnostics
    assert [(each.code.id, str(each.pos)) for each in found] == [("ISTH0018", paths[0])]


async def test_a_folder_that_fills_and_empties(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    async with watching(tmp_path) as changes:
        file.write_text(config("a"))
        change = await changes.next()
        assert [each.code.id for each in change.diagnostics] == []
        file.unlink()
        while (change := await changes.next()).deletes == ():
            pass
        assert [each.code.id for each in change.diagnostics] == ["ISTH0018"]
