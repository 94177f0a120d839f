"""Hand-written probes: manifests, requests, and what must come of them. Never regenerated.

The same probes run on the simulator and on a real Envoy, so that the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from isthmus.edge import pki
from isthmus.xds.simulate import Request

FOLDER = Path(__file__).parent / "probes"
CASES = sorted(each.name for each in FOLDER.iterdir() if (each / "probes.yaml").exists())
CERTIFIED = {"tls": ("pair", ["tls.test", "*.tls.test", "lost.test"]), "seed": ("kubesre-tls", ["demo.kubesre.com"])}


def manifests(case: str) -> str:
    """The manifests of a case, with the Secrets that it needs."""
    text = (FOLDER / case / "manifests.yaml").read_text()
    if case in CERTIFIED:
        name, hosts = CERTIFIED[case]
        pair = pki.leaf(pki.authority("Test CA"), hosts)
        text += "---\n" + pki.secret_manifest("default", name, pair)
    return text


def services(case: str) -> Iterator[str]:
    """The Services of a case, as NAMESPACE/NAME."""
    for document in yaml.safe_load_all((FOLDER / case / "manifests.yaml").read_text()):
        if document["kind"] == "Service":
            yield f"default/{document['metadata']['name']}"


def probes(case: str) -> list[dict[str, Any]]:
    """The probes of a case."""
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / case / "probes.yaml").read_text())
    return found


def request_of(probe: dict[str, Any]) -> Request:
    """The request of a probe. It is split by hand, because a URL library would normalise what is probed."""
    method, url = probe["ask"].split(" ", 1)
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    headers = tuple((key.lower(), value) for key, value in probe.get("headers", {}).items())
    return Request(probe.get("host", host), slash + path, method, scheme, probe.get("sni"), headers)


def location_of(probe: dict[str, Any], http: int, https: int) -> str:
    """Where a probe's answer sends to, with the ports of the listeners."""
    text: str = probe.get("location", "")
    return text.replace("HTTPS", str(https)).replace("HTTP", str(http))
