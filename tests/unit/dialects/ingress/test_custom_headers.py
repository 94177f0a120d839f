"""custom-headers: a ConfigMap's entries on every answer, or a closed path."""

from __future__ import annotations

import pytest
from ingress_drafts import drafted

from isthmus.dialects.ingress.nginx.headers import FEATURE
from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.kube.objects import ConfigMap, Meta


def maps(**data: str) -> list[ConfigMap]:
    return [ConfigMap(metadata=Meta("extra", "shop"), data={k.replace("_", "-"): v for k, v in data.items()})]


@pytest.mark.parametrize("name", ["extra", "shop/extra", " extra "])
def test_headers_are_set_as_they_are(name: str) -> None:
    found = drafted(FEATURE, {"custom-headers": name}, objects=maps(X_B="$remote_addr", X_A="100%"))
    expected = (HeaderEdit("X-A", ("100%",), Edit.SET), HeaderEdit("X-B", ("$remote_addr",), Edit.SET))
    assert (found.draft.policy.answer_headers, found.draft.closed, found.codes) == (expected, False, [])


def test_absent_or_empty_asks_for_nothing() -> None:
    assert drafted(FEATURE, {"custom-headers": ""}).draft == drafted(FEATURE, {}).draft


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("extra", "ISTH0125"),
        ("other/extra", "ISTH0123"),
        ("a/b/c", "ISTH0124"),
        ("Ex tra", "ISTH0124"),
        ("$host", "ISTH0124"),
        ("a\r\nb", "ISTH0124"),
        ("x" * 70_000, "ISTH0125"),
    ],
)
def test_without_the_config_map_the_path_is_closed(name: str, code: str) -> None:
    found = drafted(FEATURE, {"custom-headers": name})
    assert (found.draft.closed, found.codes) == (True, [code])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("X Y", "a"),
        ("X:Y", "a"),
        ("", "a"),
        ("X-Ü", "a"),
        ("X-A", "a\r\nSet-Cookie: b"),
        ("X-A", "a\x00"),
        ("X-A", "x" * 9_000),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Connection", "close"),
        ("Host", "a"),
        ("x-isthmus-cluster", "other"),
        ("X-Envoy-Upstream-Service-Time", "1"),
    ],
)
def test_what_may_not_be_set_closes_the_path(key: str, value: str) -> None:
    objects = [ConfigMap(metadata=Meta("extra", "shop"), data={"X-Good": "1", key: value})]
    found = drafted(FEATURE, {"custom-headers": "extra"}, objects=objects)
    assert (found.draft.closed, found.codes) == (True, ["ISTH0126"])
    assert found.draft.policy.answer_headers == ()


@pytest.mark.parametrize(("allowed", "closed"), [("x-a, X-B", False), ("X-A", True), ("", True)])
def test_the_administrator_limits_the_names(allowed: str, closed: bool) -> None:
    settings = {"global-allowed-response-headers": allowed}
    found = drafted(FEATURE, {"custom-headers": "extra"}, settings, maps(X_A="1", X_B="2"))
    assert found.draft.closed is closed
