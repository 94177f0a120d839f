"""limit-*: how often one client may ask, and how fast answers are sent.

A client is an address. nginx counts per request with `burst ... nodelay`, which a token bucket does too. Rule: a
value that cannot be read closes the path; 0 is no limit.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import ConcurrencyLimit, RateLimit
from isthmus.ir.template import Of, Template, Variable

RPS = "nginx.ingress.kubernetes.io/limit-rps"
RPM = "nginx.ingress.kubernetes.io/limit-rpm"
BURST = "nginx.ingress.kubernetes.io/limit-burst-multiplier"
CONNECTIONS = "nginx.ingress.kubernetes.io/limit-connections"
ALLOW = "nginx.ingress.kubernetes.io/limit-allowlist"
ALIAS = "nginx.ingress.kubernetes.io/limit-whitelist"
RATE = "nginx.ingress.kubernetes.io/limit-rate"
RATE_AFTER = "nginx.ingress.kubernetes.io/limit-rate-after"

_REQUESTS_STATUS = "limit-req-status-code"
_CONNECTIONS_STATUS = "limit-conn-status-code"
_MOST = 1_000_000
_CLIENT: Template = (Variable(Of.CLIENT),)


def _apply(view: View, draft: Draft) -> Draft:
    exempt = view.ranges(ALLOW if view.text(ALLOW) is not None or not view.given(ALIAS) else ALIAS) or ()
    policy = replace(
        draft.policy,
        limits=draft.policy.limits + tuple(_requests(view, exempt)),
        answer_bytes_per_s=1024 * view.integer(RATE, 0, 0, 2**31 - 1),
    )
    connections = view.integer(CONNECTIONS, 0, 0, _MOST)
    if connections:
        status = _status(view, _CONNECTIONS_STATUS)
        place = f"{view.namespace}/{view.name}"
        policy = replace(policy, concurrency=ConcurrencyLimit(place, connections, _CLIENT, exempt, status))
    if policy.answer_bytes_per_s and view.integer(RATE_AFTER, 0, 0, 2**31 - 1):
        view.differs(RATE_AFTER, "answers are slowed down from their first byte on")
    return replace(draft, policy=policy)


def _requests(view: View, exempt: tuple[str, ...]) -> Iterator[RateLimit]:
    multiplier = view.integer(BURST, 5, 0, 1_000)
    for key, per_ms in ((RPM, 60_000), (RPS, 1_000)):
        requests = view.integer(key, 0, 0, _MOST)
        if requests:
            status = _status(view, _REQUESTS_STATUS)
            place = f"{view.namespace}/{view.name}"
            yield RateLimit(requests, per_ms, requests * multiplier, _CLIENT, exempt, status, place=place)


def _status(view: View, setting: str) -> int:
    text = view.setting(setting) or ""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and "400" <= text <= "599" else 503


def _limit(key: str, takes: str, default: str, handling: Handling = Handling.EXACT, note: str = "") -> Annotation:
    return Annotation(key, takes, default, handling, note, restricts=True)


_APART = "each host of the Ingress counts for itself, in clear and over TLS; in ingress-nginx they count together"
_BUCKET = "the answers of a path share the rate in each gateway; in nginx each connection has it for itself"

FEATURE = Feature(
    title="Limits",
    about="Limits for one client address, counted by each gateway for itself, as each ingress-nginx does. Requests "
    "beyond them are answered 503, or what limit-req-status-code and limit-conn-status-code of the controller's "
    "ConfigMap say.",
    annotations=(
        _limit(RPS, "requests a second", "no limit", Handling.DIFFERS, _APART),
        _limit(RPM, "requests a minute", "no limit", Handling.DIFFERS, _APART),
        _limit(BURST, "whole number; as many times the limit may come at once", "5"),
        _limit(CONNECTIONS, "requests at the same time", "no limit", Handling.HELPER),
        _limit(ALLOW, "addresses and ranges in CIDR notation, between commas", "nobody"),
        _limit(ALIAS, "another name for limit-allowlist", "nobody"),
        Annotation(RATE, "KiB a second", "no limit", Handling.DIFFERS, _BUCKET, restricts=True, setting="limit-rate"),
        Annotation(
            RATE_AFTER,
            "KiB",
            "0",
            Handling.DIFFERS,
            "answers are slowed down from their first byte on",
            restricts=True,
            setting="limit-rate-after",
        ),
    ),
    apply=_apply,
)
