"""Last good versions outlive the control plane, and Envoy: a kill costs nothing that was served before it."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Gateway, http_echoes, save, trusting
from load import Load

from isthmus.edge import pki

AUTHORITY = pki.authority("Test CA")
INGRESS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, annotations: {nginx.ingress.kubernetes.io/ssl-redirect: "false"}}
spec:
  ingressClassName: nginx
  tls: [{hosts: [a.test], secretName: pair}]
  rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {name: http}}}}]}
"""


def pair(key: bytes = b"") -> str:
    made = pki.leaf(AUTHORITY, ["a.test"], days=30)
    return pki.secret_manifest("default", "pair", pki.Pair(made.cert_pem, key or made.key_pem))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Gateway, Path]]:
    (tmp_path / "web.yaml").write_text(INGRESS)
    (tmp_path / "pair.yaml").write_text(pair())
    with http_echoes("web") as addresses, Gateway([tmp_path], {"default/web": list(addresses.values())}) as gateway:
        yield gateway, tmp_path


def shown(gateway: Gateway) -> str:
    """The certificate that a new connection is shown."""
    plain = socket.create_connection(("127.0.0.1", gateway.https_port), 10)
    with trusting(AUTHORITY.cert_pem).wrap_socket(plain, server_hostname="a.test") as connection:
        return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def kill_control_plane(gateway: Gateway) -> None:
    os.kill(gateway.pid("control-plane-started"), signal.SIGKILL)
    gateway.wait("control-plane-ended")
    gateway.wait("ready")


def kill_envoy(gateway: Gateway) -> None:
    os.kill(gateway.pid("envoy-started"), signal.SIGKILL)
    gateway.wait("envoy-ended")
    gateway.wait("envoy-live")


@pytest.mark.parametrize("broken", ["key", "missing"])
def test_a_broken_pair_leaves_the_last_good_one_also_after_a_restart(served: tuple[Gateway, Path], broken: str) -> None:
    gateway, folder = served
    first = shown(gateway)
    if broken == "key":
        save(folder / "pair.yaml", pair(pki.leaf(AUTHORITY, ["a.test"], days=30).key_pem))
        gateway.wait("diagnostic", code="ISTH0131")
    else:
        (folder / "pair.yaml").unlink()
        gateway.wait("diagnostic", code="ISTH0130")
    for _ in range(2):  # what was remembered is remembered again
        kill_control_plane(gateway)
        assert shown(gateway) == first
    kill_envoy(gateway)
    assert shown(gateway) == first
    save(folder / "pair.yaml", pair())
    gateway.wait("applied")
    assert shown(gateway) != first


def test_objects_of_a_broken_file_are_served_also_after_a_restart(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    with Load(gateway.http_port, "a.test") as load:
        save(folder / "web.yaml", INGRESS.replace("rules:", "rules: [", 1))
        gateway.wait("diagnostic", code="ISTH0015")
        for _ in range(2):
            kill_control_plane(gateway)
            load.wait_for(50)
    assert load.failed == []
    kill_envoy(gateway)
    assert gateway.get("a.test").status == 200
    (folder / "web.yaml").unlink()
    gateway.wait("applied")
    assert gateway.get("a.test").status == 404


def test_a_file_that_breaks_while_nobody_looks_costs_nothing(served: tuple[Gateway, Path]) -> None:
    gateway, folder = served
    os.kill(gateway.pid("control-plane-started"), signal.SIGSTOP)
    save(folder / "web.yaml", "no: [yaml")
    save(folder / "pair.yaml", pair(b"no key"))
    with Load(gateway.http_port, "a.test") as load:
        kill_control_plane(gateway)
        load.wait_for(50)
    assert load.failed == []
    assert {"ISTH0001", "ISTH0131", "ISTH0015"} <= set(gateway.diagnostics())
    shown(gateway)


def test_what_came_through_a_pipe_is_there_after_a_restart(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=pipe.write_text, args=(INGRESS,))
    writing.start()
    with http_echoes("web") as addresses, Gateway([pipe], {"default/web": list(addresses.values())}) as gateway:
        writing.join()
        kill_control_plane(gateway)
        assert gateway.get("a.test").replica == "web"
