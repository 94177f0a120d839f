"""A recorded request in the form in which it is sent again, and what a line must hold to become one.

Rule: what comes out of `checked` can be written to a connection as it stands: no line breaks, no header that speaks
about the recorded connection instead of the request.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec import Struct

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# They belong to the recorded connection, or are made anew from the body (RFC 9110 7.6.1; 10.1.1 for Expect).
_OF_THE_CONNECTION = frozenset(
    {
        "connection", "content-length", "expect", "host", "http2-settings", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# Shown by nobody: the values are credentials.
SECRET_HEADERS = frozenset(
    {
        "authorization", "cookie", "proxy-authorization", "set-cookie", "x-amz-security-token",
        "x-api-key", "x-auth-token", "x-csrf-token",
    }
)  # fmt: skip
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}", re.ASCII)
_HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?)(?::\d{1,5})?", re.ASCII
)
_SHORTEST_SECRET = 4  # shorter ones would hide half of every text
_MOST_HOST = 253 + len(".:65535")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]*")
_SCHEMES = ("", "http", "https")

Header = tuple[str, str]


class Recorded(Struct, frozen=True):
    """A request: `target` is path and query; `host` is empty where none was recorded, `scheme` too."""

    method: str
    host: str
    target: str
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    scheme: str = ""

    @property
    def safe(self) -> bool:
        """Whether sending it again changes nothing (RFC 9110 9.2.1)."""
        return self.method in SAFE_METHODS

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not be printed, wherever they come back."""
        found: set[str] = set()
        for name, value in self.headers:
            if name in SECRET_HEADERS:
                found |= {value, value.partition(" ")[2].strip(), *re.findall(r"=\s*\"?([^;,\"]+)", value)}
        return tuple(sorted((each for each in found if len(each) >= _SHORTEST_SECRET), key=len, reverse=True))


class Unusable(NamedTuple):
    """A line that is no request: what was found, and what was expected."""

    problem: str


class Raw(NamedTuple):
    """What a line says, unchecked. `target` may be a whole URL."""

    method: str
    target: str
    host: str = ""
    headers: tuple[Header, ...] = ()
    body: bytes = b""
    scheme: str = ""


def checked(raw: Raw) -> Recorded | Unusable:
    """The request that a line describes."""
    method = raw.method
    if not _TOKEN.fullmatch(method):
        return Unusable(f"the method is {_brief(method)}; expected GET, POST or another name")
    if method == "CONNECT" or raw.target == "*":
        return Unusable(f"{method} {_brief(raw.target)} is not about a path: it cannot be sent again")
    scheme, of_url, target = _split(raw.target)
    host = raw.host or next((value for name, value in raw.headers if name.lower() == "host"), "") or of_url
    scheme = (scheme or raw.scheme).lower()
    if not target.startswith("/"):
        return Unusable(f"the path is {_brief(target)}; expected one that starts with /")
    if host and not is_host(host):
        return Unusable(f"the host is {_brief(host)}; expected NAME or NAME:PORT")
    if scheme not in _SCHEMES:
        return Unusable(f"the scheme is {_brief(scheme)}; expected http or https")
    problem = next((found for found in map(_problem, raw.headers) if found), "")
    if problem:
        return Unusable(problem)
    headers = ((name.lower(), value.strip(" \t")) for name, value in raw.headers)
    kept = tuple(pair for pair in headers if pair[0] not in _OF_THE_CONNECTION and not pair[0].startswith(":"))
    return Recorded(method, host, _sendable(target), kept, raw.body, scheme)


def is_host(text: str) -> bool:
    """Whether it is NAME, NAME:PORT or an address, as a Host header holds it."""
    return len(text) <= _MOST_HOST and _HOST.fullmatch(text) is not None


def is_header_name(text: str) -> bool:
    """Whether it can name a header."""
    return _TOKEN.fullmatch(text) is not None


def _split(target: str) -> tuple[str, str, str]:
    """Scheme, host and path of a whole URL; of a path only itself."""
    found = re.match(r"(https?)://([^/?#]*)", target, re.IGNORECASE)
    if not found:
        return "", "", target
    rest = target[found.end() :]
    return found[1], found[2].rpartition("@")[2], rest if rest.startswith("/") else f"/{rest}"


def _problem(header: Header) -> str:
    name, value = header
    if name.startswith(":"):  # a pseudo-header of HTTP/2, left out later
        return ""
    if not _TOKEN.fullmatch(name):
        return f"{_brief(name)} cannot be the name of a header"
    return "" if _VALUE.fullmatch(value) else f"the value of header {name} holds control characters"


def _sendable(target: str) -> str:
    """With everything that a request line cannot hold percent-encoded; what is encoded already stays as it is."""
    if target.isascii() and target.isprintable() and not re.search(r"[ #]", target):
        return target
    data = target.encode("utf-8", "surrogateescape" if _escaped(target) else "replace")
    return "".join(chr(byte) if 0x20 < byte < 0x7F and byte != ord("#") else f"%{byte:02X}" for byte in data)


def _escaped(text: str) -> bool:
    """Whether every surrogate stands for a byte, so that the bytes come back."""
    return not re.search(r"[\ud800-\udc7f\udd00-\udfff]", text)


def _brief(text: str) -> str:
    """A quotation for a message: printable, and short."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")
