"""The least that Envoy takes for a control plane: one listener, one cluster, over delta ADS.

    stand_in_control_plane.py RUNTIME_DIR PORT UPSTREAM_PORT STATUS_FD

It answers "/" itself and sends "/up..." to the upstream. SIGHUP makes it say `reloaded`; a PORT of 0 makes it
end at once with exit code 2, as a control plane does that cannot read its input.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

from isthmus.edge.envoy_admin import EnvoyAdmin
from isthmus.xds import api
from isthmus.xds.resources import CLUSTER, LISTENER, Resource, resource

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"


def _socket(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(port: int) -> Resource:
    up = api.Route(match={"prefix": "/up"}, route={"cluster": "upstream", "timeout": {"seconds": 0}})
    here = api.Route(match={"prefix": "/"}, direct_response={"status": 200})
    hosts = [{"name": "all", "domains": ["*"], "routes": [up, here]}]
    hcm = api.HttpConnectionManager(
        stat_prefix="http",
        route_config={"name": "routes", "virtual_hosts": hosts},
        http_filters=[{"name": "envoy.filters.http.router", "typed_config": api.pack(api.Router())}],
    )
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": api.pack(hcm)}]}
    message = api.Listener(
        name="http", address=_socket(port), filter_chains=[chain], enable_reuse_port={"value": False}
    )
    return resource(LISTENER, "http", message)


def _cluster(port: int) -> Resource:
    endpoint = {"endpoint": {"address": _socket(port)}}
    assignment = {"cluster_name": "upstream", "endpoints": [{"lb_endpoints": [endpoint]}]}
    message = api.Cluster(name="upstream", connect_timeout={"seconds": 1}, load_assignment=assignment)
    return resource(CLUSTER, "upstream", message)


def _serve(socket: str, resources: dict[str, Resource]) -> grpc.Server:
    def answer(requests, _):  # type: ignore[no-untyped-def]
        for request in requests:
            each = resources.get(request.type_url)
            if not request.response_nonce and each:
                sent = {"name": each.name, "version": each.version}
                body = {"type_url": each.type_url, "value": each.body}
                yield api.DeltaDiscoveryResponse(
                    type_url=each.type_url, nonce="1", resources=[{**sent, "resource": body}]
                )

    handler = grpc.stream_stream_rpc_method_handler(
        answer, api.DeltaDiscoveryRequest.FromString, api.DeltaDiscoveryResponse.SerializeToString
    )
    server = grpc.server(ThreadPoolExecutor(4))
    methods = {"DeltaAggregatedResources": handler}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    return server


def main(runtime: str, port: int, upstream: int, status: int) -> None:
    def tell(word: str) -> None:
        os.write(status, f"{word}\n".encode())

    if not port:
        print("Error: no such file: nowhere.yaml", file=sys.stderr)
        sys.exit(2)
    signal.signal(signal.SIGHUP, lambda *_: print('{"kind": "reloaded"}', flush=True))
    server = _serve(f"{runtime}/ads.sock", {LISTENER: _listener(port), CLUSTER: _cluster(upstream)})
    tell("ads")

    def announce() -> None:
        if EnvoyAdmin(f"{runtime}/admin.sock").wait_until_ready():
            tell("ready")
            print('{"kind": "ready"}', flush=True)

    threading.Thread(target=announce, daemon=True).start()
    for line in sys.stdin:
        print(f'{{"kind": "told", "message": "{line.strip()}"}}', flush=True)
    server.stop(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
