"""One version of reflection on one server, asked question by question within what asking may cost.

Rule: every way in which a server can fail to answer ends as a ReflectionError, or as a refusal of that one question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio

from isthmus.edge.grpc_client import reflection_messages as messages
from isthmus.edge.grpc_client.wire import Budget, TooManyError, WireError
from isthmus.schema.model import Problem
from isthmus.schema.text import shown

MOST_PROBLEMS = 1_000
_MOST_QUESTIONS = 20_000
_SAYS_NO = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)  # of one name, not of reflection

Metadata = Sequence[tuple[str, str | bytes]]


class ReflectionError(Exception):
    """Why there is no schema; `kind` is unreachable, unimplemented, timeout, too-large, tls, protocol or refused."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Left:
    """What asking may still cost, over both versions."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._questions = _MOST_QUESTIONS
        self.fields = Budget()

    def ask(self) -> None:
        """One more question. Raises ReflectionError."""
        self._questions -= 1
        if self._questions < 0:
            raise ReflectionError("too-large", f"the schema needs more than {_MOST_QUESTIONS} questions")

    def take(self, size: int) -> None:
        """Some more bytes. Raises ReflectionError."""
        self._size -= size
        if self._size < 0:
            raise ReflectionError("too-large", "the server's descriptors are larger than the limit")


class Asker:
    """Asks one version of reflection.

    What is asked first, and again where a stream has ended, goes in a call of its own, whose one message goes out with
    its start: a message that meets the end of a stream makes gRPC forget what the end said.
    """

    def __init__(self, channel: grpc.aio.Channel, version: str, metadata: Metadata, left: Left) -> None:
        self.version = version
        self.left = left
        self._channel = channel
        self._method = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
        self._metadata = tuple(metadata)
        self._stream: Any = None

    async def services(self) -> tuple[tuple[str, ...], list[Problem]]:
        """All services that the server lists, without those whose name is none."""
        answer = await self._alone(messages.question(messages.LIST_SERVICES, "*"))
        if answer.refused is not None:
            raise ReflectionError("protocol", f"the server does not list its services: {answer.refused}")
        if answer.services is None:
            raise _nonsense()
        names = dict.fromkeys(answer.services)
        good = tuple(name for name in names if messages.is_service_name(name))
        if len(good) > _MOST_QUESTIONS:
            raise ReflectionError("too-large", f"the server lists {len(good)} services")
        bad = [name for name in names if not messages.is_service_name(name)][:MOST_PROBLEMS]
        return good, [Problem("missing-service", shown(name), "no service can have that name") for name in bad]

    async def ask(self, kind: int, name: str) -> tuple[bytes, ...] | str:
        """The files that answer, or why there are none."""
        question = messages.question(kind, name)
        try:
            try:
                answer = await self._on_stream(question)
            except grpc.aio.AioRpcError as error:
                self.cancel()
                if error.code() is not grpc.StatusCode.INTERNAL:
                    raise
                answer = await self._alone(question)
        except grpc.aio.AioRpcError as error:
            if error.code() in _SAYS_NO:
                return messages.one_line(error.details() or "") or "not found"
            raise
        if answer.refused is not None:
            return answer.refused
        if answer.files is None:
            raise _nonsense()
        return answer.files

    def cancel(self) -> None:
        """End the stream; the next question begins a new one."""
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

    async def _on_stream(self, question: bytes) -> messages.Answer:
        self.left.ask()
        if self._stream is None:
            call = self._channel.stream_stream(self._method, request_serializer=bytes, response_deserializer=bytes)
            self._stream = call(metadata=self._metadata)
        try:
            await self._stream.write(question)
        except asyncio.InvalidStateError:  # it ended between two questions
            raise await _end_of(self._stream) from None
        return await self._answer(self._stream)

    async def _alone(self, question: bytes) -> messages.Answer:
        self.left.ask()
        ask = self._channel.unary_stream(self._method, request_serializer=bytes, response_deserializer=bytes)
        call = ask(question, metadata=self._metadata)
        try:
            return await self._answer(call)
        finally:
            call.cancel()

    async def _answer(self, call: Any) -> messages.Answer:
        """The next answer of a call. Raises AioRpcError where there is none."""
        body = await call.read()
        if not isinstance(body, bytes):
            raise await _end_of(call)
        self.left.take(len(body))
        try:
            return messages.answer(body, self.left.fields)
        except TooManyError:
            raise ReflectionError("too-large", "the server's answers have too many fields") from None
        except WireError:
            raise _nonsense() from None


async def _end_of(call: Any) -> grpc.aio.AioRpcError:
    code = await call.code()
    return grpc.aio.AioRpcError(
        code if code is not grpc.StatusCode.OK else grpc.StatusCode.INTERNAL,
        await call.initial_metadata(),
        await call.trailing_metadata(),
        await call.details() or "the server ended the stream",
    )


def _nonsense() -> ReflectionError:
    return ReflectionError("protocol", "the server's answer is no reflection message")


_KINDS = {
    grpc.StatusCode.UNIMPLEMENTED: "unimplemented",
    grpc.StatusCode.UNAVAILABLE: "unreachable",
    grpc.StatusCode.DEADLINE_EXCEEDED: "timeout",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "too-large",
    grpc.StatusCode.UNAUTHENTICATED: "refused",
    grpc.StatusCode.PERMISSION_DENIED: "refused",
}


_TLS_WORDS = ("handshake", "certificate", "verification check")  # in what gRPC says of TLS that failed


def explained(error: grpc.aio.AioRpcError) -> ReflectionError:
    """What a call that failed means for whoever wants the schema."""
    kind = _KINDS.get(error.code(), "protocol")
    details = messages.one_line(error.details() or "")
    if kind == "unimplemented":
        return ReflectionError(kind, "the server does not offer reflection, neither v1 nor v1alpha")
    if kind == "unreachable" and any(word in details for word in _TLS_WORDS):
        kind = "tls"
    return ReflectionError(kind, f"{error.code().name}: {details}")
