"""Every hand-written probe on the simulator."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import Table, objects, options
from probe_cases import CASES, location_of, manifests, probes, request_of, services

from isthmus.dialects import DIALECTS
from isthmus.ir.listener import HTTP, HTTPS, Listener
from isthmus.kube.store import Store
from isthmus.machines.pipeline import Pipeline
from isthmus.machines.snapshot import Snapshot
from isthmus.xds.listeners import Edge
from isthmus.xds.simulate import simulate

PARAMETERS = [pytest.param(case, probe, id=f"{case}: {probe['ask']}") for case in CASES for probe in probes(case)]


@pytest.fixture(scope="module")
def snapshots() -> dict[str, Snapshot]:
    found = {}
    for case in CASES:
        addresses = {(*service.split("/"), 0): (("127.0.0.1", 1),) for service in services(case)}
        listeners = (Listener(HTTP, "127.0.0.1", 80), Listener(HTTPS, "127.0.0.1", 443, tls=True))
        pipeline = Pipeline(Store(addresses), DIALECTS, options(http_port=8080, https_port=8443), listeners, Edge())
        found[case] = Snapshot()
        found[case].apply((*pipeline.start(), *pipeline.apply(objects(manifests(case))).changes))
    return found


@pytest.mark.parametrize(("case", "probe"), PARAMETERS)
def test_probe(case: str, probe: dict[str, Any], snapshots: dict[str, Snapshot]) -> None:
    verdict = simulate(snapshots[case], request_of(probe))
    if "handshake" in probe:
        assert verdict.status is None and "handshake refused" in verdict.reason
    elif "backend" in probe:
        assert verdict.status is None, verdict
        assert verdict.cluster.startswith(probe["backend"] + "/")
        assert "sees" not in probe or (verdict.rewritten or request_of(probe).path) == probe["sees"]
        assert verdict.upgraded == ("websocket" in probe.get("headers", {}).values())
    else:
        assert verdict.status == probe["status"], verdict
        assert verdict.location == location_of(probe, http=8080, https=8443)
        if "grpc" in probe:
            assert verdict.grpc_status() == probe["grpc"]


def test_the_table_of_the_tests_is_enough_for_the_simulator() -> None:
    assert simulate(Table(), request_of({"ask": "GET http://a/"})).reason == "there is no listener http"
