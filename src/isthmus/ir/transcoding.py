"""A gRPC backend that clients of every protocol may call, and what the gateway needs to know of its schema.

`Api` is what manifests ask for; `Transcoding` is what a schema answers. The two meet when a host is emitted, so a
schema that changes leaves the translation of manifests alone.
"""

from __future__ import annotations

from msgspec import Struct


class Api(Struct, frozen=True, gc=False):
    """How an API is offered. `origins` are web origins that browsers may call from (`*` is any).

    `preserve_names` answers with proto field names instead of lowerCamelCase; `emit_defaults` prints fields that
    have their default value. `pass_headers` are request headers that become metadata beside the usual ones (with
    `only_headers`, instead of them); a name that ends in `*` is a prefix. `lenient` ignores query parameters that are
    no fields. `answer_headers` are added to answers.
    """

    origins: tuple[str, ...] = ()
    preserve_names: bool = False
    emit_defaults: bool = False
    pass_headers: tuple[str, ...] = ()
    only_headers: bool = False
    lenient: bool = False
    answer_headers: tuple[tuple[str, str], ...] = ()


class Adapted(Struct, frozen=True, gc=False):
    """Requests that Envoy cannot transcode: an HTTP verb (`*` is any) and paths, as a literal start and a pattern.

    `pattern` is an RE2 expression for the whole path, still percent-encoded; `prefix` is how every such path begins.
    """

    verb: str
    prefix: str
    pattern: str


class SchemaFile(Struct, frozen=True, gc=False):
    """One file of a schema: its name, a digest of its content, and the full names that it defines outermost."""

    name: str
    digest: str
    symbols: tuple[str, ...]


class Transcoding(Struct, frozen=True, gc=False):
    """One schema, planned. `digest` names it for adapters.

    `descriptor_set` is for Envoy's transcoder, which serves `services`: every unary method with its HTTP rules; its
    `files` tell which other schemas can be in one set with it. `adapted` goes to an adapter. `path_fields` are the
    fields that paths fill, in both spellings.
    """

    digest: str
    descriptor_set: bytes
    services: tuple[str, ...]
    adapted: tuple[Adapted, ...] = ()
    files: tuple[SchemaFile, ...] = ()
    path_fields: tuple[str, ...] = ()
