"""Envoy resources as plain values for people: defaults left out, key material never shown."""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.xds import api
from isthmus.xds.resources import MAKE_ORDER, SECRET, Resource


def printed(resources: Iterable[Resource]) -> dict[str, list[object]]:
    """Message name -> resources as Envoy's own JSON form, in the order in which they are sent."""
    ordered = sorted(resources, key=lambda r: (MAKE_ORDER.index(r.type_url), r.name))
    found: dict[str, list[object]] = {}
    for resource in ordered:
        kind = resource.type_url.rpartition(".")[2]
        found.setdefault(kind, []).append(_secret(resource) if resource.type_url == SECRET else _plain(resource))
    return found


def _plain(resource: Resource) -> object:
    return _without_keys(api.to_dict(api.message(resource.type_url, resource.body)))


def _without_keys(value: object) -> object:
    """What is shown to backends has a private key too."""
    if isinstance(value, dict):
        hidden = {"private_key": "not shown"} if "private_key" in value else {}
        return {name: _without_keys(each) for name, each in value.items()} | hidden
    return [_without_keys(each) for each in value] if isinstance(value, list) else value


def _secret(resource: Resource) -> object:
    return {"name": resource.name, "version": resource.version, "tls_certificate": "not shown"}
