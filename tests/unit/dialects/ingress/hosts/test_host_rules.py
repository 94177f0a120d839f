"""Rules for a whole host: expressions, slashes, another root, other names, the controller's ConfigMap, quirks."""

from __future__ import annotations

import pytest
import trustme
from manifests import codes, objects, pipeline, tls_secret

from isthmus.ir.action import Forward, Redirect, Respond, SendTo
from isthmus.ir.host import HostConfig, Route
from isthmus.ir.match import Exact, Pattern, SegmentPrefix
from isthmus.ir.template import written
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.refs import ObjectRef
from isthmus.machines.pipeline import Pipeline
from isthmus.quirks import QUIRKS

SERVICES = "".join(
    f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"
    for name in ("web", "other")
)
BACKEND = "{{service: {{name: {name}, port: {{number: 80}}}}}}"
CERTIFICATE = trustme.CA().issue_cert("a.test", "alias.test", "www.a.test")
NO_ENDPOINTS = "ISTH0052"


def ingress(name: str, *paths: str, host: str = "a.test", tls: bool = False, age: int = 1, **notes: str) -> str:
    """Paths are `/path`, `/path Exact` and so on; annotations are given without their prefix."""
    given = ", ".join(f"nginx.ingress.kubernetes.io/{key.replace('_', '-')}: '{text}'" for key, text in notes.items())
    listed = []
    for each in paths or ("/",):
        path, _, kind = each.partition(" ")
        listed.append(f"{{path: '{path}', pathType: {kind or 'Prefix'}, backend: {BACKEND.format(name=name)}}}")
    return (
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\n"
        f"metadata: {{name: {name}, creationTimestamp: '2026-01-0{age}T00:00:00Z', annotations: {{{given}}}}}\n"
        f"spec:\n  ingressClassName: nginx\n  tls: [{f'{{hosts: [{host}], secretName: pair}}' if tls else ''}]\n"
        f"  rules: [{{host: '{host}', http: {{paths: [{', '.join(listed)}]}}}}]\n"
    )


def config_map(**data: str) -> str:
    listed = ", ".join(f"{key.replace('_', '-')}: '{text}'" for key, text in data.items())
    return (
        "---\napiVersion: v1\nkind: ConfigMap\n"
        f"metadata: {{name: ingress-nginx-controller, namespace: ingress-nginx}}\ndata: {{{listed}}}\n"
    )


def running(*texts: str, **options: object) -> tuple[Pipeline, list[Diagnostic]]:
    made = pipeline(http_port=8080, **options)
    pair = tls_secret("pair", CERTIFICATE.cert_chain_pems[0].bytes(), CERTIFICATE.private_key_pem.bytes())
    found = made.apply([*objects(SERVICES + "".join(texts)), pair]).found
    return made, [each for each in found if each.code.id != NO_ENDPOINTS]


def hosts(*texts: str, host: str = "a.test", **options: object) -> tuple[HostConfig, ...]:
    """What a host is on the HTTP listener, and on the HTTPS listener."""
    return running(*texts, **options)[0].memo.hosts[host].hosts


def sent(route: Route) -> tuple[str, int]:
    assert isinstance(route.action, SendTo)
    return written(route.action.location), route.action.status


def redirected(config: HostConfig) -> dict[str, tuple[str, int]]:
    """Redirects of requests without a query, by path."""
    return {
        route.match.path.path: sent(route)
        for route in config.routes
        if isinstance(route.action, SendTo) and route.match.turn == 0
    }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/x/"], {"/x"}),
        (["/x/ ImplementationSpecific"], {"/x"}),
        (["/x/", "/y/"], {"/x", "/y"}),
        (["/x/ Exact"], set()),
        (["/x/", "/x Exact"], set()),
        (["/x/ ImplementationSpecific", "/x"], set()),
        (["/x/ ImplementationSpecific", "/x ImplementationSpecific"], set()),
        (["/x"], set()),
        (["/"], set()),
    ],
)
def test_which_paths_are_sent_to_the_one_with_a_slash(paths: list[str], expected: set[str]) -> None:
    clear, _ = hosts(ingress("web", *paths))
    assert redirected(clear) == {path: (f"http://{{host}}:8080{path}/", 301) for path in expected}


def test_the_query_goes_along() -> None:
    clear, _ = hosts(ingress("web", "/x/"))
    with_query = [route for route in clear.routes if route.match.path == Exact("/x") and route.match.turn == 1]
    assert [sent(route) for route in with_query] == [("http://{host}:8080/x/{query-mark}{query}", 301)]


def test_no_slash_where_paths_are_expressions_or_where_it_is_not_wanted() -> None:
    assert redirected(hosts(ingress("web", "/x/", use_regex="true"))[0]) == {}
    assert redirected(hosts(ingress("web", "/x/"), without=frozenset({"slash-redirect"}))[0]) == {}


@pytest.mark.parametrize("notes", [{"use_regex": "true"}, {"rewrite_target": "/$1"}])
def test_one_expression_makes_expressions_of_all_paths_of_the_host(notes: dict[str, str]) -> None:
    clear, _ = hosts(ingress("web", "/a(.*)", **notes), ingress("other", "/long/er", "/e Exact"))
    assert [route.match.path for route in clear.routes] == [
        Pattern("/", "(?i:/long/er).*"),
        Pattern("/", "(?i:/a(.*)).*"),
        Pattern("/", "(?i:/e).*"),
    ]


@pytest.mark.parametrize("notes", [{"use_regex": "false"}, {"rewrite_target": "/a"}, {"use_regex": "yes"}])
def test_what_makes_no_expressions(notes: dict[str, str]) -> None:
    clear, _ = hosts(ingress("web", "/a", **notes))
    assert [route.match.path for route in clear.routes] == [SegmentPrefix("/a")]


def test_without_the_quirk_only_the_ingress_that_asks_has_expressions() -> None:
    texts = (ingress("web", "/a(.*)", use_regex="true"), ingress("other", "/b"))
    clear, _ = hosts(*texts, without=frozenset({"host-regex"}))
    assert {type(route.match.path) for route in clear.routes} == {Pattern, SegmentPrefix}


def test_an_expression_that_cannot_be_run_closes_what_it_was_for() -> None:
    made, found = running(ingress("web", "/admin(?=x)", "/", use_regex="true", allowlist_source_range="10.0.0.0/8"))
    clear = made.memo.hosts["a.test"].hosts[0]
    assert [(route.match.path, type(route.action)) for route in clear.routes] == [
        (Pattern("/", "(?i:/admin).*"), Respond),
        (Pattern("/", "(?i:/).*"), Forward),
    ]
    assert codes(found) == ["ISTH0144"]


def test_the_oldest_root_counts_and_the_other_is_told() -> None:
    made, found = running(
        ingress("web", app_root="/new", age=2), ingress("other", "/x", app_root="/old", age=1), ingress("third", "/y")
    )
    assert redirected(made.memo.hosts["a.test"].hosts[0]) == {"/": ("http://{host}:8080/old", 302)}
    assert [(each.code.id, each.ref.name) for each in found if each.code.id == "ISTH0127"] == [("ISTH0127", "web")]


def test_redirects_of_a_path_come_before_the_one_to_https_and_say_their_listener() -> None:
    clear, secure = hosts(ingress("web", "/x", permanent_redirect="/y", tls=True))
    assert redirected(clear) == {"/x": ("http://{host}:8080/y", 301)}
    assert redirected(secure) == {"/x": ("https://{host}:8443/y", 301)}


def test_usual_ports_are_not_written() -> None:
    made = pipeline(http_port=80, https_port=443)
    made.apply(objects(SERVICES + ingress("web", "/x", permanent_redirect="/y")))
    assert redirected(made.memo.hosts["a.test"].hosts[0]) == {"/x": ("http://{host}/y", 301)}


def hsts(config: HostConfig) -> list[str]:
    return [
        str(edit.value[0])
        for route in config.routes
        for edit in route.policy.answer_headers
        if edit.name == "Strict-Transport-Security"
    ]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["max-age=31536000; includeSubDomains"]),
        ({"hsts": "false"}, []),
        ({"hsts_max_age": "60"}, ["max-age=60; includeSubDomains"]),
        ({"hsts_max_age": "1; x"}, ["max-age=31536000; includeSubDomains"]),
        ({"hsts_include_subdomains": "false", "hsts_preload": "true"}, ["max-age=31536000; preload"]),
    ],
)
def test_hsts(settings: dict[str, str], expected: list[str]) -> None:
    clear, secure = hosts(ingress("web", tls=True), config_map(**settings))
    assert (hsts(clear), hsts(secure)) == ([], expected)


def test_quirks_can_be_left_out() -> None:
    assert set(QUIRKS) == {"body-limit", "host-regex", "hsts", "slash-redirect", "tls-redirect"}
    clear, secure = hosts(ingress("web", tls=True), without=frozenset({"hsts", "body-limit", "tls-redirect"}))
    assert (hsts(secure), clear.routes[0].policy.max_body_bytes) == ([], 0)
    assert isinstance(clear.routes[0].action, Forward)
    asked, _ = hosts(ingress("web", ssl_redirect="true", tls=True), without=frozenset({"tls-redirect"}))
    assert Redirect(8443) in [route.action for route in asked.routes]


def test_the_config_map_has_the_status_of_redirects_and_is_followed() -> None:
    made, _ = running(ingress("web", tls=True))
    assert _statuses(made) == [308]
    made.apply(objects(config_map(http_redirect_code="301")))
    assert _statuses(made) == [301]


def _statuses(made: Pipeline) -> list[int]:
    routes = made.memo.hosts["a.test"].hosts[0].routes
    return [route.action.status for route in routes if isinstance(route.action, Redirect)]


def test_another_config_map_can_be_named() -> None:
    mine = config_map(http_redirect_code="301").replace("ingress-nginx-controller", "mine")
    clear, _ = hosts(ingress("web", tls=True), mine, controller_config="ingress-nginx/mine")
    assert Redirect(8443, 301) in [route.action for route in clear.routes]


def test_what_nobody_reads_of_the_config_map_is_told_once() -> None:
    text = config_map(
        hsts="true", worker_processes="4", proxy_raed_timeout="5", http_redirect_code="418", hsts_max_age="x"
    )
    _, found = running(text, ingress("web"), ingress("other", host="b.test"))
    said = [(each.code.id, str(each.path)) for each in found if each.ref.kind == "ConfigMap"]
    assert sorted(said) == [
        ("ISTH0114", "data.hsts-max-age"),
        ("ISTH0114", "data.http-redirect-code"),
        ("ISTH0121", "data.worker-processes"),
        ("ISTH0128", "data.proxy-raed-timeout"),
    ]


def test_challenges_of_acme_stay_in_clear() -> None:
    challenge = "/.well-known/acme-challenge/token"
    clear, _ = hosts(ingress("web", tls=True), ingress("other", f"{challenge} Exact", age=2))
    actions = {route.match.path.path: type(route.action) for route in clear.routes}
    assert actions == {challenge: Forward, "/": Redirect}
    other, _ = hosts(ingress("web", "/x", tls=True), config_map(no_tls_redirect_locations="/x,/y"))
    assert [type(route.action) for route in other.routes] == [Forward]


@pytest.mark.parametrize(
    ("settings", "guarded"),
    [
        ({}, {"/", "/open"}),
        ({"no_auth_locations": "/open, ,/else"}, {"/", "/.well-known/acme-challenge"}),
        ({"no_auth_locations": ""}, {"/", "/open", "/.well-known/acme-challenge"}),
    ],
)
@pytest.mark.parametrize("of", ["auth_url", "auth_secret"])
def test_paths_that_ask_for_no_password(settings: dict[str, str], guarded: set[str], of: str) -> None:
    notes = {"auth_url": "http://auth.elsewhere.test/"} if of == "auth_url" else {"auth_type": "basic", of: "users"}
    secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: users}\n"
    secret += "data: {auth: YTp7U0hBfTBEUGlLdU5JcnJWbUQ4SVVDdXcxaFF4TnFaYz0K}\n"
    paths = ("/", "/open", "/.well-known/acme-challenge")
    web = ingress("web", *paths, allowlist_source_range="10.0.0.0/8", **notes)
    clear = hosts(web, secret, config_map(**settings))[0]
    assert {route.match.path.path for route in clear.routes if route.policy.authorization is not None} == guarded
    assert all(route.policy.sources is not None for route in clear.routes)


def test_an_alias_serves_what_its_host_does_over_tls_too() -> None:
    made, found = running(
        ingress("web", server_alias="alias.test", tls=True),
        ingress("other", "/other", allowlist_source_range="10.0.0.0/8"),
    )
    _, secure = made.memo.hosts["alias.test"].hosts
    assert {route.match.path.path for route in secure.routes} == {"/", "/other"}
    assert [route.policy.sources is not None for route in secure.routes] == [True, False]
    assert [each.host for each in made.memo.hosts["alias.test"].certificates] == ["alias.test"]
    assert found == []


def test_an_alias_follows_its_host_and_yields_to_one_with_rules() -> None:
    made, _ = running(ingress("web", server_alias="alias.test"))
    assert len(made.memo.hosts["alias.test"].hosts[0].routes) == 1
    update = made.apply(objects(ingress("other", "/other")))
    assert len(made.memo.hosts["alias.test"].hosts[0].routes) == 2
    update = made.apply(objects(ingress("third", "/own", host="alias.test")))
    assert [route.match.path for route in made.memo.hosts["alias.test"].hosts[0].routes] == [SegmentPrefix("/own")]
    assert "ISTH0143" in codes(update.found)
    made.apply([], [_ref("third")])
    assert len(made.memo.hosts["alias.test"].hosts[0].routes) == 2
    made.apply([], [_ref("web")])
    assert "alias.test" not in made.memo.hosts


def _ref(name: str) -> ObjectRef:
    return ObjectRef("Ingress", "default", name)


@pytest.mark.parametrize(("host", "other"), [("a.test", "www.a.test"), ("www.a.test", "a.test")])
def test_www(host: str, other: str) -> None:
    clear, secure = hosts(ingress("web", host=host, from_to_www_redirect="true", tls=True), host=other)
    assert [sent(route) for route in clear.routes] == [(f"http://{host}:8080{{target}}", 308)]
    assert [sent(route) for route in secure.routes] == [(f"https://{host}:8443{{target}}", 308)]


def test_www_leaves_hosts_with_rules_and_aliases_alone() -> None:
    texts = (ingress("web", from_to_www_redirect="true"), ingress("other", host="www.a.test"))
    made, found = running(*texts)
    assert all(isinstance(route.action, Forward) for route in made.memo.hosts["www.a.test"].hosts[0].routes)
    assert codes(found) == ["ISTH0143"]
    texts = (ingress("web", from_to_www_redirect="true"), ingress("other", host="b.test", server_alias="www.a.test"))
    made, found = running(*texts)
    assert all(isinstance(route.action, Forward) for route in made.memo.hosts["www.a.test"].hosts[0].routes)
    assert codes(found) == ["ISTH0143"]


def test_a_host_of_canaries_only_leaves_room_for_an_alias() -> None:
    made, _ = running(ingress("web", server_alias="alias.test"), ingress("other", host="alias.test", canary="true"))
    routes = made.memo.hosts["alias.test"].hosts[0].routes
    assert [route.origin.ref.name for route in routes] == ["web"]
