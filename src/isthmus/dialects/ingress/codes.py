"""Findings about Ingress objects (ISTH0100 to ISTH0199, with annotation_codes)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

DUPLICATE_PATH = Code(
    "ISTH0100",
    Severity.ERROR,
    "host {host} path {path} is already claimed by {winner}",
    "remove one of the two, or give them different hosts or paths; until then {winner} answers",
    "Two rules claim the same host and path. ingress-nginx's rule is kept: the oldest object wins (by "
    "creationTimestamp; objects without one are ordered by namespace and name) and the other rule is not served. What "
    "it asks to keep people out counts all the same where both are of one namespace (ISTH0148).",
    Effect.DROP,
)
CLASS_ANNOTATION = Code(
    "ISTH0101",
    Severity.WARNING,
    "kubernetes.io/ingress.class is deprecated",
    "remove the annotation and set spec.ingressClassName: {value}",
    "The annotation has been deprecated since Kubernetes 1.18. It still works here; the API server refuses new "
    "objects that have both the annotation and the field.",
)
UNKNOWN_CLASS = Code(
    "ISTH0102",
    Severity.WARNING,
    "class {value} is not served here; served: {served}{hint}",
    "set spec.ingressClassName to a served class, or start with --class {value}",
    "The Ingress names a class that this gateway does not serve and that no IngressClass among the objects "
    "defines. The object is left to whoever serves that class.",
    Effect.DROP,
)
OTHER_CLASS = Code(
    "ISTH0103",
    Severity.INFO,
    "class {value} belongs to {controller}; served here: {served}",
    "nothing, if another controller serves it; else start with --class {value}",
    "An IngressClass of that name exists and this gateway was not told to serve it.",
    Effect.DROP,
)
NO_CLASS = Code(
    "ISTH0104",
    Severity.WARNING,
    "the Ingress has no class and no IngressClass is the default",
    "set spec.ingressClassName: {served}",
    "Without a class an Ingress belongs to the default IngressClass, and there is none (an IngressClass with the "
    'annotation ingressclass.kubernetes.io/is-default-class: "true" that this gateway serves).',
    Effect.DROP,
)
SEVERAL_DEFAULTS = Code(
    "ISTH0105",
    Severity.WARNING,
    "several IngressClasses are the default: {names}; {chosen} is used",
    "leave the is-default-class annotation on one of them",
    "The API server refuses an Ingress without a class in this situation. Isthmus takes the first by name.",
)
INVALID_HOST = Code(
    "ISTH0106",
    Severity.ERROR,
    "{value} is not a host name",
    "use a lower-case DNS name, a wildcard for one whole first label such as *.example.com, or no host for all hosts",
    "A host of a rule is a DNS name, without port, or `*.` and a DNS name. An IP address, another place for the "
    "wildcard, upper case and control characters are refused by the API server too.",
    Effect.DROP,
)
INVALID_PATH = Code(
    "ISTH0107",
    Severity.ERROR,
    "path {value} cannot be matched: {reason}",
    "use an absolute path of printable characters without query, fragment, // or dot segments",
    "Envoy normalises a request's path before it is matched, so such a path would never match, or would match "
    "something else than it says.",
    Effect.DROP,
)
INVALID_PATH_TYPE = Code(
    "ISTH0108",
    Severity.ERROR,
    "pathType is {value}",
    "use Prefix, Exact or ImplementationSpecific{hint}",
    "pathType is required in networking.k8s.io/v1 and takes three values.",
    Effect.DROP,
)
BACKEND_KIND = Code(
    "ISTH0109",
    Severity.ERROR,
    "the backend is {found}",
    "set backend.service.name and backend.service.port",
    "Only Services can be backends here; ingress-nginx has the same rule. The path answers 503.",
    Effect.CLOSE,
)
DEFAULT_TIMEOUT = Code(
    "ISTH0119",
    Severity.INFO,
    "idle streams and WebSockets are cut after {seconds} s, nginx's default",
    'set {prefix}proxy-read-timeout and proxy-send-timeout, for example to "{value}"',
    "nginx closes a connection on which nothing moved for proxy-read-timeout (60 s). gRPC streams and WebSockets "
    "that are quiet for longer need a larger value; a stream on which data flows is never cut.",
)
FORCED_WITHOUT_TLS = Code(
    "ISTH0120",
    Severity.WARNING,
    "{annotation} is set, but host {host} has no TLS here",
    "add the host to spec.tls, unless a load balancer in front terminates TLS",
    "Cleartext requests are redirected to HTTPS, where this gateway has no certificate for the host.",
)
NO_SECRET = Code(
    "ISTH0130",
    Severity.ERROR,
    "there is no Secret {secret}, which holds the certificate of {host}",
    "create it: kubectl create secret tls {name} --cert=FILE --key=FILE, with --dry-run=client -o yaml for a manifest; "
    "until then the last good pair is served, and TLS handshakes for the host fail if there was none",
    "Cleartext requests go on being redirected to HTTPS, because serving them in clear would be less safe than asked. "
    "A Secret that was there and is gone goes on being served until the gateway's control plane starts again.",
    Effect.LAST_GOOD,
)
BROKEN_SECRET = Code(
    "ISTH0131",
    Severity.ERROR,
    "Secret {secret} gives no certificate: {reason}",
    "recreate it with: kubectl create secret tls {name} --cert=FILE --key=FILE; until then the last good pair "
    "is served, if there was one",
    "The certificate and the key must be PEM and belong to each other. A broken pair never replaces a good one.",
    Effect.LAST_GOOD,
)
SECRET_TYPE = Code(
    "ISTH0132",
    Severity.WARNING,
    "Secret {secret} is of type {value}, expected kubernetes.io/tls",
    "recreate it with: kubectl create secret tls {name} --cert=FILE --key=FILE",
    "The pair in it works and is used; ingress-nginx accepts it too. Other tools may not.",
)
NO_SAN = Code(
    "ISTH0133",
    Severity.ERROR,
    "the certificate in Secret {secret} has no subjectAltName",
    "issue it with subjectAltName DNS:{host}; clients that check names (Go, Chrome, Python) refuse it as it is",
    "A common name alone has not been accepted by browsers and Go since 2017 and 2020. It only seems to work with "
    "checks switched off, such as curl -k or grpcurl -insecure. The certificate is served as it is.",
)
SAN_MISMATCH = Code(
    "ISTH0134",
    Severity.ERROR,
    "the certificate in Secret {secret} is for {names}, not for {host}",
    "issue it with subjectAltName DNS:{host}, or correct the host",
    "Clients that check names refuse the connection. The certificate is served as it is.",
)
EXPIRED = Code(
    "ISTH0135",
    Severity.ERROR,
    "the certificate in Secret {secret} for {host} is not valid now: {reason}",
    "renew it",
    "Clients refuse it. It is served as it is, because a handshake without any certificate helps nobody.",
)
EXPIRING = Code(
    "ISTH0136",
    Severity.WARNING,
    "the certificate in Secret {secret} for {host} expires in {days} days",
    "renew it",
    "Less than 21 days are left.",
)
MISLEADING_ISSUER = Code(
    "ISTH0137",
    Severity.INFO,
    "the certificate in Secret {secret} was issued by a CA whose common name is the host name {issuer}",
    "name the CA after what it is, such as Example Test CA",
    "A CA that is named like a wildcard host is easily taken for a certificate of that host.",
)
TLS_HOST_UNUSED = Code(
    "ISTH0138",
    Severity.WARNING,
    "tls names host {host}, for which no rule of this Ingress exists",
    "add a rule for the host or remove it here",
    "TLS is served for hosts that have rules; this entry has no effect.",
    Effect.KEEP,
)
TLS_INCOMPLETE = Code(
    "ISTH0139",
    Severity.ERROR,
    "tls for {host} names no Secret",
    "set secretName; there is no default certificate here",
    "ingress-nginx would show its self-signed default certificate. Isthmus refuses the handshake and goes on "
    "redirecting cleartext requests to HTTPS.",
    Effect.LAST_GOOD,
)

CODES = (
    DUPLICATE_PATH,
    CLASS_ANNOTATION,
    UNKNOWN_CLASS,
    OTHER_CLASS,
    NO_CLASS,
    SEVERAL_DEFAULTS,
    INVALID_HOST,
    INVALID_PATH,
    INVALID_PATH_TYPE,
    BACKEND_KIND,
    DEFAULT_TIMEOUT,
    FORCED_WITHOUT_TLS,
    NO_SECRET,
    BROKEN_SECRET,
    SECRET_TYPE,
    NO_SAN,
    SAN_MISMATCH,
    EXPIRED,
    EXPIRING,
    MISLEADING_ISSUER,
    TLS_HOST_UNUSED,
    TLS_INCOMPLETE,
)
