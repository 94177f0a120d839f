"""What is remembered beyond a restart: written and read back, torn, overtaken, of another version."""

from __future__ import annotations

import pytest
from annotation_samples import RESTRICTING, controller_of, ingress, translated
from manifests import objects

from isthmus.ir.backend import ServicePortRef
from isthmus.ir.host import Origin
from isthmus.ir.listener import Certificate, PrivateBytes
from isthmus.ir.transcoding import Adapted, SchemaFile, Transcoding
from isthmus.kube.objects import ref_of
from isthmus.kube.refs import FieldPath, ObjectRef
from isthmus.machines.last_good import LastGood, Refused, Writer, read
from isthmus.machines.standing import Standing, Version
from isthmus.xds.resources import SCOPE, Resource

OBJECTS = objects(
    """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i, namespace: ns, annotations: {a/b: "1"}}
spec: {rules: [{host: a.test, http: {paths: [{path: /, backend: {service: {name: s, port: {number: 80}}}}]}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: e, labels: {kubernetes.io/service-name: s}}
ports: [{port: 80}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}}]
---
apiVersion: v1
kind: Service
metadata: {name: s}
spec: {ports: [{port: 80, targetPort: web}]}
---
apiVersion: k8s.nginx.org/v1
kind: Policy
metadata: {name: p}
spec: {rateLimit: {rate: 1r/s}, waf: {enable: true}}
---
apiVersion: v1
kind: Secret
metadata: {name: x}
stringData: {a: b}
"""
)
PORT = ServicePortRef("ns", "s", 80)
SCHEMA = Transcoding(
    "d", b"\xff", ("n.S",), (Adapted("*", "/", ".*"),), (SchemaFile("f", "d", ("n.S",)),), ("a_b", "aB")
)
ORIGIN = Origin(ObjectRef("Ingress", "ns", "i"), FieldPath(("spec", "tls", 0)))


def certificate(host: str, chain: bytes = b"chain") -> Certificate:
    return Certificate(host, chain, PrivateBytes(b"key"), ORIGIN)


def test_objects_come_back_as_they_were() -> None:
    assert read(b"".join(Writer().objects(OBJECTS))).objects == {ref_of(each): each for each in OBJECTS}


def test_what_is_gone_is_forgotten() -> None:
    writer = Writer()
    data = b"".join((*writer.objects(OBJECTS), *writer.objects((), [ref_of(OBJECTS[0])])))
    assert len(read(data).objects) == len(OBJECTS) - 1


def test_a_pair_that_many_hosts_have_is_written_once() -> None:
    writer = Writer()
    records = [*writer.certificates("a", [certificate("a")]), *writer.certificates("*", [certificate("b")])]
    assert len(records) == 3
    found = read(b"".join(records)).certificates
    assert found == {"a": (certificate("a"),), "*": (certificate("b"),)}
    assert "b'key'" not in repr(found)


def test_the_last_certificates_of_a_host_count() -> None:
    writer = Writer()
    hosts = [("a", [certificate("a")]), ("a", [certificate("a", b"new")]), ("b", [certificate("b")]), ("b", [])]
    data = b"".join(record for host, held in hosts for record in writer.certificates(host, held))
    assert read(data).certificates == {"a": (certificate("a", b"new"),)}


def test_refusals_come_back() -> None:
    refused = Refused(SCOPE, "http/a", "2", "no", Resource(SCOPE, "http/a", b"\x00", "1"))
    assert read(Writer().refused(refused)).refused == {(SCOPE, "http/a"): refused}


def test_a_torn_end_and_records_that_nobody_knows_cost_nothing_else() -> None:
    whole = b"".join(Writer().objects(OBJECTS))
    strange = b"".join(len(body).to_bytes(4, "big") + body for body in (b"\x92\xa3new\x01", b"\xc1", b""))
    for end in (b"\x00", b"\x00\x00\x00\x09abc", strange):
        assert len(read(whole + end).objects) == len(OBJECTS)
    assert read(b"") == LastGood()


@pytest.mark.parametrize("key", RESTRICTING)
def test_a_wildcard_host_comes_back_as_it_was(key: str) -> None:
    sample = RESTRICTING[key]
    of = controller_of(key)
    found = translated(ingress("web", "/", {key: sample.value, **sample.beside}, of=of, tls=sample.tls))
    for config in found.hosts:
        standing = Standing(config.listener, config.host, Version(config, ((PORT, SCHEMA),)), Version(config), "no")
        assert read(Writer().wildcard(standing)).wildcards == {(config.listener, config.host): standing}
