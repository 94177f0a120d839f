"""Isthmus: any client to unmodified gRPC, WebSocket and HTTP services through stock Envoy."""

__version__ = "0.1.0"
