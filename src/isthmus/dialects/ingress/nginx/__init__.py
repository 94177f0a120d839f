"""ingress-nginx's annotations (nginx.ingress.kubernetes.io/): one file a family, in the order they apply."""

from isthmus.dialects.ingress import isthmus_dev
from isthmus.dialects.ingress.annotations import Vocabulary
from isthmus.dialects.ingress.nginx import protocol, redirect, timeouts

VOCABULARY = Vocabulary(
    name="ingress-nginx",
    prefixes=("nginx.ingress.kubernetes.io/", "ingress.kubernetes.io/", isthmus_dev.PREFIX),
    features=(protocol.FEATURE, redirect.FEATURE, timeouts.FEATURE, *isthmus_dev.FEATURES),
    closing=(
        "allowlist-",
        "whitelist-",
        "denylist-",
        "auth-",
        "satisfy",
        "limit-",
        "global-rate-limit",
        "secure-verify-",
        "enable-modsecurity",
        "enable-owasp",
        "modsecurity-",
        "proxy-ssl-",
        "ssl-passthrough",
        "canary",
        "configuration-snippet",
        "server-snippet",
        "stream-snippet",
    ),
    harmless={
        "canary": frozenset({"false", "f", "0"}),
        "ssl-passthrough": frozenset({"false", "f", "0"}),
        "enable-modsecurity": frozenset({"false", "f", "0"}),
        "enable-owasp-core-rules": frozenset({"false", "f", "0"}),
        "proxy-ssl-verify": frozenset({"off"}),
        "proxy-ssl-server-name": frozenset({"off"}),
        "satisfy": frozenset({"all"}),
    },
)
