"""What a control plane must remember beyond its own end: what may be served although it can no longer be read.

These are the objects as they were last read, the certificates of each host, and the accepted versions of what Envoy
refused. Records are values here; where they are kept is not for this module to know. Rule: a record that cannot be
read, be it torn or of another version of Isthmus, is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from isthmus.ir.host import Origin
from isthmus.ir.listener import Certificate
from isthmus.ir.private import PrivateBytes, PrivateText
from isthmus.kube.objects import KINDS, Base, ref_of
from isthmus.kube.refs import ObjectRef
from isthmus.machines.standing import Standing
from isthmus.xds.resources import Resource

_LENGTH = 4  # bytes before each record


class Refused(Struct, frozen=True):
    """A version that Envoy refused, why, and the one that it had accepted before."""

    type_url: str
    name: str
    version: str
    message: str
    accepted: Resource | None = None


class LastGood(Struct):
    """Everything that was remembered; certificates by the host whose translation brought them."""

    objects: dict[ObjectRef, Base] = {}
    certificates: dict[str, tuple[Certificate, ...]] = {}
    refused: dict[tuple[str, str], Refused] = {}
    wildcards: dict[tuple[str, str], Standing] = {}


class _Object(Struct, frozen=True, tag="object", array_like=True):
    ref: ObjectRef
    value: msgspec.Raw


class _Gone(Struct, frozen=True, tag="gone", array_like=True):
    ref: ObjectRef


class _Pair(Struct, frozen=True, tag="pair", array_like=True):
    digest: bytes
    chain: bytes
    key: bytes


class _Host(Struct, frozen=True, tag="host", array_like=True):
    host: str
    certificates: tuple[tuple[str, bytes, Origin], ...]  # name, digest of the pair


class _Refused(Struct, frozen=True, tag="refused", array_like=True):
    refused: Refused


class _Wildcard(Struct, frozen=True, tag="wildcard", array_like=True):
    standing: Standing


_Record = _Object | _Gone | _Pair | _Host | _Refused | _Wildcard


class Writer:
    """Makes records. A pair that serves many hosts is written once: a writer is for one file."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        self._pairs: set[bytes] = set()

    def objects(self, upserts: Iterable[Base], deletes: Iterable[ObjectRef] = ()) -> Iterator[bytes]:
        """Objects that were read, and objects that are gone."""
        for ref in deletes:
            yield self._record(_Gone(ref))
        for obj in upserts:
            yield self._record(_Object(ref_of(obj), msgspec.Raw(self._encoder.encode(obj))))

    def certificates(self, host: str, certificates: Iterable[Certificate]) -> Iterator[bytes]:
        """The certificates that a host has now."""
        named = []
        for each in certificates:
            key = bytes(each.key)
            digest = hashlib.blake2b(each.chain + b"\0" + key, digest_size=16).digest()
            named.append((each.host, digest, each.origin))
            if digest not in self._pairs:
                self._pairs.add(digest)
                yield self._record(_Pair(digest, each.chain, key))
        yield self._record(_Host(host, tuple(named)))

    def refused(self, refused: Refused) -> bytes:
        """Something that Envoy refused."""
        return self._record(_Refused(refused))

    def wildcard(self, standing: Standing) -> bytes:
        """What Envoy made of a wildcard host."""
        return self._record(_Wildcard(standing))

    def _record(self, record: _Record) -> bytes:
        body = self._encoder.encode(record)
        return len(body).to_bytes(_LENGTH, "big") + body


def read(data: bytes) -> LastGood:
    """What a sequence of records says; later ones win."""
    found = LastGood()
    pairs: dict[bytes, _Pair] = {}
    hosts: dict[str, _Host] = {}
    for record in _records(data):
        match record:
            case _Object(ref, value):
                _take(found, ref, value)
            case _Gone(ref):
                found.objects.pop(ref, None)
            case _Pair():
                pairs[record.digest] = record
            case _Host():
                hosts[record.host] = record
            case _Refused(refused):
                found.refused[refused.type_url, refused.name] = refused
            case _Wildcard(standing):
                found.wildcards[standing.listener, standing.host] = standing
    for host in hosts.values():
        known = [(name, pairs[digest], origin) for name, digest, origin in host.certificates if digest in pairs]
        if known:
            found.certificates[host.host] = tuple(
                Certificate(name, pair.chain, PrivateBytes(pair.key), origin) for name, pair, origin in known
            )
    return found


def _plain(value: object) -> bytes | str:
    """What msgspec does not know: key material, which is to be in the file."""
    if isinstance(value, PrivateText):
        return str(value)
    if isinstance(value, PrivateBytes):
        return bytes(value)
    raise TypeError(type(value))


def _take(found: LastGood, ref: ObjectRef, value: msgspec.Raw) -> None:
    known = KINDS.get(ref.kind)
    if known is None:
        return
    try:
        found.objects[ref] = msgspec.msgpack.decode(value, type=known[1])
    except msgspec.DecodeError:
        found.objects.pop(ref, None)


def _records(data: bytes) -> Iterator[_Record]:
    decoder = msgspec.msgpack.Decoder(_Record, dec_hook=lambda kind, value: kind(value))
    view, at = memoryview(data), 0
    while at + _LENGTH <= len(data):
        end = at + _LENGTH + int.from_bytes(view[at : at + _LENGTH], "big")
        if end > len(data):
            return  # torn
        with contextlib.suppress(msgspec.DecodeError):
            yield decoder.decode(view[at + _LENGTH : end])
        at = end
