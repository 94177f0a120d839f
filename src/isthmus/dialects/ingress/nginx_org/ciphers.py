"""ssl-ciphers and ssl-prefer-server-ciphers: which ciphers a host takes, for TLS up to 1.2, and whose order counts.

Rule: a list never becomes wider than it was written; one that leaves nothing closes the host's paths.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar import openssl_ciphers
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

CIPHERS = "nginx.org/ssl-ciphers"
PREFER = "nginx.org/ssl-prefer-server-ciphers"

_MOST_TOLD = 5


def _apply(view: View, draft: Draft) -> Draft:
    found = replace(draft.host_tls, client_order=not view.boolean(PREFER, False))
    text = view.text(CIPHERS)
    if text is None:
        return replace(draft, host_tls=found)
    read = openssl_ciphers.parse(text)
    left_out = ", ".join((*read.unknown, *read.absent)[:_MOST_TOLD])
    if not read.names:
        view.invalid(CIPHERS, left_out or text[:80] or "empty", "ciphers in OpenSSL's form, at least one of Envoy's")
    elif left_out:
        view.say(annotation_codes.CIPHERS_LEFT_OUT, CIPHERS, names=left_out)
    return replace(draft, host_tls=replace(found, ciphers=read.names, ciphers_key=CIPHERS))


FEATURE = Feature(
    title="Ciphers",
    about="Which ciphers a host takes from clients of TLS 1.2 and before. A host with a list of its own gets a filter "
    "chain of its own. The list is OpenSSL's; ciphers that Envoy does not have are left out and named. The ciphers of "
    "TLS 1.3 are not for anybody to choose.",
    annotations=(
        Annotation(
            CIPHERS,
            "ciphers or groups of ciphers in OpenSSL's form",
            "Envoy's: ECDHE with AES-GCM or ChaCha20",
            Handling.DIFFERS,
            "ciphers that Envoy does not have are left out and named; a list that leaves none closes the paths",
            restricts=True,
            setting="ssl-ciphers",
        ),
        Annotation(PREFER, "boolean", "false", setting="ssl-prefer-server-ciphers"),
    ),
    apply=_apply,
)
