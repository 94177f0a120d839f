"""The ADS server: delta xDS over gRPC on a Unix socket, for the Envoys of this machine.

Moves bytes between Envoy's stream and the Session that decides what to send. Rule: nothing is answered before
`open` is called, so that a control plane that has just started never withdraws what Envoy serves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import grpc
import grpc.aio

from isthmus.machines.ads import Effect, Request, Session, WakeAt
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.subscription import Send
from isthmus.xds import api
from isthmus.xds.resources import Change

_SERVICE = "envoy.service.discovery.v3.AggregatedDiscoveryService"
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.max_ping_strikes", 0),  # Envoy's keep-alive on a quiet stream is no attack
)

_GRACE_SECONDS = 0.5
_STOPS = "the control plane stops"


class AdsServer:
    """Serves one snapshot. `on_effect` hears of what is sent, what is refused and which versions are complete."""

    def __init__(self, snapshot: Snapshot, socket_path: str, on_effect: Callable[[Effect], None]) -> None:
        self._snapshot = snapshot
        self._path = socket_path
        self._on_effect = on_effect
        self._opened = asyncio.Event()
        self._stopping = False
        self._streams: set[_Stream] = set()
        self._server: grpc.aio.Server | None = None

    @property
    def connected(self) -> int:
        """How many Envoys are being served."""
        return len(self._streams)

    async def start(self) -> None:
        """Listen on the socket, which only this user may open; gRPC replaces one that a killed predecessor left."""
        self._server = grpc.aio.server(options=_OPTIONS)
        handler = grpc.stream_stream_rpc_method_handler(
            self._serve,
            request_deserializer=api.DeltaDiscoveryRequest.FromString,
            response_serializer=lambda body: body,
        )
        methods = {"DeltaAggregatedResources": handler}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))
        before = os.umask(0o177)
        try:
            self._server.add_insecure_port(f"unix:{self._path}")
            await self._server.start()
        finally:
            os.umask(before)

    def open(self) -> None:
        """The snapshot is complete: answer."""
        self._opened.set()

    def publish(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Take changes into the snapshot and send them; returns those that made a difference."""
        effective = self._snapshot.apply(changes)
        if effective and self._opened.is_set():
            for stream in tuple(self._streams):
                stream.published(effective)
        return effective

    async def stop(self) -> None:
        """Close every stream, in order: gRPC prints a traceback for a handler that it has to cancel."""
        self._stopping = True
        self._opened.set()  # who still waits for the first answer is sent away
        for stream in self._streams:
            stream.outgoing.put_nowait(None)
        if self._server is not None:
            await self._server.stop(grace=_GRACE_SECONDS)

    async def _serve(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[bytes]:
        await self._opened.wait()
        if self._stopping:
            await context.abort(grpc.StatusCode.UNAVAILABLE, _STOPS)
        stream = _Stream(self._snapshot, self._on_effect)
        self._streams.add(stream)
        reading = asyncio.create_task(stream.read(requests))
        try:
            while (send := await stream.outgoing.get()) is not None:
                yield _encode(send)
            if self._stopping:
                await context.abort(grpc.StatusCode.UNAVAILABLE, _STOPS)
            await reading  # a failure of ours must be seen; Envoy connects again
        finally:
            reading.cancel()
            stream.close()
            self._streams.discard(stream)


class _Stream:
    """One Envoy's stream: its session, and what waits to be written."""

    def __init__(self, snapshot: Snapshot, on_effect: Callable[[Effect], None]) -> None:
        self.outgoing: asyncio.Queue[Send | None] = asyncio.Queue()
        self._session = Session(snapshot)
        self._on_effect = on_effect
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None

    async def read(self, requests: AsyncIterator[Any]) -> None:
        try:
            async for request in requests:
                self._do(self._session.request(_decode(request), self._loop.time()))
        finally:
            self.outgoing.put_nowait(None)

    def published(self, changes: Iterable[Change]) -> None:
        self._do(self._session.published(changes, self._loop.time()))

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, WakeAt):
                self.close()
                self._alarm = self._loop.call_at(effect.time, self._tick)
                continue
            if isinstance(effect, Send):
                self.outgoing.put_nowait(effect)
            self._on_effect(effect)

    def _tick(self) -> None:
        self._do(self._session.tick(self._loop.time()))


def _decode(message: api.DeltaDiscoveryRequest) -> Request:
    refused = message.HasField("error_detail")
    return Request(
        type_url=message.type_url,
        subscribe=tuple(message.resource_names_subscribe),
        unsubscribe=tuple(message.resource_names_unsubscribe),
        initial_versions=dict(message.initial_resource_versions),
        nonce=message.response_nonce,
        error=message.error_detail.message if refused else None,
    )


def _encode(send: Send) -> bytes:
    response = api.DeltaDiscoveryResponse(type_url=send.type_url, nonce=send.nonce, removed_resources=send.removed)
    for resource in send.resources:
        entry = response.resources.add(name=resource.name, version=resource.version)
        entry.resource.type_url = resource.type_url
        entry.resource.value = resource.body
    return response.SerializeToString()
