"""NGINX Inc's annotations (nginx.org/, nginx.com/): one file a family, in the order they apply."""

from isthmus.dialects.ingress import isthmus_dev
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.nginx_org import services

VOCABULARY = Vocabulary(
    name="NGINX Ingress Controller",
    prefixes=("nginx.org/", "nginx.com/", "appprotect.f5.com/", "appprotectdos.f5.com/", isthmus_dev.PREFIX),
    features=(services.FEATURE, *isthmus_dev.FEATURES),
    closing=("basic-auth-", "jwt-", "limit-req-", "policies", "app-protect-", "server-snippets", "location-snippets"),
)
