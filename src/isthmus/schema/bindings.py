"""Which HTTP rule a request is for: the verb and the path against every rule of a schema.

Of rules that take a path the most specific wins: segment by segment from the left, a literal beats `*`, which beats
`**`; then a rule with a `:verb` beats one without; a rule for the very HTTP verb beats one for any (`*`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from isthmus.schema import httprule
from isthmus.schema.httprule import Template
from isthmus.schema.model import Binding, Method, Schema
from isthmus.schema.status import NOT_FOUND, UNIMPLEMENTED, RefusedError


class Match(NamedTuple):
    """A rule that takes a request, and the path's values by dotted field path."""

    method: Method
    binding: Binding
    variables: Mapping[str, str]


class NotAllowedError(RefusedError):
    """The path is known, for other verbs: `allow` names them."""

    def __init__(self, verb: str, path: str, allow: tuple[str, ...]) -> None:
        super().__init__(f"{verb} is not what {path} takes: it takes {', '.join(allow)}", UNIMPLEMENTED, 405)
        self.allow = allow


class _Rule(NamedTuple):
    template: Template
    method: Method
    binding: Binding


class Bindings:
    """All rules of one schema, ready to be looked up."""

    def __init__(self, schema: Schema) -> None:
        self.methods: Mapping[str, Method] = {method.path: method for method in schema.methods}
        rules = [
            _Rule(httprule.parse(binding.template), method, binding)
            for method in schema.methods
            for binding in method.bindings
        ]
        self._exact: dict[str, list[_Rule]] = {}
        self._by_start: dict[str, list[_Rule]] = {}
        for rule in sorted(rules, key=lambda rule: (rule.template.specificity, rule.binding.verb == "*")):
            wild = any(segment in (httprule.ONE, httprule.REST) for segment in rule.template.segments)
            if wild or rule.template.variables:
                first = rule.template.segments[0]
                start = "" if first in (httprule.ONE, httprule.REST) else first
                self._by_start.setdefault(start, []).append(rule)
            else:
                self._exact.setdefault(rule.binding.template, []).append(rule)

    def find(self, verb: str, path: str) -> Match:
        """The rule for a request. Raises RefusedError (404), NotAllowedError (405)."""
        allow: set[str] = set()
        for rule, variables in self._taking(path):
            if rule.binding.verb in (verb, "*"):
                return Match(rule.method, rule.binding, variables)
            allow.add(rule.binding.verb)
        if allow:
            raise NotAllowedError(verb, path, tuple(sorted(allow)))
        raise RefusedError(f"no method is served at {path}", NOT_FOUND)

    def find_any(self, path: str) -> Match:
        """The rule of a path for a WebSocket: the method's own path, else a GET rule, else any. Raises RefusedError."""
        found = [Match(rule.method, rule.binding, variables) for rule, variables in self._taking(path)]
        own = (match for match in found if match.method.path == path and match.binding.source == "default")
        get = (match for match in found if match.binding.verb == "GET")
        chosen = next(own, None) or next(get, None) or next(iter(found), None)
        if chosen is None:
            raise RefusedError(f"no method is served at {path}", NOT_FOUND)
        return chosen

    def _taking(self, path: str) -> Iterator[tuple[_Rule, Mapping[str, str]]]:
        """The rules that take a path, the most specific first."""
        for rule in self._exact.get(path, ()):
            yield rule, {}
        first = path[1:].partition("/")[0]
        candidates = [*self._by_start.get(first, ()), *self._by_start.get("", ())]
        bare = first.partition(":")[0]
        if bare != first:
            candidates += self._by_start.get(bare, ())
        for rule in sorted(candidates, key=lambda rule: (rule.template.specificity, rule.binding.verb == "*")):
            variables = rule.template.match(path)
            if variables is not None:
                yield rule, variables
