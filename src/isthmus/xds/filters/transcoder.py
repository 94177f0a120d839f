"""Envoy's gRPC-JSON transcoder, fed with descriptors that carry the final HTTP rules of every unary method.

It is configured on a virtual host, once, or on routes where backends differ. Strict: what it cannot map is refused
rather than passed on to a gRPC server that cannot read it.
"""

from __future__ import annotations

from isthmus.ir.transcoding import Api, Transcoding
from isthmus.xds import api
from isthmus.xds.filters.http_filter import HttpFilter, off_for_exact_hosts

MOST_BYTES = 4 * 1024 * 1024  # held of a request: gRPC's own default limit of a message
MOST_ANSWER_BYTES = 16 * 1024 * 1024


def nothing() -> api.Any:
    """A configuration without services: requests pass. A route that is found late cannot switch the filter off."""
    message = api.GrpcJsonTranscoder()
    message.proto_descriptor_bin = b""  # must be present, be it empty
    return api.pack(message)


FILTER = HttpFilter("envoy.filters.http.grpc_json_transcoder", lambda _: nothing(), per_host=off_for_exact_hosts)


def transcoder(planned: Transcoding, offered: Api) -> api.Any:
    """The filter's configuration for one backend."""
    return api.pack(
        api.GrpcJsonTranscoder(
            proto_descriptor_bin=planned.descriptor_set,
            services=planned.services,
            match_incoming_request_route=True,  # the route that the client's path chose stays
            convert_grpc_status=True,
            max_request_body_size={"value": MOST_BYTES},
            max_response_body_size={"value": MOST_ANSWER_BYTES},
            ignore_unknown_query_parameters=offered.lenient,
            query_param_unescape_plus=True,  # as forms and browsers write a space
            request_validation_options={
                "reject_unknown_method": True,
                "reject_unknown_query_parameters": not offered.lenient,
                # Else the body would silently replace what the path says, and what was allowed by the path.
                "reject_binding_body_field_collisions": True,
            },
            print_options={
                "preserve_proto_field_names": offered.preserve_names,
                "always_print_primitive_fields": offered.emit_defaults,
            },
        )
    )
