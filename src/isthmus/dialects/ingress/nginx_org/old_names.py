"""Names that NGINX Inc's controller has given up. Source: its documentation of annotations."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isthmus.dialects.ingress.old_names import OldName

OLD_NAMES: Mapping[str, OldName] = MappingProxyType(
    {"ingress.kubernetes.io/ssl-redirect": OldName("the old name", "nginx.org/ssl-redirect")}
)
