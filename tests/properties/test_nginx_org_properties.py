"""Whatever stands in NGINX Inc's annotations: a Draft and printable findings come of it, never an exception, and what
restricts access never makes a path more open than without it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from nginx_org_drafts import backend, drafted

from isthmus.dialects.dialect import Parts
from isthmus.dialects.ingress.nginx_org import VOCABULARY
from isthmus.dialects.ingress.nginx_org.mergeable import TYPE, Member, merge
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Ingress, IngressHttp, IngressPath, IngressRule, IngressSpec, Meta

KEYS = sorted(VOCABULARY.known)
RESTRICTING = sorted(key for key, known in VOCABULARY.known.items() if known.restricts)
SIGNS = "/;:,${}~^()[]\\\"'#\n\r\x00\x7f%*+?|"
WORDS = ["serviceName=tea", "rewrite=", "$host", "${http_a}", "10r/s", "30s", "1m", "5xx", "off", "true", "hash"]
WORDS += ["consistent", "error", "timeout", "always", "add_header", "return", "X-A", "10.0.0.0/8", "tea", "path="]
PIECES = [*SIGNS, *WORDS]
VALUES = st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join))


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_any_annotations_make_a_draft(annotations: dict[str, str]) -> None:
    result = drafted(annotations, default="tea")
    assert result == drafted(annotations, default="tea")
    assert all(each.message.isprintable() and len(each.message) < 1_000 for each in result.found)


@given(st.sampled_from(RESTRICTING), VALUES)
def test_what_restricts_never_opens(key: str, value: str) -> None:
    result = drafted({key: value})
    without = drafted({}).policy
    stricter = result.policy != without or result.draft.host_tls != drafted({}).draft.host_tls
    assert result.draft.closed or stricter or result.draft == drafted({}).draft
    assert len(result.policy.limits) >= len(without.limits)


ROLES = st.sampled_from(["master", "minion", "Minion", "", None])


def member(index: int, role: str | None, paths: int, rules: int) -> Member:
    http = IngressHttp(tuple(IngressPath(backend("tea"), f"/{index}/{at}", "Prefix") for at in range(paths)))
    annotations = {} if role is None else {TYPE: role}
    spec = IngressSpec(rules=(IngressRule("a.test", http if paths else None),) * rules)
    return Member(Ingress(metadata=Meta(f"i{index}", "default", annotations=annotations), spec=spec), Parts((0,)))


@given(st.lists(st.tuples(ROLES, st.integers(0, 2), st.integers(0, 2)), max_size=6))
def test_minions_are_served_with_a_master_only(shapes: list[tuple[str | None, int, int]]) -> None:
    members = [member(index, *shape) for index, shape in enumerate(shapes)]
    found = merge("a.test", members, lambda _: True, Report())
    roles = [each.ingress.metadata.annotations.get(TYPE) for each in found]
    assert roles.count("master") <= 1
    assert "minion" not in roles or "master" in roles
    assert {"", "Minion"}.isdisjoint(roles)
    names = [each.ingress.metadata.name for each in found]
    assert names == sorted(names)
    assert {each.ingress.metadata.name for each in members if TYPE not in each.ingress.metadata.annotations} <= {*names}
