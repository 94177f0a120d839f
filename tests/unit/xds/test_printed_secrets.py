"""What is printed of resources never holds a private key."""

from __future__ import annotations

from isthmus.ir.backend import Backend, ServicePortRef, Trust
from isthmus.ir.private import PrivateBytes
from isthmus.xds.clusters import emit_cluster
from isthmus.xds.printed import printed


def test_the_key_that_is_shown_to_a_backend() -> None:
    trust = Trust(chain_pem=b"CHAIN", key_pem=PrivateBytes(b"KEY"))
    cluster = emit_cluster(Backend(ServicePortRef("n", "s", 443), tls=True, trust=trust))
    text = str(printed([cluster]))
    assert "'private_key': 'not shown'" in text
    assert "S0VZ" not in text  # KEY in base64
    assert "certificate_chain" in text
