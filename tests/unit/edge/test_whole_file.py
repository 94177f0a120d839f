"""Files that are there whole or not at all."""

import errno
import stat
from pathlib import Path

import pytest

from isthmus.edge.whole_file import write_whole


def test_a_file_is_made_and_replaced_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for body in (b"a long first one", b"short"):
        write_whole(path, body)
        assert path.read_bytes() == body
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_process_left_half_done_is_nobodys_file(tmp_path: Path) -> None:
    (tmp_path / "a.json.new").write_bytes(b"half of something long")
    assert list(tmp_path.glob("*.json")) == []
    write_whole(tmp_path / "a.json", b"{}")
    assert (tmp_path / "a.json").read_bytes() == b"{}"


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_whole(path, b"before")
    (tmp_path / "a.json.new").mkdir()
    with pytest.raises(OSError) as raised:
        write_whole(path, b"after")
    assert raised.value.errno == errno.EISDIR
    assert path.read_bytes() == b"before"
