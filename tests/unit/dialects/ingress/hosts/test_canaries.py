"""canary-*: what the annotations say, and how a path is split between the main Ingress and its canaries."""

from __future__ import annotations

import pytest
from ingress_drafts import NONSENSE, drafted
from manifests import codes, objects, pipeline

from isthmus.dialects.ingress.draft import Canary, Word
from isthmus.dialects.ingress.nginx import canary
from isthmus.ir.action import Forward
from isthmus.ir.host import Route
from isthmus.ir.match import Condition

ON = {"canary": "true"}
SERVICES = "".join(
    f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n"
    for name in ("main", "one", "two")
)
INGRESS = """---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {{name: {name}, creationTimestamp: "2026-01-0{age}T00:00:00Z", annotations: {{{notes}}}}}
spec:
  ingressClassName: nginx
  rules: [{{host: a.test, http: {{paths: [{{path: {path}, pathType: {kind}, backend: {backend}}}]}}}}]
"""
BACKEND = "{{service: {{name: {name}, port: {{number: 80}}}}}}"
NO_ENDPOINTS = "ISTH0052"


def word(source: str, name: str, value: str, takes: bool, regex: bool = False) -> Word:
    return Word(Condition(source, name, value, regex), takes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ({}, None),
        ({"canary": "false"}, None),
        (ON, Canary()),
        ({**ON, "canary-weight": "20"}, Canary(weight=20)),
        ({**ON, "canary-weight": "20", "canary-weight-total": "1000"}, Canary(weight=20, total=1000)),
        ({**ON, "canary-weight": "5", "canary-weight-total": "10"}, Canary(weight=5, total=100)),
        ({**ON, "canary-weight": "300"}, Canary(weight=100)),
        (
            {**ON, "canary-by-header": "X-Canary"},
            Canary((word("header", "x-canary", "always", True), word("header", "x-canary", "never", False))),
        ),
        (
            {**ON, "canary-by-header": "X", "canary-by-header-value": "blue", "canary-by-cookie": "C"},
            Canary(
                (
                    word("header", "x", "blue", True),
                    word("cookie", "C", "always", True),
                    word("cookie", "C", "never", False),
                )
            ),
        ),
        (
            {**ON, "canary-by-header": "X", "canary-by-header-pattern": "^b"},
            Canary((word("header", "x", "(?s:.*)(?:^b)(?s:.*)", True, True),)),
        ),
        ({**ON, "affinity-canary-behavior": "legacy"}, Canary(sticky=False)),
    ],
)
def test_what_a_canary_takes(notes: dict[str, str], expected: Canary | None) -> None:
    found = drafted(canary.FEATURE, notes)
    assert (found.draft.canary, found.codes) == (expected, [])


def test_with_a_bad_pattern_who_has_the_header_stays() -> None:
    found = drafted(canary.FEATURE, {**ON, "canary-by-header": "X", "canary-by-header-pattern": "(?=a)"})
    assert found.draft.canary == Canary((word("header", "x", "(?s:.*)", False, True),))
    assert found.codes == ["ISTH0114"]
    assert "look ahead" in found.messages


@pytest.mark.parametrize("value", NONSENSE)
def test_a_weight_that_is_none_takes_nothing(value: str) -> None:
    found = drafted(canary.FEATURE, {**ON, "canary-weight": value})
    assert (found.draft.canary, found.codes) == (Canary(), ["ISTH0114"])


@pytest.mark.parametrize("key", ["canary-by-header", "canary-by-cookie"])
@pytest.mark.parametrize("value", ["", "a b", "a\r\nb: c", "\x00", "ä", "x" * 300, "a;b"])
def test_a_name_that_is_none_decides_nothing(key: str, value: str) -> None:
    found = drafted(canary.FEATURE, {**ON, key: value})
    assert (found.draft.canary, found.codes) == (Canary(), ["ISTH0114"])


@pytest.mark.parametrize("notes", [{"canary-weight": "20"}, {**ON, "canary-by-header-value": "x"}])
def test_half_a_canary_is_told(notes: dict[str, str]) -> None:
    assert drafted(canary.FEATURE, notes).codes == ["ISTH0147"]


def ingress(name: str, age: int, kind: str = "Prefix", path: str = "/", **notes: str) -> str:
    given = ", ".join(f'nginx.ingress.kubernetes.io/{key.replace("_", "-")}: "{text}"' for key, text in notes.items())
    return INGRESS.format(name=name, age=age, notes=given, path=path, kind=kind, backend=BACKEND.format(name=name))


def split(*texts: str) -> tuple[list[Route], list[str]]:
    """The routes of the HTTP listener in their order, and what was found."""
    running = pipeline()
    found = running.apply(objects(SERVICES + "".join(texts))).found
    hosts = running.memo.hosts["a.test"].hosts
    return list(hosts[0].routes if hosts else ()), codes(each for each in found if each.code.id != NO_ENDPOINTS)


def shares(route: Route) -> dict[str, int]:
    """Services and the weights that they have."""
    assert isinstance(route.action, Forward)
    found = {route.action.backend.service.service: route.action.weight}
    return found | {each.backend.service.service: each.weight for each in route.action.splits}


def test_weights_of_several_canaries_add_up() -> None:
    (route,), found = split(
        ingress("main", 3),
        ingress("one", 1, canary="true", canary_weight="20"),
        ingress("two", 2, canary="true", canary_weight="300", canary_weight_total="1000"),
    )
    assert (shares(route), found) == ({"main": 5, "one": 2, "two": 3}, [])


def test_weights_never_exceed_the_whole_and_the_older_canary_counts_first() -> None:
    (route,), _ = split(
        ingress("main", 3),
        ingress("two", 2, canary="true", canary_weight="100"),
        ingress("one", 1, canary="true", canary_weight="70"),
    )
    assert shares(route) == {"main": 0, "one": 7, "two": 3}


def test_headers_come_before_cookies_and_those_before_weights() -> None:
    routes, _ = split(
        ingress("main", 3),
        ingress("one", 1, canary="true", canary_by_cookie="c", canary_weight="50"),
        ingress("two", 2, canary="true", canary_by_header="h"),
    )
    asked = [[(each.source, each.value) for each in route.match.conditions] for route in routes]
    assert asked == [[("header", "always")], [("header", "never")], [("cookie", "always")], [("cookie", "never")], []]
    assert [shares(route) for route in routes] == [
        {"two": 1},
        {"main": 1, "one": 1},
        {"one": 1},
        {"main": 1},
        {"main": 1, "one": 1},
    ]


def test_with_affinity_what_a_client_got_comes_first() -> None:
    routes, found = split(
        ingress("main", 3, affinity="cookie", session_cookie_name="s"),
        ingress("one", 1, canary="true", canary_by_header="h", canary_weight="20"),
        ingress("two", 2, canary="true", canary_weight="30", affinity_canary_behavior="legacy"),
    )
    asked = [[(each.source, each.name) for each in route.match.conditions] for route in routes]
    assert asked == [[("cookie", "s-canary")]] * 2 + [[("header", "h")]] * 2 + [[]]
    assert [shares(route) for route in routes] == [
        {"main": 1},
        {"one": 1},
        {"one": 1},
        {"main": 7, "two": 3},
        {"main": 5, "one": 2, "two": 3},
    ]
    last = routes[-1].action
    assert isinstance(last, Forward)
    kept = [route.match.conditions[0].value for route in routes[:2]]
    assert [last.mark, *(each.mark for each in last.splits)] == [*kept, ""], "legacy keeps nobody"
    assert found == []


def test_path_and_path_type_must_be_the_same() -> None:
    for canary_at in ({"kind": "Exact"}, {"path": "/x"}):
        routes, found = split(ingress("main", 2), ingress("one", 1, canary="true", canary_weight="100", **canary_at))
        assert ([shares(route) for route in routes], found) == ([{"main": 1}], ["ISTH0140"])


def test_a_canary_alone_is_not_served() -> None:
    assert split(ingress("one", 1, canary="true", canary_weight="100")) == ([], ["ISTH0140"])


def test_the_mains_annotations_count_for_both() -> None:
    routes, found = split(
        ingress("main", 2, allowlist_source_range="10.0.0.0/8", proxy_read_timeout="7"),
        ingress("one", 1, canary="true", canary_by_header="h", proxy_read_timeout="9", load_balance="ewma"),
    )
    assert all(route.policy.sources is not None for route in routes)
    assert {route.action.idle_timeout_ms for route in routes if isinstance(route.action, Forward)} == {60_000}
    assert "ISTH0142" in found


@pytest.mark.parametrize(
    ("main", "given", "taken"),
    [
        ({}, {}, True),
        ({"allowlist_source_range": "10.0.0.0/8"}, {"allowlist_source_range": "10.0.0.0/8"}, True),
        ({}, {"allowlist_source_range": "10.0.0.0/8"}, False),
        ({"allowlist_source_range": "10.0.0.0/8"}, {"allowlist_source_range": "10.1.0.0/16"}, False),
        ({}, {"denylist_source_range": "nonsense"}, False),
        ({}, {"auth_type": "basic", "auth_secret": "missing"}, False),
        ({}, {"enable_modsecurity": "true"}, False),
        ({}, {"enable_modsecurity": "false"}, True),
    ],
)
def test_a_canary_that_is_stricter_than_its_main_takes_nothing(
    main: dict[str, str], given: dict[str, str], taken: bool
) -> None:
    routes, _ = split(ingress("main", 2, **main), ingress("one", 1, canary="true", canary_weight="100", **given))
    assert shares(routes[-1]) == ({"main": 0, "one": 1} if taken else {"main": 1})
