"""Classes of messages outlive their users for as long as somebody keeps them."""

from __future__ import annotations

import gc
import weakref

from descriptor_files import a_file, field, raw
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from isthmus.edge.message_classes import classes_in, classes_within
from isthmus.edge.upstreams import library


def pool() -> DescriptorPool:
    file = a_file("p.proto")
    outer = file.message_type.add(name="Outer")
    field(outer.nested_type.add(name="Nested"), "text")
    field(outer, "nested", ".p.Outer.Nested")
    made = DescriptorPool()
    made.AddSerializedFile(*raw(file))
    return made


def of(made: DescriptorPool, name: str) -> type[Message]:
    return GetMessageClass(made.FindMessageTypeByName(name))


def survives(made: DescriptorPool, name: str) -> bool:
    watched = weakref.ref(of(made, name))
    gc.collect()
    return watched() is not None


def test_nobody_keeps_them_by_themselves() -> None:
    assert not survives(pool(), "p.Outer.Nested"), "then message_classes has become needless"


def test_those_of_files_stay() -> None:
    made = pool()
    kept = classes_in(made, ["p.proto"])
    assert (len(kept), survives(made, "p.Outer"), survives(made, "p.Outer.Nested")) == (2, True, True)


def test_those_within_others_stay() -> None:
    made = pool()
    kept = classes_within(of(made, "p.Outer"))
    assert (len(kept), survives(made, "p.Outer.Nested")) == (2, True)


def test_example_servers_keep_theirs() -> None:
    source = library.compiled()
    assert survives(source.pool, "library.v1.Shelf")
