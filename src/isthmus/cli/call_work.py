"""The work of `isthmus call`: what is sent, what is printed, and the exit code."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from google.protobuf import text_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from isthmus.cli.grpc_options import ServerOptions, metadata_of
from isthmus.cli.grpc_session import described, in_session
from isthmus.cli.options import Failure
from isthmus.edge.grpc_client.invoke import Call, Ended, invoke
from isthmus.edge.grpc_client.reflection import Metadata
from isthmus.edge.grpc_client.session import Session
from isthmus.schema.answers import status_object
from isthmus.schema.codec import Codec, Options, serialized
from isthmus.schema.descriptors import load
from isthmus.schema.json_stream import JsonStream
from isthmus.schema.samples import sample
from isthmus.schema.status import RefusedError, Status

_FAILED = 64  # plus the gRPC status, as grpcurl has it
_MOST_BYTES = 64 * 1024 * 1024  # of one message on standard input
_SEPARATOR = "\x1e"  # between messages in text format, as grpcurl has it
_COMPLETION_SECONDS = 1.0


class CallOptions(NamedTuple):
    """What `call` takes beside the server's options."""

    data: str | None = None
    rpc_header: tuple[str, ...] = ()
    form: str = "json"
    emit_defaults: bool = False
    allow_unknown_fields: bool = False
    format_error: bool = False
    max_time: float | None = None
    verbose: bool = False
    vv: bool = False


def call(address: str, method: str, options: ServerOptions, how: CallOptions) -> int:
    """Do it; the exit code. Raises Failure."""
    say: Callable[[str], None] = (
        (lambda text: print(text, file=sys.stderr)) if how.verbose or how.vv else lambda _: None
    )

    async def work(session: Session) -> int:
        found = await described(session, options)
        pool = load(found.assembled.descriptor_set)
        wanted = _method(pool, method, found.assembled.services)
        codec = Codec(pool, Options(emit_defaults=how.emit_defaults, allow_unknown=how.allow_unknown_fields))
        if how.data is None and sys.stdin.isatty():
            print(_template(address, wanted))
            return 0
        return await _Running(session, options, how, wanted, codec).run()

    return in_session(address, options, work, say)


def completions(address: str, incomplete: str) -> list[str]:
    """Services and methods of a live server that begin so."""

    async def work(session: Session) -> list[str]:
        async with asyncio.timeout(_COMPLETION_SECONDS):
            found = await described(session, ServerOptions())
        pool = load(found.assembled.descriptor_set)
        every = [f"{s}/{m.name}" for s in found.assembled.services for m in pool.FindServiceByName(s).methods]
        return [name for name in every if name.startswith(incomplete)]

    return in_session(address, ServerOptions(connect_timeout=_COMPLETION_SECONDS), work, lambda _: None)


def _method(pool: DescriptorPool, name: str, services: tuple[str, ...]) -> MethodDescriptor:
    service, _, method = name.lstrip("/").replace("/", ".").rpartition(".")
    try:
        found: MethodDescriptor = pool.FindServiceByName(service).methods_by_name[method]
        return found
    except KeyError:
        every = [f"{s}/{m.name}" for s in services for m in pool.FindServiceByName(s).methods]
        near = [each for each in every if method and method.lower() in each.lower()] or every
        what = f"there is no method {name}" if name else "expected a method"
        raise Failure(f"{what}; the server has {', '.join(near[:10])}{' ...' if len(near) > 10 else ''}", 2) from None


def _template(address: str, method: MethodDescriptor) -> str:
    body = json.dumps(sample(method.input_type, fill="all"), indent=2)
    path = f"{method.containing_service.full_name}/{method.name}"
    return (
        f"{path} takes a {method.input_type.full_name}:\n{body}\nSend it with: isthmus call {address} {path} -d '...'"
    )


class _Running:
    """One call."""

    def __init__(
        self, session: Session, options: ServerOptions, how: CallOptions, method: MethodDescriptor, codec: Codec
    ) -> None:
        self._session = session
        self._how = how
        self._method = method
        self._codec = codec
        headers = (*options.header, *how.rpc_header)
        path = f"/{method.containing_service.full_name}/{method.name}"
        self._call = Call(path, metadata_of(headers, options.expand_headers), how.max_time)
        self._sent = self._got = 0
        self._started = time.monotonic()

    async def run(self) -> int:
        """The exit code."""
        if self._how.verbose or self._how.vv:
            print(f"\nResolved method descriptor:\n{self._method.full_name}")
            print(f"\nRequest metadata to send:\n{_metadata(self._call.metadata)}")
        try:
            ended = await invoke(self._session.channel, self._call, self._requests(), self._headers, self._answer)
        except RefusedError as error:
            raise Failure(f"the message cannot be sent: {error}", 2) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            return 130
        return self._end(ended)

    async def _requests(self) -> AsyncIterator[bytes]:
        name = self._method.input_type.full_name
        several = self._method.client_streaming
        async for text in _texts(self._how):
            self._sent += 1
            if self._sent > 1 and not several:
                raise RefusedError(f"{self._method.name} takes one message, and -d holds more")
            yield serialized(self._parsed(text, name))
        if not self._sent and not several:
            self._sent = 1
            yield b""

    def _parsed(self, text: str, name: str) -> Message:
        if self._how.form == "json":
            return self._codec.from_json(text, name)
        try:
            return text_format.Parse(text, self._codec.new(name), descriptor_pool=self._codec.pool)
        except text_format.ParseError as error:
            raise RefusedError(f"bad text format: {error}") from None

    def _headers(self, headers: Metadata) -> None:
        if self._how.verbose or self._how.vv:
            print(f"\nResponse headers received:\n{_metadata(headers)}")

    async def _answer(self, data: bytes) -> None:
        self._got += 1
        if self._how.verbose or self._how.vv:
            print("\nResponse contents:")
        print(self._printed(self._codec.answer(data, self._method.output_type.full_name)), flush=True)

    def _printed(self, message: Message) -> str:
        if self._how.form == "json":
            return json.dumps(self._codec.to_object(message), indent=2, ensure_ascii=False)
        return text_format.MessageToString(message, descriptor_pool=self._codec.pool).rstrip()

    def _end(self, ended: Ended) -> int:
        if self._how.verbose or self._how.vv:
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
        whole = status_object(
            Status(ended.code, ended.message, details if isinstance(details, bytes) else b""), self._codec
        )
        if self._how.format_error:
            print(json.dumps(whole, indent=2), file=sys.stderr)
            return
        name = "".join(part.capitalize() for part in ended.name.split("_"))
        lines = ["ERROR:", f"  Code: {name}", f"  Message: {ended.message}"]
        found = whole.get("details") or []
        assert isinstance(found, list)
        lines += ["  Details:"] if found else []
        lines += [f"  {index})\t{json.dumps(detail)}" for index, detail in enumerate(found, 1)]
        print("\n".join(lines), file=sys.stderr)


async def _texts(how: CallOptions) -> AsyncIterator[str]:
    """The messages, each as soon as it is complete."""
    split = _Records() if how.form == "text" else JsonStream(_MOST_BYTES)
    if how.data is None and sys.stdin.isatty():
        return
    if how.data is not None and how.data != "@":
        for found in (*split.feed(how.data.encode()), *split.finish()):
            yield found.decode()
        return
    async for chunk in _standard_input():
        for found in split.feed(chunk):
            yield found.decode()
    for found in split.finish():
        yield found.decode()


class _Records:
    """Messages in text format, with separators between them."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        *whole, self._held = (self._held + data).split(_SEPARATOR.encode())
        return [each for each in whole if each.strip()]

    def finish(self) -> list[bytes]:
        return [self._held] if self._held.strip() else []


async def _standard_input() -> AsyncIterator[bytes]:
    """What comes in, read by a thread, because files and terminals cannot be waited for."""
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        while True:
            chunk = sys.stdin.buffer.readline(65_536)
            loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            if not chunk:
                return

    threading.Thread(target=read, daemon=True).start()
    while chunk := await chunks.get():
        yield chunk


def _metadata(pairs: Metadata) -> str:
    if not pairs:
        return "(empty)"
    return "\n".join(f"{k}: {base64.b64encode(v).decode() if isinstance(v, bytes) else v}" for k, v in pairs)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
