"""Findings about Services, Secrets and endpoints, whichever dialect refers to them (ISTH0050 to ISTH0099)."""

from __future__ import annotations

from isthmus.kube.diagnostics import Code, Effect, Severity

NO_SERVICE = Code(
    "ISTH0050",
    Severity.ERROR,
    "there is no Service {service}{hint}",
    "create the Service, correct the name, or give addresses with --endpoint {service}=IP:PORT; until then this path "
    "answers 503",
    "A rule points to a Service that is not among the objects. The path answers 503 (UNAVAILABLE for gRPC) and "
    "starts to work as soon as the Service appears; no other path is affected.",
    Effect.CLOSE,
)
NO_SERVICE_PORT = Code(
    "ISTH0051",
    Severity.ERROR,
    "Service {service} has no port {port}; it has {ports}{hint}",
    "use one of the Service's ports, or add the port to the Service; until then this path answers 503",
    "A rule names a port, by number or by name, that the Service does not expose. The port in an Ingress is the "
    "Service's own `port` (or its name), not the container's `targetPort`.",
    Effect.CLOSE,
)
NO_ENDPOINTS = Code(
    "ISTH0052",
    Severity.WARNING,
    "Service {service} port {port} has no ready endpoint",
    "start its pods, add an EndpointSlice, or give addresses with --endpoint {service}:{port}=HOST:PORT",
    "Nobody answers for this Service port right now. Requests get 503 (UNAVAILABLE for gRPC) until an endpoint is "
    "ready, which takes effect within milliseconds and changes nothing else.",
    Effect.CLOSE,
)
EXTERNAL_NAME = Code(
    "ISTH0053",
    Severity.ERROR,
    "Service {service} is of type ExternalName ({target}), which is not allowed here",
    "use endpoints, or start with --allow-external-name if everyone who may write Services is trusted",
    "An ExternalName Service lets whoever writes it aim the gateway at any address that the gateway can reach, "
    "its own administration included. It is refused unless the operator allows it.",
    Effect.CLOSE,
)
UNNAMED_GRPC_PORT = Code(
    "ISTH0054",
    Severity.INFO,
    "port {port} of Service {service} serves gRPC but has neither a name that starts with grpc nor an appProtocol",
    'name the port "grpc" or set appProtocol: kubernetes.io/h2c, so that meshes and gateways recognise it',
    "Istio and other tools infer the protocol from the port's name or appProtocol. Isthmus follows the annotation, "
    "so this works here, but the same Service treated by a mesh would be plain TCP.",
)
BAD_APP_PROTOCOL = Code(
    "ISTH0055",
    Severity.INFO,
    "appProtocol {value} of Service {service} is not one that Isthmus knows; HTTP/1.1 is used",
    "use one of {known}, or say it with the backend-protocol annotation",
    "appProtocol is free text. Isthmus understands the names that Kubernetes and Istio define.",
    Effect.KEEP,
)
BAD_PORT = Code(
    "ISTH0056",
    Severity.ERROR,
    "port {port} of Service {service}, targetPort {value}, is no port",
    "use numbers from 1 to 65535, or the name of a container port as targetPort",
    "The API server would refuse this Service.",
    Effect.CLOSE,
)
BAD_ADDRESS = Code(
    "ISTH0057",
    Severity.ERROR,
    "{value} is not an IP address",
    "an EndpointSlice of addressType IPv4 or IPv6 holds IP addresses only",
    "This endpoint is left out; the others of the slice are used.",
    Effect.DROP,
)

UNUSED_ADDRESSES = Code(
    "ISTH0058",
    Severity.WARNING,
    "addresses are given for {service}, but there is no such Service port{hint}",
    "correct --endpoint {service}=...: it takes NAMESPACE/SERVICE[:PORT] of a Service that is among the manifests",
    "An --endpoint option that matches no Service and port has no effect, which is seldom what was meant.",
    Effect.KEEP,
)

TRANSCODE_NOT_GRPC = Code(
    "ISTH0059",
    Severity.ERROR,
    "Service {service} is to be transcoded, and is said to speak HTTP/1.1",
    "set nginx.ingress.kubernetes.io/backend-protocol: GRPC, or appProtocol: grpc on the Service's port",
    "Only a gRPC server can be offered to clients of other protocols. The path is served as plain HTTP.",
    Effect.KEEP,
)
UPSTREAM_CLASH = Code(
    "ISTH0060",
    Severity.WARNING,
    "{path} is offered by {winner} too, which was named first and answers",
    "name the server that should answer first, or serve the two on different ports",
    "Several gRPC servers share one port by their services and HTTP rules; where two offer the same, the first wins.",
    Effect.KEEP,
)
GIVEN_SERVICE = Code(
    "ISTH0061",
    Severity.INFO,
    "there is no Service {service}; the addresses that --endpoint gives for its port {port} are served",
    "nothing on a laptop; in a cluster the Service must exist",
    "A path names a Service that is not among the objects by a port's number, and addresses for it were given by hand. "
    "That is all that is needed to reach it. What a Service could say beside, such as appProtocol, is not known.",
)

CODES = (
    NO_SERVICE,
    NO_SERVICE_PORT,
    NO_ENDPOINTS,
    EXTERNAL_NAME,
    UNNAMED_GRPC_PORT,
    BAD_APP_PROTOCOL,
    BAD_PORT,
    BAD_ADDRESS,
    UNUSED_ADDRESSES,
    TRANSCODE_NOT_GRPC,
    UPSTREAM_CLASH,
    GIVEN_SERVICE,
)
