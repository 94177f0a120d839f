"""The adapter: an upstream of Envoy for what Envoy itself cannot speak.

REST streams and answers, Connect with JSON, WebSocket, and one reflection service over many schemas. It runs in a
process of its own. Rule: backends are called through Envoy again, so that balancing and TLS stay in one place.
"""
