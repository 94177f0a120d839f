"""The work of `isthmus call`: what is sent, what is printed, and the exit code."""

from __future__ import annotations

import base64
import json
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from isthmus.cli.call_input import SEPARATOR, texts
from isthmus.cli.grpc_options import ServerOptions, metadata_of
from isthmus.cli.grpc_session import described, in_session, missing, write_out
from isthmus.cli.options import Failure
from isthmus.edge.grpc_client.invoke import Call, Ended, Listener, invoke
from isthmus.edge.grpc_client.reflection import Metadata
from isthmus.edge.grpc_client.session import Described, Session
from isthmus.edge.own_command import own_command
from isthmus.schema.answers import status_message, status_object
from isthmus.schema.codec import Codec, Options, serialized
from isthmus.schema.descriptors import comments, load
from isthmus.schema.samples import sample
from isthmus.schema.source_text import source_of
from isthmus.schema.status import RefusedError, Status

_FAILED = 64  # plus the gRPC status, as grpcurl has it
_SPELT = {"CANCELLED": "Canceled", "OK": "OK"}  # grpcurl's names, where they are not just CamelCase


class CallOptions(NamedTuple):
    """What `call` takes beside the server's options."""

    data: str | None = None
    rpc_header: tuple[str, ...] = ()
    form: str = "json"
    emit_defaults: bool = False
    allow_unknown_fields: bool = False
    format_error: bool = False
    verbose: bool = False
    vv: bool = False

    @property
    def talks(self) -> bool:
        """Whether more is printed than the answers."""
        return self.verbose or self.vv


def call(address: str, method: str, options: ServerOptions, how: CallOptions) -> int:
    """Do it; the exit code. Raises Failure."""
    started = time.monotonic()
    say: Callable[[str], None] = (lambda text: print(text, file=sys.stderr)) if how.talks else lambda _: None

    async def work(session: Session) -> int:
        found = await described(session, options)
        pool = load(found.assembled.descriptor_set)
        wanted = _method(pool, method, found)
        write_out(found, [wanted.full_name], options)
        if how.data is None and sys.stdin.isatty():
            print(_template(address, wanted))
            return 0
        codec = Codec(pool, Options(emit_defaults=how.emit_defaults, allow_unknown=how.allow_unknown_fields))
        if how.talks:
            words = comments(found.assembled.descriptor_set)
            print(f"\nResolved method descriptor:\n{source_of(wanted, words, {})}")
        left = max(0.001, options.max_time - (time.monotonic() - started)) if options.max_time else None
        headers = metadata_of((*options.header, *how.rpc_header), options.expand_headers)
        path = f"/{wanted.containing_service.full_name}/{wanted.name}"
        return await _Running(session, Call(path, headers, left), how, wanted, codec).run()

    return in_session(address, options, work, say)


def _method(pool: DescriptorPool, name: str, described: Described) -> MethodDescriptor:
    service, _, method = name.lstrip("/").replace("/", ".").rpartition(".")
    try:
        found: MethodDescriptor = pool.FindServiceByName(service).methods_by_name[method]
        return found
    except KeyError:
        every = [f"{s}/{m.name}" for s in described.assembled.services for m in pool.FindServiceByName(s).methods]
        meant = f"{service}/{method}".lower()
        close = get_close_matches(meant, [each.lower() for each in every], 1, 0.8)
        near = [each for each in every if each.lower() in close] or [
            each for each in every if method and method.lower() in each.lower()
        ]
        near = near or every
        what = f"there is no method {name}" if name else "expected a method"
        has = f"the server has {', '.join(near[:10])}{' ...' if len(near) > 10 else ''}" if every else "nor any other"
        raise missing(f"{what}; {has}", described, 2) from None


def _template(address: str, method: MethodDescriptor) -> str:
    message = sample(method.input_type, fill="all")
    body = json.dumps(message, indent=2)
    path = f"{method.containing_service.full_name}/{method.name}"
    send = f"{own_command()} call {address} {path} -d {shlex.quote(json.dumps(message))}"
    return f"{path} takes a {method.input_type.full_name}:\n{body}\nSend it with: {send}"


class _Running:
    """One call."""

    def __init__(self, session: Session, call: Call, how: CallOptions, method: MethodDescriptor, codec: Codec) -> None:
        self._session = session
        self._call = call
        self._how = how
        self._method = method
        self._codec = codec
        self._sent = self._got = 0
        self._started = time.monotonic()

    async def run(self) -> int:
        """The exit code."""
        if self._how.talks:
            print(f"\nRequest metadata to send:\n{_metadata(self._call.metadata)}", flush=True)
        try:
            ended = await invoke(
                self._session.server, self._call, self._requests(), Listener(self._headers, self._answer)
            )
        except RefusedError as error:
            raise Failure(f"the message cannot be sent: {error}", 2) from None
        return self._end(ended)

    def _requests(self) -> Iterator[bytes]:
        name = self._method.input_type.full_name
        several = self._method.client_streaming
        first = b""
        for text in texts(self._how.data, self._how.form):
            if self._sent and not several:
                raise RefusedError(f"{self._method.name} takes one message, and -d holds more")
            self._sent += 1
            message = serialized(self._parsed(text, name))
            if several:
                yield message
            first = message
        if not several:  # only now is it known to be the only one
            self._sent = 1
            yield first

    def _parsed(self, text: str, name: str) -> Message:
        if self._how.form == "json":
            return self._codec.from_json(text, name)
        try:
            return text_format.Parse(
                text,
                self._codec.new(name),
                descriptor_pool=self._codec.pool,
                allow_unknown_field=self._how.allow_unknown_fields,
            )
        except text_format.ParseError as error:
            raise RefusedError(f"bad text format: {error}") from None

    def _headers(self, headers: Metadata) -> None:
        if self._how.talks:
            print(f"\nResponse headers received:\n{_metadata(headers)}", flush=True)

    def _answer(self, data: bytes) -> None:
        self._got += 1
        if self._how.talks:
            print("\nResponse contents:")
        elif self._how.form == "text" and self._got > 1:
            print(SEPARATOR, end="")
        print(self._printed(self._codec.answer(data, self._method.output_type.full_name)), flush=True)

    def _printed(self, message: Message) -> str:
        if self._how.form == "json":
            return json.dumps(self._codec.to_object(message), indent=2, ensure_ascii=False)
        return text_format.MessageToString(message, descriptor_pool=self._codec.pool).rstrip()

    def _end(self, ended: Ended) -> int:
        if self._how.talks:
            print(f"\nResponse trailers received:\n{_metadata(ended.trailers)}")
            print(f"Sent {_counted(self._sent, 'request')} and received {_counted(self._got, 'response')}")
        if self._how.vv:
            print(f"It took {(time.monotonic() - self._started) * 1000:.0f} ms")
        if ended.code == 0:
            return 0
        self._fail(ended)
        return _FAILED + ended.code

    def _fail(self, ended: Ended) -> None:
        details = next((value for name, value in ended.trailers if name == "grpc-status-details-bin"), b"")
        status = Status(ended.code, ended.message, details if isinstance(details, bytes) else b"")
        whole = status_object(status, self._codec)
        if self._how.format_error and self._how.form == "text":
            text = text_format.MessageToString(status_message(status), descriptor_pool=self._codec.pool)
            print(text.rstrip(), file=sys.stderr)
            return
        if self._how.format_error:
            print(json.dumps(whole, indent=2, ensure_ascii=False), file=sys.stderr)
            return
        name = _SPELT.get(ended.name) or "".join(part.capitalize() for part in ended.name.split("_"))
        lines = ["ERROR:", f"  Code: {name}", f"  Message: {ended.message}"]
        found = whole.get("details") or []
        assert isinstance(found, list)
        lines += ["  Details:"] if found else []
        for index, detail in enumerate(found, 1):
            first, *others = json.dumps(detail, indent=2, ensure_ascii=False).splitlines()
            lines += [f"  {index})\t{first}", *(f"    \t{line}" for line in others)]
        print("\n".join(lines), file=sys.stderr)


def _metadata(pairs: Metadata) -> str:
    if not pairs:
        return "(empty)"
    return "\n".join(f"{k}: {base64.b64encode(v).decode() if isinstance(v, bytes) else v}" for k, v in pairs)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
