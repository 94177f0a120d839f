"""proxy-next-upstream, -timeout, -tries: when a request is tried again with another endpoint.

Source: nginx, ngx_http_proxy_module, proxy_next_upstream. The controller's default is nginx's: `error timeout`, as
often as there are endpoints. Rule: what may have been acted on is sent again only where that is said to be safe.
"""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View
from isthmus.dialects.services import closest
from isthmus.ir.action import Retry

WHEN = "nginx.org/proxy-next-upstream"
TIMEOUT = "nginx.org/proxy-next-upstream-timeout"
TRIES = "nginx.org/proxy-next-upstream-tries"

_DEFAULT = ("error", "timeout")
_ON = {"error": ("connect-failure", "reset"), "timeout": ("timeout",), "invalid_header": ("reset",)}
_STATUSES = {f"http_{status}": status for status in (403, 404, 429, 500, 502, 503, 504)}
_OTHER = ("non_idempotent", "denied", "off")
_MOST_TRIES = 1_000_000


def _apply(view: View, draft: Draft) -> Draft:
    words = _words(view)
    if "off" in words:
        return replace(draft, retry=None)
    on = [each for word in words for each in _ON.get(word, ())]
    retry = Retry(
        tries=min(view.integer(TRIES, 0, 0, _MOST_TRIES), 10),
        on=tuple(dict.fromkeys(on)),
        statuses=tuple(sorted({_STATUSES[word] for word in words if word in _STATUSES})),
        non_idempotent="non_idempotent" in words,
    )
    if retry.tries == 1:
        return replace(draft, retry=None)
    if view.duration(TIMEOUT, 0, low_ms=0):
        view.differs(TIMEOUT, "each try has its own limit, proxy-connect-timeout; all of them together have none")
    return replace(draft, retry=retry)


def _words(view: View) -> tuple[str, ...]:
    value = view.text(WHEN)
    if value is None:
        return _DEFAULT
    words = value.split()
    known = (*_ON, *_STATUSES, *_OTHER)
    wrong = next((word for word in words if word not in known), None)
    if wrong is not None or not words:
        view.invalid(WHEN, value or "empty", f"words from {', '.join(known)}{closest(wrong or '', known)}")
        return _DEFAULT
    return tuple(words)


FEATURE = Feature(
    title="Retries",
    about="A request that failed is tried with another endpoint, by default where the endpoint could not be reached, "
    "broke off or did not answer in time. POST, LOCK and PATCH are not sent twice unless non_idempotent says so.",
    annotations=(
        Annotation(
            WHEN,
            "words from error, timeout, invalid_header, http_403 to http_504, http_429, non_idempotent, denied, off",
            "error timeout",
            Handling.DIFFERS,
            "Envoy cannot tell an invalid header from a broken connection; denied never happens",
            setting="proxy-next-upstream",
        ),
        Annotation(
            TIMEOUT,
            "nginx time; 0 is no limit",
            "0",
            Handling.DIFFERS,
            "each try is limited by proxy-connect-timeout, all together are not",
            setting="proxy-next-upstream-timeout",
        ),
        Annotation(
            TRIES,
            "a number; 0 is as many as there are endpoints",
            "0",
            Handling.DIFFERS,
            "ten tries at most",
            setting="proxy-next-upstream-tries",
            met_by="0|1[1-9]|[2-9][0-9]|[0-9]{3,}",
        ),
    ),
    apply=_apply,
    always=True,
)
