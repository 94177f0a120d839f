"""proxy-hide-headers, -pass-headers, -set-headers, add-header, add-header-inherit: headers of requests and answers.

Lists between commas; values may hold nginx's variables. Rule: a list with one entry that cannot be read is left out as
a whole and reported, so that nobody relies on half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.grammar.header_names import fault
from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.nginx_org import codes
from isthmus.dialects.ingress.nginx_org.variables import constants
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import Edit, HeaderEdit
from isthmus.ir.template import Of, Template, Variable

HIDE = "nginx.org/proxy-hide-headers"
PASS = "nginx.org/proxy-pass-headers"
SET = "nginx.org/proxy-set-headers"
ADD = "nginx.org/add-header"
INHERIT = "nginx.org/add-header-inherit"

_MOST = 100
_HOST = "host"
Read = Callable[[str], HeaderEdit | str]


def _apply(view: View, draft: Draft) -> Draft:
    names = constants(view, draft)
    hidden = _edits(view, HIDE, _hidden)
    asked = _edits(view, SET, lambda entry: _set(entry, names))
    added = _edits(view, ADD, lambda entry: _added(entry, names))
    if view.text(INHERIT) is not None and view.text(ADD) is None:
        view.say(codes.NEEDS_OTHER, INHERIT, other=ADD)
    view.word(INHERIT, ("ON", "OFF", "MERGE"), "ON")
    host = next((edit.value for edit in asked if edit.name.lower() == _HOST), ())
    policy = replace(
        draft.policy,
        request_headers=draft.policy.request_headers + tuple(e for e in asked if e.name.lower() != _HOST),
        answer_headers=draft.policy.answer_headers + hidden + added,
    )
    return replace(draft, policy=policy, host=host or draft.host)


def _edits(view: View, key: str, read: Read) -> tuple[HeaderEdit, ...]:
    """The edits of a list; none where one of them cannot be read."""
    found = [(entry, read(entry)) for entry in _entries(view.text(key) or "")]
    wrong = next(((entry, why) for entry, why in found if isinstance(why, str)), None)
    if wrong is None and len(found) > _MOST:
        wrong = f"{len(found)} entries", f"at most {_MOST} can be set"
    if wrong is not None:
        view.invalid(key, wrong[0], f"another entry ({wrong[1]})")
        return ()
    return tuple(edit for _, edit in found if isinstance(edit, HeaderEdit))


def _entries(text: str) -> Iterator[str]:
    return (part.strip() for part in text.split(",") if part.strip())


def _hidden(entry: str) -> HeaderEdit | str:
    return fault(entry) or HeaderEdit(entry, edit=Edit.REMOVE)


def _set(entry: str, names: dict[str, str]) -> HeaderEdit | str:
    """`Name: value`; without a value the client's own header is sent on, as it is."""
    name, colon, text = (part.strip() for part in entry.partition(":"))
    why = fault(name if name.lower() != _HOST else "x", text)
    if why:
        return why
    if not colon:
        return HeaderEdit(name, (Variable(Of.HEADER, name.lower()),))
    value = parse(text, names)
    return value if isinstance(value, str) else HeaderEdit(name, value)


def _added(entry: str, names: dict[str, str]) -> HeaderEdit | str:
    """`Name: value`, with `:always` for every status."""
    name, text, always = (*(part.strip() for part in entry.split(":", 2)), "", "")[:3]
    why = fault(name, text)
    if why or always.lower() not in ("", "always"):
        return why or "only `always` may stand after the second colon"
    value: Template | str = parse(text, names)
    return value if isinstance(value, str) else HeaderEdit(name, value, Edit.ADD, always=bool(always))


FEATURE = Feature(
    title="Headers",
    about="Headers that are taken from the backend's answers, added to answers, or set on requests. Values may hold "
    "nginx's variables.",
    annotations=(
        Annotation(HIDE, "names of headers, between commas", "", setting="proxy-hide-headers"),
        Annotation(
            PASS,
            "names of headers, between commas",
            "",
            Handling.NO_EFFECT,
            "of the backend's headers only Server is not passed on here, and it never is",
            setting="proxy-pass-headers",
        ),
        Annotation(
            SET,
            "`Name: value`, or `Name` alone, between commas",
            "",
            Handling.DIFFERS,
            "gRPC backends get them too; headers that belong to the connection are refused",
            setting="proxy-set-headers",
        ),
        Annotation(
            ADD,
            "`Name: value` or `Name: value:always`, between commas",
            "",
            Handling.DIFFERS,
            "Strict-Transport-Security is kept beside them; nginx drops it for a path with add-header of its own",
            setting="add-header",
        ),
        Annotation(
            INHERIT,
            "on, off or merge",
            "on",
            Handling.NO_EFFECT,
            "headers are always merged: what is said for the host stays beside what is said for a path",
            setting="add-header-inherit",
        ),
    ),
    apply=_apply,
)
