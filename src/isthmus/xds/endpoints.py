"""Endpoints to cluster load assignments: the resource that changes most, so it holds nothing else."""

from __future__ import annotations

from isthmus.ir.backend import Endpoints
from isthmus.xds import api
from isthmus.xds.resources import ENDPOINTS, Resource, resource


def emit_endpoints(cluster: str, endpoints: Endpoints) -> Resource:
    """The load assignment of a cluster; empty when nobody answers, so that requests get 503 at once.

    Clusters never share one: Envoy asks once for a name, and a second cluster of that name would wait in vain.
    """
    message = api.ClusterLoadAssignment(cluster_name=cluster)
    if endpoints.addresses:
        locality = message.endpoints.add()
        for address in endpoints.addresses:
            target = locality.lb_endpoints.add().endpoint.address.socket_address
            target.address = address.ip
            target.port_value = address.port
    return resource(ENDPOINTS, cluster, message)
