"""proxy-ssl-*: the certificate that the gateway shows to a backend, and how it judges the backend's.

Counts where the Service is spoken to with TLS. Source: ingress-nginx, user guide, "Backend Certificate
Authentication"; nginx, ngx_http_proxy_module. Rule: what is to be verified is, or the path is closed; unlike nginx,
which forgets all of it without proxy-ssl-secret.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.openssl_ciphers import parse
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.backend import Trust
from isthmus.ir.private import PrivateBytes
from isthmus.kube import certificates
from isthmus.kube.objects import Secret, ref_of
from isthmus.kube.secret_values import keys, value

_PREFIX = "nginx.ingress.kubernetes.io/proxy-ssl-"
SECRET = _PREFIX + "secret"
VERIFY = _PREFIX + "verify"
DEPTH = _PREFIX + "verify-depth"
NAME = _PREFIX + "name"
SERVER_NAME = _PREFIX + "server-name"
CIPHERS = _PREFIX + "ciphers"
PROTOCOLS = _PREFIX + "protocols"

_AUTHORITIES = "ca.crt"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_VERSIONS = {"TLSv1": "1.0", "TLSv1.1": "1.1", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_BROKEN_VERSIONS = ("SSLv2", "SSLv3")


def _apply(view: View, draft: Draft) -> Draft:
    verify = view.on_off(VERIFY, False)
    trust = _without_secret(view, verify)
    return replace(draft, trust=_with_secret(view, verify, trust))


def _without_secret(view: View, verify: bool) -> Trust:
    """What needs no Secret. With verification the name is compared; without, it is only sent."""
    sent = view.on_off(SERVER_NAME, False)
    name = view.text(NAME) or ""
    if name and not _NAME.fullmatch(name):
        view.invalid(NAME, name[:200], "the host name of the backend's certificate, without variables")
        name = ""
    if verify and not name:
        why = "without proxy-ssl-name nginx looks for a name of its own in the certificate, which none has"
        view.refuse(VERIFY, why, "add proxy-ssl-name")
    elif sent and not name:
        view.say(codes.ALONE, SERVER_NAME, other=NAME)
    if verify and view.text(SERVER_NAME) is not None and not sent:
        view.differs(SERVER_NAME, "the name that is verified is also sent")
    view.integer(DEPTH, 1, 0, 100)
    if verify and view.given(DEPTH) and not view.closed:
        view.differs(DEPTH, "a chain to the Secret's authorities may be as long as it likes")
    return Trust(name=name if verify or sent else "", ciphers=_ciphers(view), versions=_versions(view))


def _ciphers(view: View) -> tuple[str, ...]:
    text = view.text(CIPHERS)
    if text is None or text == "DEFAULT":
        return ()
    found = parse(text)
    if not found.names:
        view.invalid(CIPHERS, text[:200], "OpenSSL's list of ciphers, with at least one that Envoy has")
        return ()
    missing = (*found.absent, *found.unknown)
    if missing:
        view.differs(CIPHERS, f"Envoy does not have {', '.join(missing[:5])}")
    return found.names


def _versions(view: View) -> tuple[str, ...]:
    """The lowest and the highest version."""
    text = view.text(PROTOCOLS)
    if text is None:
        return ()
    words = text.split()
    known = [_VERSIONS[word] for word in words if word in _VERSIONS]
    if not known or any(word not in (*_VERSIONS, *_BROKEN_VERSIONS) for word in words):
        view.invalid(PROTOCOLS, text[:200] or "empty", f"words from {', '.join(_VERSIONS)}")
        return ()
    left_out = [word for word in words if word in _BROKEN_VERSIONS]
    if left_out:
        view.differs(PROTOCOLS, f"{' and '.join(left_out)} are broken, and Envoy does not have them")
    return min(known), max(known)


def _with_secret(view: View, verify: bool, trust: Trust) -> Trust:
    """The authorities, where something is to be verified, and the certificate that we show, where there is one."""
    secret = view.secret(SECRET) if view.text(SECRET) is not None else None
    if secret is None:
        if view.text(SECRET) is not None:
            view.closed = True  # reported already
        elif verify:
            view.refuse(VERIFY, "there is no proxy-ssl-secret with authorities to verify by", "add proxy-ssl-secret")
        return trust
    held = set(keys(secret))
    if verify:
        authorities = value(secret, _AUTHORITIES)
        if isinstance(authorities, str) or b"-----BEGIN CERTIFICATE-----" not in authorities:
            _broken(view, secret, authorities if isinstance(authorities, str) else f"{_AUTHORITIES} is no certificate")
            return trust
        trust = replace(trust, ca_pem=authorities)
    if not {certificates.CERT, certificates.KEY} & held:
        if _AUTHORITIES not in held:
            _broken(view, secret, f"it has neither {certificates.CERT} and {certificates.KEY} nor {_AUTHORITIES}")
        return trust
    pair = certificates.parse_pair(secret)
    if isinstance(pair, certificates.Broken):
        _broken(view, secret, pair.reason)
        return trust
    return replace(trust, chain_pem=pair.chain, key_pem=PrivateBytes(pair.key))


def _broken(view: View, secret: Secret, reason: str) -> None:
    view.closed = True
    view.say(codes.BROKEN_REFERENCE, SECRET, kind="Secret", name=ref_of(secret), reason=reason)


_ALWAYS = "counts without proxy-ssl-secret too"

FEATURE = Feature(
    title="TLS to backends",
    about="Where backend-protocol is HTTPS or GRPCS, the gateway shows the certificate of the Secret, and with "
    "proxy-ssl-verify it talks only to backends whose certificate is for proxy-ssl-name and from the authorities of "
    "the Secret's ca.crt. Others are answered 503.",
    annotations=(
        Annotation(
            SECRET,
            "[namespace/]name of a Secret with tls.crt and tls.key, ca.crt, or all three",
            "none",
            Handling.DIFFERS,
            "in the Ingress's own namespace only",
            restricts=True,
        ),
        Annotation(
            VERIFY,
            "on or off",
            "off",
            Handling.DIFFERS,
            "on needs proxy-ssl-secret and proxy-ssl-name, else the path is closed; nginx does not verify without the "
            "one and refuses every backend without the other. The name must be a subjectAltName",
            restricts=True,
        ),
        Annotation(
            DEPTH,
            "number of intermediate certificates",
            "1",
            Handling.DIFFERS,
            "not limited: Envoy counts them for clients only. Every chain ends at the Secret's authorities",
            restricts=True,
        ),
        Annotation(NAME, "host name", "none", Handling.DIFFERS, f"without variables; {_ALWAYS}", restricts=True),
        Annotation(
            SERVER_NAME,
            "on or off",
            "off",
            Handling.DIFFERS,
            f"counts with proxy-ssl-name; a name that is verified is sent in any case; {_ALWAYS}",
        ),
        Annotation(
            CIPHERS,
            "OpenSSL's list of ciphers",
            "DEFAULT",
            Handling.DIFFERS,
            f"those that Envoy has; {_ALWAYS}",
            restricts=True,
        ),
        Annotation(
            PROTOCOLS,
            "words from TLSv1, TLSv1.1, TLSv1.2, TLSv1.3",
            "TLSv1.2 and TLSv1.3",
            Handling.DIFFERS,
            f"everything from the lowest to the highest; the default is Envoy's; {_ALWAYS}",
            restricts=True,
        ),
    ),
    apply=_apply,
)
