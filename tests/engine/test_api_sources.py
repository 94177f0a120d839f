"""Where schemas come from (files, mapping files, several servers), how they change, and who is told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gateways import Answer, Gateway, ask, ask_with_body, free_ports
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_servers import echo_server, library_server

from isthmus.edge.upstreams import library
from isthmus.edge.upstreams.proto_source import examples

QUIET = ("--explorer-port", "0")


def rest(gateway: Gateway, path: str, **options: Any) -> Answer:
    return ask(gateway.http_port, "any.test", path, **options)


@pytest.fixture(scope="module")
def protoset(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("set") / "library.protoset"
    file.write_bytes(FileDescriptorSet(file=library.compiled("v1").files).SerializeToString())
    return str(file)


@contextlib.contextmanager
def silent_library(*options: str) -> Iterator[Gateway]:
    """A server without reflection."""
    with library_server(reflection="none") as server, Gateway([], {}, server.address, *QUIET, *options) as gateway:
        yield gateway


def test_without_reflection_grpc_is_served_and_the_user_is_told():
    with silent_library() as gateway:
        (told,) = [event for event in gateway.events if event["event"] == "api" and event["failing"]]
        assert (told["state"], "reflection" in told["failing"]) == ("unimplemented", True)
        assert rest(gateway, "/v1/shelves").status == 503
        body = b"\0\0\0\0\0"
        path = "/library.v1.LibraryService/ListShelves"
        web = ask_with_body(gateway.http_port, "any.test", path, body, {"content-type": "application/grpc-web"})
        assert b"grpc-status:0" in web.body


def test_a_protoset(protoset):
    with silent_library("--protoset", protoset) as gateway:
        assert json.loads(rest(gateway, "/v1/shelves/1").body)["name"] == "shelves/1"


def test_proto_files():
    folder = str(examples())
    with silent_library("--proto", "library.proto", "--proto", "trials.proto", "-I", folder) as gateway:
        assert json.loads(rest(gateway, "/v1/shelves/1").body)["name"] == "shelves/1"


def test_a_mapping_file_adds_rules():
    rules = str(examples() / "http_rules.yaml")
    with library_server() as server, Gateway([], {}, server.address, *QUIET, "--mapping", rules) as gateway:
        assert rest(gateway, "/v1/ping").status == 200


def test_several_servers_share_a_port_by_their_rules_and_reflection_shows_all():
    with contextlib.ExitStack() as stack:
        echo, books = stack.enter_context(echo_server()), stack.enter_context(library_server())
        gateway = stack.enter_context(Gateway([], {}, echo.address, books.address, *QUIET))
        assert json.loads(rest(gateway, "/api/v1/greet/x?content=y").body)["response"]
        assert json.loads(rest(gateway, "/v1/shelves/1").body)["name"] == "shelves/1"
        body = b'{"name": "shelves/1"}'
        path = "/library.v1.LibraryService/GetShelf"
        answer = ask_with_body(gateway.http_port, "any.test", path, body, {"content-type": "application/json"})
        assert answer.status == 200
        assert "nope" in json.loads(rest(gateway, "/nope").body)["message"]
        listed = subprocess.run(
            [str(Path(sys.executable).with_name("grpcurl")), "-plaintext", f"127.0.0.1:{gateway.http_port}", "list"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert {"proto.EchoService", "library.v1.LibraryService"} <= set(listed)


def test_files_of_one_name_that_differ_do_not_meet():
    """Two servers, one file name, two contents: each keeps its own."""
    with contextlib.ExitStack() as stack:
        old, new = stack.enter_context(library_server()), stack.enter_context(library_server(schema="v2"))
        gateway = stack.enter_context(Gateway([], {}, old.address, new.address, *QUIET))
        assert json.loads(rest(gateway, "/v1/shelves/1").body)["name"] == "shelves/1"
        assert "ISTH0060" in gateway.diagnostics()
        assert rest(gateway, "/v1/racks").status == 200, "only the second server has this rule"


def test_a_changed_schema_is_served_and_a_running_stream_is_not_cut():
    (port,) = free_ports(1)
    with contextlib.ExitStack() as stack, echo_server() as echo:
        old = stack.enter_context(contextlib.closing(_Closable(library.start(port=port))))
        with Gateway([], {}, f"127.0.0.1:{port}", echo.address, *QUIET) as gateway:
            gateway.events.clear()
            assert rest(gateway, "/v1/racks").status == 404
            old.close()
            gateway.wait("api", state="unreachable")
            stack.enter_context(contextlib.closing(_Closable(library.start(port=port, schema="v2"))))
            gateway.wait("api", server=f"127.0.0.1:{port}", failing="")
            gateway.wait("applied")
            assert rest(gateway, "/v1/racks").status == 200


class _Closable:
    def __init__(self, server: Any) -> None:
        self._server = server

    def close(self) -> None:
        self._server.stop(0)


def test_the_explorer_and_openapi_are_on_a_port_of_their_own():
    (port,) = free_ports(1)
    with library_server() as server, Gateway([], {}, server.address, "--explorer-port", str(port)) as gateway:
        base = f"http://127.0.0.1:{port}/_isthmus"
        if "the explorer answers" not in [event.get("message") for event in gateway.events]:
            gateway.wait("helper-live", message="the explorer answers")
        catalog = json.loads(_get(f"{base}/api/catalog"))
        assert catalog["publicUrl"] == f"http://127.0.0.1:{gateway.http_port}"
        (upstream,) = catalog["upstreams"]
        assert (upstream["name"], upstream["ready"]) == (server.address, True)
        assert json.loads(_get(f"{base}/api/openapi.json"))["openapi"] == "3.1.0"
        assert rest(gateway, "/_isthmus/").status == 404, "never on the public port"


def test_the_explorer_shows_every_server():
    (port,) = free_ports(1)
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(echo_server()).address, stack.enter_context(library_server()).address]
        gateway = stack.enter_context(Gateway([], {}, *servers, "--explorer-port", str(port)))
        if "the explorer answers" not in [event.get("message") for event in gateway.events]:
            gateway.wait("helper-live", message="the explorer answers")
        catalog = json.loads(_get(f"http://127.0.0.1:{port}/_isthmus/api/catalog"))
        assert {(each["name"], each["ready"]) for each in catalog["upstreams"]} == {(name, True) for name in servers}


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())
