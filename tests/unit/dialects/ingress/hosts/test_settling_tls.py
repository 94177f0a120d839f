"""Several Ingresses of one host and its TLS: the oldest decides, the stricter counts, the loser is told."""

from __future__ import annotations

import pytest
from manifests import codes

from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.hosts.host_tls import Rule, settle
from isthmus.dialects.ingress.hosts.settled_tls import Settled
from isthmus.dialects.ingress.tls_asks import ClientAsk, TlsAsk
from isthmus.ir.action import Action, Forward, Redirect, Respond, SendTo
from isthmus.ir.authorization import Authorization
from isthmus.ir.backend import Backend, Protocol, ServicePortRef
from isthmus.ir.guard import ClientCertificates, Guard
from isthmus.ir.host import Origin, Route
from isthmus.ir.match import Match, SegmentPrefix, Shown
from isthmus.ir.policy import Edit, Policy, RateLimit, SourceRanges
from isthmus.kube.diagnostics import Report
from isthmus.kube.refs import ObjectRef

REQUIRED, OPTIONAL, UNJUDGED = ClientCertificates
OLD, YOUNG = ObjectRef("Ingress", "n", "old"), ObjectRef("Ingress", "n", "young")
PLACE = ServicePortRef("n", "web", 80)
KEY = "nginx.ingress.kubernetes.io/auth-tls-secret"
MUTUAL = ClientAsk(KEY, b"CA")
TO_WEB = Forward(Backend(PLACE, Protocol.HTTP2, tls=True, connect_timeout_ms=7))


def rule(ref: ObjectRef, ask: TlsAsk, path: str = "/", action: Action = TO_WEB, **policy: object) -> Rule:
    asked = Policy(**policy)  # type: ignore[arg-type]
    return Route(Match(SegmentPrefix(path)), action, Origin(ref), asked), Draft("web", host_tls=ask, policy=asked)


def asking(**client: object) -> TlsAsk:
    return TlsAsk(clients=ClientAsk(**{"key": KEY, "authorities": b"CA", **client}))  # type: ignore[arg-type]


def settled(*rules: Rule, host: str = "a.test", tls: bool = True) -> tuple[Settled, list[str]]:
    report = Report()
    return settle(host, rules, tls, report), codes(report.all())


def statuses(found: Settled, *rules: Rule) -> list[int | str]:
    """What each route does over TLS: 503, or goes on."""
    routes = found.over_tls(route for route, _ in rules)
    return [route.action.status if isinstance(route.action, Respond) else "on" for route in routes]


def test_nothing_asked_is_nothing_settled() -> None:
    assert settled(rule(OLD, TlsAsk()), rule(YOUNG, TlsAsk(), "/y")) == (Settled(), [])


@pytest.mark.parametrize(
    ("old", "young", "mode", "depth", "said"),
    [
        (asking(), TlsAsk(), REQUIRED, 1, []),
        (TlsAsk(), asking(), REQUIRED, 1, []),
        (asking(), asking(), REQUIRED, 1, []),
        (asking(mode=OPTIONAL), asking(), REQUIRED, 1, ["ISTH0127"]),
        (asking(), asking(mode=OPTIONAL), REQUIRED, 1, ["ISTH0127"]),
        (asking(mode=UNJUDGED), asking(mode=OPTIONAL), OPTIONAL, 1, ["ISTH0127"]),
        (asking(mode=None), asking(), REQUIRED, 1, ["ISTH0127"]),
        (asking(depth=3), asking(depth=2), REQUIRED, 2, ["ISTH0127"]),
    ],
)
def test_the_stricter_counts(old: TlsAsk, young: TlsAsk, mode: ClientCertificates, depth: int, said: list[str]) -> None:
    rules = rule(OLD, old), rule(YOUNG, young, "/y")
    found, told = settled(*rules)
    (tls,) = found.tls
    assert (tls.clients, tls.depth, tls.authorities, told) == (mode, depth, b"CA", said)
    assert found.guard == Guard("a.test", mode)
    assert 503 not in statuses(found, *rules)


@pytest.mark.parametrize(
    "young",
    [
        asking(authorities=b"other CA"),
        asking(revoked=b"some"),
        asking(authorities=b"other CA", mode=OPTIONAL),
        asking(authorities=b"other CA", mode=None),
        asking(subject="CN=y"),
    ],
)
def test_what_cannot_be_merged_closes_the_younger(young: TlsAsk) -> None:
    rules = rule(OLD, asking(subject="CN=x")), rule(YOUNG, young, "/y")
    found, told = settled(*rules)
    assert (statuses(found, *rules), told) == (["on", 503], ["ISTH0191"])
    assert [r.action.status for r in found.in_clear([rules[1][0]], 443) if isinstance(r.action, Respond)] == [503]


def test_a_younger_one_that_is_broken_closes_itself() -> None:
    rules = rule(OLD, asking()), rule(YOUNG, asking(authorities=b""), "/y")
    found, told = settled(*rules)
    assert (statuses(found, *rules), told) == (["on", 503], [])


@pytest.mark.parametrize("young", [TlsAsk(), asking(), asking(mode=None)])
def test_an_oldest_one_that_is_broken_closes_the_host(young: TlsAsk) -> None:
    rules = rule(OLD, asking(authorities=b"")), rule(YOUNG, young, "/y")
    found, told = settled(*rules)
    assert (statuses(found, *rules), told, found.tls) == ([503, 503], ["ISTH0192"], ())
    assert all(isinstance(route.action, Respond) for route in found.in_clear((route for route, _ in rules), 443))


@pytest.mark.parametrize(
    ("ask", "closed"),
    [
        (asking(), True),
        (asking(mode=OPTIONAL), False),
        (asking(mode=OPTIONAL, subject="CN=x"), True),
        (asking(mode=UNJUDGED), False),
        (asking(mode=None), False),
    ],
)
def test_without_tls_nobody_can_show_a_certificate(ask: TlsAsk, closed: bool) -> None:
    rules = rule(OLD, ask), rule(YOUNG, TlsAsk(), "/y")
    found, told = settled(*rules, tls=False)
    clear = found.in_clear((route for route, _ in rules), 443)
    assert [isinstance(route.action, Respond) for route in clear] == [closed, closed]
    assert told == (["ISTH0123", "ISTH0192"] if closed else [])
    assert found.guard is None


@pytest.mark.parametrize(
    ("ask", "closed"),
    [
        (asking(), True),
        (asking(authorities=b""), True),
        (asking(mode=None), False),
        (TlsAsk(ciphers=("AES128-SHA",), ciphers_key=KEY), True),
        (TlsAsk(passthrough=True), True),
    ],
)
def test_a_rule_for_every_host_has_no_handshake_of_its_own(ask: TlsAsk, closed: bool) -> None:
    rules = rule(OLD, ask), rule(YOUNG, TlsAsk(), "/y")
    found, told = settled(*rules, host="*")
    assert statuses(found, *rules) == [503 if closed else "on", "on"]
    assert (told, found.tls, found.guard) == (["ISTH0123"] if closed else [], (), None)


@pytest.mark.parametrize(
    ("mode", "verdicts"),
    [
        (REQUIRED, {None: "SUCCESS"}),
        (OPTIONAL, {Shown.VERIFIED: "SUCCESS", Shown.NOTHING: "NONE"}),
        (UNJUDGED, {Shown.VERIFIED: "SUCCESS", Shown.UNVERIFIED: "FAILED:untrusted", Shown.NOTHING: "NONE"}),
        (None, {None: "NONE"}),
    ],
)
@pytest.mark.parametrize("passed", [True, False])
def test_what_the_backend_is_told(
    mode: ClientCertificates | None, verdicts: dict[Shown | None, str], passed: bool
) -> None:
    rules = (rule(OLD, asking(mode=mode, pass_certificate=passed)),)
    found, _ = settled(*rules)
    told = {}
    for route in found.over_tls([rules[0][0]]):
        edits = route.policy.request_headers
        removed = {edit.name for edit in edits if edit.edit is Edit.REMOVE}
        assert removed == {f"ssl-client-{name}" for name in ("cert", "verify", "subject-dn", "issuer-dn")}
        (verdict,) = [edit.value for edit in edits if edit.name == "ssl-client-verify" and edit.edit is Edit.SET]
        told[route.match.certificate] = verdict[0]
        certificate = any(edit.name == "ssl-client-cert" and edit.edit is Edit.SET for edit in edits)
        assert certificate == (passed and verdict[0] != "NONE")
    assert told == verdicts


def test_in_clear_a_required_certificate_is_asked_for_over_tls() -> None:
    rules = rule(OLD, asking()), rule(YOUNG, TlsAsk(), "/y"), rule(OLD, asking(), "/s", SendTo(("x",)))
    found, _ = settled(*rules)
    clear = found.in_clear((route for route, _ in rules), 8443)
    assert [route.action for route in clear] == [Redirect(8443), Redirect(8443), SendTo(("x",))]


def test_in_clear_an_optional_certificate_is_none() -> None:
    rules = (rule(OLD, asking(mode=OPTIONAL)),)
    found, _ = settled(*rules)
    (clear,) = found.in_clear([rules[0][0]], 8443)
    assert clear.action == TO_WEB
    assert {edit.edit for edit in clear.policy.request_headers} == {Edit.REMOVE}


def test_subjects_hold_for_the_host_unless_only_the_younger_asks() -> None:
    def names(old: TlsAsk, young: TlsAsk) -> list[str]:
        rules = rule(OLD, old), rule(YOUNG, young, "/y")
        routes = settled(*rules)[0].over_tls(route for route, _ in rules)
        return [route.policy.authorization.common_name if route.policy.authorization else "" for route in routes]

    assert names(asking(subject="CN=x"), TlsAsk()) == ["CN=x", "CN=x"]
    assert names(asking(), asking(subject="CN=y")) == ["", "CN=y"]


def test_a_subject_joins_what_else_is_asked() -> None:
    rules = (rule(OLD, asking(subject="CN=x"), authorization=Authorization("there", any_of=True)),)
    (route,) = settled(*rules)[0].over_tls([rules[0][0]])
    assert route.policy.authorization == Authorization("there", any_of=True, common_name="CN=x")


def test_ciphers_of_the_oldest_count() -> None:
    rules = (
        rule(OLD, TlsAsk(ciphers=("A", "B"), ciphers_key=KEY)),
        rule(YOUNG, TlsAsk(ciphers=("C",), ciphers_key=KEY), "/y"),
    )
    found, told = settled(*rules)
    assert ([tls.ciphers for tls in found.tls], found.guard, told) == ([("A", "B")], None, ["ISTH0127"])


def test_passing_through() -> None:
    rules = rule(OLD, TlsAsk(passthrough=True)), rule(YOUNG, TlsAsk(), "/y")
    found, told = settled(*rules, tls=False)
    (tls,) = found.tls
    assert tls.passthrough == Backend(PLACE, connect_timeout_ms=7)
    assert (found.services, told) == ((PLACE,), ["ISTH0193"])
    assert found.over_tls(route for route, _ in rules) == []
    assert found.guard is not None  # nobody reaches the host by another one's connection


@pytest.mark.parametrize(
    "asked",
    [
        {"authorization": Authorization("x")},
        {"sources": SourceRanges(("10.0.0.0/8",))},
        {"limits": (RateLimit(1, 1),)},
    ],
)
def test_what_restricts_access_is_not_passed_around(asked: dict[str, object]) -> None:
    rules = (rule(OLD, TlsAsk(passthrough=True), **asked),)
    found, told = settled(*rules)
    assert (statuses(found, *rules), found.tls, told) == ([503], (), ["ISTH0123"])


def test_certificates_cannot_be_checked_on_the_way_through() -> None:
    rules = (rule(OLD, TlsAsk(clients=MUTUAL, passthrough=True)),)
    found, told = settled(*rules)
    assert (statuses(found, *rules), found.tls, told) == ([503], (), ["ISTH0123"])


def test_a_backend_that_is_closed_is_not_passed_through() -> None:
    rules = (rule(OLD, TlsAsk(passthrough=True), action=Respond(503, "no Service")),)
    found, _ = settled(*rules)
    assert (statuses(found, *rules), found.tls) == ([503], ())


@pytest.mark.parametrize("root", [True, False])
def test_only_the_path_of_everything_is_passed_through(root: bool) -> None:
    first = (rule(OLD, asking()),) if root else ()
    rules = (*first, rule(YOUNG, TlsAsk(passthrough=True), "/y"))
    found, told = settled(*rules)
    assert statuses(found, *rules) == [*(["on"] * root), 503]
    assert told == ["ISTH0123"]
    assert (found.guard is not None) == root
