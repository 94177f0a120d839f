"""Which HTTP headers become gRPC metadata, which metadata become headers, and how long a call may take.

May not know who sends. Rule: names that steer the gateway itself (x-isthmus-*, x-envoy-*, grpc-*, HTTP's own) never
pass, however they are spelt; what may pass but cannot be metadata is refused, not dropped.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from isthmus.schema.answers import unpadded
from isthmus.schema.status import RefusedError

Metadata = tuple[tuple[str, str | bytes], ...]
Headers = list[tuple[str, str]]

_KEY = re.compile(r"[0-9a-z_.-]+")
_VALUE = re.compile(r"[ -~]*")
_TIMEOUT = re.compile(r"(\d{1,8})([HMSmun])")
_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LONGEST_SECONDS = 365 * 86_400.0
# Of a hop or of HTTP itself: they say nothing to a service, or something else than they said to us.
_HTTP = frozenset(
    ("host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect",
     "content-length", "content-type", "content-encoding", "accept-encoding", "user-agent", "via", "date", "server")
)  # fmt: skip
_STEERING = ("x-isthmus-", "x-envoy-", "grpc-", ":")
_CONNECT_OWN = ("connect-", "sec-", "accept", "origin", "referer", "access-control-", "content-", "cache-control")
USUAL = (
    "authorization",
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "x-b3-*",
    "x-request-id",
    "x-forwarded-for",
    "x-forwarded-proto",
)


class HeaderRules(Struct, frozen=True):
    """`passed` are names in lower case, one that ends in `*` is a prefix; `*` alone is everything.

    A request header that begins with `explicit` passes without that beginning. Of the answer's metadata, `returned`
    may come back (names as in `passed`), after `initial` or `trailing`.
    """

    passed: tuple[str, ...] = USUAL
    explicit: str = "grpc-metadata-"
    returned: tuple[str, ...] = ("*",)
    initial: str = ""
    trailing: str = "grpc-trailer-"

    def with_passed(self, names: str, only: bool = False) -> HeaderRules:
        """The same, and these names (a comma list) pass too; `only` these, and no explicit ones."""
        more = tuple(name.strip().lower() for name in names.split(",") if name.strip())
        if only:
            return replace(self, passed=more, explicit="")
        return replace(self, passed=(*self.passed, *more)) if more else self

    def metadata(self, headers: Iterable[tuple[str, str]]) -> Metadata:
        """What a service gets of a request's headers. Raises RefusedError."""
        found: list[tuple[str, str | bytes]] = []
        for header, value in headers:
            name = header.lower()
            if self.explicit and name.startswith(self.explicit):
                name = name[len(self.explicit) :]
            elif not _listed(name, self.passed) or ("*" in self.passed and name.startswith(_CONNECT_OWN)):
                continue
            if name and name not in _HTTP and not name.startswith(_STEERING):
                found.append((name, _value(name, value)))
        return tuple(found)

    def headers(self, initial: Metadata, trailers: Metadata = ()) -> Headers:
        """The headers of an answer."""
        found: Headers = []
        for prefix, metadata in ((self.initial, initial), (self.trailing, trailers)):
            for name, value in metadata:
                own = name in _HTTP or name.startswith(_STEERING)
                if _listed(name, self.returned) and (not own or (prefix and name not in _RESERVED)):
                    found.append((prefix + name, printed(value)))
        return found


_RESERVED = ("grpc-status", "grpc-message", "grpc-status-details-bin", "grpc-encoding", "grpc-accept-encoding")
# Connect says metadata in plain headers: everything passes but HTTP's own and the protocol's.
CONNECT = HeaderRules(passed=("*",), explicit="", initial="", trailing="trailer-")


def deadline(headers: Iterable[tuple[str, str]]) -> float | None:
    """Seconds that a call may take: the shortest that the headers allow. Raises RefusedError."""
    found: list[float] = []
    for name, value in headers:
        if name.lower() == "grpc-timeout":
            parts = _TIMEOUT.fullmatch(value.strip())
            if parts is None:
                raise RefusedError(f"grpc-timeout: expected digits and one of H, M, S, m, u, n; found {value[:40]!r}")
            found.append(int(parts[1]) * _UNITS[parts[2]])
        elif name.lower() == "connect-timeout-ms":
            if not re.fullmatch(r"[0-9]{1,10}", value.strip()):
                raise RefusedError(f"connect-timeout-ms: expected at most 10 digits, found {value[:40]!r}")
            found.append(int(value) / 1000)
        elif name.lower() == "x-server-timeout":
            if not re.fullmatch(r"[0-9]{1,8}(\.[0-9]{1,9})?", value.strip()):
                raise RefusedError(f"x-server-timeout: expected seconds, found {value[:40]!r}")
            found.append(float(value))
    return min((*found, _LONGEST_SECONDS)) if found else None


def printed(value: str | bytes) -> str:
    """A metadata value as a header has it."""
    return unpadded(value) if isinstance(value, bytes) else value


def _listed(name: str, names: tuple[str, ...]) -> bool:
    return any(name == each or (each.endswith("*") and name.startswith(each[:-1])) for each in names)


def _value(name: str, value: str) -> str | bytes:
    if not _KEY.fullmatch(name):
        raise RefusedError(f"header {name!r}: metadata names hold only letters, digits, '_', '-' and '.'")
    if name.endswith("-bin"):
        try:
            return base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise RefusedError(f"header {name!r}: the value must be base64") from None
    if not _VALUE.fullmatch(value):
        raise RefusedError(f"header {name!r}: metadata is printable ASCII; name it {name}-bin for other bytes")
    return value
