"""Diagnostics as text, as JSON values and as SARIF: renderings of the same tuple, so they never disagree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from isthmus.kube.diagnostics import Code, Diagnostic, Effect, Severity

DOCS = "docs/codes"
_EFFECTS = {
    Effect.NONE: "",
    Effect.KEEP: " (served without it)",
    Effect.CLOSE: " (answers 503)",
    Effect.DROP: " (not served)",
    Effect.UNREAD: " (not read; a running gateway keeps the last good version)",
    Effect.LAST_GOOD: " (the last good version stays)",
}
_NOTHING = "nothing"
_SARIF_LEVEL = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def render_text(diagnostic: Diagnostic) -> str:
    """Three lines: place, code and what was found; which object and field, and what becomes of it; what to do. Only
    the first where there is nothing to do."""
    where = f"{diagnostic.pos}: " if diagnostic.pos else ""
    at = f"{diagnostic.ref}" + (f", {diagnostic.path}" if diagnostic.path.steps else "")
    at += _EFFECTS[diagnostic.code.effect]
    head = f"{where}{diagnostic.code.severity.word} {diagnostic.code.id}: {diagnostic.message}"
    if diagnostic.help == _NOTHING:
        return head
    return f"{head}\n    {at}\n    to do: {diagnostic.help}"


def render_json(diagnostic: Diagnostic) -> dict[str, object]:
    """One finding as a JSON object; absent parts are left out."""
    ref = diagnostic.ref
    found: dict[str, object] = {
        "code": diagnostic.code.id,
        "severity": diagnostic.code.severity.word,
        "effect": diagnostic.code.effect.value,
        "object": {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name},
        "path": str(diagnostic.path),
        "message": diagnostic.message,
        "help": diagnostic.help,
    }
    if diagnostic.pos:
        found |= {"file": diagnostic.pos.file, "line": diagnostic.pos.line, "column": diagnostic.pos.column}
    return found


def render_sarif(found: Sequence[Diagnostic], codes: Iterable[Code], version: str) -> dict[str, object]:
    """A SARIF 2.1.0 log, as code-scanning services read it."""
    used = {diagnostic.code.id for diagnostic in found}
    rules = [_sarif_rule(code) for code in codes if code.id in used]
    driver = {"name": "isthmus", "version": version, "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_sarif_result(each) for each in found]}],
    }


def _sarif_rule(code: Code) -> dict[str, object]:
    return {
        "id": code.id,
        "fullDescription": {"text": code.why},
        "helpUri": f"{DOCS}/{code.id}.md",
        "defaultConfiguration": {"level": _SARIF_LEVEL[code.severity]},
    }


def _sarif_result(diagnostic: Diagnostic) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": diagnostic.code.id,
        "level": _SARIF_LEVEL[diagnostic.code.severity],
        "message": {"text": f"{diagnostic.message}. {diagnostic.ref}, {diagnostic.path}. To do: {diagnostic.help}"},
    }
    if diagnostic.pos:
        region = {"startLine": max(diagnostic.pos.line, 1), "startColumn": max(diagnostic.pos.column, 1)}
        place = {"artifactLocation": {"uri": diagnostic.pos.file}, "region": region}
        result["locations"] = [{"physicalLocation": place}]
    return result
