"""enable-cors and cors-*: real defaults, origins as they are read, and nobody let in by mistake."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted

from isthmus.dialects.ingress.nginx.cors import FEATURE
from isthmus.ir.policy import Cors

DEFAULT = Cors(
    origins=("*",),
    methods=("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"),
    headers=tuple(
        [
            "DNT",
            "Keep-Alive",
            "User-Agent",
            "X-Requested-With",
            "If-Modified-Since",
            "Cache-Control",
            "Content-Type",
            "Range",
            "Authorization",
        ]
    ),
    credentials=False,
    max_age_s=1_728_000,
)


@pytest.mark.parametrize("value", [None, "false", "0", "yes", ""])
def test_off_unless_it_is_switched_on(value: str | None) -> None:
    given = {} if value is None else {"enable-cors": value}
    assert drafted(FEATURE, {**given, "cors-allow-origin": "https://a.example"}).draft.policy.cors is None


def test_defaults() -> None:
    found = drafted(FEATURE, {"enable-cors": "true"})
    assert (found.draft.policy.cors, found.codes) == (DEFAULT, [])


@pytest.mark.parametrize(
    ("value", "origins", "reported"),
    [
        ("https://a.example", ("https://a.example",), False),
        ("https://A.Example:8443", ("https://a.example:8443",), False),
        ("https://a.example, http://b.example:80,", ("https://a.example", "http://b.example:80"), False),
        ("https://*.a.example", ("https://+.a.example",), False),
        ("http://*.a.example:8080", ("http://+.a.example:8080",), False),
        ("chrome-extension://abcdef", ("chrome-extension://abcdef",), False),
        ("null", ("null",), False),
        ("https://a.example,*", ("*",), False),
        ("", ("*",), False),
        ("https://a.example,https://$host", ("https://a.example",), True),
        ("https://*a.example", (), True),
        ("https://a.*.example", (), True),
        ("https://a.example/path", (), True),
        ("https://a.example\r\nX: y", (), True),
        ("a.example", (), True),
        (".*", (), True),
        ("https://é.example", (), True),
    ],
)
def test_origins(value: str, origins: tuple[str, ...], reported: bool) -> None:
    found = drafted(FEATURE, {"enable-cors": "true", "cors-allow-origin": value})
    assert found.draft.policy.cors is not None
    assert found.draft.policy.cors.origins == origins
    assert found.codes == (["ISTH0114"] if reported else [])


@pytest.mark.parametrize("value", [value for value in NONSENSE if value.strip()])
def test_what_is_no_origin_allows_nobody(value: str) -> None:
    found = drafted(FEATURE, {"enable-cors": "true", "cors-allow-origin": value}).draft.policy.cors
    assert found is not None
    assert found.origins == ()


def test_lists_credentials_and_age() -> None:
    given = {
        "enable-cors": "true",
        "cors-allow-origin": "https://a.example",
        "cors-allow-methods": "PUT, GET",
        "cors-allow-headers": "X-Forwarded-For,X-app_1 Y",
        "cors-expose-headers": "*, X-Custom",
        "cors-max-age": "600",
    }
    found = drafted(FEATURE, given)
    assert found.draft.policy.cors == Cors(
        ("https://a.example",), ("PUT", "GET"), ("X-Forwarded-For", "X-app_1", "Y"), ("*", "X-Custom"), True, 600
    )
    assert found.codes == []


def test_credentials_can_be_switched_off_and_never_go_to_everybody() -> None:
    some = {"enable-cors": "true", "cors-allow-origin": "https://a.example"}
    assert drafted(FEATURE, {**some, "cors-allow-credentials": "false"}).draft.policy.cors.credentials is False
    everybody = drafted(FEATURE, {"enable-cors": "true", "cors-allow-credentials": "true"}).draft.policy.cors
    assert everybody is not None
    assert everybody.credentials is False


@pytest.mark.parametrize("name", ["cors-allow-methods", "cors-allow-headers", "cors-expose-headers", "cors-max-age"])
@pytest.mark.parametrize("value", ["a;b", "a\r\nX: y\x00", "$pid", "é", "(", "a" * 60_000 + ";"])
def test_what_cannot_be_read_leaves_the_default(name: str, value: str) -> None:
    found = drafted(FEATURE, {"enable-cors": "true", name: value})
    assert (found.draft.policy.cors, found.codes) == (DEFAULT, ["ISTH0114"])
