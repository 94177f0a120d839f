"""Objects to the neutral language. Each dialect is a folder; siblings never import each other.

DIALECTS is the whole registry: a new dialect is a folder and a line here.
"""

from isthmus.dialects.dialect import Dialect
from isthmus.dialects.ingress.dialect import IngressDialect
from isthmus.dialects.upstream import UpstreamDialect

DIALECTS: tuple[Dialect, ...] = (IngressDialect(), UpstreamDialect())
