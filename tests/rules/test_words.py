"""Names say what a thing is, and no text knows the machine that it was written on.

Looks at what git tracks or would track: built and ignored files are nobody's text.
"""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
# Homes of users, and what lies in them.
_HOME = re.compile(r"(?<![\w.}-])(?:/(?:home|Users)/[A-Za-z][\w.-]*/\w|/root/[\w.]|[A-Z]:\\Users\\)")


@cache
def _tracked() -> tuple[str, ...]:
    """Paths from the root, as git lists them; a copy without .git is walked instead."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    return tuple(_walked(ROOT))


def _walked(folder: Path) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith((".", "_envoy")) and path.name not in (".ci", ".github")
        if hidden or path.name in ("__pycache__", "dist", "api.pyi"):
            continue
        if path.is_dir():
            yield from _walked(path)
        else:
            yield path.relative_to(ROOT).as_posix()


def _machine_paths(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if _HOME.search(line)]


def test_no_file_or_folder_has_an_empty_name() -> None:
    assert "pyproject.toml" in _tracked()
    found = [name for name in _tracked() if EMPTY_NAMES & {part.partition(".")[0].lower() for part in Path(name).parts}]
    assert not found, f"name it after the noun that it holds: {found}"


def test_no_text_names_a_place_on_a_machine() -> None:
    found = []
    for name in _tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text
        if name != Path(__file__).relative_to(ROOT).as_posix():
            found += [f"{name}: {line}" for line in _machine_paths(text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("line", ["see /home/ada/x", "'/Users/ada/x'", "/root/.cache", r"C:\Users\a"])
def test_a_machine_path_is_seen(line: str) -> None:
    assert _machine_paths(line) == [line]


@pytest.mark.parametrize("line", ["GET /home/", "https://a.example/home/x/y", "/users/ada/x", "${HOME}/x", "/root"])
def test_an_ordinary_path_is_not(line: str) -> None:
    assert _machine_paths(line) == []
