"""auth-tls-*: clients of a host must show a certificate that an authority in a Secret has signed.

Read here for one Ingress; host_tls.py settles what counts for the host. Rule: without authorities that can be read
nobody gets in. Sources: ingress-nginx, user guide, "Client Certificate Authentication"; nginx,
ngx_http_ssl_module (ssl_verify_client, ssl_verify_depth, ssl_crl) and ngx_http_request.c (400 and 421).
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar import nginx_variables
from isthmus.dialects.ingress.grammar.regex import re2_problem
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.tls_asks import ClientAsk
from isthmus.dialects.ingress.view import View
from isthmus.ir.listener import ClientCertificates
from isthmus.ir.template import Template
from isthmus.kube.authorities import Authorities, parse_authorities
from isthmus.kube.objects import Secret

_PREFIX = "nginx.ingress.kubernetes.io/auth-tls-"
SECRET = _PREFIX + "secret"
VERIFY = _PREFIX + "verify-client"
DEPTH = _PREFIX + "verify-depth"
ERROR_PAGE = _PREFIX + "error-page"
MATCH_CN = _PREFIX + "match-cn"
PASS = _PREFIX + "pass-certificate-to-upstream"

_MODES = {
    "on": ClientCertificates.REQUIRED,
    "optional": ClientCertificates.OPTIONAL,
    "optional_no_ca": ClientCertificates.UNJUDGED,
    "off": None,
}
_LONGEST_CHAIN = 100
_URL = re.compile(r"[!#$%&()*+,./0-9:;=?@A-Z_a-z~\[\]'-]*")


def _apply(view: View, draft: Draft) -> Draft:
    if view.text(SECRET) is None:
        _without_secret(view)
        return draft
    mode = _mode(view)
    judges = read_authorities(view, SECRET)
    asked = ClientAsk(
        key=SECRET,
        mode=mode,
        depth=view.integer(DEPTH, 1, 0, _LONGEST_CHAIN) or 1,  # 0 is the default in ingress-nginx, too
        subject=_subject(view, mode),
        error_page=_error_page(view),
        pass_certificate=view.boolean(PASS, False),
    )
    if judges is not None and not view.closed:
        asked = replace(asked, authorities=judges.certificates, revoked=judges.revoked)
    return replace(draft, host_tls=replace(draft.host_tls, clients=asked))


def read_authorities(view: View, key: str) -> Authorities | None:
    """The authorities in the Secret that an annotation names; None is reported, and the path is closed."""
    secret = view.secret(key)
    if secret is None:
        view.closed = True  # reported already
        return None
    found = parse_authorities(secret)
    if isinstance(found, str):
        view.closed = True
        view.say(codes.BROKEN_REFERENCE, key, kind="Secret", name=_name(secret), reason=found)
        return None
    return found


def _name(secret: Secret) -> str:
    return f"{secret.metadata.namespace}/{secret.metadata.name}"


def _without_secret(view: View) -> None:
    why = "no auth-tls-secret says who judges certificates"
    for key in (VERIFY, MATCH_CN):
        if view.text(key) not in (None, "off"):
            view.refuse(key, why, "add auth-tls-secret, or remove it")
    for key in (DEPTH, ERROR_PAGE, PASS):
        if view.text(key) is not None:
            view.say(codes.NO_EFFECT, key, why=why)


def _mode(view: View) -> ClientCertificates | None:
    text = view.text(VERIFY)
    if text is None:
        return ClientCertificates.REQUIRED
    if text not in _MODES:
        view.invalid(VERIFY, text or "empty", "on, off, optional or optional_no_ca")
        return ClientCertificates.REQUIRED
    return _MODES[text]


def _subject(view: View, mode: ClientCertificates | None) -> str:
    text = view.text(MATCH_CN)
    if text is None:
        return ""
    problem = re2_problem(text)
    if "CN=" not in text:
        view.invalid(MATCH_CN, text or "empty", "CN= and a regular expression")
    elif problem:
        view.invalid(MATCH_CN, text, f"a regular expression that RE2 has: {problem}")
    elif mode is None:
        view.refuse(MATCH_CN, "with auth-tls-verify-client: off no client shows a certificate", "write on")
    return text


def _error_page(view: View) -> Template:
    text = view.text(ERROR_PAGE)
    if text is None:
        return ()
    if text.startswith(("/", "@")):
        view.differs(ERROR_PAGE, "a page of the host itself is not shown to such clients, who are answered 400")
        return ()
    parsed = nginx_variables.parse(text, {"namespace": view.namespace, "ingress_name": view.name})
    if isinstance(parsed, str):
        view.invalid(ERROR_PAGE, text, f"a URL ({parsed})")
        return ()
    written = "".join(part for part in parsed if isinstance(part, str))
    if not text or not _URL.fullmatch(written):
        view.invalid(ERROR_PAGE, text or "empty", "a URL, without characters that must be percent-encoded")
        return ()
    return parsed


FEATURE = Feature(
    title="Client certificates",
    about="Clients show a certificate in the handshake; the authorities in a Secret (ca.crt, and ca.crl for those "
    "that were revoked) judge it. As in nginx the handshake always succeeds, and a request without a good certificate "
    "is answered 400. The setting is for a whole host: of several Ingresses the oldest one with a Secret decides, and "
    "the strictest mode counts. What was judged for one host never counts for another: a request on such a "
    "connection is answered 421. Requests in clear are sent to HTTPS where a certificate is required. The backend gets "
    "ssl-client-verify, ssl-client-subject-dn and ssl-client-issuer-dn, never as a client sent them.",
    annotations=(
        Annotation(
            SECRET,
            "[namespace/]name of a Secret with ca.crt, and ca.crl if need be",
            "none",
            Handling.DIFFERS,
            "an intermediate authority in ca.crt is trusted by itself; without authorities that can be read the "
            "paths answer 503, not 403; the host must have TLS, and in clear nothing is served that requires a "
            "certificate",
            restricts=True,
        ),
        Annotation(
            VERIFY,
            "on, off, optional or optional_no_ca",
            "on",
            Handling.DIFFERS,
            "ssl-client-verify says FAILED:untrusted where nginx says why; another value closes the paths, where nginx "
            "takes it for on",
            restricts=True,
        ),
        Annotation(
            DEPTH, "intermediate authorities that a chain may have", "1", restricts=True, note="0 is the default"
        ),
        Annotation(
            ERROR_PAGE,
            "URL, with variables",
            "none",
            Handling.DIFFERS,
            "a page of the host itself (/path) is not shown: the client is answered 400",
            met_by="/.*",
        ),
        Annotation(
            MATCH_CN,
            "regular expression with CN= in it, for a place in the subject",
            "none",
            Handling.DIFFERS,
            "the expression is RE2's; a path of another Ingress of the host that has its own is closed",
            restricts=True,
        ),
        Annotation(PASS, "boolean", "false"),
    ),
    apply=_apply,
)
