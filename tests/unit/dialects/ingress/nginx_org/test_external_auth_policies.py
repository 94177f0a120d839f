"""externalAuth Policies: which Service is asked what, how its certificate is judged, and where people sign in."""

from __future__ import annotations

import msgspec
import pytest
import trustme
from nginx_org_drafts import HOSTILE, Drafted, drafted, policy, secret

from isthmus.dialects.ingress.draft import SignIn
from isthmus.ir.authorization import Question
from isthmus.ir.backend import Backend, ServicePortRef, Trust
from isthmus.ir.template import Of, Variable
from isthmus.kube.objects import Meta, Policy, Service, ServicePort, ServiceSpec

POLICIES = "nginx.org/policies"
HOST = (Variable(Of.HOST),)
AUTHORITY = trustme.CA().cert_pem.bytes()
ASKS = ServicePortRef("auth", "asks", 4180)


def asked(fields: str) -> Drafted:
    spec = f"{{externalAuth: {{{fields}}}}}"
    service = Service(metadata=Meta("asks", "auth"), spec=ServiceSpec(ports=(ServicePort(4180), ServicePort(444))))
    ca = secret("ca", "nginx.org/ca", "auth", ca_crt=AUTHORITY.decode())
    return drafted({POLICIES: "auth/p"}, policy(spec, namespace="auth"), service, ca)


def question(found: Drafted) -> Question:
    assert found.policy.authorization is not None
    assert found.policy.authorization.question is not None
    return found.policy.authorization.question


@pytest.mark.parametrize(
    ("fields", "port"), [("authServiceName: asks", 4180), ("authServiceName: auth/asks, authServicePorts: [444]", 444)]
)
def test_the_service_is_asked_under_the_hosts_name(fields: str, port: int) -> None:
    found = asked(f"authURI: /in?a=1, {fields}")
    backend = Backend(ServicePortRef("auth", "asks", port))
    assert (question(found), found.codes) == (Question(backend, HOST, ("/in?a=1",)), [])


@pytest.mark.parametrize(
    ("fields", "trust"),
    [
        ("", Trust(name="asks.auth.svc")),
        ("sniName: in.test", Trust(name="in.test")),
        ("sslVerify: true, trustedCertSecret: ca", Trust(name="asks.auth.svc", ca_pem=AUTHORITY, depth=1)),
        (
            "sslVerify: true, trustedCertSecret: auth/ca, sniName: in.test, sslVerifyDepth: 3",
            Trust(name="in.test", ca_pem=AUTHORITY, depth=3),
        ),
    ],
)
def test_certificates(fields: str, trust: Trust) -> None:
    found = asked(f"authURI: /in, authServiceName: asks, sslEnabled: true{', ' if fields else ''}{fields}")
    assert question(found).backend == Backend(ASKS, tls=True, trust=trust)
    assert question(found).tls
    assert found.codes == []


def test_snippets_may_set_headers() -> None:
    snippets = "# a comment\\nproxy_set_header X-Realm a$http_realm;proxy_set_header Host in.test;"
    found = question(asked(f'authURI: /in, authServiceName: asks, authSnippets: "{snippets}"'))
    assert found.host == ("in.test",)
    assert found.set_headers == (("x-realm", ("a", Variable(Of.HEADER, "realm"))),)


@pytest.mark.parametrize(
    ("fields", "path", "location"),
    [
        ("authSigninURI: /oauth2/in", "/oauth2", "/oauth2/in?rd="),
        ("authSigninURI: /oauth2", "/oauth2", "/oauth2?rd="),
        ("authSigninURI: '/log/in?a=b', authSigninRedirectBasePath: /log/", "/log", "/log/in?a=b&rd="),
    ],
)
def test_where_people_sign_in(fields: str, path: str, location: str) -> None:
    found = asked(f"authURI: /in, authServiceName: asks, {fields}")
    assert found.draft.sign_in == SignIn(path, Backend(ASKS), POLICIES)
    assert (question(found).sign_in, found.codes) == ((location, Variable(Of.ESCAPED_TARGET)), [])


@pytest.mark.parametrize("uri", ["/oauth2x/in", "/in"])
def test_a_page_that_would_ask_again_is_not_redirected_to(uri: str) -> None:
    found = asked(f"authURI: /in, authServiceName: asks, authSigninURI: {uri}")
    assert (question(found).sign_in, found.draft.closed, found.codes) == ((), False, ["ISTH0122"])


@pytest.mark.parametrize(
    "fields",
    [
        "authServiceName: asks",
        "authURI: /in",
        "authURI: /in, authServiceName: nobody",
        "authURI: /in, authServiceName: a/b/c",
        "authURI: /in, authServiceName: asks, authServicePorts: [1]",
        "authURI: '/$nobody', authServiceName: asks",
        "authURI: /in, authServiceName: asks, authSigninURI: 'https://evil.test'",
        "authURI: /in, authServiceName: asks, sslEnabled: true, sslVerify: true",
        "authURI: /in, authServiceName: asks, sslEnabled: true, sslVerify: true, trustedCertSecret: nobody",
        "authURI: /in, authServiceName: asks, sslEnabled: true, sniName: $host",
        "authURI: /in, authServiceName: asks, sslEnabled: true, sslVerifyDepth: 0",
    ],
)
def test_what_cannot_be_read_closes(fields: str) -> None:
    found = asked(fields)
    assert (found.draft.closed, found.codes) == (True, ["ISTH0126"])


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["authURI", "authServiceName", "authSigninURI", "authSnippets", "sniName"])
def test_hostile_values_open_nothing(field: str, value: str) -> None:
    fields = {"authURI": "/in", "authServiceName": "asks", "sslEnabled": True, field: value}
    bad = msgspec.convert({"metadata": {"name": "p", "namespace": "default"}, "spec": {"externalAuth": fields}}, Policy)
    service = Service(metadata=Meta("asks", "default"), spec=ServiceSpec(ports=(ServicePort(4180),)))
    found = drafted({POLICIES: "p"}, bad, service)
    assert found.draft.closed or found.policy.authorization is not None
