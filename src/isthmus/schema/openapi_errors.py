"""Errors in OpenAPI: google.rpc.Status, with the HTTP status of every gRPC code.

One response, `default`, says it for all operations: any method may answer with any code.
"""

from __future__ import annotations

from google.rpc import code_pb2, status_pb2

from isthmus.schema.json_kinds import JsonSchema
from isthmus.schema.json_schema import Definitions
from isthmus.schema.status import http_of

ERROR: JsonSchema = {"$ref": "#/components/responses/Error"}
# No message can have this name.
STREAM_ERROR = "stream-error"

STATUS_COMMENTS = {
    "google.rpc.Status": "Why a call failed.",
    "google.rpc.Status.code": "The gRPC status code.",
    "google.rpc.Status.message": "What went wrong, in words.",
    "google.rpc.Status.details": "More about it, for programs. A type that the schema does not have comes as base64.",
}


def error_response(definitions: Definitions) -> JsonSchema:
    """The response of a call that failed."""
    codes = [(name, number) for name, number in code_pb2.Code.items() if number]
    rows = [f"| {http_of(number)} | {name} | {number} |" for name, number in codes]
    table = "\n".join(("| HTTP status | gRPC code | `code` |", "|---|---|---|", *rows))
    return {
        "description": f"The call failed. The HTTP status follows from the gRPC code:\n\n{table}",
        "content": {"application/json": {"schema": _status(definitions)}},
        "x-grpc-http-status": {name: http_of(number) for name, number in codes},
    }


def stream_error(definitions: Definitions) -> JsonSchema:
    """The last element of a stream of answers that failed in the middle."""
    return {
        "type": "object",
        "description": "The last element of a stream that failed after its first message.",
        "properties": {"error": _status(definitions)},
        "required": ["error"],
        "additionalProperties": False,
    }


def _status(definitions: Definitions) -> JsonSchema:
    return definitions.message(status_pb2.Status.DESCRIPTOR)
