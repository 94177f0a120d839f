"""Findings that come from running, not from reading manifests (ISTH0200 to ISTH0299)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

REJECTED = Code(
    "ISTH0200",
    Severity.ERROR,
    "Envoy refused {resource}: {message}",
    "change the object; until then its last accepted configuration is served",
    "Envoy checks every resource before it uses it. The refused one is not sent again until it changes; everything "
    "else goes through. The API of Isthmus should have caught this earlier: please report it with the object.",
    Effect.LAST_GOOD,
)
INTERNAL = Code(
    "ISTH0201",
    Severity.ERROR,
    "translating host {host} failed inside Isthmus: {error}",
    "please report it with the object; until it changes, the host's last good configuration is served",
    "This is a bug of Isthmus. It is contained: only this host keeps an older configuration.",
    Effect.LAST_GOOD,
)

CODES = (REJECTED, INTERNAL)
