"""Which route of a virtual host takes a request, and why each of the others does not.

Covers the matchers that Isthmus emits; one that it does not know is a bug of ours and raises ValueError.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Sequence

from msgspec import Struct

from isthmus.xds import api
from isthmus.xds.guarded import guarded

Header = Callable[[str], str | None]


class Lost(Struct, frozen=True):
    """A route that did not win, by name, and the reason in words."""

    route: str
    why: str


def choose(virtual: api.VirtualHost, header: Header) -> tuple[api.Route | None, tuple[Lost, ...]]:
    """The first route that matches; the others with the reason why not."""
    path = (header(":path") or "").partition("?")[0]
    routes = _listed(virtual, header(":path") or "")
    lost: list[Lost] = []
    won: api.Route | None = None
    for route in routes:
        why = mismatch(route.match, path, header)
        if why is None and won is None:
            won = route
        else:
            lost.append(Lost(route.name, why or "it matches too, but an earlier route won"))
    return won, tuple(lost)


def _listed(virtual: api.VirtualHost, path: str) -> Sequence[api.Route]:
    if not virtual.HasField("matcher"):
        return virtual.routes
    matcher = virtual.matcher
    own = guarded(matcher)  # the connection was made for this host: others get 421
    if own is not None and own.HasField("action"):
        return api.RouteList.FromString(own.action.typed_config.value).routes
    found = (own.matcher if own is not None else matcher).matcher_tree.prefix_match_map.map
    keys = [key for key in found if path.startswith(key)]
    if not keys:
        return ()
    return api.RouteList.FromString(found[max(keys, key=len)].action.typed_config.value).routes


def mismatch(match: api.RouteMatch, path: str, header: Header) -> str | None:
    """Why a route does not take the request; None when it does."""
    why = _path_mismatch(match, path)
    if why is not None:
        return why
    for wanted in match.headers:
        value = header(wanted.name)
        if (value is not None and _string(wanted.string_match, value)) == wanted.invert_match:
            wish = "not " if wanted.invert_match else ""
            return f"header {wanted.name} is {value or 'absent'}, wanted {wish}{_words(wanted.string_match)}"
    cookies = _cookies(header("cookie") or "")
    for cookie in match.cookies:
        value = cookies.get(cookie.name)
        if (value is not None and _string(cookie.string_match, value)) == cookie.invert_match:
            wish = "not " if cookie.invert_match else ""
            return f"cookie {cookie.name} is {value or 'absent'}, wanted {wish}{_words(cookie.string_match)}"
    if match.tls_context.presented.value:
        return "no client certificate was shown"
    given = dict(urllib.parse.parse_qsl((header(":path") or "").partition("?")[2], keep_blank_values=True))
    for parameter in match.query_parameters:
        value = given.get(parameter.name)
        fits = parameter.WhichOneof("query_parameter_match_specifier") == "present_match" or (
            value is not None and _string(parameter.string_match, value)
        )
        if value is None or not fits:
            return f"query parameter {parameter.name} is {value or 'absent'}, wanted {_words(parameter.string_match)}"
    return None


def _cookies(text: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, equals, value in pairs if equals}


def _path_mismatch(match: api.RouteMatch, path: str) -> str | None:
    kind = match.WhichOneof("path_specifier")
    if kind == "path":
        return None if path == match.path else f"the path is not exactly {match.path}"
    if kind == "prefix":
        return None if path.startswith(match.prefix) else f"the path does not begin with {match.prefix}"
    if kind == "path_separated_prefix":
        prefix = match.path_separated_prefix
        under = path == prefix or path.startswith(prefix + "/")
        return None if under else f"the path is not {prefix} or below it"
    if kind == "safe_regex":
        found = re.fullmatch(match.safe_regex.regex, path)
        return None if found else f"the path is not like {match.safe_regex.regex}"
    raise ValueError(f"no simulation of {kind}")


def _string(match: api.StringMatcher, value: str) -> bool:
    kind = match.WhichOneof("match_pattern")
    if match.ignore_case:
        return kind == "exact" and value.lower() == match.exact.lower()
    if kind == "prefix":
        return value.startswith(match.prefix)
    if kind == "exact":
        return value == match.exact
    if kind == "safe_regex":
        return re.fullmatch(match.safe_regex.regex, value) is not None
    raise ValueError(f"no simulation of {kind}")


def _words(match: api.StringMatcher) -> str:
    kind = match.WhichOneof("match_pattern")
    return f"{match.prefix}*" if kind == "prefix" else f"{match.exact or match.safe_regex.regex}"
