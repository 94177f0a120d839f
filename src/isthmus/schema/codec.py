"""Messages between bytes, protobuf objects and JSON, in one schema's private pool.

The JSON is protobuf's own mapping (json_format); names are accepted in both spellings. What is wrong with a request
is raised as RefusedError with the field's path; what cannot be printed of an answer is our own trouble, INTERNAL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError, Message
from msgspec import Struct

from isthmus.schema.status import INTERNAL, RefusedError

_DEEPEST = 100  # as deep as protobuf's own parsers go
_LONG_PATH = 12
_WRAPPED = re.compile(r"Failed to parse (\S+) field: ")
_NO_INTEGER = re.compile(r"invalid literal for int\(\) with base 10: ")
_NO_TEXT = re.compile(r"expected string or bytes-like object, got '(\w+)'")
_KINDS = {"int": "a number", "float": "a number", "bool": "a boolean", "dict": "an object", "list": "an array"}


class Options(Struct, frozen=True):
    """How JSON is written and read, as the route's owner chose."""

    preserve_names: bool = False
    emit_defaults: bool = False
    enum_numbers: bool = False
    allow_unknown: bool = False


def options_of(flags: str) -> Options:
    """From a comma list: preserve-names, emit-defaults, enum-numbers, allow-unknown. Other words say nothing."""
    given = {flag.strip() for flag in flags.split(",")}
    names = {"preserve-names", "emit-defaults", "enum-numbers", "allow-unknown"}
    return Options(**{name.replace("-", "_"): True for name in given & names})


class Codec:
    """One schema's messages. Messages are named by their full names, all of which the pool must have."""

    def __init__(self, pool: DescriptorPool, options: Options) -> None:
        self.pool = pool
        self.options = options

    def new(self, name: str) -> Message:
        """An empty message."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))()

    def parse(self, data: bytes, name: str) -> Message:
        """A request from protobuf's bytes. Raises RefusedError."""
        message = self.new(name)
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise RefusedError(f"the body is no {name} in protobuf's binary form") from None
        return message

    def fill(self, message: Message, value: object) -> None:
        """Merge a JSON value into a message. Raises RefusedError."""
        _check_objects(value, message.DESCRIPTOR, "")
        js: Any = value  # json_format takes more than its types say: some messages are no JSON objects
        try:
            json_format.ParseDict(
                js,
                message,
                ignore_unknown_fields=self.options.allow_unknown,
                descriptor_pool=self.pool,
                max_recursion_depth=_DEEPEST,
            )
        except (json_format.ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            # Only ParseError is documented; the others are its answers to some wrong shapes.
            raise RefusedError(_reason(error)) from None

    def from_json(self, text: bytes | str, name: str) -> Message:
        """A request from JSON text. Raises RefusedError."""
        message = self.new(name)
        self.fill(message, read_json(text))
        return message

    def to_object(self, message: Message) -> object:
        """An answer as what json.dumps takes. Raises RefusedError (INTERNAL)."""
        return self._printed(message, self.options.emit_defaults)

    def to_json(self, message: Message) -> bytes:
        """An answer as JSON text, on one line. Raises RefusedError (INTERNAL)."""
        return dump_json(self.to_object(message))

    def answer(self, data: bytes, name: str) -> Message:
        """An answer from protobuf's bytes. Raises RefusedError (INTERNAL)."""
        message = self.new(name)
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise RefusedError(f"the server's answer is no {name}", INTERNAL) from None
        return message

    def field_object(self, message: Message, field: FieldDescriptor) -> object:
        """The value of one field of an answer; an absent message is None, other absent values their defaults."""
        if field.message_type is not None and not field.is_repeated:
            present = message.HasField(field.name)
            return self.to_object(getattr(message, field.name)) if present else None
        alone = type(message)()
        alone.MergeFrom(message)
        for other in message.DESCRIPTOR.fields:
            if other.name != field.name:
                alone.ClearField(other.name)
        printed = self._printed(alone, True)
        name = field.name if self.options.preserve_names else field.json_name
        return printed.get(name) if isinstance(printed, Mapping) else None

    def _printed(self, message: Message, defaults: bool) -> object:
        try:
            return json_format.MessageToDict(
                message,
                always_print_fields_with_no_presence=defaults,
                preserving_proto_field_name=self.options.preserve_names,
                use_integers_for_enums=self.options.enum_numbers,
                descriptor_pool=self.pool,
            )
        except (json_format.Error, ValueError, TypeError, KeyError, DecodeError, RecursionError) as error:
            raise RefusedError(f"the server's answer cannot be written as JSON: {_reason(error)}", INTERNAL) from None


def serialized(message: Message) -> bytes:
    """A request's bytes. Raises RefusedError: a proto2 message may lack what it requires."""
    try:
        return message.SerializeToString()
    except EncodeError as error:
        raise RefusedError(_reason(error)) from None


def read_json(text: bytes | str) -> object:
    """A JSON value. Raises RefusedError with the place; doubled names are refused as protobuf does."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise RefusedError(f"bad JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise RefusedError(f"bad JSON: it is not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"bad JSON: {_reason(error)}") from None


def dump_json(value: object) -> bytes:
    """JSON text on one line, as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _check_objects(value: object, message: Any, path: str) -> None:
    """Refuse what is no JSON object where a message is expected: json_format takes empty lists and texts for one."""
    if message.full_name.startswith("google.protobuf.") or path.count(".") > _DEEPEST:
        return
    if not isinstance(value, dict):
        raise RefusedError(f"{path or message.name}: expected an object, found {_kind(value)}")
    for name, inner in value.items():
        field = message.fields_by_name.get(name) or message.fields_by_camelcase_name.get(name)
        if field is None or field.message_type is None or inner is None:
            continue
        below = f"{path}.{name}" if path else name
        if field.message_type.GetOptions().map_entry:
            target = field.message_type.fields_by_name["value"].message_type
            if target is not None and isinstance(inner, dict):
                for key, each in inner.items():
                    _check_objects(each, target, f"{below}[{key}]")
        elif not field.is_repeated:
            _check_objects(inner, field.message_type, below)
        elif isinstance(inner, list):
            for index, each in enumerate(inner):
                if each is not None:
                    _check_objects(each, field.message_type, f"{below}[{index}]")


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {doubled!r} is given twice")
    return found


def _reason(error: BaseException) -> str:
    """What json_format found wrong, with the field's path in place of the wrapping of each level it went through."""
    text, path = str(error).partition("\n")[0].strip() or type(error).__name__, []
    while wrapped := _WRAPPED.match(text):
        path.append(wrapped[1])
        text = text[wrapped.end() :]
    while path and text.endswith("."):
        text = text[:-1]
    text = _NO_INTEGER.sub("expected an integer, found ", text)
    text = _NO_TEXT.sub(lambda found: f"expected a string, found {_KINDS.get(found[1], 'null')}", text)
    where = ".".join(path if len(path) < _LONG_PATH else [*path[:3], "…", *path[-3:]])
    return (f"{where}: {text}" if path and " at " not in text else text)[:500]
