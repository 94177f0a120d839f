"""Snippets of nginx's configuration: the directives that have an exact equal, each as a change of the Draft.

A table of directives is all there is: nothing of the text ever becomes configuration or code of anything. Rule: one
directive that is not in the table, or whose arguments cannot be had, and the whole snippet is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.access_rules import Rule, sources
from isthmus.dialects.ingress.grammar.answer_rewrites import domain_rewrite, path_rewrite, redirect_rewrites
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.grammar.idle_directives import IDLE
from isthmus.dialects.ingress.grammar.nginx_directives import Directive, Fault, directives
from isthmus.dialects.ingress.grammar.nginx_times import milliseconds
from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.dialects.ingress.grammar.snippet_answers import answer, rewritten
from isthmus.dialects.services import closest
from isthmus.ir.action import Respond, SendTo
from isthmus.ir.backend import Protocol
from isthmus.ir.policy import Edit, HeaderEdit, HeaderRewrite, SourceRanges
from isthmus.ir.template import Template
from isthmus.kube.diagnostics import printable


class Place(Struct, frozen=True):
    """Where the snippet stands: `names` are the variables that are settled there; `server` is a whole host's."""

    names: Mapping[str, str]
    server: bool = False


Applied = Draft | str
_Change = Callable[[tuple[str, ...], Place, Draft], Applied]


def apply(text: str, place: Place, draft: Draft) -> Applied:
    """The Draft with all that a snippet says; or the reason why it cannot be had, with the line."""
    found = directives(text)
    if isinstance(found, Fault):
        return f"line {found.line}: {printable(found.reason)}"
    rules: list[Rule] = []
    for each in found:
        if each.name in ("allow", "deny") and len(each.args) == 1 and not place.server:
            rules.append(Rule(each.name == "allow", each.args[0]))
            continue
        changed = _changed(each, place, draft)
        if isinstance(changed, str):
            return f"line {each.line}: {printable(each.name, 60)}: {printable(changed)}"
        draft = changed
    return _ruled(rules, draft) if rules else draft


def _changed(directive: Directive, place: Place, draft: Draft) -> Applied:
    if place.server and directive.name in _PER_PATH:
        return "for a whole host it cannot be had; say it on each Ingress, in a configuration-snippet"
    change = _CHANGES.get(directive.name)
    if change is not None:
        return change(directive.args, place, draft)
    if directive.name in IDLE:
        return draft
    return f"this directive has no equal here{closest(directive.name, _CHANGES)}"


def _ruled(rules: list[Rule], draft: Draft) -> Applied:
    """nginx reads the annotations' ranges first, then the snippet's."""
    given = draft.policy.sources or SourceRanges()
    before = [Rule(False, each) for each in given.deny]
    if given.allow is not None:
        before += [*(Rule(True, each) for each in given.allow), Rule(False, "all")]
    found = sources([*before, *rules])
    if isinstance(found, str):
        return f"allow and deny: {found}"
    return replace(draft, policy=replace(draft.policy, sources=found))


def _edit_answer(draft: Draft, *edits: HeaderEdit) -> Draft:
    policy = draft.policy
    return replace(draft, policy=replace(policy, answer_headers=policy.answer_headers + edits))


def _edit_request(draft: Draft, *edits: HeaderEdit) -> Draft:
    policy = draft.policy
    return replace(draft, policy=replace(policy, request_headers=policy.request_headers + edits))


def _header(name: str, value: str, place: Place) -> Template | str:
    """The value of a header that may be set, or the reason why it may not."""
    return fault(name, value) or parse(value, place.names)


def _add_header(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    if len(args) not in (2, 3) or (len(args) == 3 and args[2] != "always"):
        return "it takes a name, a value and perhaps always"
    value = _header(args[0], args[1], place)
    if isinstance(value, str):
        return value
    if not value:
        return draft  # nginx adds no empty header
    return _edit_answer(draft, HeaderEdit(args[0], value, Edit.ADD, always=len(args) == 3))


def _edits(args: tuple[str, ...], place: Place) -> tuple[HeaderEdit, ...] | str:
    """`Name: value` in each argument; without a value the header goes away."""
    found = []
    for each in args:
        name, _, text = each.partition(":")
        if name.startswith("-"):
            return f"its option {name} cannot be had"
        value = _header(name.strip(), text.strip(), place)
        if isinstance(value, str):
            return value
        found.append(HeaderEdit(name.strip(), value, Edit.SET if value else Edit.REMOVE))
    return tuple(found) or "it takes at least one header"


def _set_headers(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    edits = _edits(args, place)
    return edits if isinstance(edits, str) else _edit_answer(draft, *edits)


def _clear_headers(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    return _set_headers(tuple(each.partition(":")[0] for each in args), place, draft)


def _set_input_headers(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    edits = _edits(args, place)
    return edits if isinstance(edits, str) else _edit_request(draft, *edits)


def _clear_input_headers(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    return _set_input_headers(tuple(each.partition(":")[0] for each in args), place, draft)


def _proxy_set_header(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    if place.server:
        return draft  # ingress-nginx says it for each path anew, so what the host says never counts
    edit = request_header(args, place.names)
    if isinstance(edit, str):
        return edit
    if edit is None:
        return draft
    if edit.name.lower() == "host":
        return replace(draft, host=edit.value)
    return _edit_request(draft, edit)


def request_header(args: tuple[str, ...], names: Mapping[str, str]) -> HeaderEdit | str | None:
    """nginx's proxy_set_header; None where Envoy sees to it; or the reason why it cannot be had."""
    if len(args) != 2:
        return "it takes a name and a value"
    name, text = args
    if name.lower() in _OF_CONNECTIONS:
        return None
    reason = "" if name.lower() == "host" else fault(name, text)
    value = reason or parse(text, names)
    if isinstance(value, str):
        return value
    if name.lower() == "host" and not value:
        return "a request needs a host"
    return HeaderEdit(name, value, Edit.SET if value else Edit.REMOVE)


def _hide_header(args: tuple[str, ...], _: Place, draft: Draft) -> Applied:
    if len(args) != 1:
        return "it takes a name"
    reason = fault(args[0])
    if reason:
        return reason
    policy = draft.policy
    hidden = HeaderEdit(args[0], edit=Edit.REMOVE)  # before all others: it is about the backend's own
    return replace(draft, policy=replace(policy, answer_headers=(hidden, *policy.answer_headers)))


def _return(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    found = answer(args, place.names)
    if isinstance(found, str):
        return found
    return _answered(draft, found)


def _rewrite(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    found = rewritten(args, place.names)
    return found if isinstance(found, str) else _answered(draft, found)


def _answered(draft: Draft, found: SendTo | Respond) -> Draft:
    """What answers first is what is answered."""
    if draft.redirect is not None or draft.answer is not None:
        return draft
    return replace(draft, redirect=found) if isinstance(found, SendTo) else replace(draft, answer=found)


def _cookie_domain(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    return _rewriting(draft, domain_rewrite(args, place.names))


def _cookie_path(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    return _rewriting(draft, path_rewrite(args, place.names))


def _redirect(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
    if args in (("off",), ("default",)):
        return draft
    return _rewriting(draft, redirect_rewrites(args, place.names))


def _rewriting(draft: Draft, found: HeaderRewrite | tuple[HeaderRewrite, ...] | str) -> Applied:
    if isinstance(found, str):
        return found
    more = found if isinstance(found, tuple) else (found,)
    return replace(draft, policy=replace(draft.policy, answer_rewrites=draft.policy.answer_rewrites + more))


def _connect_timeout(args: tuple[str, ...], _: Place, draft: Draft) -> Applied:
    time = _time_ms(args)
    return replace(draft, connect_timeout_ms=time) if time else _TIME_WANTED


def _read_timeout(args: tuple[str, ...], _: Place, draft: Draft) -> Applied:
    time = _time_ms(args)
    return replace(draft, read_timeout_ms=time, timeouts_set=True) if time else _TIME_WANTED


def _send_timeout(args: tuple[str, ...], _: Place, draft: Draft) -> Applied:
    time = _time_ms(args)
    return replace(draft, send_timeout_ms=time, timeouts_set=True) if time else _TIME_WANTED


def _grpc(change: _Change) -> _Change:
    """What counts for gRPC backends only."""

    def grpc_only(args: tuple[str, ...], place: Place, draft: Draft) -> Applied:
        changed = change(args, place, draft)
        return changed if isinstance(changed, str) or draft.protocol is Protocol.HTTP2 else draft

    return grpc_only


def _time_ms(args: tuple[str, ...]) -> int:
    """nginx's time; 0 where it is none."""
    return (milliseconds(args[0]) or 0) if len(args) == 1 else 0


def _body_size(args: tuple[str, ...], _: Place, draft: Draft) -> Applied:
    found = _SIZE.fullmatch(args[0]) if len(args) == 1 else None
    if found is None:
        return "it takes a size such as 8k, 10m or 1g"
    size = int(found[1]) * _UNITS[found[2].lower()]
    return replace(draft, policy=replace(draft.policy, max_body_bytes=size), body_limit_set=True)


_TIME_WANTED = "it takes a time such as 30s or 5m, to a year"
_SIZE = re.compile(r"([0-9]{1,12})([kmgKMG]?)")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

_OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "upgrade"})
_PER_PATH = frozenset({"allow", "deny", "return", "rewrite"})

_CHANGES: Mapping[str, _Change] = {
    "add_header": _add_header,
    "client_max_body_size": _body_size,
    "grpc_connect_timeout": _grpc(_connect_timeout),
    "grpc_read_timeout": _grpc(_read_timeout),
    "grpc_send_timeout": _grpc(_send_timeout),
    "grpc_set_header": _grpc(_proxy_set_header),
    "more_clear_headers": _clear_headers,
    "more_clear_input_headers": _clear_input_headers,
    "more_set_headers": _set_headers,
    "more_set_input_headers": _set_input_headers,
    "proxy_connect_timeout": _connect_timeout,
    "proxy_cookie_domain": _cookie_domain,
    "proxy_cookie_path": _cookie_path,
    "proxy_hide_header": _hide_header,
    "proxy_read_timeout": _read_timeout,
    "proxy_redirect": _redirect,
    "proxy_send_timeout": _send_timeout,
    "proxy_set_header": _proxy_set_header,
    "return": _return,
    "rewrite": _rewrite,
}
