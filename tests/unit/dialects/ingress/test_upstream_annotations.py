"""service-upstream, upstream-vhost, x-forwarded-prefix, connection-proxy-header."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted
from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx.upstream import FEATURE
from isthmus.dialects.ingress.view import View
from isthmus.ir.policy import HeaderEdit
from isthmus.ir.template import Of, Template, Variable

HOST, PREFIX, ADDRESS, CONNECTION = (
    "upstream-vhost",
    "x-forwarded-prefix",
    "service-upstream",
    "connection-proxy-header",
)


def _rewrite(_: View, draft: Draft) -> Draft:
    return replace(draft, rewrite="/$1")


REWRITES = Feature("rewrites", "", (), _rewrite, always=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("inner.test", ("inner.test",)),
        ("inner.test:8080", ("inner.test:8080",)),
        ("$host", (Variable(Of.HOST),)),
        ("$http_x_tenant.inner.test", (Variable(Of.HEADER, "x-tenant"), ".inner.test")),
        ("$service_name.$namespace.svc.cluster.local", ("web.shop.svc.cluster.local",)),
        ("", ()),
    ],
)
def test_hosts(value: str, expected: Template) -> None:
    found = drafted(FEATURE, {HOST: value})
    assert (found.draft.host, found.codes) == (expected, [])


@pytest.mark.parametrize(
    "value",
    [
        *(value for value in NONSENSE if value.strip() and value not in ("nonsense", "1e3", "nil")),
        "a b",
        "a/b",
        "http://a",
        "$nothing.test",
        "a.test\r\nx: y",
        "ä.test",
        "-a",
    ],
)
def test_hosts_that_are_none_leave_the_clients(value: str) -> None:
    found = drafted(FEATURE, {HOST: value})
    assert (found.draft.host, found.draft.closed, found.codes) == ((), False, ["ISTH0114"])


def test_the_prefix_counts_with_a_rewrite_only() -> None:
    found = drafted((REWRITES, FEATURE), {PREFIX: "/shop"})
    assert found.draft.policy.request_headers == (HeaderEdit("x-forwarded-prefix", ("/shop",)),)
    assert found.codes == []
    alone = drafted(FEATURE, {PREFIX: "/shop"})
    assert (alone.draft.policy.request_headers, alone.codes) == ((), ["ISTH0150"])
    assert drafted((REWRITES, FEATURE), {PREFIX: ""}).draft.policy.request_headers == ()


@pytest.mark.parametrize("value", ["$host", "/a b", "/a\r\nx: y", "\x00", "/ä", "/" + "x" * 2_000, "/%2e", '/"'])
def test_prefixes_that_are_none(value: str) -> None:
    found = drafted((REWRITES, FEATURE), {PREFIX: value})
    assert (found.draft.policy.request_headers, found.codes) == ((), ["ISTH0114"])


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False), ("", False), ("on", False)])
def test_the_services_own_address(value: str, expected: bool) -> None:
    found = drafted(FEATURE, {ADDRESS: value})
    assert (found.draft.cluster_ip, bool(found.codes)) == (expected, value in ("", "on"))
    assert drafted(FEATURE, {}, {"service-upstream": "true"}).draft.cluster_ip
    assert not drafted(FEATURE, {ADDRESS: "false"}, {"service-upstream": "true"}).draft.cluster_ip


@pytest.mark.parametrize("value", ["keep-alive", "close, X-A"])
def test_connection_changes_nothing(value: str) -> None:
    found = drafted(FEATURE, {CONNECTION: value})
    assert (found.draft, found.codes) == (Draft("web"), [])
    assert drafted(FEATURE, {CONNECTION: "a\r\nb"}).codes == ["ISTH0114"]
