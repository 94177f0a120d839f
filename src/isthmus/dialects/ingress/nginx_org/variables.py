"""The variables that NGINX Inc's controller sets for each path, which are the same for all its requests."""

from __future__ import annotations

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.view import View


def constants(view: View, draft: Draft) -> dict[str, str]:
    """`$resource_type`, `$resource_name`, `$resource_namespace` and `$service`."""
    return {
        "resource_type": "ingress",
        "resource_name": view.name,
        "resource_namespace": view.namespace,
        "service": draft.service,
    }
