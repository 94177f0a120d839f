"""Annotation values as the controllers read them; anything else falls back to the default and is reported."""

from __future__ import annotations

import pytest
from manifests import codes

from isthmus.dialects.ingress.handling import Annotation
from isthmus.dialects.ingress.nginx import VOCABULARY as NGINX
from isthmus.dialects.ingress.nginx_org import VOCABULARY as NGINX_ORG
from isthmus.dialects.ingress.view import View
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Ingress, Meta

KEY = "nginx.ingress.kubernetes.io/x"


def view(value: str | None) -> tuple[View, Report]:
    report = Report()
    notes = {} if value is None else {KEY: value}
    return View(
        Ingress(metadata=Meta("i", "default", annotations=notes)), (Annotation(KEY, "anything"),), report
    ), report


@pytest.mark.parametrize(("value", "expected"), [("1", 1000), (" 60 ", 60_000), ("3600", 3_600_000), (None, 5)])
def test_seconds(value: str | None, expected: int) -> None:
    asked, report = view(value)
    assert (asked.seconds(KEY, 5), report.all()) == (expected, ())


@pytest.mark.parametrize("value", ["", "60s", "0", "-1", "1.5", "1e3", "٣", "9" * 400, "1m", "\x00", "6 0", "$x"])
def test_seconds_that_are_none(value: str) -> None:
    asked, report = view(value)
    assert (asked.seconds(KEY, 5), codes(report.all())) == (5, ["ISTH0114"])


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("True", True), ("1", True), ("f", False)])
def test_booleans(value: str, expected: bool) -> None:
    asked, report = view(value)
    assert (asked.boolean(KEY, not expected), report.all()) == (expected, ())


@pytest.mark.parametrize("value", ["", "yes", "on", "truee", "\r\n", "1" * 1000])
@pytest.mark.parametrize("default", [True, False])
def test_booleans_that_are_none(value: str, default: bool) -> None:
    asked, report = view(value)
    assert (asked.boolean(KEY, default), codes(report.all())) == (default, ["ISTH0114"])


def test_a_feature_sees_only_what_it_declares() -> None:
    asked, _ = view("x")
    with pytest.raises(KeyError):
        asked.text("nginx.ingress.kubernetes.io/y")


def test_findings_are_one_line_and_bounded() -> None:
    asked, report = view("a\r\nb\x1b[31m" + "x" * 1_000_000)
    asked.seconds(KEY, 5)
    message = report.all()[0].message
    assert message.isprintable()
    assert len(message) < 400


CLOSING = [
    "auth-type auth-url auth-tls-secret satisfy whitelist-source-range allowlist-source-range",
    "denylist-source-range limit-rps limit-rpm limit-connections limit-rate enable-modsecurity modsecurity-snippet",
    "configuration-snippet server-snippet auth-snippet proxy-ssl-verify ssl-passthrough enable-owasp-core-rules",
]


@pytest.mark.parametrize("name", " ".join(CLOSING).split())
def test_what_restricts_access_closes(name: str) -> None:
    assert NGINX.restricts(f"nginx.ingress.kubernetes.io/{name}")


@pytest.mark.parametrize(
    "name",
    ["basic-auth-secret", "limit-req-rate", "policies", "server-snippets", "location-snippets"],
)
def test_what_restricts_access_closes_for_nginx_inc(name: str) -> None:
    assert NGINX_ORG.restricts(f"nginx.org/{name}")


@pytest.mark.parametrize("name", ["enable-cors", "rewrite-target", "load-balance", "proxy-body-size", "zzz"])
def test_what_does_not_is_served_and_reported(name: str) -> None:
    assert not NGINX.restricts(f"nginx.ingress.kubernetes.io/{name}")
