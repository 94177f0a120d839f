"""What one request does not show: bursts, shares, stickiness, copies, retries, large bodies; nginx beside Isthmus."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection

import pytest
from gateways import SECONDS, ask_with_body
from replay_pair import Pair, ask_both

from isthmus.replay.answer import Answer
from isthmus.replay.request import Recorded

MIB = 1024 * 1024


def get(host: str, target: str, *headers: tuple[str, str]) -> Recorded:
    return Recorded("GET", f"{host}.replay.test", target, headers)


def servers(answers: Sequence[Answer]) -> Counter[str]:
    """How often each server answered; refusals count by their status."""
    return Counter(json.loads(each.body)["server"] if each.status == 200 else str(each.status) for each in answers)


@pytest.mark.parametrize(
    ("path", "let_in"),
    [
        pytest.param("/second", 1 + 2 * 3, id="limit-rps 2, multiplier 3"),
        pytest.param("/minute", 1 + 6 * 5, id="limit-rpm 6, multiplier 5 by default"),
    ],
)
def test_a_burst_is_let_in_up_to_the_same_number(pair: Pair, path: str, let_in: int) -> None:
    """nginx counts by a leaky bucket, Envoy by tokens: equal at once, and one more or less while time passes."""
    for answers in ask_both(pair, [get("limits", f"{path}?burst")] * 60, at_once=True):
        counted = Counter(each.status for each in answers)
        assert set(counted) == {200, 503}
        # The family's own request may have come before.
        assert let_in - 2 <= counted[200] <= let_in + 3, counted


def test_requests_at_one_time(pair: Pair) -> None:
    slow = get("limits", "/together?slow", ("x-web-delay-ms", "700"))
    for answers in ask_both(pair, [slow] * 6, at_once=True):
        assert Counter(each.status for each in answers) == {200: 2, 503: 4}


@pytest.mark.parametrize(("path", "low", "high"), [("/half", 0.35, 0.65), ("/fifth", 0.1, 0.3)])
def test_the_share_of_a_canary(pair: Pair, path: str, low: float, high: float) -> None:
    """300 requests: further off than five standard deviations at a half, and than four at a fifth."""
    for answers in ask_both(pair, [get("canary", path)] * 300):
        counted = servers(answers)
        assert set(counted) == {"web", "canary"}
        assert low < counted["canary"] / 300 < high, counted


@pytest.mark.parametrize(
    ("host", "cookie"),
    [("pool-sessions", "INGRESSCOOKIE"), ("persistent-sessions", "route")],
)
def test_a_cookie_keeps_a_client_on_its_server(pair: Pair, host: str, cookie: str) -> None:
    for number, (first,) in enumerate(ask_both(pair, [get(host, "/app")])):
        value = next(each for each in first.values("set-cookie") if each.startswith(f"{cookie}="))
        again = [get(host, "/app/again", ("cookie", value.partition(";")[0]))] * 12
        answers = ask_both(pair, again)[number]
        assert servers(answers) == Counter({json.loads(first.body)["server"]: 12})


@pytest.mark.parametrize("host", ["pool-sessions", "persistent-sessions"])
def test_new_clients_are_spread(pair: Pair, host: str) -> None:
    """POST, because each goes out on a connection of its own."""
    fresh = [Recorded("POST", f"{host}.replay.test", "/new")] * 60
    for answers in ask_both(pair, fresh):
        assert set(servers(answers)) == {"pool-1", "pool-2", "pool-3"}


@pytest.mark.parametrize(("method", "body"), [("GET", b""), ("POST", b"text")])
def test_a_copy_arrives_at_the_mirror(pair: Pair, method: str, body: bytes) -> None:
    target = f"/plain/{method}?copy"
    ask_both(pair, [Recorded(method, "mirrors.replay.test", target, (), body)])
    copies = pair.servers["mirror"].seen(target, 2)
    named = "mirror.default.svc.cluster.local"
    shown = [(each["method"], each["body"], each["headers"]["host"]) for each in copies]
    assert shown == [(method, body.decode(), named)] * 2, "one of each gateway"


def test_a_copy_under_another_name(pair: Pair) -> None:
    """mirror-host counts in both; a path of mirror-target's own only in nginx."""
    ask_both(pair, [get("mirrors", "/copied?copy")])
    for target in ("/seen/copied?copy", "/copied?copy"):
        (copy,) = pair.servers["mirror"].seen(target, 1)
        assert copy["headers"]["host"] == "mirror.test"


def test_an_answer_is_tried_again_elsewhere(pair: Pair) -> None:
    """http_503 with two tries: the first server says 503, another one answers."""
    refusing = [(f"x-pool-{number}-status", "503") for number in (1, 2)]
    for answers in ask_both(pair, [get("retry", "/status", refusing[0])] * 12):
        assert servers(answers).keys() == {"pool-2", "pool-3"}
    for answers in ask_both(pair, [get("retry", "/status", *refusing, ("x-pool-3-status", "503"))]):
        assert answers[0].status == 503


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        pytest.param("/default", MIB, 200, id="1m by default"),
        pytest.param("/default", MIB + 1, 413, id="above the default"),
        pytest.param("/small", 1024, 200, id="1k"),
        pytest.param("/small", 1025, 413, id="above 1k"),
        pytest.param("/none", 3 * MIB, 200, id="no limit"),
    ],
)
def test_large_bodies(pair: Pair, path: str, size: int, status: int, chunked: bool) -> None:
    body = b"x" * size
    statuses = [_status(ports[0], path, body, chunked) for ports in pair.ports]
    assert statuses == [status, status]


def _status(port: int, path: str, body: bytes, chunked: bool) -> int:
    if not chunked:
        return ask_with_body(port, "body-size.replay.test", path, body, {}).status
    connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        pieces = (body[at : at + 65_536] for at in range(0, len(body), 65_536))
        connection.request("POST", path, pieces, {"host": "body-size.replay.test"}, encode_chunked=True)
        return connection.getresponse().status
    except (BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
        return connection.getresponse().status
    finally:
        connection.close()
