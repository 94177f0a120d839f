"""What can be the host of a rule: a DNS name, or a wildcard for the whole first label. Knows no objects."""

from __future__ import annotations

import re

_HOST = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_IPV4 = re.compile(r"[0-9]+(\.[0-9]+){3}")


def is_host(host: str) -> bool:
    """Whether it can be the host of a rule: an RFC 1123 name, with a wildcard for the whole first label at most."""
    return len(host) <= 253 and _HOST.fullmatch(host) is not None and _IPV4.fullmatch(host) is None
