"""The bootstrap does what it says, in the real Envoy."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import re
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.edge.envoy_admin import EnvoyAdmin
from isthmus.edge.envoy_process import envoy_argv, find_envoy
from isthmus.edge.runtime_dir import sockets_in
from isthmus.xds.bootstrap import bootstrap

PACKAGES = "type.googleapis.com/envoy.extensions.filters"


def made(folder: Path, **settings) -> dict:
    return dict(bootstrap(sockets_in(folder), "n", **{"max_heap_bytes": 1 << 30, **settings}))


def listener(port: int, path_pattern: str = "/.*") -> dict:
    route = {"match": {"safe_regex": {"regex": path_pattern}}, "direct_response": {"status": 200}}
    router = {"name": "router", "typed_config": {"@type": f"{PACKAGES}.http.router.v3.Router"}}
    kind = f"{PACKAGES}.network.http_connection_manager.v3.HttpConnectionManager"
    hcm = {
        "@type": kind,
        "stat_prefix": "http",
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
    }
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return {"address": address, "filter_chains": [{"filters": [{"name": "hcm", "typed_config": hcm}]}]}


def static(config: dict, **more) -> dict:
    """The same without ADS, so that Envoy serves at once."""
    config["dynamic_resources"] = {}
    config["static_resources"] = {**config["static_resources"], **more}
    return config


def free_port() -> int:
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def validate(config: dict, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "bootstrap.json"
    file.write_text(json.dumps(config))
    argv = (*envoy_argv(find_envoy(), file), "--mode", "validate")
    return subprocess.run(argv, capture_output=True, text=True, timeout=30)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="isth-"))  # tmp_path may be too long for a Unix socket
    yield path
    shutil.rmtree(path)


@pytest.fixture
def serve(folder) -> Iterator:
    with contextlib.ExitStack() as stack:

        def run(config: dict) -> EnvoyAdmin:
            file = folder / "bootstrap.json"
            file.write_text(json.dumps(config))
            log = stack.enter_context((folder / "log").open("w"))
            envoy = subprocess.Popen(envoy_argv(find_envoy(), file, concurrency=1), stderr=log)
            stack.callback(envoy.wait)
            stack.callback(envoy.terminate)
            admin = EnvoyAdmin(str(folder / "admin.sock"))
            assert admin.wait_until_ready()
            return admin

        yield run


def test_envoy_takes_it_without_a_warning(folder):
    result = validate(made(folder), folder)
    assert result.returncode == 0, result.stderr
    assert not re.search("warning|error", result.stderr)


def test_the_running_envoy_has_nothing_to_warn_about_either(folder, serve):
    serve(static(made(folder)))
    assert (folder / "log").read_text() == ""


def test_a_misspelt_field_would_not_pass(folder):
    assert validate({**made(folder), "bogus": 1}, folder).returncode == 1


def test_the_admin_socket_is_for_this_user_only(folder, serve):
    serve(static(made(folder)))
    assert stat.S_IMODE((folder / "admin.sock").stat().st_mode) == 0o600


def test_connections_above_the_limit_are_closed(folder, serve):
    port = free_port()
    admin = serve(static(made(folder, max_connections=2), listeners=[listener(port)]))
    kept = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(2)]
    for connection in kept:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as above:
        with contextlib.suppress(OSError):
            above.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert above.recv(1) == b""
    while not sum(admin.stats("^listener.127.*global_cx_overflow$").values()):  # counted a moment after the close
        pass
    for connection in kept:
        connection.close()


@pytest.mark.parametrize(("length", "code"), [(600, 0), (22_000, 1)])
def test_a_pattern_may_be_long_but_not_without_end(folder, length, code):
    pattern = "(a{100})" * (length // 100)
    result = validate(static(made(folder), listeners=[listener(free_port(), pattern)]), folder)
    assert result.returncode == code, result.stderr
    assert ("program size" in result.stderr) == bool(code)


def test_the_statistics_that_are_kept(folder, serve):
    port = free_port()
    admin = serve(static(made(folder), listeners=[listener(port)]))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/")
    connection.getresponse().read()
    stats = admin.stats("")
    assert stats["http.http.downstream_rq_2xx"] == 1
    assert stats["http.http.downstream_rq_active"] == 0
    assert stats["http.http.downstream_cx_active"] == 1
    assert stats["listener_manager.listener_create_success"] == 1
    assert stats["server.live"] == 1
    assert "overload.envoy.resource_monitors.fixed_heap.pressure" in stats
    assert not [name for name in stats if "downstream_cx_http1_total" in name]
    connection.close()


def test_requests_are_refused_when_memory_runs_out(folder, serve):
    port = free_port()
    config = static(made(folder, max_heap_bytes=1 << 20), listeners=[listener(port)])  # it holds more than that
    admin = serve(config)
    name = "overload.envoy.overload_actions.stop_accepting_requests.active"
    while not admin.stats("stop_accepting_requests")[name]:
        pass
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.suppress(ConnectionResetError, http.client.RemoteDisconnected):  # shed before it is a request
        connection.request("GET", "/")
        assert connection.getresponse().status == 503
    connection.close()
