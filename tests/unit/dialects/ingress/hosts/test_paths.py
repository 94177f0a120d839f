"""Ingress paths: what they match, and which cannot match anything."""

from __future__ import annotations

import pytest
from manifests import codes

from isthmus.dialects.ingress.hosts.paths import parse_path
from isthmus.ir.match import Exact, Prefix, SegmentPrefix
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import IngressBackend, IngressPath
from isthmus.kube.refs import ROOT, ObjectRef

REF = ObjectRef("Ingress", "default", "x")


ELSEWHERE = ("/a%2Fb", "/a%5cb", "/a\\b", "/%2e%2E/a")  # Envoy never matches such a path


def parse(path: str, kind: str) -> tuple[object, list[str]]:
    report = Report()
    return parse_path(IngressPath(IngressBackend(), path, kind), REF, ROOT, report), codes(report.all())


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("/a", "Exact", Exact("/a")),
        ("/a/", "Exact", Exact("/a/")),
        ("/", "Exact", Exact("/")),
        ("/a", "Prefix", SegmentPrefix("/a")),
        ("/a/", "Prefix", SegmentPrefix("/a")),
        ("/", "Prefix", SegmentPrefix("/")),
        ("", "Prefix", SegmentPrefix("/")),
        ("/a", "ImplementationSpecific", Prefix("/a")),
        ("/a/", "ImplementationSpecific", Prefix("/a/")),
        ("/", "ImplementationSpecific", SegmentPrefix("/")),
        ("/%C3%A4", "Prefix", SegmentPrefix("/%C3%A4")),
        ("/a%20b", "Exact", Exact("/a%20b")),
        ("/%61%2D%e9", "Exact", Exact("/a-%e9")),
        ("/{a}|", "Prefix", SegmentPrefix("/%7Ba%7D%7C")),
    ],
)
def test_what_a_path_matches(path: str, kind: str, expected: object) -> None:
    assert parse(path, kind) == (expected, [])


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "//a",
        "/a//b",
        "/a/../b",
        "/.",
        "/a b",
        "/ä",
        "/a\n",
        "/a\x00",
        "/a?b",
        "/a#b",
        "/" + "a" * 5000,
        *ELSEWHERE,
    ],
)
@pytest.mark.parametrize("kind", ["Exact", "Prefix", "ImplementationSpecific"])
def test_paths_that_cannot_match(path: str, kind: str) -> None:
    assert parse(path, kind) == (None, ["ISTH0107"])


def test_a_missing_path_type_is_refused_as_the_api_server_does() -> None:
    assert parse("/a", "") == (None, ["ISTH0108"])


def test_a_path_type_that_does_not_exist_is_guessed() -> None:
    report = Report()
    assert parse_path(IngressPath(IngressBackend(), "/", "prefix"), REF, ROOT, report) is None
    assert "did you mean Prefix?" in report.all()[0].help
