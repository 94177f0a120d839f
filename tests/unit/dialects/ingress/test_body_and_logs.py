"""proxy-body-size, enable-access-log and traces; the firewall and FastCGI, which are refused."""

from __future__ import annotations

import pytest
from ingress_drafts import drafted

from isthmus.dialects.ingress.annotations import Vocabulary, judge
from isthmus.dialects.ingress.nginx import VOCABULARY, body, fastcgi, observability, waf
from isthmus.kube.diagnostics import Report
from isthmus.kube.objects import Ingress, Meta

MIB = 1 << 20


@pytest.mark.parametrize(
    ("given", "settings", "size", "given_itself"),
    [
        ({}, None, MIB, False),
        ({"proxy-body-size": "8m"}, None, 8 * MIB, True),
        ({"proxy-body-size": "10K"}, None, 10_240, True),
        ({"proxy-body-size": "0"}, None, 0, True),
        ({"proxy-body-size": ""}, None, MIB, False),
        ({}, {"proxy-body-size": "2m"}, 2 * MIB, True),
        ({"proxy-body-size": "3m"}, {"proxy-body-size": "2m"}, 3 * MIB, True),
        ({"proxy-body-size": "9" * 15 + "g"}, None, 2**63 - 1, True),
    ],
)
def test_body_size(given: dict[str, str], settings: dict[str, str] | None, size: int, given_itself: bool) -> None:
    found = drafted(body.FEATURE, given, settings)
    assert (found.draft.policy.max_body_bytes, found.draft.body_limit_set) == (size, given_itself)
    assert found.codes == []


@pytest.mark.parametrize("value", ["8b", "-1", "1.5m", "m", "9" * 40, "1m\r\n2m", "\x00", "$size", "٣m"])
def test_a_size_that_is_none_is_the_default(value: str) -> None:
    found = drafted(body.FEATURE, {"proxy-body-size": value})
    assert (found.draft.policy.max_body_bytes, found.codes) == (MIB, ["ISTH0114"])


def test_a_trace_that_is_not_trusted_does_not_reach_the_backend() -> None:
    found = drafted(observability.FEATURE, {"opentelemetry-trust-incoming-span": "false"})
    assert {edit.name for edit in found.draft.policy.request_headers} >= {"traceparent", "tracestate", "b3"}
    assert (
        drafted(observability.FEATURE, {"opentelemetry-trust-incoming-span": "true"}).draft.policy.request_headers == ()
    )


def closes(vocabulary: Vocabulary, name: str, value: str) -> bool:
    annotations = {f"nginx.ingress.kubernetes.io/{name}": value}
    return judge(vocabulary, (), Ingress(metadata=Meta("i", "shop", annotations=annotations)), Report())


@pytest.mark.parametrize("name", [each.name for each in (*waf.FEATURE.annotations, *fastcgi.FEATURE.annotations)])
@pytest.mark.parametrize("value", ["true", "nonsense", "x" * 70_000, "\x00"])
def test_what_envoy_does_not_have_closes(name: str, value: str) -> None:
    assert closes(VOCABULARY, name, value)


@pytest.mark.parametrize("name", ["enable-modsecurity", "enable-owasp-core-rules"])
def test_a_firewall_that_is_switched_off_asks_for_nothing(name: str) -> None:
    assert not closes(VOCABULARY, name, "false")
