"""Lines to paste into a shell that call a method: curl by one of its HTTP rules, curl as a Connect client, grpcurl.

Each carries a sample message, and a path that its rule takes. Rule: everything that comes from a schema is quoted for
sh, percent-encoded in addresses, and moves no cursor.
"""

from __future__ import annotations

import json
import shlex
from urllib.parse import quote, urlencode

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pool import DescriptorPool

from isthmus.schema import sample_values
from isthmus.schema.httprule import Template
from isthmus.schema.json_kinds import has_text
from isthmus.schema.model import Binding, Method
from isthmus.schema.request_fields import FieldPath, RequestFields, is_http_body, path_field, request_fields
from isthmus.schema.sample_messages import RequestSample, as_text, filled, method_sample, request_sample, sample

__all__ = ["connect", "curl", "grpcurl", "path", "sample"]


def curl(binding: Binding, method: Method, pool: DescriptorPool, base_url: str) -> str:
    """A curl command for one HTTP rule of a method. `base_url` has scheme and authority.

    A method that takes a stream gets one message in a JSON array; one that answers with a stream answers in lines.
    """
    message = pool.FindMessageTypeByName(method.input)
    fields = request_fields(binding, message)
    made = request_sample(fields, method, message)
    words = ["curl"]
    if method.server_streaming:
        raw = is_http_body(pool.FindMessageTypeByName(method.output))
        words += ["-N"] if raw else ["-N", "-H", "Accept: application/x-ndjson"]
    data = _data(fields, message, made, method.client_streaming)
    words += _verb(binding.verb, bool(data))
    query = f"?{urlencode(made.query, quote_via=quote, safe=':')}" if made.query else ""
    address = base_url.rstrip("/") + path(fields.template, message) + query
    return " ".join(shlex.quote(word) for word in (*words, *data, address))


def connect(method: Method, pool: DescriptorPool, base_url: str) -> str:
    """A curl command as a Connect client; empty for methods that stream, whose envelopes curl cannot write."""
    if method.streaming:
        return ""
    body = _json(method_sample(method, pool.FindMessageTypeByName(method.input)))
    words = ("curl", "-H", "Connect-Protocol-Version: 1", "--json", body, base_url.rstrip("/") + method.path)
    return " ".join(shlex.quote(word) for word in words)


def grpcurl(method: Method, pool: DescriptorPool, address: str, plaintext: bool) -> str:
    """A grpcurl command. `address` is host:port."""
    body = _json(method_sample(method, pool.FindMessageTypeByName(method.input)))
    flags = ("-plaintext",) if plaintext else ()
    return " ".join(shlex.quote(word) for word in ("grpcurl", *flags, "-d", body, address, method.path[1:]))


def path(template: Template, message: Descriptor) -> str:
    """A path that a template takes, percent-encoded; variables have plausible values of their fields."""
    texts = {v.start: _variable_text(message, v.field_path) for v in template.variables if v.single}
    parts = [
        quote(texts[at], safe="") if at in texts else segment for at, segment in enumerate(filled(template.segments))
    ]
    whole = "/" + "/".join(parts) + (f":{template.verb}" if template.verb else "")
    return "".join(letter if letter.isprintable() else quote(letter) for letter in whole)


def _variable_text(message: Descriptor, names: FieldPath) -> str:
    found = path_field(message, names)
    if not found or not has_text(found[-1]):
        return "1"
    return as_text(sample_values.single(found[-1]))


def _data(fields: RequestFields, message: Descriptor, made: RequestSample, stream: bool) -> list[str]:
    """The words of a body."""
    if not fields.has_body:
        return []
    raw = message if fields.whole else fields.body and not fields.body.is_repeated and fields.body.message_type
    if isinstance(raw, Descriptor) and is_http_body(raw):
        return ["-H", "Content-Type: text/plain", "--data-binary", "Hello"]
    return ["-H", "Content-Type: application/json", "-d", _json([made.body] if stream else made.body)]


def _verb(verb: str, has_data: bool) -> list[str]:
    """The words that make curl use a verb; none where it would anyway."""
    if verb == "HEAD" and not has_data:
        return ["-I"]
    own = "POST" if has_data else "GET"
    return [] if verb in (own, "*") else ["-X", verb]


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
