"""A JSON line to a request: our own fields, or those of an access log in JSON as Envoy and nginx are told to write it.

Logs name the same thing differently and hold much that is no request: the first name that has a value counts, other
fields are not looked at. Rule: a field that is read has the type that it should have, or the line is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from isthmus.replay.request import Header, Raw, Recorded, Unusable, checked

_METHOD = ("method", ":method", "request_method")
_TARGET = (
    "url", "path", ":path", "x-envoy-original-path", "x_envoy_original_path", "x-envoy-origin-path",
    "request_uri", "uri",
)  # fmt: skip
_HOST = ("host", "authority", ":authority", "http_host")
_SCHEME = ("scheme", ":scheme", "x-forwarded-proto", "x_forwarded_proto")
_AGENT = ("user_agent", "user-agent", "http_user_agent")
_REFERER = ("referer", "http_referer")
_LINE = re.compile(r"([A-Za-z]{1,30}) (.+) HTTP/[0-9.]{1,5}")
_ABSENT = (None, "", "-")  # "-" is how logs say that there is no value


class _WrongTypeError(Exception):
    """A field is not what it must be; the text says which, and what was expected."""


def parse_json_line(line: bytes) -> Recorded | Unusable:
    """The request of a JSON object: {method, url | path, host, headers, body | body_base64, scheme}."""
    try:
        found: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        return Unusable(f"the line is not JSON ({error})")
    if not isinstance(found, dict):
        return Unusable("the line is JSON, but not an object")
    try:
        raw = _raw(found)
    except _WrongTypeError as error:
        return Unusable(str(error))
    return checked(raw)


def _raw(fields: Mapping[str, object]) -> Raw:
    method, target, body = _first(fields, _METHOD), _first(fields, _TARGET), _body(fields)
    if not target:
        method, target = _request_line(fields.get("request")) or (method, target)
    if not target:
        raise _WrongTypeError("there is no url, path or request line")
    if not method and body:
        raise _WrongTypeError("there is a body but no method")
    headers = _headers(fields.get("headers"))
    named = {name.lower() for name, _ in headers}
    for name, keys in (("user-agent", _AGENT), ("referer", _REFERER)):
        if name not in named and (value := _first(fields, keys)):
            headers += ((name, value),)
    return Raw(method or "GET", target, _first(fields, _HOST), headers, body, _first(fields, _SCHEME))


def _request_line(value: object) -> tuple[str, str] | None:
    """Method and target of nginx's $request."""
    found = _LINE.fullmatch(value) if isinstance(value, str) else None
    return (found[1], found[2]) if found is not None else None


def _first(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = fields.get(name)
        if value in _ABSENT:
            continue
        if not isinstance(value, str):
            raise _WrongTypeError(f"{name} is {_kind(value)}; expected a string")
        return value
    return ""


def _body(fields: Mapping[str, object]) -> bytes:
    text, encoded = fields.get("body"), fields.get("body_base64")
    if text is not None and encoded is not None:
        raise _WrongTypeError("there are both body and body_base64")
    for name, value in (("body", text), ("body_base64", encoded)):
        if value is not None and not isinstance(value, str):
            raise _WrongTypeError(f"{name} is {_kind(value)}; expected a string")
    if isinstance(encoded, str):
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise _WrongTypeError("body_base64 is not base64") from None
    return text.encode("utf-8", "replace") if isinstance(text, str) else b""


def _headers(found: object) -> tuple[Header, ...]:
    """From {name: value}, {name: [value, ...]} or [[name, value], ...]."""
    if found is None:
        return ()
    if not isinstance(found, dict | list):
        raise _WrongTypeError(f"headers is {_kind(found)}; expected an object or an array of pairs")
    pairs: list[Header] = []
    for item in found.items() if isinstance(found, dict) else found:
        if not isinstance(item, tuple | list) or len(item) != 2 or not isinstance(item[0], str):
            raise _WrongTypeError("headers holds something else than pairs of name and value")
        for value in item[1] if isinstance(item[1], list) else [item[1]]:
            if not isinstance(value, str):
                raise _WrongTypeError(f"the value of header {item[0][:60]!a} is {_kind(value)}; expected a string")
            pairs.append((item[0], value))
    return tuple(pairs)


def _kind(value: object) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return names.get(type(value), "null" if value is None else "a string")
