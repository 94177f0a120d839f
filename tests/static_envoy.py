"""One host's routes in a real Envoy, without a control plane: for what a route asks of requests."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from gateways import free_ports

from isthmus.edge.envoy_process import envoy_argv, find_envoy
from isthmus.edge.runtime_dir import sockets_in
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.listener import Listener
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api, names
from isthmus.xds.bootstrap import bootstrap
from isthmus.xds.clusters import emit_cluster
from isthmus.xds.listeners import Edge, emit_listener
from isthmus.xds.routes import emit_host

ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))
HOST = "policy.test"


def local(address: str, **settings: object) -> Backend:
    """The backend at a `127.0.0.1:port`."""
    ip, _, port = address.rpartition(":")
    return Backend(ServicePortRef("n", f"s{port}", int(port)), address=ip, **settings)  # type: ignore[arg-type]


@contextlib.contextmanager
def serving(routes: Sequence[Route], more: Sequence[Backend] = (), others: Sequence[api.Cluster] = ()) -> Iterator[int]:
    """Envoy with these routes for HOST, and clusters that no route names; the port."""
    (port,) = free_ports(1)
    listener = api.Listener.FromString(emit_listener(Listener("http", "127.0.0.1", port), Edge()).body)
    connections = listener.filter_chains[0].filters[-1]
    manager = api.HttpConnectionManager.FromString(connections.typed_config.value)
    scope = api.ScopedRouteConfiguration.FromString(emit_host(HostConfig("http", HOST, tuple(routes))).body)
    manager.ClearField("scoped_routes")
    manager.route_config.CopyFrom(scope.route_configuration)
    connections.typed_config.CopyFrom(api.pack(manager))
    clusters = {names.cluster(each): each for route in routes for each in (*route.backends, *more)}
    made = [api.Cluster.FromString(emit_cluster(each).body) for each in clusters.values()]
    made += others
    static = {"listeners": [api.to_dict(listener)], "clusters": [api.to_dict(each) for each in made]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "envoy.json"
        runtime = bootstrap(sockets_in(Path(folder)), "test", 1 << 30)["layered_runtime"]
        file.write_text(json.dumps({"static_resources": static, "layered_runtime": runtime}))
        with (Path(folder) / "log").open("wb") as log:
            envoy = subprocess.Popen(envoy_argv(find_envoy(), file, 1), stderr=log)
        try:
            _wait(port, envoy, Path(folder) / "log")
            yield port
        finally:
            envoy.terminate()
            envoy.wait()


def _wait(port: int, envoy: subprocess.Popen[bytes], log: Path) -> None:
    while envoy.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            connection.request("GET", "/", headers={"host": "nobody.test"})
            connection.getresponse()
            return
    raise AssertionError(log.read_text()[-3000:])


def validated(
    folder: Path, hosts: Mapping[str, Sequence[api.Route]], clusters: Sequence[api.Cluster]
) -> subprocess.CompletedProcess[str]:
    """What Envoy says of a configuration with these routes, without serving it."""
    listener = api.Listener.FromString(emit_listener(Listener("http", "127.0.0.1", 1), Edge()).body)
    connections = listener.filter_chains[0].filters[-1]
    manager = api.HttpConnectionManager.FromString(connections.typed_config.value)
    manager.ClearField("scoped_routes")
    manager.route_config.name = "all"
    for host, routes in hosts.items():
        manager.route_config.virtual_hosts.add(name=host, domains=[host], routes=routes)
    connections.typed_config.CopyFrom(api.pack(manager))
    static = [api.Cluster(name=name, type=api.Cluster.STATIC) for name in (*sorted(names.STATIC), "ads")]
    grpc = [{"envoy_grpc": {"cluster_name": "ads"}}]
    config = {
        "node": {"id": "test", "cluster": "test"},
        "static_resources": {
            "listeners": [api.to_dict(listener)],
            "clusters": [api.to_dict(each) for each in (*clusters, *static)],
        },
        "dynamic_resources": {
            "ads_config": {"api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": grpc}
        },
        "layered_runtime": bootstrap(sockets_in(folder), "test", 1 << 30)["layered_runtime"],
    }
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    argv = [str(find_envoy()), "-c", str(file), "--mode", "validate", "--log-level", "error"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
