"""ssl-ciphers and ssl-prefer-server-ciphers: which ciphers a host takes, for TLS up to 1.2, and whose order counts.

Rule: a list never becomes wider than it was written; one that leaves nothing closes the host's paths.
Source: ingress-nginx, user guide, "SSL ciphers"; OpenSSL, ciphers(1).
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.openssl_ciphers import parse
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

CIPHERS = "nginx.ingress.kubernetes.io/ssl-ciphers"
PREFER = "nginx.ingress.kubernetes.io/ssl-prefer-server-ciphers"

_MOST_TOLD = 5


def _apply(view: View, draft: Draft) -> Draft:
    found = draft.host_tls
    text = view.text(CIPHERS)
    if text is not None:
        found = replace(found, ciphers=_ciphers(view, text), ciphers_key=CIPHERS)
    if view.text(PREFER) is not None:
        found = replace(found, client_order=not _switch(view))
    return replace(draft, host_tls=found)


def _ciphers(view: View, text: str) -> tuple[str, ...]:
    found = parse(text)
    left_out = (*found.unknown, *found.absent)
    if not found.names:
        what = _told(left_out) or text[:80] or "empty"
        view.invalid(CIPHERS, what, "a list in OpenSSL's form that has at least one cipher that Envoy has")
    elif left_out:
        view.say(codes.CIPHERS_LEFT_OUT, CIPHERS, names=_told(left_out))
    return found.names


def _told(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return ", ".join(names[:_MOST_TOLD]) + more


def _switch(view: View) -> bool:
    """ingress-nginx takes what nginx takes, on or off; people write true and false as well."""
    return view.word(PREFER, ("ON", "OFF", "TRUE", "FALSE"), "ON") in ("ON", "TRUE")


FEATURE = Feature(
    title="Ciphers",
    about="Which ciphers a host takes from clients of TLS 1.2 and before. A host with a list of its own gets a filter "
    "chain of its own. The list is OpenSSL's; Envoy has those of its ciphers that are worth having, without DHE, CBC "
    "with SHA-2, CAMELLIA, ARIA, PSK, 3DES and RC4. The ciphers of TLS 1.3 are not for anybody to choose.",
    annotations=(
        Annotation(
            CIPHERS,
            "ciphers or groups of ciphers in OpenSSL's form",
            "Envoy's: ECDHE with AES-GCM or ChaCha20",
            Handling.DIFFERS,
            "ciphers that Envoy does not have are left out and named; a list that leaves none closes the paths",
            restricts=True,
        ),
        Annotation(PREFER, "on or off", "on"),
    ),
    apply=_apply,
)
