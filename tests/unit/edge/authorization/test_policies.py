"""Policies read from files by their digests; what is not there or not what it was is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.edge.authorization import policies
from isthmus.edge.authorization.policies import Policies
from isthmus.ir.authorization import Authorization, BasicAuth, digest, digest_of, encode
from isthmus.ir.private import PrivateText

POLICY = Authorization("p", basic=BasicAuth("r", (("ann", PrivateText("hash")),)), deny=("10.0.0.0/8",))


def write(folder: Path, policy: Authorization) -> str:
    (folder / f"{digest(policy)}.json").write_bytes(encode(policy))
    return digest(policy)


async def test_a_policy_is_read_once(tmp_path: Path) -> None:
    name = write(tmp_path, POLICY)
    found = Policies(tmp_path)
    first = await found.load(name)
    assert first is not None
    assert (first.authorization, first.users) == (POLICY, {"ann": "hash"})
    (tmp_path / f"{name}.json").unlink()
    assert await found.load(name) is first


async def test_one_that_comes_later_is_found_then(tmp_path: Path) -> None:
    found = Policies(tmp_path / "not yet")
    assert await found.load(digest(POLICY)) is None
    (tmp_path / "not yet").mkdir()
    assert await found.load(write(tmp_path / "not yet", POLICY)) is not None


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b"\xff", encode(Authorization("p", deny=("x",)))])
async def test_what_is_no_policy_is_none(tmp_path: Path, body: bytes) -> None:
    name = digest_of(body)
    (tmp_path / f"{name}.json").write_bytes(body)
    assert await Policies(tmp_path).load(name) is None


async def test_a_changed_file_is_none(tmp_path: Path) -> None:
    name = write(tmp_path, POLICY)
    (tmp_path / f"{name}.json").write_bytes(encode(Authorization("q", basic=POLICY.basic)))
    assert await Policies(tmp_path).load(name) is None


@pytest.mark.parametrize("name", ["", "../secret", "x" * 32, "0" * 31, "A" * 32, "0" * 32 + "\n"])
async def test_other_names_lead_nowhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.json").write_bytes(encode(POLICY))
    (tmp_path / "folder").mkdir()
    assert await Policies(tmp_path / "folder").load(name) is None


async def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_MOST", 2)
    names = [write(tmp_path, Authorization(f"p{number}")) for number in range(3)]
    found = Policies(tmp_path)
    loaded = [await found.load(name) for name in names]
    assert all(loaded)
    for name in names:
        (tmp_path / f"{name}.json").unlink()
    assert [await found.load(name) is not None for name in names] == [False, True, True]
