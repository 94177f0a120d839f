"""HTTP rules from a file: google.api.Service in YAML or JSON, of which `http.rules` is read.

Strict: what is unknown or wrong is said with line and column, and then nothing of the file counts. Whether a server
has the methods is not known here. Source: google/api/http.proto, "Specify HTTP rules in gRPC API Service
Configuration"; as there, of several rules with one selector the last one counts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

import yaml
from msgspec import Struct

from isthmus.schema import httprule
from isthmus.schema.model import Binding
from isthmus.schema.text import shown

_TYPE = "google.api.Service"
_TOP = ("type", "config_version", "name", "title", "apis", "http")
_HTTP = ("rules", "fully_decode_reserved_expansion")
_VERBS = ("get", "put", "post", "delete", "patch")
_RULE = ("selector", *_VERBS, "custom", "body", "response_body", "additional_bindings")


class Mapping(Struct, frozen=True):
    """Rules by method (package.Service.Method), or the errors that keep the file from counting."""

    rules: dict[str, tuple[Binding, ...]]
    errors: tuple[str, ...] = ()


def parse_mapping(text: str | bytes, source: str) -> Mapping:
    """Read a file's text; `source` is its name in messages."""
    reader = _Reader(source)
    try:
        text = text if isinstance(text, str) else text.decode()
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        return Mapping({}, (f"{source}: expected UTF-8 text; byte {error.start + 1} is not",))
    except yaml.MarkedYAMLError as error:
        return Mapping({}, (f"{source}:{_place(error.problem_mark)}: {shown(error.problem)}",))
    except (yaml.YAMLError, RecursionError) as error:
        return Mapping({}, (f"{source}: {shown(' '.join(str(error).split()))}",))
    if node is None:
        return Mapping({}, (f"{source}: the file is empty; expected http.rules, a list of rules",))
    rules = dict(reader.rules(node))
    return Mapping({} if reader.errors else rules, tuple(reader.errors))


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source
        self.errors: list[str] = []

    def rules(self, node: yaml.Node) -> Iterator[tuple[str, tuple[Binding, ...]]]:
        top = self._map(node, _TOP, _TYPE)
        if "type" in top and self._text(top["type"]) != _TYPE:
            self._say(top["type"], f"expected type {_TYPE}")
        http = self._map(top["http"], _HTTP, "http") if "http" in top else {}
        if "rules" not in http:
            if not self.errors:
                self._say(top.get("http", node), "expected http.rules, a list of rules")
            return
        for item in self._list(http["rules"]):
            rule = self._map(item, _RULE, "a rule")
            selector = self._text(rule.get("selector")) if "selector" in rule else ""
            if not selector:
                self._say(item, "a rule needs a selector, such as package.Service.Method")
                continue
            extra = self._list(rule["additional_bindings"]) if "additional_bindings" in rule else ()
            nested = [self._map(each, _RULE[1:-1], "an additional binding") for each in extra]
            found = [self._binding(each, at) for each, at in zip([rule, *nested], [item, *extra], strict=True)]
            yield selector, tuple(binding for binding in found if binding is not None)

    def _binding(self, rule: dict[str, yaml.Node], at: yaml.Node) -> Binding | None:
        kinds = [verb for verb in (*_VERBS, "custom") if verb in rule]
        if len(kinds) != 1:
            self._say(at, f"expected exactly one of {', '.join(_VERBS)} or custom, found {', '.join(kinds) or 'none'}")
            return None
        node = rule[kinds[0]]
        verb = kinds[0].upper()
        if kinds[0] == "custom":
            custom = self._map(node, ("kind", "path"), "custom")
            verb, path = self._text(custom.get("kind")), self._text(custom.get("path"))
        else:
            path = self._text(node)
        try:
            httprule.parse(path)
        except httprule.TemplateError as error:
            self._say(node, shown(error))
            return None
        body, response = self._text(rule.get("body")), self._text(rule.get("response_body"))
        return Binding(verb, path, body, response, "mapping")

    def _map(self, node: yaml.Node, known: Iterable[str], what: str) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            self._say(node, f"expected {what} with {', '.join(known)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = _snake(key.value) if isinstance(key, yaml.ScalarNode) else ""
            if not name:
                self._say(key, f"expected one of {', '.join(known)}")
            elif name not in known:
                close = difflib.get_close_matches(name, list(known), n=1)
                hint = f" (did you mean {close[0]}?)" if close else ""
                self._say(key, f"{what} has no {shown(key.value)}{hint}")
            elif name in found:
                self._say(key, f"{key.value} is given twice")
            found[name] = value
        return found

    def _list(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self._say(node, "expected a list")
        return []

    def _text(self, node: yaml.Node | None) -> str:
        if node is None:
            return ""
        if isinstance(node, yaml.ScalarNode):
            return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value)
        self._say(node, "expected text")
        return ""

    def _say(self, node: yaml.Node, what: str) -> None:
        self.errors.append(f"{self.source}:{_place(node.start_mark)}: {what}")


def _place(mark: yaml.Mark | None) -> str:
    """Line and column, both from 1."""
    return f"{mark.line + 1}:{mark.column + 1}" if mark is not None else "1:1"


def _snake(name: str) -> str:
    """JSON spells fields in camel case; a name that is all capitals stays what it is."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", name)
