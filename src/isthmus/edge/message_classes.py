"""Message classes, kept for as long as they are used.

protobuf's runtime makes a class when it is first wanted, and lets it go with its last user. Where one thread collects
that garbage while another asks for the class again, it gets one that is half taken apart, and the process dies. Rule:
whoever uses messages in a process with threads keeps their classes.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

Classes = tuple[type[Message], ...]


def classes_in(pool: DescriptorPool, files: Iterable[str]) -> Classes:
    """Those of all messages in some files of a pool."""
    pending = [each for name in files for each in pool.FindFileByName(name).message_types_by_name.values()]
    found: list[type[Message]] = []
    while pending:
        each = pending.pop()
        found.append(GetMessageClass(each))
        pending += each.nested_types
    return tuple(found)


def classes_within(*messages: type[Message]) -> Classes:
    """These, and those of all that they can hold."""
    pending: list[Descriptor] = [each.DESCRIPTOR for each in messages]  # type: ignore[misc]
    found: dict[str, type[Message]] = {}
    while pending:
        each = pending.pop()
        if each.full_name not in found:
            found[each.full_name] = GetMessageClass(each)
            pending += (field.message_type for field in each.fields if field.message_type is not None)
    return tuple(found.values())
