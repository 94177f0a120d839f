"""The helper as a process: its socket, its orders, its end; asked over gRPC as Envoy asks."""

from __future__ import annotations

import base64
import contextlib
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from htpasswd_hashes import HASHES, PASSWORD

from isthmus.ir.authorization import Authorization, BasicAuth, Question, digest, encode
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.private import PrivateText
from isthmus.xds import api

CHECK = "/envoy.service.auth.v3.Authorization/Check"
BASIC = Authorization("p", basic=BasicAuth("r", (("ann", PrivateText(HASHES["bcrypt"])),)))
QUESTION = Authorization("p", question=Question(Backend(ServicePortRef("n", "s", 80)), ("s",), ("/",)))
RIGHT = "Basic " + base64.b64encode(b"ann:" + PASSWORD).decode()


class Helper:
    """A running helper in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "helper.sock"
        (folder / "policies").mkdir()
        for policy in (BASIC, QUESTION, Authorization("p")):
            (folder / "policies" / f"{digest(policy)}.json").write_bytes(encode(policy))
        self.process = start(folder)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def check(self, *metadata: tuple[str, str], authorization: str = "", raw: bytes | None = None) -> Any:
        request = api.CheckRequest()
        http = request.attributes.request.http
        http.method, http.path, http.host = "GET", "/", "shop.test"
        http.headers["authorization"] = authorization
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            call = channel.unary_unary(CHECK, None, api.CheckResponse.FromString)
            return call(request.SerializeToString() if raw is None else raw, timeout=20, metadata=metadata)


def start(folder: Path, orders: str | None = None) -> subprocess.Popen[bytes]:
    where = {"listen": str(folder / "helper.sock"), "egress": str(folder / "egress.sock")}
    said = json.dumps({**where, "policies": str(folder / "policies")}) if orders is None else orders
    argv = [sys.executable, "-m", "isthmus.app.authorization", "1"]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(f"{said}\n".encode())
    process.stdin.flush()
    return process


def end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=20)
    return process.returncode, errors.decode()


@pytest.fixture(scope="module")
def helper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Helper]:
    running = Helper(tmp_path_factory.mktemp("helper"))
    yield running
    assert end(running.process) == (0, "")


def named(policy: Authorization) -> tuple[str, str]:
    return "x-isthmus-policy", digest(policy)


def test_the_socket_is_its_owners_alone(helper: Helper) -> None:
    assert stat.S_IMODE(helper.socket.stat().st_mode) == 0o600


def test_a_password(helper: Helper) -> None:
    nobody = helper.check(named(BASIC))
    assert (nobody.status.code != 0, nobody.denied_response.status.code) == (True, 401)
    assert [option.header.value for option in nobody.denied_response.headers] == ['Basic realm="r"']
    given = helper.check(named(BASIC), authorization=RIGHT)
    assert (given.status.code, given.HasField("ok_response")) == (0, True)
    assert list(given.ok_response.headers_to_remove) == ["authorization"]


@pytest.mark.parametrize(
    "metadata",
    [(), (("x-isthmus-policy", "0" * 32),), (("x-isthmus-policy", ""),), (("x-isthmus-policy", "../../etc/passwd"),)],
)
def test_without_a_policy_nobody_gets_in(helper: Helper, metadata: tuple[tuple[str, str], ...]) -> None:
    answer = helper.check(*metadata, authorization=RIGHT)
    assert (answer.status.code != 0, answer.denied_response.status.code) == (True, 503)


def test_a_policy_that_asks_for_nothing_lets_nobody_in(helper: Helper) -> None:
    assert helper.check(named(Authorization("p")), authorization=RIGHT).denied_response.status.code == 503


def test_a_server_that_cannot_be_reached_lets_nobody_in(helper: Helper) -> None:
    assert helper.check(named(QUESTION)).denied_response.status.code == 500


@pytest.mark.parametrize("raw", [b"", b"\xff\xff\xff", b"\x0a\x05abc"])
def test_a_broken_question_lets_nobody_in(helper: Helper, raw: bytes) -> None:
    answer = None
    with contextlib.suppress(grpc.RpcError):
        answer = helper.check(named(BASIC), raw=raw)
    assert answer is None or answer.denied_response.status.code == 401


def test_it_ends_when_asked(tmp_path: Path) -> None:
    running = Helper(tmp_path)
    running.process.terminate()
    assert end(running.process) == (0, "")


def test_one_that_was_killed_leaves_no_socket_in_the_way(tmp_path: Path) -> None:
    first = Helper(tmp_path)
    first.process.kill()
    end(first.process)
    again = start(tmp_path)
    assert again.stdout is not None
    assert again.stdout.readline() == b"ready\n"
    assert end(again) == (0, "")


@pytest.mark.parametrize("orders", ["nonsense", "[]", "{}", '{"listen": "x"}'])
def test_orders_that_are_not_understood(tmp_path: Path, orders: str) -> None:
    code, errors = end(start(tmp_path, orders))
    assert (code, "does not understand its orders" in errors, "Traceback" in errors) == (3, True, False)


def test_a_place_where_it_cannot_listen(tmp_path: Path) -> None:
    orders = {"listen": str(tmp_path / "none" / "x.sock"), "egress": "x", "policies": str(tmp_path)}
    code, errors = end(start(tmp_path, json.dumps(orders)))
    assert (code, "cannot listen" in errors, "Traceback" in errors) == (3, True, False)
