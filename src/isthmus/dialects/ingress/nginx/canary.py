"""canary and canary-*: an Ingress that takes a part of another's requests, by header, cookie or weight.

How parts are taken is decided in `isthmus.dialects.ingress.hosts.canaries`. Source: ingress-nginx, canary
annotations; its balancer, route_to_alternative_balancer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Canary, Draft, Word
from isthmus.dialects.ingress.grammar.regex import re2_problem, whole
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.hosts import host_codes as codes
from isthmus.dialects.ingress.view import View
from isthmus.ir.match import Condition

_PREFIX = "nginx.ingress.kubernetes.io/"
CANARY = f"{_PREFIX}canary"
HEADER = f"{_PREFIX}canary-by-header"
VALUE = f"{_PREFIX}canary-by-header-value"
PATTERN = f"{_PREFIX}canary-by-header-pattern"
COOKIE = f"{_PREFIX}canary-by-cookie"
WEIGHT = f"{_PREFIX}canary-weight"
TOTAL = f"{_PREFIX}canary-weight-total"
AFFINITY = f"{_PREFIX}affinity-canary-behavior"

COUNTS_ON_CANARY = frozenset(
    {CANARY, HEADER, VALUE, PATTERN, COOKIE, WEIGHT, TOTAL, AFFINITY}
    | {_PREFIX + name for name in ("load-balance", "service-upstream", "upstream-hash-by")}
    | {_PREFIX + name for name in ("upstream-hash-by-subset", "upstream-hash-by-subset-size")}
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\x20-\x7e]{1,1000}")
_MOST = 1_000_000_000
_USUAL_TOTAL = 100  # a smaller one does not count


def _apply(view: View, draft: Draft) -> Draft:
    if not view.boolean(CANARY, False):
        for key in (HEADER, VALUE, PATTERN, COOKIE, WEIGHT, TOTAL):
            if view.given(key):
                view.say(codes.WITHOUT_CANARY, key, other=f"{CANARY} is not true here")
        return draft
    words = (*_header_words(view), *_cookie_words(view))
    total = max(view.integer(TOTAL, _USUAL_TOTAL, 1, _MOST), _USUAL_TOTAL)
    weight = min(view.integer(WEIGHT, 0, 0, _MOST), total)
    sticky = view.word(AFFINITY, ("STICKY", "LEGACY"), "STICKY") == "STICKY"
    return replace(draft, canary=Canary(words, weight, total, sticky))


def _header_words(view: View) -> Iterator[Word]:
    name = _name(view, HEADER)
    if name is None:
        for key in (VALUE, PATTERN):
            if view.given(key):
                view.say(codes.WITHOUT_CANARY, key, other=f"there is no {HEADER}")
        return
    header = name.lower()
    value, pattern = view.text(VALUE), view.text(PATTERN)
    if value:
        if not _VALUE.fullmatch(value):
            view.invalid(VALUE, value, "printable ASCII characters, 1,000 at most")
            return
        if pattern:
            view.say(codes.WITHOUT_CANARY, PATTERN, other=f"{VALUE} comes first")
        yield Word(Condition("header", header, value), True)
    elif pattern:
        yield _pattern_word(view, header, pattern)
    else:
        yield from _always_never("header", header)


def _pattern_word(view: View, header: str, pattern: str) -> Word:
    """A bad expression leaves every request that has the header with the main one, as in ingress-nginx."""
    flags = re.match(r"\(\?[ims]{1,3}\)", pattern)
    problem = re2_problem(pattern[flags.end() :] if flags else pattern)
    if problem is None:
        return Word(Condition("header", header, whole(pattern), regex=True), True)
    view.invalid(PATTERN, pattern, f"a regular expression for RE2: {problem}")
    return Word(Condition("header", header, "(?s:.*)", regex=True), False)


def _cookie_words(view: View) -> Iterator[Word]:
    name = _name(view, COOKIE)
    if name is not None:
        yield from _always_never("cookie", name)


def _always_never(source: str, name: str) -> Iterator[Word]:
    for word, takes in (("always", True), ("never", False)):
        if source == "header":
            yield Word(Condition("header", name, word), takes)
        else:
            yield Word(Condition("cookie", name, word), takes)


def _name(view: View, key: str) -> str | None:
    name = view.text(key)
    if name is None or _TOKEN.fullmatch(name):
        return name
    view.invalid(key, name or "empty", "a name of letters, digits, - and _")
    return None


_STICKY = "which of the two a client got is in a cookie of its own, the name of affinity's with -canary behind it"

FEATURE = Feature(
    title="Canaries",
    about="An Ingress with canary: true takes a part of the requests of another one that has the same host, path and "
    "pathType. A header decides before a cookie, a cookie before weights: the values always and never, or the header's "
    "value or pattern. With affinity on the main Ingress a client stays with what it got once, before all of that. The "
    "main Ingress's annotations count for both. Several canaries may share a path. A canary "
    "alone is not served; one that restricts access otherwise than its main gets nothing.",
    annotations=(
        Annotation(CANARY, "boolean", "false"),
        Annotation(HEADER, "header name", "none"),
        Annotation(VALUE, "value that takes requests, in place of always and never", "none"),
        Annotation(
            PATTERN,
            "regular expression, found anywhere in the header's value; the value beats it",
            "none",
            Handling.DIFFERS,
            "expressions are RE2; with a bad one, requests with the header stay with the main Ingress",
        ),
        Annotation(COOKIE, "cookie name", "none"),
        Annotation(
            WEIGHT,
            "whole number from 0 to canary-weight-total",
            "0",
        ),
        Annotation(TOTAL, "whole number; less than 100 counts as 100", "100"),
        Annotation(AFFINITY, "sticky or legacy", "sticky", Handling.DIFFERS, _STICKY),
    ),
    apply=_apply,
)
