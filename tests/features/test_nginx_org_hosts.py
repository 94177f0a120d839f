"""Hosts that NGINX Inc's Ingresses speak for, from manifests to routes: masters with minions, Policies that come and
go, TLS of the host, paths that are expressions."""

from __future__ import annotations

import pytest
import trustme
from manifests import codes, objects, pipeline

from isthmus.dialects.dialect import Translation
from isthmus.ir.action import Forward, Redirect, Respond, Rewrite
from isthmus.ir.host import Route
from isthmus.ir.listener import ClientCertificates
from isthmus.ir.match import Exact, Pattern
from isthmus.kube.objects import Base, Meta, Secret
from isthmus.kube.refs import ObjectRef
from isthmus.machines.pipeline import Pipeline

CLASS = """apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: nginx.org/ingress-controller}
"""
SERVICE = """---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec: {{ports: [{{port: 80{more}}}]}}
"""
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, namespace: {namespace}, annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  {tls}
  rules:
    - host: a.test
      {paths}
"""
PATHS = """http:
        paths: [{{path: '{path}', pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]"""
POLICY = "---\napiVersion: k8s.nginx.org/v1\nkind: Policy\nmetadata: {{name: p}}\nspec: {spec}\n"
NOBODY_THERE = "ISTH0052"  # no endpoints: there are none in these tests
USERS = """---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: front}
type: nginx.org/htpasswd
stringData: {htpasswd: "ann:$apr1$6TdSn8QV$YbAF1HGHOvPrvQQ9ypyRJ."}
"""


def ingress(notes: str, path: str | None = "/", name: str = "web", namespace: str = "default", tls: str = "") -> str:
    """An Ingress of a.test; without a path it has none. Annotations are given without their prefix."""
    said = ", ".join(f"nginx.org/{note.strip()}" for note in notes.split("|") if note.strip())
    paths = PATHS.format(path=path) if path is not None else ""
    return INGRESS.format(name=name, namespace=namespace, notes=said, paths=paths, tls=tls)


def served(*texts: str, more: str = "") -> tuple[Pipeline, list[str]]:
    """A pipeline with these objects, and the codes of what it found."""
    running = pipeline()
    text = CLASS + SERVICE.format(namespace="default", more=more) + "".join(texts)
    found = running.apply(objects(text)).found
    return running, codes(each for each in found if each.code.id != NOBODY_THERE)


def translation(running: Pipeline) -> Translation:
    return running.memo.hosts["a.test"]


def clear(running: Pipeline) -> dict[str, Route]:
    """Routes of the HTTP listener by the text of their paths."""
    hosts = translation(running).hosts
    return {route.match.path.path: route for route in hosts[0].routes} if hosts else {}


def forwards(running: Pipeline) -> list[Route]:
    """Routes that lead to a backend, on both listeners."""
    routes = [route for host in translation(running).hosts for route in host.routes]
    return [route for route in routes if isinstance(route.action, Forward)]


def test_minions_in_other_namespaces_ask_for_the_masters_users() -> None:
    master = ingress("mergeable-ingress-type: master | basic-auth-secret: users", None, "master", "front")
    minion = ingress("mergeable-ingress-type: minion", "/tea", "tea")
    running, found = served(USERS, master, minion)
    authorization = clear(running)["/tea"].policy.authorization
    assert authorization is not None
    assert authorization.basic is not None
    assert [name for name, _ in authorization.basic.users] == ["ann"]
    assert found == []


def test_what_a_master_says_is_told_once_and_at_the_master() -> None:
    master = ingress("mergeable-ingress-type: master | proxy-buffering: 'true'", None, "master")
    minions = [ingress("mergeable-ingress-type: minion", f"/{name}", name) for name in ("tea", "coffee")]
    running, _ = served(master, *minions)
    told = [each for each in running.memo.diagnostics() if each.code.id == "ISTH0121"]
    assert [each.ref.name for each in told] == ["master"]


def test_what_is_refused_on_a_master_closes_its_minions() -> None:
    master = ingress("mergeable-ingress-type: master | server-snippets: 'lua;'", None, "master")
    running, _ = served(master, ingress("mergeable-ingress-type: minion", "/tea", "tea"))
    action = clear(running)["/tea"].action
    assert isinstance(action, Respond)
    assert action.status == 503


def test_a_master_that_goes_takes_its_minions_with_it() -> None:
    master = ingress("mergeable-ingress-type: master | basic-auth-secret: users", None, "master", "front")
    running, _ = served(USERS, master, ingress("mergeable-ingress-type: minion", "/tea", "tea"))
    running.apply((), [ObjectRef("Ingress", "front", "master")])
    assert "/tea" not in clear(running)


def test_a_policy_that_comes_opens_and_one_that_goes_closes() -> None:
    running, found = served(ingress("policies: p"))
    assert isinstance(clear(running)["/"].action, Respond)
    assert "ISTH0125" in found
    running.apply(objects(POLICY.format(spec="{accessControl: {allow: [10.0.0.0/8]}}")))
    route = clear(running)["/"]
    assert isinstance(route.action, Forward)
    assert route.policy.sources is not None
    running.apply((), [ObjectRef("Policy", "default", "p")])
    assert isinstance(clear(running)["/"].action, Respond)


def authority() -> Base:
    pem = trustme.CA().cert_pem.bytes().decode()
    return Secret(metadata=Meta("ca", "default"), type="nginx.org/ca", string_data={"ca.crt": pem})


def test_ingress_mtls_is_for_the_host() -> None:
    tls = "tls: [{hosts: [a.test], secretName: pair}]"
    running, _ = served(POLICY.format(spec="{ingressMTLS: {clientCertSecret: ca}}"), ingress("policies: p", tls=tls))
    assert not forwards(running)
    running.apply([authority()])
    assert forwards(running)
    (host,) = translation(running).tls
    assert (host.clients, host.depth) == (ClientCertificates.REQUIRED, 1)
    assert isinstance(clear(running)["/"].action, Redirect)


def test_ingress_mtls_without_tls_serves_nothing() -> None:
    running, _ = served(POLICY.format(spec="{ingressMTLS: {clientCertSecret: ca}}"), ingress("policies: p"))
    running.apply([authority()])
    assert not forwards(running)


def test_redirects_have_the_controllers_status() -> None:
    tls = "tls: [{hosts: [a.test], secretName: pair}]"
    assert clear(served(ingress("", tls=tls))[0])["/"].action == Redirect(8443, 301)
    assert clear(served(ingress("http-redirect-code: '307'", tls=tls))[0])["/"].action == Redirect(8443, 307)
    assert clear(served(ingress("redirect-to-https: 'true'"))[0])["/"].action == Redirect(8443, 301)


def test_grpc_is_spared_the_default_limit_of_bodies() -> None:
    running, _ = served(ingress(""))
    assert clear(running)["/"].policy.max_body_bytes == 1 << 20
    assert clear(served(ingress("grpc-services: web"))[0])["/"].policy.max_body_bytes == 0


@pytest.mark.parametrize(
    ("notes", "path", "match", "rewrite"),
    [
        ("path-regex: exact", "/tea", Exact("/tea"), None),
        ("path-regex: case_sensitive", "/t[ea]+", Pattern("/t", "(?:/t[ea]+).*"), None),
        (
            "path-regex: case_insensitive | rewrite-target: /$1",
            "/tea/(.*)",
            Pattern("/", "(?i:/tea/(.*)).*"),
            Rewrite(r"/\1", "(?i)^(?:/tea/(.*)).*$"),
        ),
    ],
)
def test_paths_that_are_expressions(notes: str, path: str, match: object, rewrite: Rewrite | None) -> None:
    running, found = served(ingress(notes, path))
    (route,) = translation(running).hosts[0].routes
    assert isinstance(route.action, Forward)
    assert (route.match.path, route.action.rewrite, found) == (match, rewrite, [])


def test_expressions_are_for_their_own_ingress_only() -> None:
    running, _ = served(ingress("path-regex: case_sensitive", "/a[0-9]"), ingress("", "/b[0-9]", "other"))
    paths = {type(route.match.path).__name__ for route in translation(running).hosts[0].routes}
    assert paths == {"Pattern", "SegmentPrefix"}


@pytest.mark.parametrize("path", ["/(?=x)", "/(", r"/(a)\1"])
def test_an_expression_that_cannot_be_had_closes_what_it_was_for(path: str) -> None:
    running, found = served(ingress("path-regex: case_sensitive", path))
    assert not forwards(running)
    assert found


SIGN_IN = "{externalAuth: {authURI: /in, authServiceName: NAME, authSigninURI: /oauth2/in}}"
ASKS = "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"


def test_where_people_sign_in_is_open_and_all_else_that_is_asked_counts_there() -> None:
    both = POLICY.format(spec=SIGN_IN.replace("NAME", "asks")) + POLICY.format(
        spec="{accessControl: {allow: [10.0.0.0/8]}}"
    ).replace("name: p", "name: q")
    running, found = served(ASKS.format(name="asks"), both, ingress("policies: 'p,q'"))
    action, policy = clear(running)["/oauth2"].action, clear(running)["/oauth2"].policy
    assert isinstance(action, Forward)
    assert action.backend.service.service == "asks"
    assert (policy.authorization, policy.sources) == (None, clear(running)["/"].policy.sources)
    assert policy.sources is not None
    assert found == []


def test_a_path_that_an_ingress_names_is_no_place_to_sign_in() -> None:
    text = ASKS.format(name="asks") + POLICY.format(spec=SIGN_IN.replace("NAME", "asks"))
    running, found = served(text, ingress("policies: p"), ingress("", "/oauth2", "own"))
    action = clear(running)["/oauth2"].action
    assert isinstance(action, Forward)
    assert (action.backend.service.service, found) == ("web", ["ISTH0127"])


def test_a_policy_that_is_broken_opens_no_place_to_sign_in() -> None:
    running, _ = served(POLICY.format(spec=SIGN_IN.replace("NAME", "nobody")), ingress("policies: p"))
    assert list(clear(running)) == ["/"]
    assert isinstance(clear(running)["/"].action, Respond)
