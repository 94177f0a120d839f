"""What endpoints are chosen by where a hash chooses them: text with nginx's variables, of which Envoy hashes each.

Rule: the same values lead to the same endpoint. Text between the variables is the same for every request, so it
changes nothing and is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.dialects.ingress.grammar.nginx_variables import parse
from isthmus.ir.template import Of, Template, Variable

_HASHED = frozenset({Of.CLIENT, Of.COOKIE, Of.PARAMETER, Of.HEADER})
_HASHED |= {Of.HOST, Of.TARGET, Of.PATH, Of.QUERY, Of.METHOD, Of.SCHEME}
_WITH_QUERY = frozenset({Of.TARGET, Of.QUERY})


def hash_key(text: str, names: Mapping[str, str]) -> Template | str:
    """The variables that are hashed, in order; or why there is no such key."""
    key = parse(text, names)
    if isinstance(key, str):
        return key
    variables = tuple(part for part in key if isinstance(part, Variable))
    if any(part.of in _WITH_QUERY for part in variables):  # which tell whether there is one
        variables = tuple(part for part in variables if part.of is not Of.QUERY_MARK)
    if not variables:
        return "it has no variable, so every request would go to one endpoint"
    odd = next((part for part in variables if part.of not in _HASHED), None)
    return f"Envoy cannot hash the {odd.of.value}" if odd is not None else variables
