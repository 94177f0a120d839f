"""Directives of nginx that change nothing here: they tune what Envoy does not have, or does by itself.

Rule: none of them restricts who may come, or what they may do.
"""

from __future__ import annotations

IDLE = frozenset(
    {
        "access_log",
        "chunked_transfer_encoding",
        "client_body_buffer_size",
        "client_body_timeout",
        "client_header_buffer_size",
        "client_header_timeout",
        "error_log",
        "grpc_buffer_size",
        "keepalive_requests",
        "keepalive_timeout",
        "large_client_header_buffers",
        "log_not_found",
        "proxy_buffer_size",
        "proxy_buffering",
        "proxy_buffers",
        "proxy_busy_buffers_size",
        "proxy_headers_hash_bucket_size",
        "proxy_headers_hash_max_size",
        "proxy_http_version",
        "proxy_max_temp_file_size",
        "proxy_pass_header",
        "proxy_request_buffering",
        "rewrite_log",
        "send_timeout",
        "server_tokens",
        "tcp_nodelay",
        "tcp_nopush",
    }
)
