"""nginx's `return` and `rewrite`, where they answer every request of a path: with a redirect or a fixed answer.

Rule: a rewrite that takes only some requests, or leads to another path inside, is not had; there are annotations for
that.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.ir.action import Respond, SendTo
from isthmus.ir.template import Of, Template, Variable, literal

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FLAGS = {"permanent": 301, "redirect": 302}
_ABSOLUTE = ("http://", "https://", "$scheme")
_LONGEST_BODY = 1_000  # bytes; Envoy takes no more than 4,096 for all answers of a host

# Expressions that every path matches, and what their first group is: nothing, the path, the path without its slash.
_NOTHING = frozenset({"^", "^/", "^.*$", "^.*", ".*", "^/.*$", "^/.*", "/"})
_WHOLE = frozenset({"^(.*)$", "^(.*)", "(.*)", "(.*)$", "^(/.*)$", "^(/.*)", "^(.+)$", "^(.+)", "(.+)"})
_REST = frozenset({"^/(.*)$", "^/(.*)", "/(.*)$", "/(.*)", "^/?(.*)$", "^/?(.*)"})


def answer(args: tuple[str, ...], names: Mapping[str, str]) -> SendTo | Respond | str:
    """nginx's `return`, or the reason why it cannot be had."""
    status, text = (302, args[0]) if args[:1] and args[0].startswith(_ABSOLUTE) else (_status(args), args[-1:])
    if status == 0 or len(args) > 2 or (isinstance(text, str) and len(args) > 1):
        return "it takes a status from 200 to 599 and a text, or a URL"
    body = text if isinstance(text, str) else "".join(args[1:])
    if status in _REDIRECTS:
        return _redirect(body, status, names) if body else "a redirect needs a URL"
    if status == 444:
        return "closing the connection without an answer cannot be had"
    return _fixed(status, body, names)


def _status(args: tuple[str, ...]) -> int:
    text = args[0] if args else ""
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and "200" <= text <= "599" else 0


def _fixed(status: int, body: str, names: Mapping[str, str]) -> Respond | str:
    parsed = parse(body, names)
    if isinstance(parsed, str):
        return parsed
    text = literal(parsed)
    if text is None:
        return "a text with variables cannot be had"
    if len(text.encode()) > _LONGEST_BODY:
        return f"its text is longer than {_LONGEST_BODY} bytes"
    return Respond(status, text)


def _redirect(url: str, status: int, names: Mapping[str, str]) -> SendTo | str:
    parsed = parse(url, names)
    return parsed if isinstance(parsed, str) else SendTo(_absolute(parsed), status)


def _absolute(url: Template) -> Template:
    """nginx writes the origin before a path."""
    first = url[0] if url else ""
    relative = first.startswith("/") and not first.startswith("//") if isinstance(first, str) else _is_path(first)
    return (Variable(Of.ORIGIN), *url) if relative else url


def _is_path(variable: Variable) -> bool:
    return variable.of in (Of.TARGET, Of.PATH)


def rewritten(args: tuple[str, ...], names: Mapping[str, str]) -> SendTo | str:
    """nginx's `rewrite` where it redirects every request, or the reason why it cannot be had."""
    if len(args) not in (2, 3):
        return "it takes an expression, a replacement and a flag"
    expression, replacement = args[0], args[1]
    absolute = replacement.startswith(_ABSOLUTE)
    status = _FLAGS.get(args[2] if len(args) == 3 else "", 302 if absolute else 0)
    if not status:
        return "only redirect and permanent can be had; for a path inside there is the annotation rewrite-target"
    if expression not in _NOTHING | _WHOLE | _REST:
        return "only expressions that take every path can be had, such as ^(.*)$"
    bare, keeps_query = (replacement[:-1], False) if replacement.endswith("?") else (replacement, True)
    if keeps_query and "?" in bare:
        return "a query before the request's own cannot be had; end it with ?"
    filled = _filled(bare, expression, names)
    if isinstance(filled, str):
        return filled
    query: Template = (Variable(Of.QUERY_MARK), Variable(Of.QUERY)) if keeps_query else ()
    return SendTo((*_absolute(filled), *query), status)


def _filled(replacement: str, expression: str, names: Mapping[str, str]) -> Template | str:
    """The replacement with the path in place of `$1`."""
    found: list[str | Variable] = []
    for index, text in enumerate(replacement.split("$1")):
        parsed = parse(text, names)
        if isinstance(parsed, str):
            return parsed
        if index and expression in _NOTHING:
            return "$1 stands for a group that the expression does not have"
        if index and expression in _REST:
            last = found[-1] if found else ""
            if not isinstance(last, str) or not last.endswith("/"):
                return "a path without its slash can only follow a slash"
            found[-1] = last[:-1]
        found += [Variable(Of.PATH)] * (index > 0)
        found += parsed
    return tuple(part for part in found if part != "")
