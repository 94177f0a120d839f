"""As many schemas of a host as one transcoder can hold: they share files, and no name means two things.

Descriptor sets are put one after the other, which is how protobuf joins repeated fields; Envoy takes a file that comes
twice if it is the same. The first schema of a host always fits.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from isthmus.ir.transcoding import Transcoding
from isthmus.xds import api
from isthmus.xds.api_routes import Offer
from isthmus.xds.filters.transcoder import transcoder


class Together(Struct, frozen=True):
    """The transcoder's configuration (None: no schema is known), and the offers that it serves."""

    config: api.Any | None
    offers: frozenset[Offer]

    def holds(self, offer: Offer) -> bool:
        """Whether the transcoder serves this offer."""
        return offer in self.offers


def in_one(offers: Iterable[Offer]) -> Together:
    """One transcoder for as many offers as possible, in order."""
    whole: Transcoding | None = None
    first: Offer | None = None
    held: set[Offer] = set()
    for offer in dict.fromkeys(offers):
        if offer.planned is None:
            continue
        if whole is None or first is None:
            whole, first = offer.planned, offer
        elif offer.api != first.api or (joined := _joined(whole, offer.planned)) is None:
            continue
        else:
            whole = joined
        held.add(offer)
    config = transcoder(whole, first.api) if whole is not None and first is not None else None
    return Together(config, frozenset(held))


def _joined(one: Transcoding, other: Transcoding) -> Transcoding | None:
    """Both in one, or None where a file or a name would mean two things."""
    known = {file.name: file.digest for file in one.files}
    if any(known.get(file.name, file.digest) != file.digest for file in other.files):
        return None
    fresh = [file for file in other.files if file.name not in known]
    defined = {symbol for file in one.files for symbol in file.symbols}
    if not all(defined.isdisjoint(file.symbols) for file in fresh):
        return None
    return replace(
        one,
        descriptor_set=one.descriptor_set + other.descriptor_set,
        services=tuple(dict.fromkeys((*one.services, *other.services))),
        files=(*one.files, *fresh),
    )
