"""Endpoints to cluster load assignments: the resource that changes most, so it holds nothing else."""

from __future__ import annotations

from isthmus.ir.backend import Endpoints
from isthmus.xds import api, names
from isthmus.xds.resources import ENDPOINTS, Resource, resource


def emit_endpoints(endpoints: Endpoints) -> Resource:
    """The load assignment of a service port; empty when nobody answers, so that requests get 503 at once."""
    name = names.endpoints(endpoints.service)
    message = api.ClusterLoadAssignment(cluster_name=name)
    if endpoints.addresses:
        locality = message.endpoints.add()
        for address in endpoints.addresses:
            target = locality.lb_endpoints.add().endpoint.address.socket_address
            target.address = address.ip
            target.port_value = address.port
    return resource(ENDPOINTS, name, message)
