"""limit-req-*: at most so many requests for one value of a key, by default for one client address.

Source: NGINX Ingress Controller's annotations; nginx, ngx_http_limit_req_module. Rule: a rate or key that cannot be
read closes the path; what only makes a limit wider falls back to the narrower default.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import RateLimit
from isthmus.ir.template import Of, Template, Variable

RATE = "nginx.org/limit-req-rate"
KEY = "nginx.org/limit-req-key"
BURST = "nginx.org/limit-req-burst"
DRY_RUN = "nginx.org/limit-req-dry-run"
CODE = "nginx.org/limit-req-reject-code"
SCALE = "nginx.org/limit-req-scale"
ZONE = "nginx.org/limit-req-zone-size"
DELAY = "nginx.org/limit-req-delay"
NO_DELAY = "nginx.org/limit-req-no-delay"
LOG_LEVEL = "nginx.org/limit-req-log-level"

_MOST = 1_000_000
_RATE = re.compile(r"([1-9][0-9]{0,6})r/([sm])")
_CLIENT: Template = (Variable(Of.CLIENT),)
COUNTED = frozenset(
    {Of.CLIENT, Of.HOST, Of.TARGET, Of.PATH, Of.QUERY, Of.METHOD, Of.SCHEME, Of.REQUEST_ID, Of.PROTOCOL}
)
COUNTED |= {Of.HEADER, Of.COOKIE, Of.PARAMETER}


def _apply(view: View, draft: Draft) -> Draft:
    value = view.text(RATE)
    if value is None:
        for key in (KEY, BURST, DRY_RUN, CODE, SCALE):
            if view.text(key) is not None:
                view.say(codes.NEEDS_OTHER, key, other=RATE)
        return draft
    rate = requests(value)
    if rate is None:
        view.invalid(RATE, value, "requests a second or a minute, such as 10r/s or 30r/m")
        return draft
    limit = RateLimit(
        *rate,
        burst=view.integer(BURST, 0, 0, _MOST),
        key=_key(view, draft),
        status=view.integer(CODE, 429, 400, 599),
        dry_run=view.boolean(DRY_RUN, False),
        place=f"{view.namespace}/{view.name}",
    )
    if view.boolean(SCALE, False):
        view.differs(SCALE, "each gateway counts for itself, and the rate is not divided by how many there are")
    return replace(draft, policy=replace(draft.policy, limits=(*draft.policy.limits, limit)))


def requests(rate: str) -> tuple[int, int] | None:
    """How many in how many milliseconds; None where a rate cannot be read."""
    found = _RATE.fullmatch(rate.strip())
    if found is None or int(found[1]) > _MOST:
        return None
    return int(found[1]), 1_000 if found[2] == "s" else 60_000


def limit_key(text: str, names: dict[str, str]) -> Template | str:
    """What requests are counted by, or why it cannot be had."""
    key = parse(text, names)
    if isinstance(key, str):
        return key
    odd = next((part for part in key if isinstance(part, Variable) and part.of not in COUNTED), None)
    return key if odd is None else f"Envoy cannot count by the {odd.of.value}"


def _key(view: View, draft: Draft) -> Template:
    text = view.text(KEY)
    if text is None:
        return _CLIENT
    key = limit_key(text, constants(view, draft))
    if isinstance(key, str):
        view.invalid(KEY, text or "empty", f"text with variables of the request ({key})")
        return _CLIENT
    return key


_ONE_BY_ONE = "requests within the burst pass at once, as with no-delay; none is made to wait"

FEATURE = Feature(
    title="Rate limits",
    about="At most so many requests for one value of a key; what is more is answered 429, or by another status. Each "
    "gateway counts for itself, as each NGINX does. Nobody is made to wait: the burst passes at once.",
    annotations=(
        Annotation(
            RATE,
            "10r/s or 30r/m",
            "",
            Handling.DIFFERS,
            "each host of an Ingress counts for itself, in clear and over TLS; in nginx they share one count",
            restricts=True,
        ),
        Annotation(
            KEY,
            "text with variables",
            "${binary_remote_addr}",
            Handling.DIFFERS,
            "variables of the connection's certificate cannot be counted by",
            restricts=True,
        ),
        Annotation(BURST, "a number", "0", Handling.DIFFERS, _ONE_BY_ONE),
        Annotation(DELAY, "a number", "0", Handling.NO_EFFECT, _ONE_BY_ONE),
        Annotation(NO_DELAY, "boolean", "false", Handling.NO_EFFECT, _ONE_BY_ONE),
        Annotation(DRY_RUN, "boolean", "false"),
        Annotation(CODE, "400 to 599", "429"),
        Annotation(
            SCALE,
            "boolean",
            "false",
            Handling.DIFFERS,
            "each gateway counts for itself, and the rate is not divided by how many there are",
            met_by=TRUE,
        ),
        Annotation(ZONE, "nginx size", "10m", Handling.NO_EFFECT, "Envoy counts up to 100,000 keys for each host"),
        Annotation(
            LOG_LEVEL, "info, notice, warn or error", "error", Handling.NO_EFFECT, "Envoy counts, it does not log"
        ),
    ),
    apply=_apply,
)
