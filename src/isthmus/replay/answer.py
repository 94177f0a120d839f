"""What a gateway gave for a request: an answer, or silence with its reason; and the address it was asked at.

Bodies are kept as they came and decoded here within a limit, so that a small answer cannot become a huge one.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from msgspec import Struct

from isthmus.replay.request import Header, is_host

MOST_BYTES = 16 * 1024 * 1024  # of a body, as it comes and decoded; what is longer is compared up to there
DEFAULT_PORTS = {"http": 80, "https": 443}
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Base(NamedTuple):
    """Where a gateway listens: an http or https URL without a path."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """As a Host header has it: without the port that goes without saying, addresses of IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class Silence(Struct, frozen=True):
    """No answer, and why."""

    reason: str


class Answer(Struct, frozen=True):
    """An answer; names of headers in lower case. `cut` says why the body is not all of it, empty where it is."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    cut: str = ""

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a header, in their order."""
        return tuple(value for key, value in self.headers if key == name)


Outcome = Answer | Silence


def parse_base(text: str) -> Base | None:
    """The gateway of http[s]://HOST[:PORT]; None where it is anything else."""
    found = re.fullmatch(r"(https?)://([^/?#@]+)/?", text)
    if not found or not is_host(found[2]):
        return None
    name, _, port = found[2].rpartition(":") if re.search(r":\d+$", found[2]) else (found[2], "", "")
    number = int(port or DEFAULT_PORTS[found[1]])
    return Base(found[1], name.strip("[]"), number) if 0 < number < 65536 else None


def chosen(bases: tuple[Base, ...], scheme: str) -> Base:
    """The address for requests of a scheme: the one that has it, else the first."""
    return next((base for base in bases if base.scheme == scheme), bases[0])


def decoded(answer: Answer) -> Answer | None:
    """With its content coding undone; None where the coding is not known or the bytes are not what it says."""
    coding = ",".join(answer.values("content-encoding")).strip().lower()
    if coding in ("", "identity") or not answer.body:
        return answer
    if coding not in ("gzip", "x-gzip", "deflate"):
        return None
    unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        body = unpack.decompress(answer.body, MOST_BYTES)
    except zlib.error:
        return None
    cut = answer.cut or (f"after {MOST_BYTES >> 20} MiB" if unpack.unconsumed_tail else "")
    return Answer(answer.status, answer.headers, body, cut)
