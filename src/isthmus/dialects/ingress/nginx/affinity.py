"""affinity and session-cookie-*: a client stays on one endpoint of the Service, by a cookie that the gateway sets.

Source: ingress-nginx, user guide, "Session Affinity", and its balancers. The cookie's path is the rule's own and the
cookie is Secure where the client came over TLS, unless told otherwise; both are settled with the route.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from isthmus.dialects.ingress import annotation_codes as codes
from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import TRUE, Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.action import Session
from isthmus.ir.backend import Balance

_PREFIX = "nginx.ingress.kubernetes.io/"
AFFINITY = _PREFIX + "affinity"
MODE = _PREFIX + "affinity-mode"
NAME = _PREFIX + "session-cookie-name"
PATH = _PREFIX + "session-cookie-path"
DOMAIN = _PREFIX + "session-cookie-domain"
SAME_SITE = _PREFIX + "session-cookie-samesite"
SECURE = _PREFIX + "session-cookie-secure"
EXPIRES = _PREFIX + "session-cookie-expires"
MAX_AGE = _PREFIX + "session-cookie-max-age"
ON_FAILURE = _PREFIX + "session-cookie-change-on-failure"
CONDITIONAL = _PREFIX + "session-cookie-conditional-samesite-none"
PARTITIONED = _PREFIX + "session-cookie-partitioned"

_DEFAULT_NAME = "INGRESSCOOKIE"
_COOKIE = re.compile(r"[A-Za-z0-9!#%&'*+.^_`|~-]{1,128}")  # RFC 6265's token, without the dollar sign
_PATH = re.compile(r"/[!#%-+\x2d-:<-\[\]-~]{0,1023}")  # no space, quote, dollar sign, comma, semicolon or backslash
_DOMAIN = re.compile(r"\.?[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_SAME_SITE = {"NONE": "None", "LAX": "Lax", "STRICT": "Strict"}
_TEN_YEARS = 315_360_000


def _apply(view: View, draft: Draft) -> Draft:
    if view.word(AFFINITY, ("COOKIE",), "") != "COOKIE":
        for each in FEATURE.annotations:
            if each.key != AFFINITY and view.given(each.key):
                view.say(codes.ALONE, each.key, other=f"{AFFINITY}: cookie")
        return draft
    persistent = view.word(MODE, ("BALANCED", "PERSISTENT"), "BALANCED") == "PERSISTENT"
    path = _matching(view, PATH, _PATH, "a path that begins with / and has no space, quote, comma or semicolon")
    session = Session(
        cookie=_matching(view, NAME, _COOKIE, "a name of letters, digits and . _ - and their like") or _DEFAULT_NAME,
        path=path,
        ttl_s=_seconds(view),
        attributes=_attributes(view),
        persistent=persistent,
    )
    if draft.regex and not path:
        how = f"the paths are regular expressions, and the cookie is for what each begins with; see {PATH}"
        view.differs(AFFINITY, how)
    _say_differences(view, persistent)
    balance = draft.balance if persistent and draft.balance is not Balance.HASH else Balance.ROUND_ROBIN
    return replace(
        draft,
        session=session,
        session_secure=view.boolean(SECURE, False) if view.text(SECURE) is not None else None,
        balance=balance if persistent else Balance.HASH,
        hash_key=(),
    )


def _matching(view: View, key: str, pattern: re.Pattern[str], expected: str) -> str:
    """The value of an annotation; empty when it is absent, empty or cannot be used."""
    value = view.text(key)
    if not value:
        return ""
    if pattern.fullmatch(value):
        return value
    view.invalid(key, value[:200], expected)
    return ""


def _seconds(view: View) -> int:
    """How long the cookie lives: Max-Age, which browsers put before Expires; 0 for a session's cookie."""
    expires = view.integer(EXPIRES, 0, 1, _TEN_YEARS)
    return view.integer(MAX_AGE, expires, 1, _TEN_YEARS)


def _attributes(view: View) -> tuple[tuple[str, str], ...]:
    """All but Path, Max-Age and HttpOnly, which every such cookie has, and Secure, which depends on the listener."""
    found = []
    domain = _matching(view, DOMAIN, _DOMAIN, "a host name")
    if domain:
        found.append(("Domain", domain))
    if view.text(SAME_SITE):
        word = view.word(SAME_SITE, tuple(_SAME_SITE), "")
        if word:
            found.append(("SameSite", _SAME_SITE[word]))
    if view.boolean(PARTITIONED, False):
        found.append(("Partitioned", ""))
    return tuple(found)


def _say_differences(view: View, persistent: bool) -> None:
    if view.boolean(ON_FAILURE, False) and not persistent:
        view.differs(ON_FAILURE, "the cookie stays; when its endpoint goes, it stands for another one")
    if view.boolean(CONDITIONAL, False) and view.text(SAME_SITE):
        view.differs(CONDITIONAL, "browsers are not told apart: every one gets SameSite as it is said")


_VALUE = (
    "the cookie holds a value of the gateway's own, so clients are spread anew once when they come from nginx; of "
    "an API's clients those that need the adapter (WebSocket, streams of Connect) go to any endpoint"
)

FEATURE = Feature(
    title="Session affinity",
    about="The gateway sets a cookie, and requests that bring it go to the same endpoint. Balanced, the cookie is "
    "hashed, and some clients move when endpoints come; persistent, it names the endpoint, and clients stay as long as "
    "that one is there. A cookie beats upstream-hash-by and load-balance.",
    annotations=(
        Annotation(AFFINITY, "cookie", "none", Handling.DIFFERS, _VALUE),
        Annotation(
            MODE,
            "balanced or persistent",
            "balanced",
            Handling.DIFFERS,
            "persistent: the cookie holds the endpoint's address in base64",
            met_by="persistent",
        ),
        Annotation(NAME, "name of a cookie", _DEFAULT_NAME),
        Annotation(
            PATH,
            "path",
            "the rule's own",
            Handling.DIFFERS,
            "where paths are regular expressions the default is the part that they all begin with; nginx takes the "
            "expression itself, which no browser sends back",
        ),
        Annotation(DOMAIN, "host name", "none: the host itself"),
        Annotation(SAME_SITE, "None, Lax or Strict, in any case", "none"),
        Annotation(SECURE, "boolean", "true where the client came over TLS"),
        Annotation(
            EXPIRES,
            "seconds",
            "none: until the browser is closed",
            Handling.DIFFERS,
            "said as Max-Age, which every browser since 2013 puts before Expires",
        ),
        Annotation(MAX_AGE, "seconds", "none: until the browser is closed"),
        Annotation(
            ON_FAILURE,
            "boolean",
            "false",
            Handling.DIFFERS,
            "persistent: always so, because a client whose endpoint is gone must get another one; balanced: the cookie "
            "stays and stands for another endpoint",
        ),
        Annotation(
            CONDITIONAL,
            "boolean",
            "false",
            Handling.DIFFERS,
            "SameSite=None is sent to every browser, old ones too",
            met_by=TRUE,
        ),
        Annotation(PARTITIONED, "boolean", "false"),
    ),
    apply=_apply,
)
