"""custom-http-errors and default-backend: pages in the place of errors, and who answers where nobody is there."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted
from manifests import objects, pipeline

from isthmus.dialects.ingress.nginx import errors
from isthmus.ir.action import Forward, Respond
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.host import Route
from isthmus.kube.objects import Meta, Service, ServicePort, ServiceSpec

PAGES = Service(metadata=Meta("pages", "shop"), spec=ServiceSpec(ports=(ServicePort(8080),)))
BACKEND = Backend(ServicePortRef("shop", "pages", 8080))
ASKED = {"default-backend": "pages", "custom-http-errors": "503, 404"}


def test_pages() -> None:
    found = drafted(errors.FEATURE, ASKED, objects=[PAGES])
    pages = found.draft.policy.errors
    assert pages is not None
    assert (pages.statuses, pages.backend, pages.path, pages.keep_status, found.codes) == (
        (404, 503),
        BACKEND,
        "/",
        False,
        [],
    )
    told = {edit.name: edit.value for edit in pages.headers}
    assert (told["X-Namespace"], told["X-Ingress-Name"], told["X-Service-Name"]) == (("shop",), ("web",), ("web",))
    assert found.draft.fallback == BACKEND


def test_they_can_be_switched_off_and_the_backend_stays() -> None:
    found = drafted(errors.FEATURE, {**ASKED, "disable-proxy-intercept-errors": "true"}, objects=[PAGES])
    assert (found.draft.policy.errors, found.draft.fallback, found.codes) == (None, BACKEND, [])


def test_the_config_map_has_statuses_for_all() -> None:
    found = drafted(errors.FEATURE, {"default-backend": "pages"}, {"custom-http-errors": "500"}, [PAGES])
    assert found.draft.policy.errors is not None
    assert found.draft.policy.errors.statuses == (500,)


@pytest.mark.parametrize("value", [*NONSENSE, "200", "600", "404,abc", "4xx", "404;503"])
def test_statuses_that_are_none(value: str) -> None:
    found = drafted(errors.FEATURE, {**ASKED, "custom-http-errors": value}, objects=[PAGES])
    assert (found.draft.policy.errors, found.codes) == (None, ["ISTH0114"])


def test_without_a_backend_answers_stay_as_they_are() -> None:
    found = drafted(errors.FEATURE, {"custom-http-errors": "404"})
    assert (found.draft.policy.errors, found.draft.closed, found.codes) == (None, False, ["ISTH0146"])


@pytest.mark.parametrize("value", [*NONSENSE, "missing", "other/pages", "Pages"])
def test_a_backend_that_is_none(value: str) -> None:
    found = drafted(errors.FEATURE, {"default-backend": value}, objects=[PAGES])
    assert (found.draft.fallback, found.codes) == (None, ["ISTH0114"])


@pytest.mark.parametrize(
    "spec", [ServiceSpec(), ServiceSpec("ExternalName", external_name="x", ports=(ServicePort(80),))]
)
def test_a_service_that_cannot_answer_is_no_backend(spec: ServiceSpec) -> None:
    found = drafted(errors.FEATURE, ASKED, objects=[Service(metadata=PAGES.metadata, spec=spec)])
    assert (found.draft.fallback, found.draft.policy.errors) == (None, None)


MANIFESTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, appProtocol: PROTOCOL}]}
---
apiVersion: v1
kind: Service
metadata: {name: pages}
spec: {ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    nginx.ingress.kubernetes.io/default-backend: pages
    nginx.ingress.kubernetes.io/custom-http-errors: "404"
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: PORT}}}}]}
"""
SLICE = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 80}]
endpoints: [{addresses: [10.0.0.1]}]
"""


def _served(text: str, *more: str) -> Route:
    running = pipeline()
    running.apply(objects(text))
    for each in more:
        running.apply(objects(each))
    return running.memo.hosts["a.test"].hosts[0].routes[0]


def text(protocol: str = "http", port: int = 80) -> str:
    return MANIFESTS.replace("PROTOCOL", protocol).replace("PORT", str(port))


def _leads_to(route: Route) -> str:
    assert isinstance(route.action, Forward)
    return route.action.backend.service.service


def test_a_service_without_endpoints_is_answered_for() -> None:
    route = _served(text())
    assert _leads_to(route) == "pages"
    told = {edit.name: edit.value for edit in route.policy.request_headers}
    assert (told["X-Code"], told["X-Service-Name"], told["X-Service-Port"]) == (("503",), ("web",), ("80",))
    assert _leads_to(_served(text(), SLICE)) == "web"


def test_a_service_that_is_not_there_is_answered_for() -> None:
    assert _leads_to(_served(text(port=81))) == "pages"


def test_what_is_closed_stays_closed() -> None:
    digest = "annotations:\n    nginx.ingress.kubernetes.io/auth-type: digest\n"
    closed = text().replace("annotations:\n", digest)
    assert isinstance(_served(closed).action, Respond)


def test_grpc_gets_no_pages() -> None:
    route = _served(text("grpc"), SLICE)
    assert isinstance(route.action, Forward)
    assert (route.action.backend.protocol, route.policy.errors) == (Protocol.HTTP2, None)
    with_pages = _served(text(), SLICE).policy.errors
    assert with_pages is not None
    assert ("X-Service-Port", ("80",)) in [(edit.name, edit.value) for edit in with_pages.headers]
