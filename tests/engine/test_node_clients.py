"""The clients that browsers and node use: Connect, gRPC-Web and gRPC from npm, against one unmodified gRPC server.

The programs are in tests/clients; each runs once, tries everything, and prints what became of it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateways import SECONDS, Gateway
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_servers import library_server

from isthmus.edge.upstreams import library

CLIENTS = Path(__file__).parents[1] / "clients"
WANTED = "node 20.19 or newer and npm are needed: apt-get install nodejs npm"
EVERYTHING = json.loads((CLIENTS / "everything.json").read_bytes())
DETAILS = ["google.rpc.ErrorInfo", "library.v1.OutOfStock"]
OUT_OF_STOCK = [{"book": "shelves/2/books/1", "lentTo": "Ada"}]

BROWSER = (
    "connect-web json",
    "connect-web binary",
    "connect-web json by GET",
    "connect-web binary by GET",
    "connect-web grpc-web",
)
SERVER = (
    "connect-node json",
    "connect-node binary",
    "connect-node json gzip",
    "connect-node binary gzip",
    "connect-node grpc",
)
ALL = (*BROWSER, *SERVER)
CONNECT = tuple(kind for kind in ALL if "grpc" not in kind)


@pytest.fixture(scope="module")
def node() -> str:
    """Where node is, with the clients' packages installed as they are locked."""
    found, npm = shutil.which("node"), shutil.which("npm")
    if not found or not npm:
        pytest.fail(WANTED)
    locked, installed = CLIENTS / "package-lock.json", CLIENTS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
        command = [npm, "ci", "--no-audit", "--no-fund"]
        ran = subprocess.run(command, cwd=CLIENTS, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == 0, f"{' '.join(command)} in {CLIENTS}: {ran.stderr}"
    return found


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    options = ("--explorer-port", "0", "--header", "x-echo-*")
    with library_server() as server, Gateway([], {}, server.address, *options) as running:
        yield running


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("descriptors") / "library.binpb"
    path.write_bytes(FileDescriptorSet(file=library.compiled().files).SerializeToString())
    return path


def run(node: str, program: str, gateway: Gateway, descriptors: Path) -> dict[str, Any]:
    command = [node, str(CLIENTS / program), f"http://127.0.0.1:{gateway.http_port}", str(descriptors)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


@pytest.fixture(scope="module")
def connect(node: str, gateway: Gateway, descriptors: Path) -> dict[str, Any]:
    return run(node, "connect.mjs", gateway, descriptors)


@pytest.fixture(scope="module")
def grpc_web(node: str, gateway: Gateway, descriptors: Path) -> dict[str, Any]:
    return run(node, "grpc_web.mjs", gateway, descriptors)


@pytest.mark.parametrize("kind", ALL)
class TestConnect:
    """Every transport of @connectrpc."""

    def test_a_message_comes_back_as_it_was(self, connect, kind):
        assert connect[kind]["mirror"] == {"value": EVERYTHING}

    def test_errors_have_their_details(self, connect, kind):
        error = connect[kind]["failure"]["error"]
        assert (error["code"], error["message"]) == ("FailedPrecondition", "100 % — ü\n")
        assert error["details"] == [*DETAILS, "library.v9.Unheard"]
        assert error["outOfStock"] == OUT_OF_STOCK
        assert "1" in error["echoed"]

    def test_errors_of_the_server_itself(self, connect, kind):
        error = connect[kind]["no such resource"]["error"]
        assert (error["code"], error["message"]) == ("NotFound", "there is no shelves/1/books/999")

    def test_metadata_and_trailers(self, connect, kind):
        assert connect[kind]["metadata and trailers"] == {"value": {"header": "1", "binary": "AAE", "trailer": "1"}}

    @pytest.mark.parametrize("way", ["request", "answer"])
    def test_a_megabyte(self, connect, kind, way):
        assert connect[kind][f"large {way}"] == {"value": 1_000_000}

    def test_server_streams(self, connect, kind):
        said = {"heard": [1, 2, 3, 4], "header": "1", "trailer": "1"}
        assert connect[kind]["server stream"] == {"value": said}

    def test_streams_that_fail_in_the_middle(self, connect, kind):
        said = connect[kind]["failure in the middle"]["value"]
        assert (said["heard"], said["code"], said["message"]) == ([1, 2], "FailedPrecondition", "so — it")
        assert (said["details"], said["outOfStock"]) == (DETAILS, OUT_OF_STOCK)

    def test_messages_come_as_they_are_sent(self, connect, kind):
        assert connect[kind]["messages come one by one"] == {"value": "Canceled"}  # all would take 50 s


@pytest.mark.parametrize("kind", CONNECT)
@pytest.mark.parametrize("name", ["own deadline", "deadline of the gateway", "deadline of a stream"])
def test_a_deadline_holds_also_for_clients_that_do_not_watch_it(connect, kind, name):
    assert connect[kind][name]["error"]["code"] == "DeadlineExceeded"


@pytest.mark.parametrize("kind", BROWSER)
def test_methods_without_side_effects_by_get(connect, kind):
    said = connect[kind]["safe method"]["value"]
    assert said["title"] == "Moby-Dick; or, The Whale"
    if "grpc" not in kind:
        assert said["methods"] == ["GET" if "GET" in kind else "POST"]


@pytest.mark.parametrize("kind", SERVER)
class TestClientStreams:
    """What needs HTTP/2."""

    def test_a_client_stream(self, connect, kind):
        assert connect[kind]["client stream"] == {"value": {"sum": 42, "count": 3}}
        error = connect[kind]["client stream that fails"]["error"]
        assert (error["code"], error["message"]) == ("Aborted", "asked to fail with 10")

    def test_both_directions_at_once(self, connect, kind):
        assert connect[kind]["conversation"] == {"value": [1, 2, 3]}
        said = connect[kind]["conversation that fails"]["value"]
        assert (said["heard"], said["code"]) == ([1], "Aborted")


@pytest.mark.parametrize("kind", ["binary", "text"])
class TestGrpcWeb:
    """Google's own client."""

    def test_a_message_comes_back_as_it_was(self, grpc_web, kind):
        said = {"text": "Grüße, 世界 🌍", "uint64Value": str(2**64 - 1), "data": [0, 255, 128]}
        assert grpc_web[kind]["mirror"] == {"value": said}

    def test_errors(self, grpc_web, kind):
        said = {"code": "FAILED_PRECONDITION", "message": "100 % — ü", "details": True}
        assert grpc_web[kind]["failure"] == {"error": said}

    def test_a_megabyte(self, grpc_web, kind):
        assert grpc_web[kind]["large answer"] == {"value": 1_000_000}

    def test_server_streams(self, grpc_web, kind):
        said = {"heard": [1, 2, 3, 4], "status": "OK", "header": "1", "trailer": "1"}
        assert grpc_web[kind]["server stream"] == {"value": said}

    def test_streams_that_fail_in_the_middle(self, grpc_web, kind):
        said = grpc_web[kind]["failure in the middle"]["value"]
        assert said["heard"] == [1, 2]
        assert (said["error"]["code"], said["error"]["message"]) == ("FAILED_PRECONDITION", "so — it")
