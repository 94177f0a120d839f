"""Which texts are hosts of a rule."""

from __future__ import annotations

import pytest
from manifests import codes, translate

from isthmus.dialects.ingress.claims import is_host

NAMED = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/from-to-www-redirect: "true"
    nginx.ingress.kubernetes.io/server-alias: b.test
spec:
  ingressClassName: nginx
  tls: [{hosts: [HOSTS], secretName: pair}]
  rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


@pytest.mark.parametrize("host", ["a", "a.b", "*.a", "*.a.b-c.d", "1.example", "xn--bcher-kva.example", "a" * 63])
def test_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host",
    [
        *("", "*", "*a.b", "a.*", "a.*.b", "*.*.b", "A.b", "a..b", ".a", "a.", "-a.b", "a-.b", "a_b.c", "a b"),
        *("a\n", "a:80", "10.0.0.1", "a/b", "a\x00", "é.fr", "a" * 254),
    ],
)
def test_no_hosts(host: str) -> None:
    assert not is_host(host)


@pytest.mark.parametrize(
    ("hosts", "unused"),
    [("a.test, www.a.test, b.test", False), ("www.a.test", True), ("b.test", True), ("a.test, c.test", True)],
)
def test_tls_may_name_the_other_names_of_a_host_beside_it(hosts: str, unused: bool) -> None:
    assert ("ISTH0138" in codes(translate(NAMED.replace("HOSTS", hosts)).found)) is unused
