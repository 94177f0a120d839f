"""A host's schemas are in Envoy once, in one transcoder as far as they can be; what clashes is served elsewhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from isthmus.dialects.dialect import Claim, Options, Parts
from isthmus.dialects.upstream import Paths, UpstreamDialect, upstream, upstream_ref
from isthmus.edge.upstreams import echo, library
from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import HostConfig
from isthmus.ir.transcoding import Transcoding
from isthmus.kube.store import Lookup, Store
from isthmus.schema import gateway
from isthmus.schema.plan import make_schema
from isthmus.xds import api
from isthmus.xds.filters.transcoder import FILTER
from isthmus.xds.names import ADAPTER
from isthmus.xds.resources import Resource
from isthmus.xds.routes import emit_wild


def schema_of(files):
    return make_schema([file.SerializeToString() for file in files])


SCHEMAS = {
    "echo": schema_of(echo.compiled().files),
    "v1": schema_of(library.compiled("v1").files),
    "v2": schema_of(library.compiled("v2").files),
}


def config_of(*names: str) -> HostConfig:
    """Several bare servers, translated."""
    found = []
    for order, name in enumerate(names):
        schema = SCHEMAS[name]
        paths = Paths(schema.services, gateway.paths(schema))
        made = upstream("localhost", 1000 + order, order)
        found.append(Claim(replace(made, paths=paths), Parts()))
    options = Options(now=None)  # type: ignore[arg-type]
    (config,) = UpstreamDialect().translate("*", found, Lookup(Store()), options).hosts
    return config


def emitted(*names: str) -> tuple[Resource, dict[ServicePortRef, Transcoding]]:
    """Their catch-all scope, and what is planned for each."""
    planned = {
        upstream_ref("localhost", 1000 + order): gateway.transcoding(SCHEMAS[name]) for order, name in enumerate(names)
    }
    return emit_wild("http", (config_of(*names),), {"*": planned}), planned


def hosts(resource: Resource) -> list[api.VirtualHost]:
    return list(api.ScopedRouteConfiguration.FromString(resource.body).route_configuration.virtual_hosts)


def transcoder_of(host: api.VirtualHost) -> api.GrpcJsonTranscoder:
    return api.GrpcJsonTranscoder.FromString(host.typed_per_filter_config[FILTER.name].value)


@pytest.mark.parametrize("names", [("echo", "v1"), ("v1", "echo"), ("v1", "v1")], ids=str)
def test_schemas_that_agree_are_in_one_transcoder(names):
    resource, planned = emitted(*names)
    (host,) = hosts(resource)
    wanted = {service for name in names for service in SCHEMAS[name].services}
    assert set(transcoder_of(host).services) == wanted
    sets = sum(len(each.descriptor_set) for each in planned.values())
    assert transcoder_of(host).ByteSize() < sets + 2_000
    assert resource.body.count(b"google/protobuf/descriptor.proto") <= 2 * len(names)


def test_of_schemas_that_clash_the_first_is_on_the_host_and_the_other_at_the_adapter():
    resource, planned = emitted("v1", "v2")
    (host,) = hosts(resource)
    assert set(transcoder_of(host).services) == set(SCHEMAS["v1"].services)
    assert planned[upstream_ref("localhost", 1001)].descriptor_set not in resource.body
    assert ADAPTER.encode() in resource.body
