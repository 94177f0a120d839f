"""fastcgi-index and fastcgi-params-configmap: FastCGI backends, which Envoy cannot speak to.

Nothing is applied: the path is closed, as it is by backend-protocol FCGI.
"""

from __future__ import annotations

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.handling import Annotation, Handling

_WHY = "Envoy does not speak FastCGI; put an HTTP server before the FastCGI one"

FEATURE = Feature(
    title="FastCGI",
    about="Envoy does not speak FastCGI. An HTTP server beside the application (nginx, Caddy) can, and is then an "
    "ordinary backend.",
    annotations=(
        Annotation("nginx.ingress.kubernetes.io/fastcgi-index", "file name", "none", Handling.REFUSED, _WHY),
        Annotation(
            "nginx.ingress.kubernetes.io/fastcgi-params-configmap",
            "[namespace/]name of a ConfigMap",
            "none",
            Handling.REFUSED,
            _WHY,
        ),
    ),
)
