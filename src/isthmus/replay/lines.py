"""Lines of a request file to requests: JSON objects, or access logs as nginx and Envoy write them.

The form is found out line by line, so that files may be mixed. Rule: any bytes give a request or one sentence that says
what was expected; nothing is raised.
"""

from __future__ import annotations

import re

from isthmus.replay.json_line import parse_json_line
from isthmus.replay.request import Header, Raw, Recorded, Unusable, checked

MOST_BYTES = 16 * 1024 * 1024  # of a line; a JSON line may hold a body
_MOST_LOG_BYTES = 256 * 1024  # of a log's line: nginx refuses longer requests long before
EXPECTED = "expected a JSON object, or nginx's combined or ingress-nginx's upstreaminfo format"

_QUOTED = r'"((?:[^"\\]|\\.)*+)"'
# $remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" ...
# upstreaminfo goes on after that, and so do formats of one's own: the rest says nothing about the request.
_COMBINED = re.compile(
    rf"\S{{1,255}} \S{{1,255}} .{{0,255}}? ?\[[^\]]{{1,64}}\] {_QUOTED} (?:\d{{3}}|-) (?:\d+|-)"
    rf"(?: {_QUOTED} {_QUOTED}.*+)?"
)
_REQUEST = re.compile(r"(\S+) (.+) HTTP/\d(?:\.\d)?")
_ESCAPE = re.compile(r'\\(?:x([0-9A-Fa-f]{2})|(["\\nrtbv]))')
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "v": "\v"}


def parse_line(line: bytes) -> Recorded | Unusable | None:
    """The request of a line; None for an empty line or one that starts with #."""
    line = line.strip().removeprefix(b"\xef\xbb\xbf")
    if not line or line.startswith(b"#"):
        return None
    if len(line) > MOST_BYTES:
        return Unusable(f"the line is longer than {MOST_BYTES >> 20} MiB")
    return parse_json_line(line) if line.startswith(b"{") else _parse_log_line(line)


def _parse_log_line(line: bytes) -> Recorded | Unusable:
    if len(line) > _MOST_LOG_BYTES:
        return Unusable(f"a log's line is longer than {_MOST_LOG_BYTES >> 10} KiB")
    found = _COMBINED.fullmatch(line.decode("utf-8", "surrogateescape"))
    if not found:
        return Unusable(f"the line is of no form that is known; {EXPECTED}")
    request = _REQUEST.fullmatch(_unescaped(found[1]))
    if not request:
        return Unusable("the log holds no request here (a connection without one, or not HTTP)")
    headers = [("referer", found[2]), ("user-agent", found[3])]
    kept = tuple(_header(name, value) for name, value in headers if value not in (None, "", "-"))
    return checked(Raw(request[1], request[2], headers=kept))


def _header(name: str, value: str) -> Header:
    """Headers are sent as UTF-8: other bytes become question marks."""
    return name, _unescaped(value).encode("utf-8", "replace").decode()


def _unescaped(text: str) -> str:
    """Without nginx's escapes (`\\xHH`) and Apache's; bytes that are no UTF-8 stay recognisable."""
    if "\\" not in text:
        return text
    return _ESCAPE.sub(_character, text).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _character(found: re.Match[str]) -> str:
    if found[1]:
        return bytes([int(found[1], 16)]).decode("utf-8", "surrogateescape")
    return _LETTERS.get(found[2], found[2])
