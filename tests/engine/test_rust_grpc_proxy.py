"""rust-grpc-proxy's own scenario: its configuration, its echo server, its requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, ask, ask_with_body, free_ports
from grpc_servers import echo_server


class Proxy(Gateway):
    """`isthmus run -c FILE`; it listens where the file says."""

    def __init__(self, file: Path, port: int) -> None:
        super().__init__([], {}, "-c", str(file), "--explorer-port", "0")
        self.http_port = port


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    file: Path = tmp_path_factory.mktemp("proxy") / "config.toml"
    (port,) = free_ports(1)
    with echo_server(replica="test-server", reflection="v1alpha") as server:
        file.write_text(
            f'[server]\naddr = "127.0.0.1:{port}"\n[[proxy_sink]]\nname = "echo"\naddr = "{server.address}"\n'
        )
        with Proxy(file, port) as running:
            yield running


def test_get(proxy):
    headers = {"echo-hello": "world", "MD-hello": "world"}
    answer = ask(proxy.http_port, "any.test", "/api/v1/echo/hello/get?query=666", headers=headers)
    assert json.loads(answer.body) == {"response": "GET [test-server]---> request=hello query=666"}
    assert answer.headers["x-got-metadata"] == "md-hello", "echo-hello is not on its list"
    assert answer.headers["proxy_server"] == "rust-grpc-proxy"


def test_post(proxy):
    body = b'{"request":"hello","query":123}'
    answer = ask_with_body(proxy.http_port, "any.test", "/api/v1/echo/post", body, {"content-type": "application/json"})
    assert json.loads(answer.body) == {"response": "POST [test-server]---> request=hello query=123"}


def test_greet(proxy):
    answer = ask(proxy.http_port, "any.test", "/api/v1/greet/hello?content=world")
    assert json.loads(answer.body) == {"response": "Get [test-server]---> request=hello query=world"}


def test_parameters_that_are_no_fields_are_ignored_as_there(proxy):
    assert ask(proxy.http_port, "any.test", "/api/v1/echo/hello/get?nope=1").status == 200
    assert ask(proxy.http_port, "any.test", "/nope").status == 404
