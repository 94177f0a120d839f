"""The ADS session, event by event: make before break, refusals, reconnects, certificates by SNI."""

from __future__ import annotations

from isthmus.machines.ads import MOST_BY_WILDCARD, MOST_BYTES, Rejected, Request, Session, Synced, WakeAt
from isthmus.machines.snapshot import Snapshot
from isthmus.machines.subscription import Send
from isthmus.xds import api
from isthmus.xds.closed import emit_closed
from isthmus.xds.resources import CLUSTER, ENDPOINTS, LISTENER, SCOPE, SECRET, Change, Resource, resource, version_of
from isthmus.xds.stamp import stamped

C, E, L, S = CLUSTER, ENDPOINTS, LISTENER, SCOPE
WEB = "default/web/80/http1"


def change(kind: str, name: str, body: bytes | None = b"1") -> Change:
    return Change(kind, name, Resource(kind, name, body, version_of(body)) if body is not None else None)


class Envoy:
    """Plays Envoy's side: acknowledges what it is sent, unless told to refuse it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.state: dict[tuple[str, str], str] = {}
        self.log: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = []
        self.said: list[object] = []
        self.answered: list[Send] = []
        self.refuses: set[bytes] = set()
        self.now = 0.0
        self.connect()

    def connect(self) -> None:
        self.session = Session(self.snapshot)
        self.pending: list[Send] = []

    def ask(self, kind: str, *subscribe: str, initial: bool = False) -> None:
        known = {name: version for (each, name), version in self.state.items() if each == kind}
        self.take(self.session.request(Request(kind, subscribe, (), known if initial else {}), self.now))

    def take(self, effects: object) -> None:
        for effect in effects:  # type: ignore[attr-defined]
            (self.pending if isinstance(effect, Send) else self.said).append(effect)

    def publish(self, *changes: Change) -> None:
        self.take(self.session.published(self.snapshot.apply(changes), self.now))

    def answer(self) -> Send:
        send = self.pending.pop(0)
        self.answered.append(send)
        self.log.append((send.type_url, tuple(r.name for r in send.resources), send.removed))
        bad = [r.name for r in send.resources if r.body.startswith(tuple(self.refuses))]
        if not bad:
            self.state |= {(send.type_url, r.name): r.version for r in send.resources}
            for name in send.removed:
                self.state.pop((send.type_url, name), None)
        error = f"bad {bad[0]}" if bad else None
        self.take(self.session.request(Request(send.type_url, nonce=send.nonce, error=error), self.now))
        return send

    def settle(self) -> None:
        """Answer everything; subscribe to the endpoints of new clusters as Envoy does."""
        for _ in range(1_000):
            if not self.pending:
                return
            send = self.answer()
            if send.type_url == C:
                new = [r.name for r in send.resources if (E, r.name) not in self.state and (C, r.name) in self.state]
                if new:
                    self.ask(E, *new)
        raise AssertionError(f"it never comes to rest: {self.log[-3:]}")

    def start(self) -> None:
        for kind in (C, L, S):
            self.ask(kind, initial=True)
        self.settle()


def ready(*changes: Change) -> Envoy:
    snapshot = Snapshot()
    snapshot.apply(changes)
    envoy = Envoy(snapshot)
    envoy.start()
    envoy.log.clear()
    return envoy


FULL = (change(C, WEB), change(E, WEB), change(L, "http"), change(S, "http/a"), change(S, "http/b"))


def test_first_contact_sends_each_type_once_and_scopes_last() -> None:
    snapshot = Snapshot()
    snapshot.apply(FULL)
    envoy = Envoy(snapshot)
    envoy.start()
    assert [kind for kind, _, _ in envoy.log] == [C, E, L, S]
    assert envoy.log[-1][1] == ("http/a", "http/b")
    assert envoy.said[-1] == Synced(snapshot.version)


def test_an_empty_snapshot_is_answered_so_that_envoy_starts() -> None:
    envoy = Envoy(Snapshot())
    envoy.start()
    assert [kind for kind, _, _ in envoy.log] == [C, L, S]
    assert all(not names and not removed for _, names, removed in envoy.log)


def test_one_change_is_one_resource() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(S, "http/b", b"2"))
    envoy.settle()
    assert envoy.log == [(S, ("http/b",), ())]
    assert envoy.said[-1] == Synced(envoy.snapshot.version)


def test_a_few_changes_go_one_by_one_and_many_together() -> None:
    envoy = ready(*FULL)
    envoy.publish(*(change(S, f"http/{n}") for n in range(3)))
    envoy.settle()
    assert [names for _, names, _ in envoy.log] == [("http/0",), ("http/1",), ("http/2",)]
    envoy.log.clear()
    envoy.publish(*(change(S, f"http/{n}", b"2") for n in range(50)))
    envoy.settle()
    assert [len(names) for _, names, _ in envoy.log] == [50]


def test_a_scope_waits_for_its_new_cluster_and_its_endpoints() -> None:
    envoy = ready(*FULL)
    new = "default/new/80/h2"
    envoy.publish(change(S, "http/c"), change(C, new), change(E, new))
    assert envoy.answer().type_url == C
    assert envoy.pending == []  # the scope waits for the endpoints of the cluster
    envoy.ask(E, new)
    assert envoy.answer().type_url == E
    assert [send.type_url for send in envoy.pending] == [S]


def test_a_scope_does_not_wait_for_ever() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(S, "http/c"), change(C, "default/new/80/h2"))
    envoy.answer()
    wake = next(effect for effect in reversed(envoy.said) if isinstance(effect, WakeAt))
    envoy.take(envoy.session.tick(wake.time))
    assert [send.type_url for send in envoy.pending] == [S]


def test_a_cluster_goes_after_the_scopes_that_used_it() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(C, WEB, None), change(E, WEB, None), change(S, "http/a", b"2"))
    envoy.settle()
    assert envoy.log == [(S, ("http/a",), ()), (C, (), (WEB,))]


def test_a_cluster_with_a_dns_name_waits_for_no_endpoints() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(S, "http/c"), change(C, "default/out/80/http1@x.test"))
    envoy.answer()
    assert [send.type_url for send in envoy.pending] == [S]


def test_a_refused_change_is_named_and_not_sent_again() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/a", b"bad"), change(S, "http/b", b"2"))
    envoy.settle()
    assert Rejected(S, "http/a", "bad http/a") in envoy.said
    assert envoy.state[S, "http/b"] == version_of(b"2")
    assert envoy.state[S, "http/a"] == version_of(b"1")
    envoy.log.clear()
    envoy.publish(change(S, "http/b", b"3"))
    envoy.settle()
    assert envoy.log == [(S, ("http/b",), ())]
    envoy.publish(change(S, "http/a", b"good"))
    envoy.settle()
    assert envoy.state[S, "http/a"] == version_of(b"good")


def test_the_culprit_of_a_large_refused_response_is_found() -> None:
    snapshot = Snapshot()
    snapshot.apply(change(S, f"http/{n}", b"bad" if n in (3, 77) else b"1") for n in range(100))
    envoy = Envoy(snapshot)
    envoy.refuses = {b"bad"}
    envoy.start()
    assert {effect.name for effect in envoy.said if isinstance(effect, Rejected)} == {"http/3", "http/77"}
    good = [key for key, version in envoy.state.items() if version == version_of(b"1")]
    closed = [name for _, name in envoy.state.keys() - set(good)]
    assert (len(good), sorted(closed)) == (98, ["http/3", "http/77"])
    assert envoy.said[-1] == Synced(snapshot.version)


def test_a_fresh_envoy_gets_the_last_accepted_version_of_what_was_refused() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/a", b"bad"))
    envoy.settle()
    envoy.state.clear()
    envoy.connect()
    envoy.start()
    assert envoy.state[S, "http/a"] == version_of(b"1")


def test_what_is_refused_before_it_has_a_good_version_is_closed_until_it_changes() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/new", b"bad"))
    envoy.settle()
    assert envoy.state[S, "http/new"] == emit_closed("http/new").version
    envoy.publish(change(S, "http/new", b"good"))
    envoy.settle()
    assert envoy.state[S, "http/new"] == version_of(b"good")


def test_a_good_version_from_before_a_restart_is_not_closed() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.snapshot = Snapshot()
    envoy.snapshot.apply([*FULL[:3], change(S, "http/a", b"bad"), change(S, "http/b", b"bad"), FULL[4]])
    envoy.connect()
    envoy.start()
    assert envoy.state[S, "http/a"] == envoy.state[S, "http/b"] == version_of(b"1")


def test_a_cluster_that_a_refused_scope_may_lead_to_stays_until_the_scope_is_good() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/a", b"bad"), change(C, WEB, None), change(E, WEB, None))
    envoy.settle()
    assert (C, WEB) in envoy.state
    assert envoy.said[-1] == Synced(envoy.snapshot.version)
    envoy.publish(change(S, "http/a", b"good"))
    envoy.settle()
    assert (C, WEB) not in envoy.state


def test_what_was_refused_before_a_restart_is_not_tried_again() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/a", b"bad"))
    envoy.settle()
    refused, envoy.snapshot = envoy.snapshot.refusals(), Snapshot()
    envoy.snapshot.apply([*FULL[:3], change(S, "http/a", b"bad"), FULL[4]])
    assert [each.name for each in envoy.snapshot.remember(refused)] == ["http/a"]
    envoy.log.clear()
    envoy.connect()
    envoy.start()
    assert [names for _, names, _ in envoy.log] == [(), (), ()]
    envoy.state.clear()
    envoy.connect()
    envoy.start()
    assert envoy.state[S, "http/a"] == version_of(b"1")


def test_a_reconnect_sends_only_what_differs() -> None:
    envoy = ready(*FULL)
    envoy.connect()
    envoy.snapshot.apply([change(S, "http/a", b"2"), change(S, "http/b", None)])
    for kind in (C, L, S):
        envoy.ask(kind, initial=True)
    envoy.ask(E, WEB, initial=True)
    envoy.settle()
    sent = [entry for entry in envoy.log if entry[1] or entry[2]]
    assert sent == [(S, ("http/a",), ("http/b",))] or sent == [(S, ("http/a",), ()), (S, (), ("http/b",))]


def test_certificates_are_found_by_sni() -> None:
    envoy = ready(change(SECRET, "a.test"), change(SECRET, "*.w.test", b"2"))
    for sni, body in (("A.test", b"1"), ("x.w.test", b"2")):
        envoy.ask(SECRET, sni)
        send = envoy.answer()
        assert send.resources[0].name == sni
        assert send.resources[0].body.endswith(body)


def test_an_unknown_sni_is_refused_at_once_and_forgotten() -> None:
    envoy = ready()
    for number in range(100):
        envoy.ask(SECRET, f"flood-{number}.test")
        assert envoy.answer().removed == (f"flood-{number}.test",)
    assert envoy.session._types[SECRET].wanted == set()


def test_a_rotated_certificate_goes_to_those_who_asked() -> None:
    envoy = ready(change(SECRET, "a.test"))
    envoy.ask(SECRET, "a.test")
    envoy.settle()
    envoy.log.clear()
    envoy.publish(change(SECRET, "a.test", b"new"), change(SECRET, "b.test"))
    envoy.settle()
    assert envoy.log == [(SECRET, ("a.test",), ())]


def test_a_type_that_is_not_served_is_answered_with_nothing() -> None:
    envoy = ready()
    envoy.ask("type.googleapis.com/x.Y", "z")
    assert envoy.pending[-1].removed == ("z",)


def test_a_refusal_costs_no_second_response_when_envoy_kept_the_last_good() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(S, "http/a", b"bad"))
    envoy.settle()
    assert envoy.log == [(S, ("http/a",), ())]
    assert envoy.said[-1] == Synced(envoy.snapshot.version)


def test_a_removal_that_came_with_a_refused_resource_is_made_all_the_same() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    many = (change(S, f"http/{n}", b"bad" if n == 5 else b"1") for n in range(20))
    envoy.publish(*many, change(S, "http/b", None))
    envoy.settle()
    assert (S, "http/b") not in envoy.state
    assert envoy.state[S, "http/5"] == emit_closed("http/5").version
    assert len([name for kind, name in envoy.state if kind == S]) == 1 + 20


def test_a_scope_never_comes_twice_with_the_same_bytes() -> None:
    """Envoy skips what it knows from a response that it refused, though it does not serve it."""
    envoy = ready(*FULL)
    for _ in range(2):
        envoy.state.clear()
        envoy.now += 1
        envoy.connect()
        envoy.start()
    bodies = [(each.name, each.body) for send in envoy.answered for each in send.resources if each.type_url == S]
    assert len({*bodies}) == len(bodies) == 6
    merged = api.ScopedRouteConfiguration.FromString(stamped(resource(S, "x", scope()), "s").body)
    assert merged.route_configuration.virtual_hosts == scope().route_configuration.virtual_hosts
    assert (merged.name, merged.route_configuration.name) == ("x", "r")


def scope() -> api.ScopedRouteConfiguration:
    routes = {"name": "r", "virtual_hosts": [{"name": "h", "domains": ["*"]}]}
    return api.ScopedRouteConfiguration(name="x", route_configuration=routes)


def test_what_another_envoy_accepted_is_not_forced_on_one_that_refuses_it() -> None:
    one = ready(*FULL)
    picky = Envoy(one.snapshot)
    picky.refuses = {b"new"}
    picky.start()
    effective = one.snapshot.apply([change(S, "http/a", b"new")])
    for envoy in (one, picky):
        envoy.take(envoy.session.published(effective, envoy.now))
        envoy.settle()
    assert one.state[S, "http/a"] == version_of(b"new")
    assert picky.state[S, "http/a"] == version_of(b"1")
    assert len([entry for entry in picky.log if entry == (S, ("http/a",), ())]) == 1


def test_going_back_before_it_was_sent_completes_that_version_too() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(S, "http/b", b"2"))
    envoy.said.clear()
    envoy.publish(change(S, "http/b", b"1"))
    envoy.settle()
    assert envoy.state[S, "http/b"] == version_of(b"1")
    assert envoy.said == [Synced(envoy.snapshot.version)]


def test_a_large_first_answer_is_split() -> None:
    snapshot = Snapshot()
    snapshot.apply(change(S, f"http/{n}", b"%d" % n + b"." * (MOST_BYTES // 4)) for n in range(20))
    snapshot.apply([change(S, "http/huge", b"." * (2 * MOST_BYTES))])
    envoy = Envoy(snapshot)
    envoy.start()
    assert [len(names) for kind, names, _ in envoy.log if kind == S][:4] == [3, 3, 3, 3]
    assert len(envoy.state) == 21


def test_a_changed_cluster_gets_its_endpoints_again() -> None:
    """Envoy waits for them before it uses the cluster, and does not ask."""
    envoy = ready(*FULL)
    envoy.publish(change(C, WEB, b"2"), change(S, "http/a", b"2"))
    envoy.settle()
    assert envoy.log == [(C, (WEB,), ()), (E, (WEB,), ()), (S, ("http/a",), ())]


def test_a_cluster_that_changed_while_away_gets_its_endpoints_again() -> None:
    envoy = ready(*FULL)
    envoy.connect()
    envoy.snapshot.apply([change(C, WEB, b"2")])
    for kind, names in ((C, ()), (E, (WEB,)), (L, ()), (S, ())):
        envoy.ask(kind, *names, initial=True)
    envoy.settle()
    assert [entry for entry in envoy.log if entry[1]] == [(C, (WEB,), ()), (E, (WEB,), ())]


def test_a_cluster_without_endpoints_is_told_so() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(C, "n/none/80/h2"))
    envoy.settle()
    assert envoy.log == [(C, ("n/none/80/h2",), ()), (E, ("n/none/80/h2",), ())]
    envoy.log.clear()
    envoy.publish(change(E, WEB, None))
    sent = envoy.answer().resources[0]
    assert sent.body == api.ClusterLoadAssignment(cluster_name=WEB).SerializeToString()


def test_after_a_restart_nothing_is_removed_before_the_scopes_are_right() -> None:
    envoy = ready(*FULL)
    envoy.connect()
    envoy.snapshot.apply([change(C, WEB, None), change(E, WEB, None), change(S, "http/a", b"2")])
    for kind, names in ((C, ()), (E, (WEB,)), (L, ()), (S, ())):
        envoy.ask(kind, *names, initial=True)
    envoy.settle()
    assert [entry for entry in envoy.log if entry[1] or entry[2]] == [(S, ("http/a",), ()), (C, (), (WEB,))]


def test_after_a_restart_an_envoy_without_scopes_is_not_waited_for_for_ever() -> None:
    envoy = ready(*FULL)
    envoy.connect()
    envoy.snapshot.apply([change(C, WEB, None)])
    envoy.said.clear()
    envoy.ask(C, initial=True)
    envoy.settle()
    assert (C, WEB) in envoy.state
    (wake,) = [effect for effect in envoy.said if isinstance(effect, WakeAt)]
    envoy.take(envoy.session.tick(wake.time))
    envoy.settle()
    assert (C, WEB) not in envoy.state


def test_an_alarm_that_rings_early_is_set_again() -> None:
    envoy = ready(*FULL)
    envoy.said.clear()
    envoy.publish(change(S, "http/c"), change(C, "default/new/80/h2"))
    envoy.answer()
    (wake,) = [effect for effect in envoy.said if isinstance(effect, WakeAt)]
    assert envoy.session.tick(wake.time - 0.001) == (wake,)


def test_several_certificates_are_answered_together() -> None:
    envoy = ready(*(change(SECRET, f"{n}.test") for n in range(3)))
    envoy.ask(SECRET, "0.test", "1.test", "2.test", "none.test")
    envoy.settle()
    assert envoy.log == [(SECRET, ("0.test", "1.test", "2.test"), ("none.test",))]
    envoy.log.clear()
    envoy.publish(*(change(SECRET, f"{n}.test", b"2") for n in range(3)))
    envoy.settle()
    assert envoy.log == [(SECRET, ("0.test", "1.test", "2.test"), ())]


def test_a_refused_certificate_is_named_by_its_host() -> None:
    envoy = ready(change(SECRET, "*.w.test"))
    envoy.refuses = {b"\n\x08x.w.testbad"}
    envoy.ask(SECRET, "x.w.test")
    envoy.settle()
    envoy.publish(change(SECRET, "*.w.test", b"bad"))
    envoy.settle()
    assert Rejected(SECRET, "*.w.test", "bad x.w.test") in envoy.said
    assert envoy.state[SECRET, "x.w.test"] == version_of(b"1")


def test_names_under_a_wildcard_are_taken_back_beyond_a_limit() -> None:
    envoy = ready(change(SECRET, "*.w.test"), change(SECRET, "a.test"))
    envoy.ask(SECRET, "a.test")
    envoy.settle()
    for number in range(MOST_BY_WILDCARD + 5):
        envoy.ask(SECRET, f"{number}.w.test")
        envoy.settle()
    held = {name for kind, name in envoy.state if kind == SECRET}
    assert len(held) == MOST_BY_WILDCARD + 1
    assert "a.test" in held and "5.w.test" in held and "4.w.test" not in held
    envoy.ask(SECRET, "4.w.test")
    envoy.settle()
    assert (SECRET, "4.w.test") in envoy.state and (SECRET, "5.w.test") not in envoy.state


def test_names_under_a_wildcard_that_envoy_brings_along_count_too() -> None:
    envoy = ready(change(SECRET, "*.w.test"))
    names = [f"{number}.w.test" for number in range(MOST_BY_WILDCARD)]
    envoy.ask(SECRET, *names)
    envoy.settle()
    envoy.connect()
    envoy.ask(SECRET, *names, initial=True)
    envoy.settle()
    envoy.ask(SECRET, "one-more.w.test")
    envoy.settle()
    assert len(envoy.state) == MOST_BY_WILDCARD
    assert (SECRET, "one-more.w.test") in envoy.state


def test_what_was_refused_is_tried_again_when_it_comes_back() -> None:
    envoy = ready(*FULL)
    for body in (b"bad", b"2", b"bad"):
        envoy.refuses = {b"bad"} if body == b"bad" and not envoy.log else set()
        envoy.publish(change(S, "http/a", body))
        envoy.settle()
    assert envoy.state[S, "http/a"] == version_of(b"bad")


def test_of_a_refused_response_envoy_may_have_taken_some() -> None:
    """Clusters are taken one by one: the one that went back to what it was before must be said again."""
    envoy = ready(*FULL, change(C, "n/b/80/h2@b.test"))
    envoy.connect()
    envoy.refuses = {b"bad"}
    envoy.snapshot.apply([change(C, WEB, b"2"), change(C, "n/b/80/h2@b.test", b"bad")])
    envoy.ask(C, initial=True)
    envoy.publish(change(C, WEB))
    envoy.settle()
    assert ((C, (WEB,), ())) in envoy.log


def test_a_cluster_goes_even_when_the_scopes_turn_out_to_need_nothing() -> None:
    envoy = ready(*FULL)
    envoy.publish(change(S, "http/a", b"2"))
    envoy.publish(change(S, "http/a", b"3"))
    envoy.publish(change(S, "http/a", b"2"), change(C, WEB, None))
    envoy.settle()
    assert envoy.log == [(S, ("http/a",), ()), (C, (), (WEB,))]


def test_who_asks_again_while_a_refusal_is_under_way_is_answered() -> None:
    envoy = ready(*FULL)
    envoy.refuses = {b"bad"}
    envoy.publish(change(E, WEB, b"bad"))
    del envoy.state[E, WEB]
    envoy.ask(E, WEB)
    envoy.settle()
    assert envoy.state[E, WEB] == version_of(b"1")


def test_a_refusal_is_told_once_however_many_envoys_refuse() -> None:
    snapshot = Snapshot()
    snapshot.apply(FULL)
    envoys = Envoy(snapshot), Envoy(snapshot)
    for envoy in envoys:
        envoy.refuses = {b"bad"}
        envoy.start()
    effective = snapshot.apply([change(S, "http/a", b"bad")])
    for envoy in envoys:
        envoy.take(envoy.session.published(effective, envoy.now))
    for envoy in envoys:
        envoy.settle()
    assert [len([each for each in envoy.said if isinstance(each, Rejected)]) for envoy in envoys] == [1, 0]
