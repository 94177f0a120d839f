"""proxy-next-upstream, -timeout, -tries: when a request is tried again with another endpoint.

Source: nginx, ngx_http_proxy_module, proxy_next_upstream. The controller's default is `error timeout` and three tries;
here it is what no endpoint got, and for gRPC nothing. Rule: what may have been acted on is sent twice only where that
is said to be safe.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import closest
from isthmus.ir.action import Retry

WHEN = "nginx.ingress.kubernetes.io/proxy-next-upstream"
TIMEOUT = "nginx.ingress.kubernetes.io/proxy-next-upstream-timeout"
TRIES = "nginx.ingress.kubernetes.io/proxy-next-upstream-tries"

_UNASKED = ("connect-failure", "unsent")  # costs nothing per request, and does for every method
_ON = {"error": ("connect-failure", "reset"), "timeout": ("timeout",), "invalid_header": ("reset",)}
_STATUSES = {f"http_{status}": status for status in (403, 404, 429, 500, 502, 503, 504)}
_OTHER = ("non_idempotent", "off")
_MOST_TRIES = 1_000_000
_MOST_SECONDS = 31_536_000
_MOST_WORDS = 100


def _apply(view: View, draft: Draft) -> Draft:
    words = _words(view)
    tries = view.integer(TRIES, 3, 0, _MOST_TRIES)
    if "off" in words or tries == 1:
        return replace(draft, retry=None)
    on = [each for word in words for each in _ON.get(word, ())] if words else list(_UNASKED)
    statuses = sorted({_STATUSES[word] for word in words if word in _STATUSES})
    if not on and not statuses:
        return replace(draft, retry=None)
    if view.integer(TIMEOUT, 0, 0, _MOST_SECONDS):
        view.differs(TIMEOUT, "each try has its own limit, proxy-connect-timeout; all of them together have none")
    retry = Retry(
        tries=min(tries, 10),
        on=tuple(dict.fromkeys(on)),
        statuses=tuple(statuses),
        non_idempotent="non_idempotent" in words,
    )
    return replace(draft, retry=retry, retry_asked=bool(words) or view.given(TRIES))


def _words(view: View) -> tuple[str, ...]:
    """Nothing where nothing was asked for, or nothing that can be read."""
    value = view.text(WHEN)
    if value is None:
        return ()
    words = value.split()
    known = (*_ON, *_STATUSES, *_OTHER)
    wrong = next((word for word in words if word not in known), None)
    if wrong is None and 0 < len(words) <= _MOST_WORDS:
        return tuple(words)
    view.invalid(WHEN, value[:200] or "empty", f"words from {', '.join(known)}{closest(wrong or '', known)}")
    return ()


FEATURE = Feature(
    title="Retries",
    about="A request that failed is tried with another endpoint: by default where no endpoint has got it, three times "
    "in all. POST, LOCK and PATCH, and so gRPC, are not sent again once they may have been acted on, unless "
    "non_idempotent says so. A stream is never started anew after its answer has begun.",
    annotations=(
        Annotation(
            WHEN,
            "words from error, timeout, invalid_header, http_403, http_404, http_429, http_500 to http_504, "
            "non_idempotent, off",
            "error timeout",
            Handling.DIFFERS,
            "without it, only what no endpoint got is sent again, and of gRPC nothing. timeout is that of connecting: "
            "an endpoint that takes a request and stays silent for proxy-read-timeout is not left for another. Envoy "
            "cannot tell an invalid header from a broken connection. A body is kept for another try up to 32 KiB",
            setting="proxy-next-upstream",
        ),
        Annotation(
            TIMEOUT,
            "seconds; 0 is no limit",
            "0",
            Handling.DIFFERS,
            "each try is limited by proxy-connect-timeout, all together are not",
            setting="proxy-next-upstream-timeout",
        ),
        Annotation(
            TRIES,
            "a number; 0 is as many as there are endpoints",
            "3",
            Handling.DIFFERS,
            "ten tries at most",
            setting="proxy-next-upstream-tries",
            met_by="0|1[1-9]|[2-9][0-9]|[0-9]{3,}",
        ),
    ),
    apply=_apply,
    always=True,
)
