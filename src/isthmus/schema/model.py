"""What one gRPC server offers: its descriptors, its methods, and the HTTP rules of each.

A Schema is frozen and comparable and goes between processes as MessagePack (`encode`, `decode`): the control plane
plans routes from it, adapters and the explorer call by it. Names are protobuf's full names without a leading dot.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Struct


class Binding(Struct, frozen=True, gc=False):
    """One HTTP rule of a method (google/api/http.proto).

    `verb` is the HTTP method, or the custom kind as written; `*` is any. `template` is the path template. `body` is
    the request field that the HTTP body fills, `*` for the whole message, empty for none; `response_body` the
    response field that is the answer, empty for the whole message. `source` is `annotation` (in the descriptors),
    `mapping` (the user's file) or `default` (POST /package.Service/Method, which every method has, last).
    """

    verb: str
    template: str
    body: str = ""
    response_body: str = ""
    source: str = "annotation"


class Method(Struct, frozen=True, gc=False):
    """One RPC. `input` and `output` are message names. `comment` is the leading comment, where it is known.

    `idempotency` is `no_side_effects`, `idempotent` or empty (descriptor.proto's idempotency_level).
    """

    service: str
    name: str
    input: str
    output: str
    client_streaming: bool = False
    server_streaming: bool = False
    bindings: tuple[Binding, ...] = ()
    comment: str = ""
    deprecated: bool = False
    idempotency: str = ""

    @property
    def path(self) -> str:
        """The gRPC path: /package.Service/Method."""
        return f"/{self.service}/{self.name}"

    @property
    def streaming(self) -> bool:
        """Whether either side streams."""
        return self.client_streaming or self.server_streaming


class Problem(Struct, frozen=True, order=True, gc=False):
    """Something that had to be left out or mended. `where` is a file, service, method or rule; `what` says the rest.

    `kind` is one of: missing-file, missing-service, conflict, invalid-file, invalid-rule, unknown-selector,
    duplicate-rule, reserved, too-large.
    """

    kind: str
    where: str
    what: str


class Schema(Struct, frozen=True, gc=False):
    """`descriptor_set` is a serialised FileDescriptorSet: dependencies first, complete, json names filled in.

    It holds every file that `methods` need, and google/rpc/status.proto with error_details.proto, so that error
    details can be printed. `methods` are grouped by service, in the order of the descriptors; reflection and health
    are not among them.
    """

    descriptor_set: bytes
    methods: tuple[Method, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def services(self) -> tuple[str, ...]:
        """The services, in order."""
        return tuple(dict.fromkeys(method.service for method in self.methods))

    @property
    def digest(self) -> str:
        """32 hex digits over everything."""
        return hashlib.blake2b(encode(self), digest_size=16).hexdigest()


def encode(schema: Schema) -> bytes:
    """As MessagePack."""
    return msgspec.msgpack.encode(schema)


def decode(data: bytes) -> Schema:
    """From `encode`. Raises msgspec.MsgspecError."""
    return msgspec.msgpack.decode(data, type=Schema)
