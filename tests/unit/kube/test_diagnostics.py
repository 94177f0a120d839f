"""Findings: one order, however they came about."""

from __future__ import annotations

from isthmus.kube import codes
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.refs import ObjectRef


def test_findings_about_one_field_have_one_order() -> None:
    """An object with several hosts is found fault with once for each, in the order in which they were looked at."""
    ref = ObjectRef("Ingress", "n", "i")
    found = [Diagnostic(codes.TOO_LARGE, ref, args=(("what", what),)) for what in ("b", "a")]
    assert [dict(each.args)["what"] for each in sorted(found, key=lambda each: each.sort_key)] == ["a", "b"]
