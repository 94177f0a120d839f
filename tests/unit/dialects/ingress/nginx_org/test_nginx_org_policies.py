"""Policy objects of NGINX Inc: what each kind asks of a path, and that one which cannot be had closes it."""

from __future__ import annotations

import hashlib
import json

import pytest
import trustme
from nginx_org_drafts import HOSTILE, Drafted, drafted, policy, secret

from isthmus.ir.authorization import ApiKeys, BasicAuth, Jwt
from isthmus.ir.backend import Trust
from isthmus.ir.listener import ClientCertificates
from isthmus.ir.policy import Cors, RateLimit, SourceRanges
from isthmus.ir.template import Of, Variable

POLICIES, PLUS = "nginx.org/policies", "nginx.com/policies"
HASH = "$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00"
JWKS = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})
CLIENT = (Variable(Of.CLIENT),)
AUTHORITY = trustme.CA()
CA = AUTHORITY.cert_pem.bytes().decode()
SECRETS = (
    secret("ca", "nginx.org/ca", ca_crt=CA),
    secret("users", "nginx.org/htpasswd", htpasswd=f"ann:{HASH}"),
    secret("keys", "nginx.org/jwk", jwk=JWKS),
    secret("clients", "nginx.org/apikey", one="1", two="2"),
)


def asked(*specs: str) -> Drafted:
    """What the Policies decide, in their order."""
    names = [f"p{index}" for index, _ in enumerate(specs)]
    policies = [policy(spec, name) for name, spec in zip(names, specs, strict=True)]
    return drafted({POLICIES: ", ".join(names)}, *policies, *SECRETS)


@pytest.mark.parametrize(
    ("specs", "expected", "codes"),
    [
        (["{accessControl: {allow: [10.0.0.0/8, 192.0.2.1]}}"], SourceRanges(("10.0.0.0/8", "192.0.2.1/32")), []),
        (["{accessControl: {deny: ['::/0']}}"], SourceRanges(None, ("::/0",)), []),
        (
            ["{accessControl: {allow: [10.0.0.0/8]}}", "{accessControl: {allow: [192.0.2.1]}}"],
            SourceRanges(("10.0.0.0/8", "192.0.2.1/32")),
            [],
        ),
        (
            ["{accessControl: {deny: [10.0.0.0/8]}}", "{accessControl: {allow: [192.0.2.1]}}"],
            SourceRanges(("192.0.2.1/32",)),
            ["ISTH0122"],
        ),
    ],
)
def test_access_control(specs: list[str], expected: SourceRanges, codes: list[str]) -> None:
    result = asked(*specs)
    assert (result.policy.sources, result.draft.closed, result.codes) == (expected, False, codes)


def test_rate_limits_add_up() -> None:
    result = asked(
        "{rateLimit: {rate: 10r/s, key: '${binary_remote_addr}', zoneSize: 10M, burst: 3, noDelay: true}}",
        "{rateLimit: {rate: 30r/m, key: '${http_x_a}', rejectCode: 429, dryRun: true}}",
    )
    header = (Variable(Of.HEADER, "x-a"),)
    limits = (
        RateLimit(10, 1_000, 3, CLIENT, place="default/cafe default/p0"),
        RateLimit(30, 60_000, 0, header, status=429, dry_run=True, place="default/cafe default/p1"),
    )
    assert (result.policy.limits, result.codes) == (limits, [])


def test_credentials() -> None:
    result = asked(
        "{basicAuth: {secret: users, realm: Cafe}}",
        "{jwt: {secret: keys, realm: Cafe, token: $cookie_auth}}",
        "{apiKey: {clientSecret: clients, suppliedIn: {header: [X-Key], query: [key]}}}",
    )
    found = result.policy.authorization
    assert found is not None
    assert found.basic == BasicAuth("Cafe", (("ann", HASH),))  # type: ignore[arg-type]
    assert found.jwt == Jwt("Cafe", JWKS, Variable(Of.COOKIE, "auth"))  # type: ignore[arg-type]
    digests = tuple((name, hashlib.sha256(key).hexdigest()) for name, key in (("one", b"1"), ("two", b"2")))
    assert found.api_keys == ApiKeys(("x-key",), ("key",), digests)  # type: ignore[arg-type]
    assert (result.draft.closed, result.codes) == (False, [])


BROKEN = [
    "{}",
    "{accessControl: {}}",
    "{accessControl: {allow: [everyone]}}",
    "{accessControl: {allow: [10.0.0.0/33]}}",
    "{accessControl: {deny: ['fe80::1%eth0']}}",
    "{accessControl: {allow: [10.0.0.0/8]}, rateLimit: {rate: 1r/s, key: $host}}",
    "{rateLimit: {rate: fast, key: $host}}",
    "{rateLimit: {rate: 1r/s}}",
    "{rateLimit: {rate: 1r/s, key: $nobody}}",
    "{rateLimit: {rate: 1r/s, key: $host, burst: -1}}",
    "{rateLimit: {rate: 1r/s, key: $host, rejectCode: 200}}",
    "{basicAuth: {secret: missing}}",
    "{basicAuth: {}}",
    "{basicAuth: {secret: keys}}",
    '{basicAuth: {secret: users, realm: "a\\nb"}}',
    "{jwt: {secret: users}}",
    "{jwt: {secret: keys, token: token}}",
    "{apiKey: {clientSecret: clients}}",
    "{apiKey: {clientSecret: clients, suppliedIn: {header: ['X Y']}}}",
    "{apiKey: {clientSecret: users, suppliedIn: {header: [X-Key]}}}",
    "{ingressMTLS: {}}",
    "{ingressMTLS: {clientCertSecret: missing}}",
    "{ingressMTLS: {clientCertSecret: users}}",
    "{ingressMTLS: {clientCertSecret: ca, verifyClient: perhaps}}",
    "{ingressMTLS: {clientCertSecret: ca, verifyDepth: -1}}",
    "{egressMTLS: {ciphers: RC4-MD5}}",
    "{egressMTLS: {protocols: SSLv3}}",
    "{egressMTLS: {verifyServer: true, sslName: a.test, trustedCertSecret: missing}}",
    "{egressMTLS: {verifyServer: true, sslName: a.test, trustedCertSecret: users}}",
    "{egressMTLS: {tlsSecret: users}}",
]


@pytest.mark.parametrize("spec", BROKEN)
def test_policies_that_cannot_be_used_close(spec: str) -> None:
    result = asked(spec)
    assert (result.draft.closed, result.codes) == (True, ["ISTH0126"])


@pytest.mark.parametrize(
    "spec",
    [
        "{waf: {enable: true}}",
        "{oidc: {clientID: x}}",
        "{oidcNative: {issuer: x}}",
        "{externalAuth: {authURI: /x, authServiceName: asks, authSnippets: 'proxy_pass http://x;'}}",
        "{jwt: {jwksURI: 'https://example.com/keys'}}",
        "{rateLimit: {rate: 1r/s, key: $host, condition: {default: true}}}",
        "{egressMTLS: {verifyServer: true, trustedCertSecret: users}}",
        "{egressMTLS: {sslName: $host}}",
        "{ingressMTLS: {clientCertSecret: ca, crlFileName: a.crl}}",
    ],
)
def test_policies_that_cannot_be_had_close(spec: str) -> None:
    result = asked(spec)
    assert (result.draft.closed, result.codes) == (True, ["ISTH0123"])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            "{allowOrigin: ['https://A.test', 'https://*.b.test:8443'], allowMethods: [GET], allowHeaders: [X-A], "
            "exposeHeaders: [X-B], allowCredentials: true, maxAge: 60}",
            Cors(("https://a.test", "https://+.b.test:8443"), ("GET",), ("X-A",), ("X-B",), True, 60),
        ),
        ("{allowOrigin: ['*', 'https://a.test'], allowCredentials: true}", Cors(("*",), credentials=False)),
        ("{allowOrigin: ['http://a.test:80']}", Cors(("http://a.test:80",), credentials=False)),
    ],
)
def test_pages_of_other_origins(spec: str, expected: Cors) -> None:
    result = asked(f"{{cors: {spec}}}")
    assert (result.policy.cors, result.draft.closed, result.codes) == (expected, False, [])


@pytest.mark.parametrize(
    "spec",
    [
        "{}",
        "{allowOrigin: ['a.test']}",
        "{allowOrigin: ['https://*']}",
        "{allowOrigin: ['https://a.test'], allowMethods: ['G T']}",
        "{allowOrigin: ['https://a.test'], allowHeaders: ['a: b']}",
        "{allowOrigin: ['https://a.test'], exposeHeaders: ['']}",
        "{allowOrigin: ['https://a.test'], maxAge: -1}",
    ],
)
def test_origins_that_cannot_be_read_never_become_everybody(spec: str) -> None:
    result = asked(f"{{cors: {spec}}}")
    assert (result.policy.cors, result.draft.closed, result.codes) == (None, True, ["ISTH0126"])


def test_what_restricts_nothing_is_left_out_and_said() -> None:
    result = asked("{cache: {cacheZoneName: a, cacheZoneSize: 1m}}")
    assert (result.draft.closed, result.codes) == (False, ["ISTH0122"])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{maxAge: 0}", "max-age=0"),
        ("{maxAge: 60, includeSubDomains: true}", "max-age=60; includeSubDomains"),
        ("{maxAge: 31536000, includeSubDomains: true, preload: true}", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_hsts(spec: str, expected: str) -> None:
    result = asked(f"{{hsts: {spec}}}")
    assert (result.draft.hsts, result.codes) == (expected, [])


@pytest.mark.parametrize("spec", ["{}", "{maxAge: -1}", "{maxAge: 60, preload: true, includeSubDomains: true}"])
def test_hsts_that_the_controller_would_not_take(spec: str) -> None:
    result = asked(f"{{hsts: {spec}}}")
    assert (result.draft.hsts, result.draft.closed, result.codes) == ("", True, ["ISTH0126"])


def test_of_one_kind_the_first_counts() -> None:
    result = asked("{basicAuth: {secret: users, realm: a}}", "{basicAuth: {secret: users, realm: b}}")
    assert result.policy.authorization is not None
    assert result.policy.authorization.basic == BasicAuth("a", (("ann", HASH),))  # type: ignore[arg-type]
    assert (result.draft.closed, result.codes) == (False, ["ISTH0186"])


def test_two_lists_of_users_close() -> None:
    both = {POLICIES: "p", "nginx.org/basic-auth-secret": "users"}
    result = drafted(both, policy("{basicAuth: {secret: users}}"), *SECRETS)
    assert (result.draft.closed, result.codes) == (True, ["ISTH0123"])


@pytest.mark.parametrize("value", [*HOSTILE, "P", "a/b/c", "/p", "p/", "/", ",", ", ".join(["p"] * 51)])
@pytest.mark.parametrize("key", [POLICIES, PLUS])
def test_names_that_cannot_be_read_close(key: str, value: str) -> None:
    result = drafted({key: value}, policy("{accessControl: {allow: [10.0.0.0/8]}}"))
    assert result.draft.closed


def test_missing_policies_close_and_those_of_other_namespaces_count() -> None:
    assert drafted({POLICIES: "p"}).codes == ["ISTH0125"]
    assert drafted({POLICIES: "p"}).draft.closed
    other = policy("{basicAuth: {secret: users}}", namespace="other")
    assert drafted({POLICIES: "other/p"}, other, *SECRETS).codes == ["ISTH0126"]  # its Secret is not there
    theirs = secret("users", "nginx.org/htpasswd", "other", htpasswd=f"ann:{HASH}")
    result = drafted({POLICIES: "other/p"}, other, theirs)
    assert (result.draft.closed, result.policy.authorization is not None) == (False, True)


def test_egress_mtls() -> None:
    annotations = {POLICIES: "p", "nginx.org/ssl-services": "tea"}
    spec = "{egressMTLS: {serverName: true, sslName: tea.test, protocols: TLSv1.2 TLSv1.3, ciphers: AES128-SHA}}"
    result = drafted(annotations, policy(spec))
    expected = Trust(name="tea.test", ciphers=("AES128-SHA",), versions=("1.2", "1.3"))
    assert (result.draft.trust, result.draft.tls, result.codes) == (expected, True, [])
    assert drafted({POLICIES: "p"}, policy(spec)).codes == ["ISTH0122"]


def test_egress_mtls_verifies_and_shows() -> None:
    pair = AUTHORITY.issue_cert("gateway.test")
    chain = "".join(each.bytes().decode() for each in pair.cert_chain_pems)
    key = pair.private_key_pem.bytes()
    ours = secret("pair", "kubernetes.io/tls", tls_crt=chain, tls_key=key.decode())
    spec = "{egressMTLS: {verifyServer: true, sslName: tea.test, trustedCertSecret: ca, tlsSecret: pair}}"
    annotations = {POLICIES: "p", "nginx.org/ssl-services": "tea"}
    result = drafted(annotations, policy(spec), ours, *SECRETS)
    trust = result.draft.trust
    assert trust is not None
    assert (trust.ca_pem.strip(), trust.name, trust.depth) == (CA.encode().strip(), "tea.test", 1)
    assert (trust.chain_pem, bytes(trust.key_pem)) == (chain.encode(), key)
    assert (result.draft.closed, result.codes, key.decode() in repr(result)) == (False, [], False)


@pytest.mark.parametrize(
    ("verify", "mode"),
    [
        ("on", ClientCertificates.REQUIRED),
        ("optional", ClientCertificates.OPTIONAL),
        ("optional_no_ca", ClientCertificates.UNJUDGED),
        ("off", None),
    ],
)
def test_ingress_mtls(verify: str, mode: ClientCertificates | None) -> None:
    result = asked(f"{{ingressMTLS: {{clientCertSecret: ca, verifyClient: '{verify}', verifyDepth: 2}}}}")
    clients = result.draft.host_tls.clients
    assert clients is not None
    assert (clients.mode, clients.depth, clients.authorities.strip()) == (mode, 2, CA.encode().strip())
    assert (result.draft.closed, result.codes) == (False, [])
