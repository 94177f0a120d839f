"""Descriptors as the .proto source that they may have come from: for people who ask what a server offers.

Types are written with their full names and a leading dot, so that the text is right wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    EnumValueDescriptor,
    FieldDescriptor,
    MethodDescriptor,
    OneofDescriptor,
    ServiceDescriptor,
)
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.schema.model import Binding

Symbol = ServiceDescriptor | MethodDescriptor | Descriptor | EnumDescriptor | FieldDescriptor | OneofDescriptor
_SCALARS = {
    number: name.removeprefix("TYPE_").lower()
    for name, number in vars(FieldDescriptor).items()
    if name.startswith("TYPE_") and isinstance(number, int)
}
_LEVELS: dict[int, str] = {number: name for name, number in MethodOptions.IdempotencyLevel.items()}
_KINDS = {
    ServiceDescriptor: "a service",
    MethodDescriptor: "a method",
    Descriptor: "a message",
    EnumDescriptor: "an enum",
    FieldDescriptor: "a field",
    OneofDescriptor: "a oneof",
}


def find(pool: DescriptorPool, name: str) -> Symbol | None:
    """The symbol of a full name; a method may be written package.Service/Method."""
    dotted = name.lstrip(".").replace("/", ".")
    for look in (pool.FindServiceByName, pool.FindMessageTypeByName, pool.FindEnumTypeByName, pool.FindMethodByName):
        try:
            found: Symbol = look(dotted)
            return found
        except KeyError:
            continue
    for look_in in (pool.FindFieldByName, pool.FindOneofByName):
        try:
            inner: Symbol = look_in(dotted)
            return inner
        except KeyError:
            continue
    return None


def kind_of(symbol: Symbol) -> str:
    """`a service`, `a message` and so on."""
    return next(words for kind, words in _KINDS.items() if isinstance(symbol, kind))


def source_of(symbol: Symbol, comments: Mapping[str, str], rules: Mapping[str, Sequence[Binding]]) -> str:
    """The symbol's declaration. `rules` are HTTP rules by the method's gRPC path."""
    return "\n".join(_Writer(comments, rules).symbol(symbol))


class _Writer:
    def __init__(self, comments: Mapping[str, str], rules: Mapping[str, Sequence[Binding]]) -> None:
        self._comments = comments
        self._rules = rules

    def symbol(self, symbol: Symbol) -> Iterator[str]:
        if isinstance(symbol, ServiceDescriptor):
            yield from self._comment(symbol.full_name)
            methods = (self._method(each) for each in symbol.methods)
            yield from self._block(f"service {symbol.name}", chain((iter(_options(symbol)),), methods))
        elif isinstance(symbol, MethodDescriptor):
            yield from self._method(symbol)
        elif isinstance(symbol, Descriptor):
            yield from self._message(symbol)
        elif isinstance(symbol, EnumDescriptor):
            yield from self._enum(symbol)
        elif isinstance(symbol, FieldDescriptor):
            yield from self._field(symbol)
        else:
            yield from self._oneof(symbol)

    def _comment(self, name: str) -> Iterator[str]:
        for line in self._comments.get(name, "").splitlines():
            yield f"// {line}".rstrip()

    def _block(self, head: str, parts: Iterable[Iterator[str]]) -> Iterator[str]:
        yield f"{head} {{"
        for part in parts:
            yield from (f"  {line}" if line else "" for line in part)
        yield "}"

    def _method(self, method: MethodDescriptor) -> Iterator[str]:
        yield from self._comment(method.full_name)
        sent = f"{'stream ' if method.client_streaming else ''}.{method.input_type.full_name}"
        answered = f"{'stream ' if method.server_streaming else ''}.{method.output_type.full_name}"
        head = f"rpc {method.name} ( {sent} ) returns ( {answered} )"
        path = f"/{method.containing_service.full_name}/{method.name}"
        options = [*_options(method), *map(_http_rule, self._rules.get(path, ()))]
        if not any(options):
            yield f"{head};"
            return
        yield from self._block(head, (iter([option]) for option in options if option))

    def _message(self, message: Descriptor) -> Iterator[str]:
        yield from self._comment(message.full_name)
        inside = chain((iter(_options(message)),), self._inside(message))
        yield from self._block(f"message {message.name}", inside)

    def _inside(self, message: Descriptor) -> Iterator[Iterator[str]]:
        done: set[str] = set()
        for field in message.fields:
            oneof = field.containing_oneof
            if oneof is None or _is_synthetic(oneof):
                yield self._field(field)
            elif oneof.name not in done:
                done.add(oneof.name)
                yield self._oneof(oneof)
        yield from (self._enum(enum) for enum in message.enum_types)
        yield from (self._message(m) for m in message.nested_types if not m.GetOptions().map_entry)

    def _oneof(self, oneof: OneofDescriptor) -> Iterator[str]:
        yield from self._block(f"oneof {oneof.name}", (self._field(field) for field in oneof.fields))

    def _field(self, field: FieldDescriptor) -> Iterator[str]:
        yield from self._comment(field.full_name)
        label = "repeated " if field.is_repeated else "required " if field.is_required else ""
        oneof = field.containing_oneof
        if oneof is not None and _is_synthetic(oneof):
            label = "optional "
        kind = _type(field)
        if kind.startswith("map<"):
            label = ""
        given = [] if field.json_name == _camel(field.name) else [f'json_name = "{field.json_name}"']
        given += ["deprecated = true"] if field.GetOptions().deprecated else []
        bracketed = f" [{', '.join(given)}]" if given else ""
        yield f"{label}{kind} {field.name} = {field.number}{bracketed};"

    def _enum(self, enum: EnumDescriptor) -> Iterator[str]:
        yield from self._comment(enum.full_name)
        values = (self._value(f"{enum.full_name}.{value.name}", value) for value in enum.values)
        yield from self._block(f"enum {enum.name}", (iter(_options(enum)), *values))

    def _value(self, name: str, value: EnumValueDescriptor) -> Iterator[str]:
        yield from self._comment(name)
        yield f"{value.name} = {value.number}{' [deprecated = true]' if value.GetOptions().deprecated else ''};"


def _options(symbol: ServiceDescriptor | MethodDescriptor | Descriptor | EnumDescriptor) -> list[str]:
    """The options that say how something may be used."""
    given = symbol.GetOptions()
    found = ["option deprecated = true;"] if given.deprecated else []
    level = getattr(given, "idempotency_level", 0)
    return [*found, f"option idempotency_level = {_LEVELS[level]};"] if level else found


def _http_rule(rule: Binding) -> str:
    """An HTTP rule as an option; empty for the one that every method has."""
    if rule.source == "default":
        return ""
    parts = [f'{rule.verb.lower()}: "{rule.template}"']
    parts += [f'body: "{rule.body}"'] if rule.body else []
    parts += [f'response_body: "{rule.response_body}"'] if rule.response_body else []
    return f"option (.google.api.http) = {{ {', '.join(parts)} }};"


def _type(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        if field.message_type.GetOptions().map_entry:
            key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
            return f"map<{_type(key)}, {_type(value)}>"
        return f".{field.message_type.full_name}"
    if field.enum_type is not None:
        return f".{field.enum_type.full_name}"
    return _SCALARS[field.type]


def _is_synthetic(oneof: OneofDescriptor) -> bool:
    """A proto3 `optional` field is the only member of a oneof that nobody wrote."""
    return len(oneof.fields) == 1 and oneof.name == f"_{oneof.fields[0].name}"


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
