"""Messages between bytes, protobuf objects and JSON, in one schema's private pool.

The JSON is protobuf's own mapping (json_format); names are accepted in both spellings. What is wrong with a request
is raised as Refused with the field's path; what cannot be printed of an answer is our own trouble, INTERNAL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, EncodeError, Message
from msgspec import Struct

from isthmus.schema.status import INTERNAL, Refused

_DEEPEST = 100  # as deep as protobuf's own parsers go
_WRAPPED = re.compile(r"^Failed to parse \S+ field: ")


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
        """A request from protobuf's bytes. Raises Refused."""
        message = self.new(name)
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise Refused(f"the body is no {name} in protobuf's binary form") from None
        return message

    def fill(self, message: Message, value: object) -> None:
        """Merge a JSON value into a message. Raises Refused."""
        try:
            json_format.ParseDict(
                value,
                message,
                ignore_unknown_fields=self.options.allow_unknown,
                descriptor_pool=self.pool,
                max_recursion_depth=_DEEPEST,
            )
        except (json_format.ParseError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            # Only ParseError is documented; the others are its answers to some wrong shapes.
            raise Refused(_reason(error)) from None

    def from_json(self, text: bytes | str, name: str) -> Message:
        """A request from JSON text. Raises Refused."""
        message = self.new(name)
        self.fill(message, read_json(text))
        return message

    def to_object(self, message: Message) -> object:
        """An answer as what json.dumps takes. Raises Refused (INTERNAL)."""
        return self._printed(message, self.options.emit_defaults)

    def to_json(self, message: Message) -> bytes:
        """An answer as JSON text, on one line. Raises Refused (INTERNAL)."""
        return dump_json(self.to_object(message))

    def answer(self, data: bytes, name: str) -> Message:
        """An answer from protobuf's bytes. Raises Refused (INTERNAL)."""
        message = self.new(name)
        try:
            message.ParseFromString(data)
        except DecodeError:
            raise Refused(f"the server's answer is no {name}", INTERNAL) from None
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
            raise Refused(f"the server's answer cannot be written as JSON: {_reason(error)}", INTERNAL) from None


def serialized(message: Message) -> bytes:
    """A request's bytes. Raises Refused: a proto2 message may lack what it requires."""
    try:
        return message.SerializeToString()
    except EncodeError as error:
        raise Refused(_reason(error)) from None


def read_json(text: bytes | str) -> object:
    """A JSON value. Raises Refused with the place; doubled names are refused as protobuf does."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise Refused(f"bad JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise Refused(f"bad JSON: it is not UTF-8 at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"bad JSON: {_reason(error)}") from None


def dump_json(value: object) -> bytes:
    """JSON text on one line, as UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {doubled!r} is given twice")
    return found


def _reason(error: BaseException) -> str:
    """What json_format found wrong, without the wrapping of each level that it went through."""
    text, wrapped = str(error).partition("\n")[0].strip() or type(error).__name__, 0
    while _WRAPPED.match(text):
        text, wrapped = _WRAPPED.sub("", text), wrapped + 1
    while wrapped and text.endswith(".."):
        text = text[:-1]
    return text[:500]
