"""What every value of the Kubernetes API is here: frozen, camelCase on the wire, absent fields left out.

Knows no object. Unknown fields are skipped when a value is decoded; the loader reports them.
"""

from __future__ import annotations

from msgspec import Struct


class Value(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """Base of every API value here."""


class Unread(Value, frozen=True, gc=False, rename="camel"):
    """Something that is there, whatever is in it."""
