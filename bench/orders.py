"""The messages of the benchmarks of transcoding: their schema, and an order of each size.

Sizes are those of the protobuf message; its JSON is about twice as large. May not know who is measured.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import google.api
import grpc_tools
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

PLACE = "/bench.v1.Orders/Place"
REST = "/v1/orders"
WATCH = "/v1/orders:watch"
WATCH_COUNT = 200  # messages in one answer of Watch
WATCH_ID = b"watch-12"  # an order of this id asks for as many; it stands at the start of the message


class Load(NamedTuple):
    """One size: its name, the serialised message, and its JSON."""

    name: str
    message: bytes
    json: bytes


@functools.cache
def descriptor_set() -> bytes:
    """A serialised FileDescriptorSet of orders.proto with all that it imports."""
    proto = Path(__file__).with_suffix(".proto")
    provided = (Path(grpc_tools.__path__[0]) / "_proto", Path(google.api.__path__[0]).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        paths = [f"-I{path}" for path in (proto.parent, *provided)]
        if protoc.main(["protoc", *paths, "--include_imports", f"--descriptor_set_out={out}", proto.name]) != 0:
            raise RuntimeError("orders.proto does not compile")
        return out.read_bytes()


@functools.cache
def order_class() -> Any:
    """The class of bench.v1.Order."""
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptor_set()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("bench.v1.Order"))


def loads() -> tuple[Load, ...]:
    """12 bytes, 10,050 bytes, and 100 KB."""
    return _load("tiny", order_class()(id="1234567890")), _sized("10 KB", 10_050), _sized("100 KB", 100_000)


def watch() -> Load:
    """A request of Watch."""
    return _load("stream", order_class()(id=WATCH_ID.decode()))


def _sized(name: str, size: int) -> Load:
    """As many items as fit, and a customer's name that fills up what is left."""
    order = order_class()(id="order-000001", customer="c", placed_at=1_790_000_000_000)
    while order.ByteSize() < size - 100:
        order.items.add(**_item(len(order.items)))
    order.customer = "c" * (1 + size - order.ByteSize())
    while order.ByteSize() > size:  # its own length took a byte more
        order.customer = order.customer[1:]
    return _load(name, order)


def _item(index: int) -> dict[str, Any]:
    return {
        "sku": f"SKU-{index:05d}",
        "name": f"Widget {index}, stainless",
        "quantity": index % 9 + 1,
        "unit_price": 199 + index * 10,
        "weight": 0.25 * (index % 40 + 1),
        "gift": index % 2 == 0,
        "tags": ["new", "sale"],
    }


def _load(name: str, order: Any) -> Load:
    text = json.dumps(json_format.MessageToDict(order), separators=(",", ":"))
    return Load(name, order.SerializeToString(), text.encode())
