"""Request and response bodies in OpenAPI: JSON, bodies of any type (HttpBody), and streams of both.

A stream of messages is a JSON array, lines of JSON (NDJSON) or server-sent events, as media types beside each other.
"""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from isthmus.schema.json_kinds import JsonSchema
from isthmus.schema.json_schema import Definitions
from isthmus.schema.model import Binding, Method
from isthmus.schema.openapi_errors import STREAM_ERROR
from isthmus.schema.request_fields import RequestFields, is_http_body

_JSON, _LINES, _EVENTS = "application/json", "application/x-ndjson", "text/event-stream"
_BYTES: JsonSchema = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
_STREAM = """A stream of messages, in the form that `Accept` asks for:

- `application/json`: one array
- `application/x-ndjson`: a line for each message
- `application/json-seq`: the same, as RFC 7464 has it
- `text/event-stream`: an event for each message, and an event `end` or `error`

A failure after the first message is the last element of the stream: `{"error": {...}}`, a google.rpc.Status."""


def request_body(
    fields: RequestFields, message: Descriptor, method: Method, definitions: Definitions, example: object
) -> JsonSchema | None:
    """The `requestBody` of a rule; None if it takes none. `example` is a body in JSON."""
    if not fields.has_body:
        return None
    if _raw(message if fields.whole else None, fields.body):
        each = {"schema": dict(_BYTES)}
        text = "Any content type. Sent on in pieces as it arrives." if method.client_streaming else "Any content type."
        return {"required": True, "description": text, "content": {"application/octet-stream": each, "*/*": each}}
    schema = _body_schema(fields, message, definitions)
    if not method.client_streaming:
        return {"required": True, "content": {_JSON: {"schema": schema, "example": example}}}
    text = "A stream of messages: an array, or JSON objects one after another. Each is sent on when it is complete."
    array = {"schema": {"type": "array", "items": schema}, "example": [example]}
    return {"required": True, "description": text, "content": {_JSON: array, _LINES: {"schema": schema}}}


def response(binding: Binding, message: Descriptor, method: Method, definitions: Definitions) -> JsonSchema:
    """The response of a call that went well."""
    field: FieldDescriptor | None = message.fields_by_name.get(binding.response_body)
    if _raw(message if field is None else None, field):
        text = "A body of any type, in pieces." if method.server_streaming else "A body of any type."
        return {"description": text, "content": {"*/*": {"schema": dict(_BYTES)}}}
    schema = definitions.message(message) if field is None else definitions.field(field)
    if not method.server_streaming:
        return {"description": "OK", "content": {_JSON: {"schema": schema}}}
    element: JsonSchema = {"anyOf": [schema, {"$ref": f"#/components/schemas/{STREAM_ERROR}"}]}
    array: JsonSchema = {"type": "array", "items": element}
    content: Mapping[str, JsonSchema] = {_JSON: array, _LINES: element, _EVENTS: schema}
    return {"description": _STREAM, "content": {kind: {"schema": each} for kind, each in content.items()}}


def _body_schema(fields: RequestFields, message: Descriptor, definitions: Definitions) -> JsonSchema:
    if fields.body is None:
        return definitions.without(message, fields.not_in_body)
    inner: Descriptor | None = fields.body.message_type
    if inner is not None and fields.not_in_body:
        return definitions.without(inner, fields.not_in_body)
    return definitions.field(fields.body)


def _raw(message: Descriptor | None, field: FieldDescriptor | None) -> bool:
    """Whether bytes go as they are."""
    if field is not None:
        return not field.is_repeated and is_http_body(field.message_type)
    return is_http_body(message)
