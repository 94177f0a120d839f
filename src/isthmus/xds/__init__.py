"""The neutral language to Envoy: messages, names, filters, and a simulator of what Envoy does with them.

Imports `ir` only (and `kube.refs` for origins). Pure: bytes and values.
"""
