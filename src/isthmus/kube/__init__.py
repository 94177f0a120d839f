"""Kubernetes as values: references, objects, YAML with positions, diagnostics, the store.

Imports nothing of ours and does no I/O: text comes in, frozen values go out.
"""
