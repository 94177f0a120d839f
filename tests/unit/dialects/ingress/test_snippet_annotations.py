"""Snippets: a table of directives with an exact equal; one other directive closes the path and is named."""

from __future__ import annotations

import pytest
from ingress_drafts import Drafted, drafted
from msgspec.structs import replace

from isthmus.dialects.ingress.annotations import Feature
from isthmus.dialects.ingress.draft import Draft
from isthmus.dialects.ingress.nginx.protocol import FEATURE as PROTOCOL
from isthmus.dialects.ingress.nginx.snippets import FEATURE
from isthmus.dialects.ingress.nginx.source_ranges import FEATURE as RANGES
from isthmus.dialects.ingress.view import View
from isthmus.ir.action import Respond, SendTo
from isthmus.ir.authorization import Authorization, Question
from isthmus.ir.backend import Backend, ServicePortRef
from isthmus.ir.policy import Edit, HeaderEdit, HeaderRewrite, Policy, SourceRanges
from isthmus.ir.template import Of, Variable

HOST, PATH, ORIGIN = Variable(Of.HOST), Variable(Of.PATH), Variable(Of.ORIGIN)
QUERY = (Variable(Of.QUERY_MARK), Variable(Of.QUERY))


def snippet(text: str, key: str = "configuration-snippet", **settings: str) -> Drafted:
    return drafted(FEATURE, {key: text}, settings or None)


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("add_header X-A b;", Policy(answer_headers=(HeaderEdit("X-A", ("b",), Edit.ADD, always=False),))),
        ("add_header X-A $host always;", Policy(answer_headers=(HeaderEdit("X-A", (HOST,), Edit.ADD),))),
        ('add_header X-A "";', Policy()),
        ('more_set_headers "X-A: b c" "X-D:";', Policy(
            answer_headers=(HeaderEdit("X-A", ("b c",)), HeaderEdit("X-D", edit=Edit.REMOVE)))),
        ("more_clear_headers Server X-Powered-By;", Policy(
            answer_headers=(HeaderEdit("Server", edit=Edit.REMOVE), HeaderEdit("X-Powered-By", edit=Edit.REMOVE)))),
        ('add_header X-A "b"; proxy_hide_header X-A;', Policy(
            answer_headers=(HeaderEdit("X-A", edit=Edit.REMOVE), HeaderEdit("X-A", ("b",), Edit.ADD, always=False)))),
        ("proxy_set_header X-Real-IP $remote_addr;", Policy(
            request_headers=(HeaderEdit("X-Real-IP", (Variable(Of.CLIENT),)),))),
        ('proxy_set_header X-A "";', Policy(request_headers=(HeaderEdit("X-A", edit=Edit.REMOVE),))),
        ('more_set_input_headers "X-A: $namespace/$ingress_name/$service_name";', Policy(
            request_headers=(HeaderEdit("X-A", ("shop/web/web",)),))),
        ("more_clear_input_headers Cookie;", Policy(request_headers=(HeaderEdit("Cookie", edit=Edit.REMOVE),))),
        ('proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";', Policy()),
        ("client_max_body_size 8m;", Policy(max_body_bytes=8 << 20)),
        ("access_log off;", Policy()),
        ("access_log /dev/stdout main;", Policy()),
        ('proxy_cookie_path / "/; Secure";', Policy(
            answer_rewrites=(HeaderRewrite("set-cookie", ("/",), ("/; Secure",), "path"),))),
        ("proxy_redirect off;", Policy()),
        ("allow 10.0.0.0/8; deny all;", Policy(sources=SourceRanges(("10.0.0.0/8",)))),
        ("proxy_buffering off; tcp_nodelay on; # nothing\n", Policy()),
    ],
)  # fmt: skip
def test_directives_with_an_equal(text: str, policy: Policy) -> None:
    found = snippet(text)
    assert (found.draft.policy, found.draft.closed, found.codes) == (policy, False, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return 301 https://a.example$request_uri;", SendTo(("https://a.example", Variable(Of.TARGET)), 301)),
        ("return 302 /new;", SendTo((ORIGIN, "/new"), 302)),
        ("return https://a.example;", SendTo(("https://a.example",), 302)),
        ("return $scheme://$http_host/x;", SendTo((ORIGIN, "/x"), 302)),
        ("rewrite ^ https://a.example? permanent;", SendTo(("https://a.example",), 301)),
        ("rewrite ^(.*)$ https://a.example$1 redirect;", SendTo(("https://a.example", PATH, *QUERY), 302)),
        ("rewrite ^/(.*)$ https://a.example/b/$1 permanent;", SendTo(("https://a.example/b", PATH, *QUERY), 301)),
        ("rewrite ^/(.*) /b/$1 permanent;", SendTo((ORIGIN, "/b", PATH, *QUERY), 301)),
        ("rewrite ^ https://a.example/?b=c? permanent;", SendTo(("https://a.example/?b=c",), 301)),
        ("return 301 /a; return 301 /b;", SendTo((ORIGIN, "/a"), 301)),
    ],
)
def test_redirects(text: str, expected: SendTo) -> None:
    found = snippet(text)
    assert (found.draft.redirect, found.draft.closed, found.codes) == (expected, False, [])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("return 403;", Respond(403, "")),
        ('return 200 "ok\\n";', Respond(200, "ok\n")),
        ("return 404 gone;", Respond(404, "gone")),
    ],
)
def test_fixed_answers(text: str, expected: Respond) -> None:
    found = snippet(text)
    if "\\n" in text:
        assert found.draft.closed  # a line break cannot be in it
    else:
        assert (found.draft.answer, found.draft.redirect, found.draft.closed) == (expected, None, False)


def test_times_and_host() -> None:
    found = snippet(
        "proxy_read_timeout 1h; proxy_send_timeout 90; proxy_connect_timeout 2s; proxy_set_header Host $host;"
    )
    draft = found.draft
    assert (draft.read_timeout_ms, draft.send_timeout_ms, draft.connect_timeout_ms) == (3_600_000, 90_000, 2_000)
    assert (draft.host, draft.timeouts_set, draft.closed) == ((HOST,), True, False)


@pytest.mark.parametrize(("protocol", "read_ms"), [("GRPC", 1_200_000), ("GRPCS", 1_200_000), ("HTTP", 60_000)])
def test_times_of_grpc_count_for_grpc_backends(protocol: str, read_ms: int) -> None:
    text = 'grpc_read_timeout "1200s"; grpc_send_timeout "1200s"; client_body_timeout "1200s";'
    given = {"backend-protocol": protocol, "server-snippet": text}
    found = drafted((PROTOCOL, FEATURE), given)
    assert (found.draft.read_timeout_ms, found.draft.send_timeout_ms, found.draft.closed) == (read_ms, read_ms, False)
    closed = drafted((PROTOCOL, FEATURE), given | {"server-snippet": "grpc_read_timeout soon;"})
    assert closed.draft.closed, "whatever the backend speaks"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("if ($host = a) { return 403; }", "line 1: if opens a block"),
        ("add_header X-A b;\nlua_need_request_body on;", "line 2: lua_need_request_body"),
        ("content_by_lua_block { os.exit() }", "content_by_lua_block opens a block"),
        ("set $a b;", "set: this directive has no equal"),
        ("auth_basic off;", "auth_basic"),
        ("satisfy any;", "satisfy"),
        ("proxy_pass http://169.254.169.254;", "proxy_pass"),
        ("include /etc/passwd;", "include"),
        ("root /;", "root"),
        ("add_heaeder X-A b;", "did you mean add_header"),
        ("add_header X-A;", "add_header: it takes"),
        ("add_header X-A $nothing;", "there is no variable $nothing"),
        ("add_header Content-Length 5;", "it belongs to the connection"),
        ('add_header X-A "a\r\nSet-Cookie: b";', "control characters"),
        ('add_header "X A" b;', "its name"),
        ("proxy_set_header x-isthmus-cluster other;", "keeps x-envoy- and x-isthmus- for itself"),
        ("proxy_set_header Transfer-Encoding chunked;", "it belongs to the connection"),
        ('more_set_headers -s 404 "X-A: b";', "its option -s"),
        ("more_clear_headers X-*;", "its name"),
        ("return;", "return: it takes"),
        ("return 444;", "closing the connection"),
        ("return 301;", "a redirect needs a URL"),
        ("return 1000 a;", "return: it takes"),
        ("return 200 $host;", "a text with variables"),
        ("rewrite ^/old(.*)$ /new$1 permanent;", "only expressions that take every path"),
        ("rewrite ^/(.*)$ /new/$1 break;", "rewrite-target"),
        ("rewrite ^/(.*)$ /new/$1;", "rewrite-target"),
        ("rewrite ^/(.*)$ https://a$1 permanent;", "can only follow a slash"),
        ("rewrite ^ https://a/$1 permanent;", "a group that the expression does not have"),
        ("allow all of them;", "allow: this directive"),
        ("deny unix:;", "neither an address"),
        ("proxy_read_timeout 0;", "proxy_read_timeout: it takes"),
        ("proxy_read_timeout 3000d;", "proxy_read_timeout: it takes"),
        ("client_max_body_size big;", "client_max_body_size: it takes"),
        ("add_header X-A b", "has no semicolon"),
        ('add_header X-A "b', "does not end"),
        ("deny all; }", "line 1: }"),
        ("proxy_cookie_path ~^/(.*)$ /$1;", "a regular expression"),
        ("x" * 40_000, "longer than"),
        ("\x00;", "no equal"),
    ],
)
def test_one_directive_that_cannot_be_had_closes_the_path(text: str, named: str) -> None:
    found = snippet(text)
    assert (found.draft.closed, found.codes) == (True, ["ISTH0123"])
    assert named in found.messages
    assert found.draft.policy == Policy()  # nothing of it, not even what came before


def test_a_snippet_reads_the_ranges_of_the_annotations_first() -> None:
    both = (RANGES, FEATURE)
    deny = {"denylist-source-range": "10.1.0.0/16", "configuration-snippet": "allow 10.0.0.0/8; deny all;"}
    found = drafted(both, deny).draft.policy.sources
    assert found is not None
    assert found.allow is not None
    assert "10.1.0.0/16" not in found.allow
    allow = {"allowlist-source-range": "192.0.2.0/24", "configuration-snippet": "allow all;"}
    assert drafted(both, allow).draft.policy.sources == SourceRanges(("192.0.2.0/24",))


@pytest.mark.parametrize("text", ["deny all;", "return 403;", "rewrite ^ https://a permanent;", "location / { }"])
def test_what_is_for_a_whole_host_and_restricts_closes(text: str) -> None:
    found = snippet(text, "server-snippet")
    assert (found.draft.closed, found.codes) == (True, ["ISTH0123"])


def test_headers_for_a_whole_host_are_for_this_object() -> None:
    found = snippet("add_header X-A b; proxy_set_header X-B c;", "server-snippet")
    assert found.draft.policy == Policy(answer_headers=(HeaderEdit("X-A", ("b",), Edit.ADD, always=False),))
    assert (found.draft.closed, found.codes) == (False, ["ISTH0122"])


@pytest.mark.parametrize(("switch", "closed"), [("true", False), ("false", True), ("", False), ("nonsense", False)])
def test_the_administrator_may_switch_snippets_off(switch: str, closed: bool) -> None:
    settings = {"allow-snippet-annotations": switch}
    found = drafted(FEATURE, {"configuration-snippet": "add_header X-A b;"}, settings)
    assert found.draft.closed is closed


def test_the_administrators_own_snippet_comes_first() -> None:
    settings = {"location-snippet": "add_header X-A a;"}
    found = drafted(FEATURE, {"configuration-snippet": "add_header X-B b;"}, settings)
    assert [edit.name for edit in found.draft.policy.answer_headers] == ["X-A", "X-B"]
    assert drafted(FEATURE, {}, {"location-snippet": "if (a) {}"}).draft.closed


QUESTION = Question(Backend(ServicePortRef("shop", "auth", 80)), ("auth",), ("/",))


def asking(_: View, draft: Draft) -> Draft:
    return replace(draft, policy=Policy(authorization=Authorization("shop/web", question=QUESTION)))


ASKING = Feature("", "", (), asking, always=True)


def test_headers_of_the_question_to_the_authorizing_server() -> None:
    found = drafted((ASKING, FEATURE), {"auth-snippet": 'proxy_set_header X-A $host; proxy_set_header X-B "";'}).draft
    assert found.policy.authorization is not None
    assert found.policy.authorization.question is not None
    assert found.policy.authorization.question.set_headers == (("X-A", (HOST,)),)


def test_other_directives_about_the_question_close() -> None:
    found = drafted((ASKING, FEATURE), {"auth-snippet": "proxy_pass http://evil;"})
    assert (found.draft.closed, found.codes) == (True, ["ISTH0123"])


def test_without_a_question_its_snippet_counts_for_nothing() -> None:
    found = snippet("proxy_set_header X-A b;", "auth-snippet")
    assert (found.draft, found.codes) == (drafted(FEATURE, {}).draft, ["ISTH0122"])
