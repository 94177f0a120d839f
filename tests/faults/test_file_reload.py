"""Files that are changed in the worst ways: nothing that was good is withdrawn, and the end is as from scratch."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

import isthmus.edge.file_notices as file_notices
from isthmus.edge.files import FileChange, Watcher, load
from isthmus.kube.objects import Base, ConfigMap, ref_of
from isthmus.kube.refs import ObjectRef


def config(name: str, value: object = "x") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: v{value}}}\n"


def save(path: Path, content: str | bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content if isinstance(content, bytes) else content.encode())
    temporary.rename(path)


class Follower:
    """Applies the changes of a watcher to a table, as the gateway does to its store."""

    def __init__(self, watcher: Watcher, changes: AsyncIterator[FileChange]) -> None:
        self.objects: dict[ObjectRef, Base] = {ref_of(obj): obj for obj in watcher.loaded.objects}
        self.deleted: list[ObjectRef] = []
        self.codes: list[str] = []
        self._changes = changes

    async def until(self, name: str, value: str) -> None:
        """Follow the changes until an object has a value."""
        async with asyncio.timeout(20):
            while self.value(name) != value:
                change = await anext(self._changes)
                self.deleted.extend(change.deletes)
                self.codes = [each.code.id for each in change.diagnostics]
                for ref in change.deletes:
                    del self.objects[ref]
                for obj in (*change.upserts, *change.moved):
                    assert self.objects.get(ref_of(obj)) != obj, "a change that changes nothing"
                    self.objects[ref_of(obj)] = obj

    def value(self, name: str) -> str | None:
        obj = self.objects.get(ObjectRef("ConfigMap", "default", name))
        return (obj.data or {}).get("k") if isinstance(obj, ConfigMap) else None


@contextlib.asynccontextmanager
async def following(*paths: Path) -> AsyncIterator[Follower]:
    watcher = Watcher([str(path) for path in paths])
    async with aclosing(aiter(watcher)) as changes:  # type: ignore[type-var]
        yield Follower(watcher, changes)


async def test_a_file_overwritten_piece_by_piece_withdraws_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    whole = "---\n".join(config(name, "new") for name in "abcd")
    path.write_text(whole.replace("vnew", "vold"))
    async with following(tmp_path) as follower:
        with path.open("r+b", buffering=0) as file:
            for start in range(0, len(whole), 37):
                file.write(whole[start : start + 37].encode())
                save(tmp_path / "z.yaml", config("tick", start))
                await follower.until("tick", f"v{start}")  # so it was looked at in this state
        await follower.until("d", "vnew")
        assert follower.deleted == []
    assert {str(ref): obj for ref, obj in follower.objects.items()} == {
        str(ref_of(obj)): obj for obj in load([str(tmp_path)]).objects
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"\xff\xfe\xff",
        b"kind: [",
        b"{",
        b"- " * 100_000,
        b"a: 1\na: 2",
        b"%",
        b"x",
        "\ufeff".encode(),
    ],
    ids=["nothing", "control", "not text", "flow", "brace", "deep", "duplicate", "directive", "word", "mark"],
)
async def test_junk_for_a_moment_withdraws_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(config("a"))
    async with following(tmp_path) as follower:
        save(tmp_path / "a.yaml", content)
        save(tmp_path / "b.yaml", config("b", "there"))
        await follower.until("b", "vthere")
        assert follower.value("a") == "vx"
        save(tmp_path / "a.yaml", config("a", "mended"))
        await follower.until("a", "vmended")
        assert follower.deleted == [] and follower.codes == []


async def test_a_file_that_becomes_a_folder_a_link_and_a_file_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a"))
    async with following(tmp_path) as follower:
        path.unlink()
        path.mkdir()
        (path / "inner.yaml").write_text(config("a", "inner"))
        await follower.until("a", "vinner")
        (path / "inner.yaml").rename(tmp_path / "other.txt")
        path.rmdir()
        path.symlink_to("other.txt")
        (tmp_path / "other.txt").write_text(config("a", "linked"))
        await follower.until("a", "vlinked")
        path.unlink()
        save(path, config("a", "plain"))
        await follower.until("a", "vplain")


async def test_a_hundred_files_replaced_at_once_end_as_from_scratch(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number:03}.yaml").write_text(config(f"n{number}"))
    async with following(tmp_path) as follower:
        for number in range(99):
            save(tmp_path / f"{number:03}.yaml", config(f"n{number}", "new"))
        save(tmp_path / "099.yaml", config("n99", "last"))
        await follower.until("n99", "vlast")
        for number in range(99):  # a look that sees the last may have seen others before they were saved
            await follower.until(f"n{number}", "vnew")
        assert follower.deleted == []
        assert follower.objects == {ref_of(obj): obj for obj in load([str(tmp_path)]).objects}


async def test_random_edits_end_as_from_scratch(tmp_path: Path) -> None:
    random_ = random.Random(7)
    paths = [tmp_path / f"{name}.yaml" for name in "abc"]
    save(tmp_path / "z.yaml", config("last", 0))
    async with following(tmp_path) as follower:
        for round_ in range(1, 40):
            path = random_.choice(paths)
            documents = [config(f"{path.stem}{n}", random_.randrange(3)) for n in random_.sample(range(6), 4)]
            text = "---\n".join(documents)
            match random_.randrange(5):
                case 0:
                    path.unlink(missing_ok=True)
                case 1:
                    path.write_text(text)
                case 2:
                    save(path, text[: random_.randrange(len(text))])
                case _:
                    save(path, text)
            save(tmp_path / "z.yaml", config("last", round_))
            await follower.until("last", f"v{round_}")
        for path in paths:  # unbroken at the end, or what is held would differ from what is there
            save(path, config(f"{path.stem}0", "end"))
        gone = [ref for ref in follower.objects if ref.name not in ("a0", "b0", "c0", "last")]
        for path in paths:
            await follower.until(f"{path.stem}0", "vend")
        for ref in gone:
            await follower.until(ref.name, None)  # type: ignore[arg-type]
        assert follower.objects == {ref_of(obj): obj for obj in load([str(tmp_path)]).objects}


async def test_two_writes_in_one_tick_of_the_clock_show_the_second(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(config("a", 0))
    status = path.stat()
    async with following(tmp_path) as follower:
        for number in range(1, 9):  # the same size and, by force, the same time of modification
            path.write_text(config("a", number))
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
            await follower.until("a", f"v{number}")


async def test_without_kernel_watches_files_are_polled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = file_notices.awatch

    async def awatch(*paths: str, force_polling: bool | None, **options: object) -> AsyncIterator[object]:
        if not force_polling:
            raise OSError(28, "no space left on device")  # what inotify says when max_user_watches is reached
        async for change in real(*paths, force_polling=True, **options):  # type: ignore[arg-type]
            yield change

    monkeypatch.setattr(file_notices, "awatch", awatch)
    path = tmp_path / "a.yaml"
    path.write_text(config("a"))
    async with following(tmp_path) as follower:
        for value in ("one", "three"):
            save(path, config("a", value))
            await follower.until("a", f"v{value}")
