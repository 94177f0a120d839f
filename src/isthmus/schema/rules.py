"""The HTTP rules of a method: from the mapping file, else from its google.api.http option, and always its RPC path.

A rule that cannot work (a template that does not parse, a field that does not exist) is left out and named; the others
stay. Of two rules that take the same requests the first counts; a method's RPC path is always its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import DecodeError
from msgspec.structs import replace

from isthmus.schema import httprule
from isthmus.schema.model import Binding, Method, Problem
from isthmus.schema.text import shown

_VERB = re.compile(r"[A-Za-z][A-Za-z-]*|\*")
_LONGEST = 2000  # characters of a template
_ONE_TEXT = frozenset(
    f"google.protobuf.{name}"
    for name in ("Timestamp", "Duration", "FieldMask", *(f"{kind}Value" for kind in (
        "Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes",
    )))
)  # fmt: skip


def bindings(method: MethodDescriptor, mapped: Sequence[Binding], problems: list[Problem]) -> tuple[Binding, ...]:
    """All rules of a method that work, the RPC path last. Those of a mapping file (`mapped`) replace its own."""
    asked = mapped or list(_annotated(method, problems))
    found: list[Binding] = []
    for binding in asked:
        reason = wrong(binding, method.input_type, method.output_type)
        if reason:
            what = f"{shown(binding.verb)} {shown(binding.template)}: {shown(reason)}"
            problems.append(Problem("invalid-rule", method.full_name, what))
        else:
            found.append(binding)
    default = Binding("POST", f"/{method.containing_service.full_name}/{method.name}", "*", "", "default")
    return (*dict.fromkeys(found), default)


def without_doubles(methods: Sequence[Method], problems: list[Problem]) -> Iterator[Method]:
    """Of several rules for the same requests only one. RPC paths come first, then the order of methods and rules."""
    owners = {_requests(method.bindings[-1]): method for method in methods}
    for method in methods:
        kept: list[Binding] = []
        *asked, default = method.bindings
        for binding in asked:
            requests = _requests(binding)
            owner = owners.setdefault(requests, method)
            if owner is not method:
                what = f"{binding.verb} {shown(binding.template)} is taken by {owner.path}"
                problems.append(Problem("duplicate-rule", f"{method.service}.{method.name}", what))
            elif requests == _requests(default):  # its own RPC path, which it may give another body
                default = replace(default, body=binding.body, response_body=binding.response_body)
            elif all(requests != _requests(each) for each in kept):
                kept.append(binding)
        yield replace(method, bindings=(*kept, default))


def _requests(binding: Binding) -> tuple[str, str]:
    """Equal for rules that take the same requests, whatever they call their fields."""
    return binding.verb, httprule.parse(binding.template).regex()


def _annotated(method: MethodDescriptor, problems: list[Problem]) -> Iterator[Binding]:
    rule = http_rule(method.GetOptions().SerializeToString())
    if rule is not None:
        yield from of_rule(rule, "annotation", method.full_name, problems)


def http_rule(options: bytes) -> http_pb2.HttpRule | None:
    """The google.api.http extension of serialised MethodOptions, whatever pool they came from."""
    try:
        known = descriptor_pb2.MethodOptions.FromString(options)
    except DecodeError:
        return None
    if not known.HasExtension(annotations_pb2.http):
        return None
    return known.Extensions[annotations_pb2.http]


def of_rule(rule: http_pb2.HttpRule, source: str, where: str, problems: list[Problem]) -> Iterator[Binding]:
    """A rule and its additional bindings."""
    for each in (rule, *rule.additional_bindings):
        kind = each.WhichOneof("pattern")
        if kind is None:
            problems.append(Problem("invalid-rule", where, "an HTTP rule has no path"))
        elif kind == "custom":
            yield Binding(each.custom.kind, each.custom.path, each.body, each.response_body, source)
        else:
            yield Binding(kind.upper(), getattr(each, kind), each.body, each.response_body, source)
        if each is not rule and each.additional_bindings:
            problems.append(Problem("invalid-rule", where, "additional bindings are nested; only one level counts"))


def wrong(binding: Binding, request: Descriptor, response: Descriptor) -> str:
    """Why a rule cannot work; empty when it can."""
    if len(binding.template) > _LONGEST:
        return f"the path has more than {_LONGEST} characters"
    try:
        template = httprule.parse(binding.template)
    except httprule.TemplateError as error:
        return str(error)
    for variable in template.variables:
        field = field_at(request, variable.field_path)
        if field is None:
            return f"{request.full_name} has no field {variable.name}"
        if not _single(field):
            return f"the field {variable.name} is not a single value"
    if binding.body not in ("", "*") and binding.body not in request.fields_by_name:
        return f"{request.full_name} has no field {binding.body} for the body"
    if binding.response_body and binding.response_body not in response.fields_by_name:
        return f"{response.full_name} has no field {binding.response_body} for the answer"
    if not _VERB.fullmatch(binding.verb):
        return f"{binding.verb!r} is no HTTP method"
    return ""


def _single(field: FieldDescriptor) -> bool:
    """Whether one text can be its value: a scalar, or a well-known type with a text form."""
    if field.is_repeated:
        return False
    return field.message_type is None or field.message_type.full_name in _ONE_TEXT


def field_at(message: Descriptor, path: Sequence[str]) -> FieldDescriptor | None:
    """The field at a dotted path, through messages that are not repeated."""
    field: FieldDescriptor | None = None
    for index, name in enumerate(path):
        field = message.fields_by_name.get(name)
        if field is None:
            return None
        if index + 1 < len(path):
            if field.message_type is None or field.is_repeated:
                return None
            message = field.message_type
    return field
