"""A host whose translation fails inside Isthmus: its last good version stays; without one it is closed."""

from __future__ import annotations

from collections.abc import Sequence

from manifests import LISTENERS, Table, codes, objects, options

from isthmus.dialects import DIALECTS
from isthmus.dialects.dialect import Claim, Claims, Options, Translation
from isthmus.kube.objects import Base, ref_of
from isthmus.kube.store import Lookup, Store
from isthmus.machines.pipeline import Pipeline
from isthmus.xds.listeners import Edge
from isthmus.xds.simulate import Request, simulate

WEB = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME}
spec:
  ingressClassName: nginx
  rules:
    - host: "HOST"
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n"


class Failing:
    """The usual dialect, with a bug that a host brings out."""

    def __init__(self) -> None:
        self.fails = False
        self.kinds = DIALECTS[0].kinds

    def claims(self, obj: Base, look: Lookup, given: Options) -> Claims:
        return DIALECTS[0].claims(obj, look, given)

    def translate(self, host: str, claims: Sequence[Claim], look: Lookup, given: Options) -> Translation:
        if self.fails and host == "a.test":
            raise ZeroDivisionError
        return DIALECTS[0].translate(host, claims, look, given)


def web(name: str, host: str) -> tuple[Base, ...]:
    return objects(WEB.replace("NAME", name).replace("HOST", host))


def test_it_is_closed_or_as_it_was() -> None:
    dialect, table = Failing(), Table()
    made = Pipeline(Store({("default", "web", 0): (("10.0.0.1", 1),)}), [dialect], options(), LISTENERS, Edge())
    table.apply(made.start())
    table.apply(made.apply([*objects(SERVICE), *web("all", "*.test")]).changes)
    asked = Request("a.test", listener="http")
    assert simulate(table, asked).status is None
    dialect.fails = True
    update = made.apply(web("one", "a.test"))
    table.apply(update.changes)
    assert codes(update.found) == ["ISTH0201"]
    assert simulate(table, asked).status == 503
    assert simulate(table, Request("b.test", listener="http")).status is None
    dialect.fails = False
    table.apply(made.apply(web("other", "a.test")).changes)
    assert simulate(table, asked).status is None
    dialect.fails = True
    assert codes(made.apply((), [ref_of(web("one", "a.test")[0])]).found) == ["ISTH0201"]
    assert simulate(table, asked).status is None
