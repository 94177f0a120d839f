"""Policies as files: there before they are named, gone some time after."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from isthmus.app.policies import Policies
from isthmus.ir.authorization import Authorization, decode, digest

ONE, TWO = Authorization("one"), Authorization("two")


def wanted(*policies: Authorization) -> dict[str, Authorization]:
    return {digest(each): each for each in policies}


def there(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def files(*policies: Authorization) -> set[str]:
    return {f"{digest(each)}.json" for each in policies}


async def timers() -> None:
    """Until what was due at once has run."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_is_wanted_is_there_at_once_and_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    Policies(folder).want(wanted(ONE, TWO))
    assert there(folder) == files(ONE, TWO)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    path = folder / f"{digest(ONE)}.json"
    assert (stat.S_IMODE(path.stat().st_mode), decode(path.read_bytes())) == (0o600, ONE)


async def test_nothing_is_made_where_nothing_is_wanted(tmp_path: Path) -> None:
    Policies(tmp_path / "policies").want({})
    assert there(tmp_path) == set()


async def test_what_is_no_longer_wanted_goes_later(tmp_path: Path) -> None:
    policies = Policies(tmp_path, seconds=0)
    policies.want(wanted(ONE, TWO))
    policies.want(wanted(TWO))
    assert there(tmp_path) == files(ONE, TWO)
    await timers()
    assert there(tmp_path) == files(TWO)


async def test_what_is_wanted_again_stays(tmp_path: Path) -> None:
    policies = Policies(tmp_path, seconds=0)
    policies.want(wanted(ONE))
    policies.want(wanted(TWO))
    policies.want(wanted(ONE))
    await timers()
    assert there(tmp_path) == files(ONE)
    policies.want(wanted(ONE, TWO))
    assert there(tmp_path) == files(ONE, TWO)


async def test_a_control_plane_that_follows_finds_and_removes_the_old_ones(tmp_path: Path) -> None:
    Policies(tmp_path).want(wanted(ONE, TWO))
    before = (tmp_path / f"{digest(ONE)}.json").stat().st_mtime_ns
    Policies(tmp_path, seconds=0).want(wanted(ONE))
    await timers()
    assert there(tmp_path) == files(ONE)
    assert (tmp_path / f"{digest(ONE)}.json").stat().st_mtime_ns == before


async def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Policies(tmp_path / "file" / "policies").want(wanted(ONE))
