"""Status codes as each protocol says them: gRPC's number, HTTP's status, Connect's name.

Sources: google/rpc/code.proto (with the HTTP mapping in its comments), the Connect protocol's table of error codes.
Both give a code the same HTTP status. Rule: a code that nobody knows is UNKNOWN.
"""

from __future__ import annotations

from msgspec import Struct

OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND = range(6)
PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE = 7, 8, 12, 13, 14

# code: (HTTP status, name in the Connect protocol)
_CODES = {
    0: (200, ""),
    1: (499, "canceled"),
    2: (500, "unknown"),
    3: (400, "invalid_argument"),
    4: (504, "deadline_exceeded"),
    5: (404, "not_found"),
    6: (409, "already_exists"),
    7: (403, "permission_denied"),
    8: (429, "resource_exhausted"),
    9: (400, "failed_precondition"),
    10: (409, "aborted"),
    11: (400, "out_of_range"),
    12: (501, "unimplemented"),
    13: (500, "internal"),
    14: (503, "unavailable"),
    15: (500, "data_loss"),
    16: (401, "unauthenticated"),
}


class Status(Struct, frozen=True):
    """How a call ended. `details` is a serialised google.rpc.Status, empty if the server sent none.

    `http` is the HTTP status where it is not the code's usual one (405, 413, 415); else 0.
    """

    code: int
    message: str = ""
    details: bytes = b""
    http: int = 0

    @property
    def http_status(self) -> int:
        """What an HTTP client gets."""
        return self.http or http_of(self.code)


class RefusedError(ValueError):
    """A request that cannot be served as it is; `status` says why, in words for whoever made it."""

    def __init__(self, message: str, code: int = INVALID_ARGUMENT, http: int = 0) -> None:
        super().__init__(message)
        self.status = Status(code, message, http=http)


def http_of(code: int) -> int:
    """The HTTP status of a gRPC code."""
    return _CODES.get(code, _CODES[UNKNOWN])[0]


def connect_name(code: int) -> str:
    """The Connect protocol's name of a gRPC code."""
    return _CODES.get(code, _CODES[UNKNOWN])[1]
