"""Masters and minions: who is served, what minions inherit, and that nothing is served without its master."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from nginx_org_drafts import backend, policy, secret

from isthmus.dialects.dialect import Parts
from isthmus.dialects.ingress.annotations import draft
from isthmus.dialects.ingress.nginx_org import VOCABULARY
from isthmus.dialects.ingress.nginx_org.mergeable import TYPE, Member, merge
from isthmus.dialects.ingress.view import View
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import (
    Ingress,
    IngressHttp,
    IngressPath,
    IngressRule,
    IngressSpec,
    IngressTls,
    Meta,
)
from isthmus.kube.store import Lookup, Store

HOST = "cafe.example.com"
N = "nginx.org/"


def ingress(name: str, role: str | None, *paths: str, namespace: str = "default", **annotations: str) -> Ingress:
    """An Ingress of the host; underscores in the names of annotations become dashes."""
    given = {N + key.replace("_", "-"): value for key, value in annotations.items()}
    if role is not None:
        given[TYPE] = role
    http = IngressHttp(tuple(IngressPath(backend("tea"), path, "Prefix") for path in paths)) if paths else None
    spec = IngressSpec(rules=(IngressRule(HOST, http),))
    return Ingress(metadata=Meta(name, namespace, annotations=given), spec=spec)


def merged(*ingresses: Ingress) -> tuple[dict[str, Member], list[str]]:
    report = Report()
    members = [Member(each, Parts((0,))) for each in ingresses]
    found = merge(HOST, members, lambda _: True, report)
    return {each.ingress.metadata.name: each for each in found}, sorted(d.code.id for d in report.all())


def test_without_masters_and_minions_nothing_changes() -> None:
    members = [Member(ingress("a", None, "/"), Parts((0,))), Member(ingress("b", None, "/b"), Parts((0,)))]
    assert merge(HOST, members, lambda _: True, Report()) == tuple(members)


def test_minions_inherit_what_they_do_not_say() -> None:
    master = ingress("master", "master", proxy_read_timeout="5s", client_max_body_size="2m", hsts="true")
    tea = ingress("tea", "minion", "/tea", proxy_read_timeout="9s")
    found, codes = merged(master, tea)
    annotations = found["tea"].ingress.metadata.annotations
    assert annotations[N + "proxy-read-timeout"] == "9s"
    assert (annotations[N + "client-max-body-size"], annotations[N + "hsts"], codes) == ("2m", "true", [])
    assert found["master"].ingress == master


@pytest.mark.parametrize(
    "name",
    ["path_regex", "rewrite_target", "proxy_next_upstream", "proxy_redirect_from"],
)
def test_what_is_about_single_paths_is_not_inherited(name: str) -> None:
    found, _ = merged(ingress("master", "master", **{name: "x"}), ingress("tea", "minion", "/tea"))
    assert N + name.replace("_", "-") not in found["tea"].ingress.metadata.annotations


@pytest.mark.parametrize(("role", "name"), [("master", "rewrites"), ("minion", "hsts"), ("minion", "app_root")])
def test_what_does_not_count_for_a_role_is_reported(role: str, name: str) -> None:
    master = ingress("master", "master", **({name: "x"} if role == "master" else {}))
    tea = ingress("tea", "minion", "/tea", **({name: "x"} if role == "minion" else {}))
    found, codes = merged(master, tea)
    key = N + name.replace("_", "-")
    assert all(key not in member.ingress.metadata.annotations for member in found.values())
    assert codes == ["ISTH0184"]


def test_a_minion_without_a_master_is_not_served() -> None:
    found, codes = merged(ingress("tea", "minion", "/tea"), ingress("other", None, "/other"))
    assert (list(found), codes) == (["other"], ["ISTH0182"])


@pytest.mark.parametrize(
    ("bad", "left"),
    [
        (ingress("master", "master", "/"), []),
        (replace(ingress("master", "master"), spec=IngressSpec()), []),
        (ingress("tea", "minion"), ["master"]),
        (
            replace(
                ingress("tea", "minion", "/tea"),
                spec=replace(ingress("tea", "minion", "/tea").spec, tls=(IngressTls((HOST,), "x"),)),
            ),
            ["master"],
        ),
        (ingress("tea", "Minion", "/tea"), ["master"]),
        (ingress("tea", "", "/tea"), ["master"]),
    ],
)
def test_objects_that_are_not_what_they_say(bad: Ingress, left: list[str]) -> None:
    others = [ingress("master", "master"), ingress("tea", "minion", "/tea")]
    kept = [each for each in others if each.metadata.name != bad.metadata.name]
    found, codes = merged(bad, *kept)
    assert list(found) == left
    assert codes == (["ISTH0183"] if left else ["ISTH0182", "ISTH0183"])


def test_the_oldest_master_counts() -> None:
    first, second = ingress("a", "master", hsts="true"), ingress("b", "master", hsts="false")
    found, codes = merged(first, second, ingress("tea", "minion", "/tea"))
    assert (found["tea"].ingress.metadata.annotations[N + "hsts"], codes) == ("true", ["ISTH0185"])
    assert "b" not in found


def test_other_controllers_ingresses_stay_as_they_are() -> None:
    members = [Member(ingress("tea", "minion", "/tea"), Parts((0,)))]
    assert merge(HOST, members, lambda _: False, Report()) == tuple(members)


def test_a_minions_own_users_replace_the_masters() -> None:
    master = ingress("master", "master", basic_auth_secret="all", basic_auth_realm="All")
    tea = ingress("tea", "minion", "/tea", basic_auth_secret="tea")
    annotations = merged(master, tea)[0]["tea"].ingress.metadata.annotations
    assert annotations[N + "basic-auth-secret"] == "tea"
    assert N + "basic-auth-realm" not in annotations


def test_policies_of_both_are_listed() -> None:
    master = ingress("master", "master", namespace="front", policies="a, other/b")
    found, _ = merged(master, ingress("tea", "minion", "/tea", policies="c"), ingress("x", "minion", "/x"))
    assert found["tea"].ingress.metadata.annotations[N + "policies"] == "c,/,front/a,other/b"
    assert found["x"].ingress.metadata.annotations[N + "policies"] == "/,front/a,other/b"


def test_names_in_what_is_inherited_are_of_the_masters_namespace() -> None:
    master = ingress("master", "master", namespace="front", basic_auth_secret="users")
    found, _ = merged(master, ingress("tea", "minion", "/tea"))
    member = found["tea"]
    users = secret("users", "nginx.org/htpasswd", "front", htpasswd="ann:$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00")
    store = Store()
    store.apply([users])
    feature = next(each for each in VOCABULARY.features if N + "basic-auth-secret" in each.reads)
    report = Report()
    view = View(member.ingress, feature.annotations, report, Lookup(store), inherited=member.inherited)
    assert view.secret(N + "basic-auth-secret") == users
    assert (view.closed, report.all()) == (False, ())
    alone = View(member.ingress, feature.annotations, report, Lookup(store))
    assert alone.secret(N + "basic-auth-secret") is None
    assert alone.closed


def test_findings_about_what_is_inherited_are_the_masters() -> None:
    found, _ = merged(ingress("master", "master", client_max_body_size="x"), ingress("tea", "minion", "/tea"))
    member = found["tea"]
    feature = next(each for each in VOCABULARY.features if N + "client-max-body-size" in each.reads)
    report = Report()
    View(member.ingress, feature.annotations, report, inherited=member.inherited).size(N + "client-max-body-size", 0)
    assert [each.ref.name for each in report.all()] == ["master"]


def test_a_masters_policy_is_replaced_by_the_minions_of_the_same_kind() -> None:
    master = ingress("master", "master", policies="all")
    tea = ingress("tea", "minion", "/tea", policies="own")
    store = Store()
    wide = policy("{accessControl: {allow: ['0.0.0.0/0']}}", "all")
    store.apply([wide, policy("{accessControl: {allow: [10.0.0.0/8]}}", "own")])
    member = merged(master, tea)[0]["tea"]
    found = draft(VOCABULARY, member.ingress, "tea", Report(), Lookup(store), None)
    assert found.policy.sources is not None
    assert found.policy.sources.allow == ("10.0.0.0/8",)
