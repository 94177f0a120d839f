"""Templates filled from a request, and what a request says about itself."""

from __future__ import annotations

import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.edge import pki
from isthmus.edge.authorization.request import Request, fill
from isthmus.ir.template import Of, Variable

REQUEST = Request(
    method="PUT",
    target="/a b/ü?x=1&y=%20&x=2",
    authority="Shop.test:8443",
    headers={"x-user": "ann", "cookie": "a=1; b=x=y; c", "x-request-id": "id", "content-type": "application/grpc+x"},
    client="10.0.0.7",
    scheme="https",
    protocol="HTTP/2",
    local_port=8443,
)


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        (Variable(Of.ORIGIN), "https://Shop.test:8443"),
        (Variable(Of.SCHEME), "https"),
        (Variable(Of.HOST), "shop.test"),
        (Variable(Of.METHOD), "PUT"),
        (Variable(Of.TARGET), "/a b/ü?x=1&y=%20&x=2"),
        (Variable(Of.ESCAPED_TARGET), "%2Fa%20b%2F%C3%BC%3Fx%3D1%26y%3D%2520%26x%3D2"),
        (Variable(Of.PATH), "/a b/ü"),
        (Variable(Of.QUERY), "x=1&y=%20&x=2"),
        (Variable(Of.QUERY_MARK), "?"),
        (Variable(Of.CLIENT), "10.0.0.7"),
        (Variable(Of.REQUEST_ID), "id"),
        (Variable(Of.PROTOCOL), "HTTP/2"),
        (Variable(Of.LOCAL_PORT), "8443"),
        (Variable(Of.CERTIFICATE), ""),
        (Variable(Of.CERTIFICATE_SUBJECT), ""),
        (Variable(Of.CERTIFICATE_ISSUER), ""),
        (Variable(Of.HEADER, "x-user"), "ann"),
        (Variable(Of.HEADER, "x-absent"), ""),
        (Variable(Of.ANSWER_HEADER, "x-user"), ""),
        (Variable(Of.COOKIE, "b"), "x=y"),
        (Variable(Of.COOKIE, "c"), ""),
        (Variable(Of.PARAMETER, "x"), "1"),
        (Variable(Of.PARAMETER, "z"), ""),
    ],
)
def test_variables(variable: Variable, expected: str) -> None:
    assert fill(("<", variable, ">"), REQUEST) == f"<{expected}>"


def test_every_variable_has_a_value() -> None:
    for of in Of:
        fill((Variable(of, "x"),), REQUEST)


@pytest.mark.parametrize(
    ("authority", "host"),
    [("a.test", "a.test"), ("A.test:80", "a.test"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]"), ("", "")],
)
def test_hosts(authority: str, host: str) -> None:
    assert REQUEST._replace(authority=authority).host == host


def test_names_of_a_certificate() -> None:
    pair = pki.leaf(pki.authority("Root"), ["client.test"], common_name='Ann, "the" client')
    encoded = urllib.parse.quote(pair.cert_pem.decode())
    shown = REQUEST._replace(certificate=encoded)
    assert fill((Variable(Of.CERTIFICATE),), shown) == encoded
    assert fill((Variable(Of.CERTIFICATE_SUBJECT),), shown) == r"CN=Ann\, \"the\" client"
    assert fill((Variable(Of.CERTIFICATE_ISSUER),), shown) == "CN=Root"


@pytest.mark.parametrize("certificate", ["nonsense", "%ZZ", "-----BEGIN CERTIFICATE-----", "ü", "x" * 100_000])
def test_a_certificate_that_cannot_be_read_names_nobody(certificate: str) -> None:
    shown = REQUEST._replace(certificate=certificate)
    assert fill((Variable(Of.CERTIFICATE_SUBJECT), Variable(Of.CERTIFICATE_ISSUER)), shown) == ""


@given(st.text(), st.text(), st.text())
def test_whatever_a_client_sends_stays_data(target: str, cookie: str, authority: str) -> None:
    request = REQUEST._replace(target=target, authority=authority, headers={"cookie": cookie, "$host": "x"})
    for of in Of:
        if of not in (Of.CERTIFICATE, Of.CERTIFICATE_SUBJECT, Of.CERTIFICATE_ISSUER):
            assert isinstance(fill((Variable(of, "a"),), request), str)
