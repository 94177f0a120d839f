"""What NGINX Inc's Policy (k8s.nginx.org/v1) may ask for, with just the fields that are read.

Decoding does not judge: a rate or an address that makes no sense is for the dialect to report.
Source: NGINX Ingress Controller, Policy resources.
"""

from __future__ import annotations

from msgspec import field

from isthmus.kube.values import Unread, Value


class AccessControl(Value, frozen=True, gc=False, rename="camel"):
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] | None = None


class PolicyRateLimit(Value, frozen=True, gc=False, rename="camel"):
    rate: str = ""
    key: str = ""
    burst: int | None = None
    dry_run: bool | None = None
    reject_code: int | None = None
    scale: bool | None = None
    condition: Unread | None = None


class PolicyCors(Value, frozen=True, gc=False, rename="camel"):
    allow_origin: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_headers: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    allow_credentials: bool | None = None
    max_age: int | None = None


class PolicyJwt(Value, frozen=True, gc=False, rename="camel"):
    realm: str = ""
    secret: str = ""
    token: str = ""
    jwks_uri: str = field(name="jwksURI", default="")


class PolicyBasicAuth(Value, frozen=True, gc=False, rename="camel"):
    secret: str = ""
    realm: str = ""


class IngressMtls(Value, frozen=True, gc=False, rename="camel"):
    client_cert_secret: str = ""
    crl_file_name: str = ""
    verify_client: str = ""
    verify_depth: int | None = None


class EgressMtls(Value, frozen=True, gc=False, rename="camel"):
    tls_secret: str = ""
    trusted_cert_secret: str = ""
    verify_server: bool | None = None
    verify_depth: int | None = None
    server_name: bool | None = None
    ssl_name: str = ""
    protocols: str = ""
    ciphers: str = ""


class SuppliedIn(Value, frozen=True, gc=False, rename="camel"):
    header: tuple[str, ...] | None = None
    query: tuple[str, ...] | None = None


class PolicyApiKey(Value, frozen=True, gc=False, rename="camel"):
    supplied_in: SuppliedIn | None = None
    client_secret: str = ""


class ExternalAuth(Value, frozen=True, gc=False, rename="camel"):
    auth_uri: str = field(name="authURI", default="")
    auth_service_name: str = ""
    auth_service_ports: tuple[int, ...] | None = None
    auth_signin_uri: str = field(name="authSigninURI", default="")
    auth_signin_redirect_base_path: str = ""
    auth_snippets: str = ""
    ssl_enabled: bool | None = None
    ssl_verify: bool | None = None
    ssl_verify_depth: int | None = None
    trusted_cert_secret: str = ""
    sni_name: str = ""


class PolicyHsts(Value, frozen=True, gc=False, rename="camel"):
    max_age: int | None = None
    include_sub_domains: bool | None = None
    behind_proxy: bool | None = None
    preload: bool | None = None


class PolicySpec(Value, frozen=True, gc=False, rename="camel"):
    """NGINX Inc's: exactly one of the parts is set in a valid object. Those that are unread are only recognised."""

    access_control: AccessControl | None = None
    rate_limit: PolicyRateLimit | None = None
    jwt: PolicyJwt | None = None
    basic_auth: PolicyBasicAuth | None = None
    ingress_mtls: IngressMtls | None = field(name="ingressMTLS", default=None)
    egress_mtls: EgressMtls | None = field(name="egressMTLS", default=None)
    api_key: PolicyApiKey | None = None
    oidc: Unread | None = None
    oidc_native: Unread | None = None
    waf: Unread | None = None
    cache: Unread | None = None
    cors: PolicyCors | None = None
    external_auth: ExternalAuth | None = None
    hsts: PolicyHsts | None = None
