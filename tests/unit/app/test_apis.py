"""When the routes of an API are published: not before its schema is known and the adapter answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from descriptor_files import get, raw, service, simple
from manifests import objects, pipeline

from isthmus.app.apis import Apis
from isthmus.app.schema_keeper import Known, Source
from isthmus.edge.grpc_client.channels import Target
from isthmus.ir.backend import ServicePortRef
from isthmus.xds.resources import Change

PORT = ServicePortRef("default", "books", 50051)
MANIFESTS = """apiVersion: v1
kind: Service
metadata: {name: books, annotations: {isthmus.dev/transcode: "true"}}
spec: {ports: [{port: 50051, appProtocol: kubernetes.io/h2c}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: books}
spec:
  ingressClassName: nginx
  rules:
    - host: books.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: books, port: {number: 50051}}}}]}
"""
SCHEMA = Source(Target("127.0.0.1:1"), raw(service(simple("p.proto"), "T", {"Get": get("/things")})))


class Served:
    """An Apis over one Service, and what it published and told."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = pipeline()
        self.pipeline.start()
        self.pipeline.apply(objects(MANIFESTS))
        self.changes: list[Change] = []
        self.told: list[Known] = []
        self.apis = Apis(folder, "http://localhost", self.pipeline, self.changes.extend, self.told.append)
        self.apis.give(PORT, SCHEMA)
        self.apis.refresh()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not reached():
                await asyncio.sleep(0.001)

    async def until_known(self) -> None:
        await self.until(lambda: PORT in self.apis.keeper.known and self.apis.keeper.known[PORT].planned is not None)


async def test_no_route_leads_to_an_adapter_that_has_never_answered(tmp_path: Path) -> None:
    served = Served(tmp_path)
    await served.until_known()
    assert not served.changes
    assert not any(known.planned for known in served.told)
    served.apis.adapter_answers()
    assert served.changes
    assert served.told[-1].planned is not None


async def test_an_adapter_that_answers_is_not_waited_for(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.apis.adapter_answers()
    await served.until_known()
    assert served.changes


async def test_what_is_wanted_no_more_while_the_adapter_starts_is_not_published(tmp_path: Path) -> None:
    served = Served(tmp_path)
    await served.until_known()
    served.apis.keeper.want({})
    served.apis.adapter_answers()
    assert not served.changes
