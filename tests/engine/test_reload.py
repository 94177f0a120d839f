"""Changes of files under a running gateway: live at once, nothing lost, a bad document spoils only itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from gateways import Gateway, greeters, http_echoes, save

from isthmus.edge.upstreams.greeter import HelloReply, HelloRequest

SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
"""
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}}}
spec:
  ingressClassName: nginx
  rules:
    - host: {name}.test
      http: {{paths: [{{path: {path}, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}
"""


def ingress(name: str, path: str = "/") -> str:
    return INGRESS.format(name=name, path=path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "manifests"
    made.mkdir()
    (made / "service.yaml").write_text(SERVICE)
    (made / "a.yaml").write_text(ingress("a"))
    (made / "b.yaml").write_text(ingress("b"))
    return made


@pytest.fixture
def gateway(folder: Path) -> Iterator[Gateway]:
    with http_echoes("web") as addresses, Gateway([folder], {"default/web": list(addresses.values())}) as running:
        yield running


def test_an_edit_is_one_resource(gateway: Gateway, folder: Path) -> None:
    save(folder / "a.yaml", ingress("a", "/moved"))
    assert gateway.wait("applied")["resources"] == 1
    assert gateway.get("a.test", "/").status == 404
    assert gateway.get("a.test", "/moved").replica == "web"


def test_new_files_in_new_folders_are_served(gateway: Gateway, folder: Path) -> None:
    (folder / "more").mkdir()
    save(folder / "more" / "c.yaml", ingress("c"))
    gateway.wait("applied")
    assert gateway.get("c.test").replica == "web"


def test_a_deleted_file_is_withdrawn(gateway: Gateway, folder: Path) -> None:
    (folder / "b.yaml").unlink()
    gateway.wait("applied")
    assert gateway.get("b.test").status == 404
    assert gateway.get("a.test").replica == "web"


def test_a_broken_document_keeps_its_last_good_object(gateway: Gateway, folder: Path) -> None:
    save(folder / "a.yaml", "apiVersion: [\n---\n" + ingress("c"))
    found = gateway.wait("diagnostic", code="ISTH0001")
    assert found["file"] == str(folder / "a.yaml")
    gateway.wait("applied")
    assert [gateway.get(f"{name}.test").replica for name in "abc"] == ["web", "web", "web"]


def test_a_half_written_file_drops_nothing(gateway: Gateway, folder: Path) -> None:
    text = ingress("a", "/later")
    half = text.index("pathType")  # within a flow mapping, so what is there cannot be read
    with (folder / "a.yaml").open("w") as file:
        file.write(text[:half])
        file.flush()
        gateway.wait("diagnostic", code="ISTH0001")
        assert gateway.get("a.test").replica == "web"
        file.write(text[half:])
    gateway.wait("applied")
    assert gateway.get("a.test", "/later").replica == "web"


def test_a_config_map_swap(tmp_path: Path) -> None:
    """The kubelet's way: files are links into `..data`, which is a link that is swapped."""
    mount = tmp_path / "mount"
    for name, path in (("..2026_1", "/one"), ("..2026_2", "/two")):
        (mount / name).mkdir(parents=True)
        (mount / name / "all.yaml").write_text(SERVICE + "---" + ingress("a", path))
    (mount / "..data").symlink_to("..2026_1")
    (mount / "all.yaml").symlink_to("..data/all.yaml")
    with http_echoes("web") as addresses, Gateway([mount], {"default/web": list(addresses.values())}) as gateway:
        assert gateway.get("a.test", "/one").replica == "web"
        (mount / "..data_tmp").symlink_to("..2026_2")
        os.replace(mount / "..data_tmp", mount / "..data")
        gateway.wait("applied")
        assert gateway.get("a.test", "/two").replica == "web"
        assert gateway.get("a.test", "/one").status == 404


def test_a_stream_lives_through_changes_of_its_own_host(tmp_path: Path) -> None:
    notes = "metadata: {{name: {name}, annotations: {{nginx.ingress.kubernetes.io/backend-protocol: GRPC}}}}"
    text = INGRESS.replace("metadata: {{name: {name}}}", notes)
    (tmp_path / "service.yaml").write_text(SERVICE)
    (tmp_path / "a.yaml").write_text(text.format(name="a", path="/"))
    with greeters("one") as addresses, Gateway([tmp_path], {"default/web": list(addresses.values())}) as gateway:
        options = [("grpc.default_authority", "a.test")]
        with grpc.insecure_channel(f"127.0.0.1:{gateway.http_port}", options) as channel:
            stream = channel.unary_stream(
                "/helloworld.Greeter/SayHelloStreamReply", HelloRequest.SerializeToString, HelloReply.FromString
            )(HelloRequest(name="n", count=40, delay_ms=50), timeout=30)
            next(stream)
            save(tmp_path / "a.yaml", text.format(name="a", path="/elsewhere"))
            gateway.wait("applied")
            save(tmp_path / "b.yaml", text.format(name="b", path="/"))
            gateway.wait("applied")
            assert len(list(stream)) == 39
