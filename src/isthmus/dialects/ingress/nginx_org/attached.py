"""A Policy as the kinds of it are told: which one, by which annotation, and what can become of it.

Secrets are of the Policy's own namespace, or of one that the Policy names, whoever names the Policy.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.view import View
from isthmus.kube.objects import Policy, Secret


class Attached(Struct, frozen=True):
    """A Policy, and the annotation that names it."""

    policy: Policy
    key: str


class Broken(Struct, frozen=True):
    """Why a Policy cannot be used."""

    reason: str


class Refused(Struct, frozen=True):
    """Why what a Policy asks for cannot be had, and what to do instead."""

    why: str
    instead: str


Changed = Draft | Broken | Refused
Kind = Callable[[View, Attached, Draft], Changed]


def secret_of(view: View, attached: Attached, name: str, namespace: str = "") -> Secret | Broken:
    """A Secret in the Policy's own namespace, or in the one that the Policy names."""
    namespace = namespace or attached.policy.metadata.namespace
    found = view.look.secret(namespace, name) if view.look is not None and name else None
    if found is not None:
        return found
    return Broken(f"its Secret {namespace}/{name} does not exist" if name else "it names no Secret")
