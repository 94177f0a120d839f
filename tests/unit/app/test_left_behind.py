"""What a control plane leaves for the next one comes back as it was, and is nobody else's to read."""

from __future__ import annotations

import stat
from pathlib import Path

from msgspec.structs import replace

from isthmus.app.left_behind import Found, LeftBehind
from isthmus.dialects.upstream import upstream, upstream_ref
from isthmus.edge.grpc_client.channels import Target
from isthmus.ir.backend import Trust
from isthmus.ir.private import PrivateBytes

PORT = upstream_ref("books.test", 443)
TRUST = Trust(ca="roots", name="books.test", chain="chain.pem", key_pem=PrivateBytes(b"key"))
FOUND = Found(
    replace(upstream("books.test", 443, 0), tls=TRUST), (("127.0.0.1", 443),), Target("books.test:443", tls=True), "tls"
)


def test_a_server_with_a_key_comes_back(tmp_path: Path) -> None:
    LeftBehind(tmp_path).keep_server(PORT, FOUND)
    found = LeftBehind(tmp_path).servers()
    assert found == {PORT: FOUND}
    trust = found[PORT].upstream.tls
    assert trust is not None
    assert isinstance(trust.key_pem, PrivateBytes)


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    LeftBehind(tmp_path).keep_server(PORT, FOUND)
    (file,) = (tmp_path / "servers").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_read_is_as_good_as_none(tmp_path: Path) -> None:
    LeftBehind(tmp_path).keep_server(PORT, FOUND)
    (file,) = (tmp_path / "servers").iterdir()
    file.write_bytes(b"\x00half")
    assert LeftBehind(tmp_path).servers() == {}
