"""The Authorization header of basic authentication, well and ill formed."""

from __future__ import annotations

import base64

import pytest

from isthmus.edge.authorization.basic import Credentials, challenge, credentials


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Basic {encoded(b'ann:pw')}", Credentials("ann", b"pw")),
        (f"basic   {encoded(b'ann:pw')} ", Credentials("ann", b"pw")),
        (f"BASIC {encoded(b'ann:a:b')}", Credentials("ann", b"a:b")),
        (f"Basic {encoded(b'ann:')}", Credentials("ann", b"")),
        (f"Basic {encoded('ünal:pässword'.encode())}", Credentials("ünal", "pässword".encode())),
        (f"Basic {encoded(bytes((97, 58, 255)))}", Credentials("a", b"\xff")),
        ("", None),
        ("Basic", None),
        ("Basic ", None),
        ("Basic !!!!", None),
        ("Basic YW5uOnB3,Basic YW5uOnB3", None),
        (f"Bearer {encoded(b'ann:pw')}", None),
        (f"Basic {encoded(b'annpw')}", None),
        (f"Basic {encoded(b':pw')}", None),
        (f"Basic {encoded(bytes((255, 58, 97)))}", None),
        (f"Basic {encoded(b'ann:p' + bytes(1) + b'w')}", None),
        (f"Basic {encoded(b'ann:' + b'x' * 1_025)}", None),
        (f"Basic {encoded(b'x' * 100_000)}", None),
        ("Basic ä", None),
    ],
)
def test_headers(header: str, expected: Credentials | None) -> None:
    assert credentials(header) == expected


@pytest.mark.parametrize(
    ("realm", "header"),
    [
        ("", 'Basic realm=""'),
        ("off", 'Basic realm="off"'),
        ('a "b" \\', 'Basic realm="a \\"b\\" \\\\"'),
        ('x", error="', 'Basic realm="x\\", error=\\""'),
    ],
)
def test_a_realm_stays_in_its_quotes(realm: str, header: str) -> None:
    denied = challenge(realm)
    assert (denied.status, denied.headers) == (401, (("www-authenticate", header),))
