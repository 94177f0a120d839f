"""path-regex: the paths of this Ingress are regular expressions, or whole paths, whatever their pathType says."""

from __future__ import annotations

from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft, PathKind
from isthmus.dialects.ingress.handling import Annotation, Handling
from isthmus.dialects.ingress.view import View

PATH_REGEX = "nginx.org/path-regex"

_KINDS = {
    "CASE_SENSITIVE": PathKind.REGEX,
    "CASE_INSENSITIVE": PathKind.REGEX_ANY_CASE,
    "EXACT": PathKind.EXACT,
}


def _apply(view: View, draft: Draft) -> Draft:
    value = view.text(PATH_REGEX)
    word = view.word(PATH_REGEX, tuple(_KINDS), "")
    if value is None or not word:
        return draft
    return replace(draft, path_kind=_KINDS[word])


FEATURE = Feature(
    title="Regular expressions as paths",
    about="The paths of the Ingress are regular expressions for the beginning of the path. Expressions are RE2: what "
    "needs a look ahead or back, or a back reference, cannot be had, and the path is refused.",
    annotations=(
        Annotation(
            PATH_REGEX,
            "case_sensitive, case_insensitive or exact",
            "",
            Handling.DIFFERS,
            "RE2 in place of PCRE; longer paths are tried first, nginx tries them in their order",
            met_by="case_.*",
        ),
    ),
    apply=_apply,
)
