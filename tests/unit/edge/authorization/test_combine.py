"""Which checks are made, and what they make together: nginx's satisfy, as tables."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from htpasswd_hashes import HASHES, PASSWORD
from msgspec.structs import replace

from isthmus.edge.authorization.combine import Means, decide
from isthmus.edge.authorization.passwords import Passwords
from isthmus.edge.authorization.policies import prepare
from isthmus.edge.authorization.question import Answer, Ask
from isthmus.edge.authorization.request import Request
from isthmus.edge.authorization.verdict import Denied, Granted, Verdict
from isthmus.edge.authorization.verdicts import Verdicts
from isthmus.ir.authorization import ApiKeys, Authorization, BasicAuth, CacheTime, Question
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.private import PrivateText
from isthmus.ir.template import Of, Variable

BASIC = BasicAuth("r", (("ann", PrivateText(HASHES["sha1"])),))
ASKED = Question(Backend(ServicePortRef("n", "auth", 80)), ("auth",), ("/",), pass_headers=("X-User",))
RIGHT = "Basic " + base64.b64encode(b"ann:" + PASSWORD).decode()
CHALLENGE = ("www-authenticate", 'Basic realm="r"')
NEAR, FAR, DENIED = "10.0.0.1", "11.0.0.1", "10.9.0.1"
RANGES = Authorization("p", allow=("10.0.0.0/8", "fd00::/8"), deny=("10.9.0.0/16",))


class Server:
    """Another server's answers, and what it was asked."""

    def __init__(self) -> None:
        self.answer: Answer | None = Answer(200, (("x-user", "ann"),))
        self.asked: list[tuple[str, Ask]] = []

    async def send(self, cluster: str, ask: Ask) -> Answer | None:
        self.asked.append((cluster, ask))
        return self.answer


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def means(server: Server) -> Iterator[Means]:
    passwords = Passwords()
    yield Means(passwords, Verdicts(), server.send)
    passwords.close()


def request(client: str = FAR, authorization: str = "", **more: str) -> Request:
    return Request("GET", "/", "shop.test", {"authorization": authorization, **more}, client=client)


def status(verdict: Verdict) -> int:
    return 200 if isinstance(verdict, Granted) else verdict.status


async def _status(policy: Authorization, asked: Request, means: Means) -> int:
    return status(await decide(prepare(policy), asked, means))


@pytest.mark.parametrize(
    ("client", "password", "answer", "expected"),
    [
        # answer of the server, then what becomes of the request with all of them and with any
        (NEAR, RIGHT, 200, (200, 200)),
        (NEAR, "", 200, (401, 200)),
        (NEAR, "", 401, (401, 200)),
        (NEAR, "", 500, (401, 200)),
        (NEAR, RIGHT, 403, (403, 200)),
        (NEAR, RIGHT, 500, (500, 200)),
        (FAR, RIGHT, 200, (403, 200)),
        (FAR, RIGHT, 401, (403, 200)),
        (FAR, "", 200, (403, 200)),
        (FAR, "", 401, (403, 401)),
        (FAR, "", 403, (403, 401)),  # a 401 counts for more
        (FAR, "", 500, (403, 500)),  # no answer is neither
        (DENIED, RIGHT, 200, (403, 200)),
        (DENIED, "", 200, (403, 200)),
        (DENIED, "", 403, (403, 401)),
        ("fd00::1", "", 403, (401, 200)),
        ("::ffff:10.0.0.1", "", 403, (401, 200)),
        ("::ffff:10.9.0.1", "", 403, (403, 401)),
        ("", "", 401, (403, 401)),
        ("nonsense", "", 401, (403, 401)),
    ],
)
async def test_all_and_any(
    means: Means, server: Server, client: str, password: str, answer: int, expected: tuple[int, int]
) -> None:
    server.answer = Answer(answer, ())
    policy = replace(RANGES, basic=BASIC, question=ASKED)
    all_of = await _status(policy, request(client, password), means)
    any_of = await _status(replace(policy, any_of=True), request(client, password), means)
    assert (all_of, any_of) == expected


async def test_one_refusal_that_is_a_403_stays_one(means: Means, server: Server) -> None:
    server.answer = Answer(403, ())
    assert await _status(replace(RANGES, any_of=True, question=ASKED), request(), means) == 403


async def test_denied_ranges_alone_leave_the_decision_to_others(means: Means) -> None:
    policy = Authorization("p", any_of=True, deny=("10.9.0.0/16",), basic=BASIC)
    assert await _status(policy, request(), means) == 401
    assert await _status(policy, request(authorization=RIGHT), means) == 200
    assert await _status(policy, request(DENIED, RIGHT), means) == 200
    assert await _status(replace(policy, any_of=False), request(DENIED, RIGHT), means) == 403
    assert await _status(replace(policy, any_of=False), request(FAR, RIGHT), means) == 200


@pytest.mark.parametrize("any_of", [False, True])
@pytest.mark.parametrize(
    "policy",
    [Authorization("p"), Authorization("p", common_name="CN=x"), Authorization("p", basic=BasicAuth("r", ()))],
)
async def test_what_asks_for_nothing_lets_nobody_in(means: Means, policy: Authorization, any_of: bool) -> None:
    assert await _status(replace(policy, any_of=any_of), request(NEAR, RIGHT), means) in (401, 403, 503)


async def test_challenges_of_several_are_together(means: Means, server: Server) -> None:
    server.answer = Answer(401, (("www-authenticate", "Bearer"),))
    verdict = await decide(prepare(Authorization("p", True, basic=BASIC, question=ASKED)), request(), means)
    assert isinstance(verdict, Denied)
    assert verdict.headers == (CHALLENGE, ("www-authenticate", "Bearer"))


async def test_whoever_is_refused_first_asks_no_server(means: Means, server: Server) -> None:
    await _status(Authorization("p", basic=BASIC, question=ASKED), request(), means)
    await _status(Authorization("p", True, basic=BASIC, question=ASKED), request(authorization=RIGHT), means)
    assert server.asked == []


async def test_what_passes_on(means: Means, server: Server) -> None:
    policy = prepare(Authorization("p", basic=BASIC, question=ASKED))
    given = await decide(policy, request(authorization=RIGHT, **{"x-user": "eve"}), means)
    assert given == Granted((("X-User", "ann"),), remove=("authorization",))
    server.answer = Answer(200, ())
    given = await decide(policy, request(authorization=RIGHT), means)
    assert given == Granted(remove=("authorization", "x-user"))
    one = prepare(Authorization("p", True, basic=BASIC, question=ASKED))
    assert await decide(one, request(authorization=RIGHT), means) == Granted(remove=("authorization", "x-user"))


async def test_a_server_may_give_the_password_header_itself(means: Means, server: Server) -> None:
    server.answer = Answer(200, (("authorization", "Bearer inner"),))
    asked = replace(ASKED, pass_headers=("Authorization",))
    given = await decide(prepare(Authorization("p", basic=BASIC, question=asked)), request(authorization=RIGHT), means)
    assert given == Granted((("Authorization", "Bearer inner"),))


async def test_sign_in_is_for_every_401(means: Means, server: Server) -> None:
    policy = Authorization("p", basic=BASIC, question=replace(ASKED, sign_in=("https://login.test/",)))
    assert await _status(policy, request(), means) == 302
    assert await _status(policy, request(**{"content-type": "application/grpc"}), means) == 401
    server.answer = Answer(403, ())
    assert await _status(policy, request(authorization=RIGHT), means) == 403


async def test_whom_a_question_goes_to(means: Means, server: Server) -> None:
    for asked in (ASKED, replace(ASKED, backend=None), replace(ASKED, backend=None, tls=True)):
        await _status(Authorization("p", question=asked), request(), means)
    assert [cluster for cluster, _ in server.asked] == ["n/auth/80/http1", "isthmus-own-http", "isthmus-own-https"]


async def test_a_question_about_a_question_ends(means: Means, server: Server) -> None:
    deep = request(**{"x-isthmus-asked": "3"})
    assert await _status(Authorization("p", question=ASKED), deep, means) == 500
    assert server.asked == []


async def test_verdicts_are_kept_where_that_is_asked_for(means: Means, server: Server) -> None:
    asked = replace(ASKED, cache_key=(Variable(Of.COOKIE, "s"),), cache_times=(CacheTime((200,), 60),))
    policy = Authorization("p", question=asked)
    for cookie in ("s=1", "s=1", "s=2"):
        assert await _status(policy, request(cookie=cookie), means) == 200
    assert len(server.asked) == 2
    server.answer = None
    assert await _status(policy, request(cookie="s=1"), means) == 200
    assert await _status(policy, request(cookie="s=3"), means) == 500


async def test_keys_are_one_more_thing_to_show(means: Means) -> None:
    policy = Authorization("p", basic=BASIC, api_keys=ApiKeys(("x-key",), (), (("a", PrivateText("00")),)))
    assert await _status(policy, request(authorization=RIGHT), means) == 401
    assert await _status(policy, request(authorization=RIGHT, **{"x-key": "k"}), means) == 403
