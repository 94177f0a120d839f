"""Filter chains of hosts with their own TLS, and the guard before their routes."""

from __future__ import annotations

import pytest

from isthmus.ir.action import Respond
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.guard import ClientCertificates, Guard
from isthmus.ir.host import HostConfig, Origin, Route
from isthmus.ir.listener import HTTPS, HostTls, Listener
from isthmus.ir.match import Exact, Match, SegmentPrefix
from isthmus.kube.refs import ObjectRef
from isthmus.xds import api, names
from isthmus.xds.filters.unknown_host import MARK
from isthmus.xds.guarded import guarded
from isthmus.xds.host_tls import STATE
from isthmus.xds.listeners import Edge, emit_listener
from isthmus.xds.route_match import choose
from isthmus.xds.routes import emit_host, emit_wild
from isthmus.xds.secrets import emit_authorities

ORIGIN = Origin(ObjectRef("Ingress", "n", "i"))
LISTENER = Listener(HTTPS, "127.0.0.1", 8443, True)


def chains(*hosts: HostTls) -> list[api.FilterChain]:
    return list(api.Listener.FromString(emit_listener(LISTENER, Edge(), hosts).body).filter_chains)


def context(chain: api.FilterChain) -> api.DownstreamTlsContext:
    return api.DownstreamTlsContext.FromString(chain.transport_socket.typed_config.value)


def test_without_such_hosts_there_is_the_default_chain() -> None:
    (default,) = chains()
    assert not default.HasField("filter_chain_match")


def test_the_default_chain_is_the_same_whatever_hosts_there_are() -> None:
    assert chains(HostTls("a.test", ORIGIN, ClientCertificates.REQUIRED))[0] == chains()[0]


@pytest.mark.parametrize("host", ["a.test", "*.a.test"])
def test_client_certificates(host: str) -> None:
    default, chain = chains(HostTls(host, ORIGIN, ClientCertificates.REQUIRED, b"CA"))
    assert list(chain.filter_chain_match.server_names) == [host]
    judged = context(chain).common_tls_context.validation_context_sds_secret_config
    assert judged.name == names.authorities(host)
    assert not context(chain).require_client_certificate.value
    state = api.SetFilterState.FromString(chain.filters[0].typed_config.value).on_new_connection[0]
    assert (state.object_key, state.format_string.text_format_source.inline_string) == (STATE, host)
    assert list(chain.filters)[1:] == list(default.filters)
    assert context(chain).common_tls_context.custom_tls_certificate_selector.name == "sni"


def test_ciphers() -> None:
    default, chain = chains(HostTls("a.test", ORIGIN, ciphers=("A", "B"), client_order=True))
    assert list(context(chain).common_tls_context.tls_params.cipher_suites) == ["A", "B"]
    assert context(chain).prefer_client_ciphers
    assert list(chain.filters) == list(default.filters)


def test_passing_through() -> None:
    backend = Backend(ServicePortRef("n", "s", 1))
    _, chain = chains(HostTls("a.test", ORIGIN, passthrough=backend))
    assert not chain.HasField("transport_socket")
    assert api.TcpProxy.FromString(chain.filters[0].typed_config.value).cluster == names.cluster(backend)


def test_authorities() -> None:
    tls = HostTls("a.test", ORIGIN, ClientCertificates.REQUIRED, b"CA", b"CRL", 2)
    made = emit_authorities(tls)
    judged = api.Secret.FromString(made.body).validation_context
    assert (judged.trusted_ca.inline_bytes, judged.crl.inline_bytes) == (b"CA", b"CRL")
    assert judged.max_verify_depth.value == 3
    assert len(made.name) > 255  # no server name of a handshake is


def _host(*routes: Route, clients: ClientCertificates = ClientCertificates.REQUIRED) -> api.VirtualHost:
    config = HostConfig(HTTPS, "a.test", routes, Guard("a.test", clients, ("https://help.test",)))
    return api.ScopedRouteConfiguration.FromString(emit_host(config).body).route_configuration.virtual_hosts[0]


@pytest.mark.parametrize("count", [1, 200])
def test_every_route_is_below_the_guard(count: int) -> None:
    host = _host(*(Route(Match(Exact(f"/{each}")), Respond(200, "x"), ORIGIN) for each in range(count)))
    assert not host.routes
    assert host.matcher.on_no_match.HasField("action")
    misdirected = api.RouteList.FromString(host.matcher.on_no_match.action.typed_config.value).routes
    assert [each.direct_response.status for each in misdirected] == [421]
    assert guarded(host.matcher) is not None


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize(
    ("clients", "status"),
    [
        (ClientCertificates.REQUIRED, 302),
        (ClientCertificates.OPTIONAL, 200),
        (ClientCertificates.UNJUDGED, 200),
    ],
)
def test_a_client_without_a_certificate(count: int, clients: ClientCertificates, status: int) -> None:
    host = _host(
        *(Route(Match(Exact(f"/{each}")), Respond(200, "x"), ORIGIN) for each in range(count)), clients=clients
    )
    route, _ = choose(host, {":path": "/0"}.get)
    assert route is not None
    assert route.direct_response.status == status


def test_grpc_clients_are_told_and_not_redirected() -> None:
    route, _ = choose(_host(), {":path": "/", "content-type": "application/grpc"}.get)
    assert route is not None
    assert route.direct_response.status == 400


def test_a_wildcard_hosts_guard_is_its_own() -> None:
    guard = Guard("*.a.test", ClientCertificates.REQUIRED)
    everything = Route(Match(SegmentPrefix("/")), Respond(200, "x"), ORIGIN)
    configs = [
        HostConfig(HTTPS, "*.a.test", (everything,), guard),
        HostConfig(HTTPS, "*.b.test", (everything,)),
    ]
    made = api.ScopedRouteConfiguration.FromString(emit_wild(HTTPS, configs).body).route_configuration.virtual_hosts
    assert [guarded(each.matcher) is not None for each in made] == [True, False, False]
    header = {":path": "/", ":authority": f"{MARK}x.a.test"}.get
    route, _ = choose(made[0], header)
    assert route is not None
    assert route.direct_response.status == 400
