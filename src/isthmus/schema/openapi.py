"""OpenAPI 3.1 of a schema: every HTTP rule of every method, from descriptors, comments and rules alone.

Each method also has its RPC path, POST /package.Service/Method, under a tag of its own. Paths, parameters, bodies and
errors are made elsewhere (`openapi_*`). Rule: the same schema makes the same document, and it is always a valid one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from isthmus.schema import descriptors
from isthmus.schema.json_kinds import JsonSchema
from isthmus.schema.json_schema import Definitions
from isthmus.schema.model import Binding, Method, Schema
from isthmus.schema.openapi_errors import STATUS_COMMENTS, STREAM_ERROR, error_response, stream_error
from isthmus.schema.openapi_operation import Rule, World, operation, spelled
from isthmus.schema.openapi_paths import Paths
from isthmus.schema.request_fields import request_fields

_PREFIX = "#/components/schemas/"
_ABOUT = (
    "Made from the descriptors of a gRPC server. Every method also answers `POST /package.Service/Method` with its "
    "request message in JSON, and takes gRPC, gRPC-Web and Connect there."
)


def openapi(
    schema: Schema,
    *,
    title: str,
    server_url: str,
    services: Iterable[str] | None = None,
    preserve_names: bool = False,
) -> JsonSchema:
    """The document, ready for json.dumps. `services` are full names; without them, all.

    `preserve_names` spells fields as the .proto files do, for a gateway that answers so.
    """
    wanted = set(schema.services if services is None else services)
    methods = [method for method in schema.methods if method.service in wanted]
    comments = {**STATUS_COMMENTS, **descriptors.comments(schema.descriptor_set)}
    definitions = Definitions(comments, preserve_names=preserve_names, prefix=_PREFIX, closed=False)
    url = server_url.rstrip("/")
    world = World(descriptors.load(schema.descriptor_set), definitions, comments, url, preserve_names)
    paths, ids = Paths(), _Ids(schema.services)
    for method in methods:
        for binding in method.bindings:
            _add(world, paths, ids, _rule(world, method, binding))
    error = error_response(definitions)
    extra = {STREAM_ERROR: stream_error(definitions)} if any(m.server_streaming for m in methods) else {}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": schema.digest[:12], "description": _ABOUT},
        "servers": [{"url": url or "/"}],
        "tags": list(_tags(methods, comments)),
        "paths": paths.items,
        "components": {"schemas": {**definitions.complete(), **extra}, "responses": {"Error": error}},
    }


def _rule(world: World, method: Method, binding: Binding) -> Rule:
    message = world.pool.FindMessageTypeByName(method.input)
    return Rule(method, binding, request_fields(binding, message), message)


def _add(world: World, paths: Paths, ids: _Ids, rule: Rule) -> None:
    method, binding = rule.method, rule.binding
    name = ids.of(method, binding)
    place = paths.place(binding.verb, rule.fields.template, spelled(world.definitions, rule), name)
    paths.add(binding.verb, place, operation(world, rule, place, (_tag(method, binding), name)))


def _tag(method: Method, binding: Binding) -> str:
    """The service; its RPC paths are apart, so that they can be folded, unless a method has nothing else."""
    alone = all(each.source == "default" for each in method.bindings)
    return method.service if binding.source != "default" or alone else _rpc_tag(method.service)


def _rpc_tag(service: str) -> str:
    return f"{service} (RPC paths)"


def _tags(methods: Sequence[Method], comments: dict[str, str]) -> Iterator[JsonSchema]:
    """Those in use: the services in order, then their RPC paths."""
    used = {_tag(method, binding) for method in methods for binding in method.bindings}
    services = list(dict.fromkeys(method.service for method in methods))
    for service in services:
        if service in used:
            about = comments.get(service, "")
            yield {"name": service, **({"description": about} if about else {})}
    for service in services:
        if _rpc_tag(service) in used:
            yield {"name": _rpc_tag(service), "description": f"Every method of {service}, without its HTTP rules."}


class _Ids:
    """operationIds: Service_Method, or package_Service_Method where two services have one name; then _2, _3 and so on.

    The RPC path has `_rpc` at the end. `services` are all of the schema, so that the ids of a part are those of all.
    """

    def __init__(self, services: Sequence[str]) -> None:
        short = [service.rpartition(".")[2] for service in services]
        self._short = {service: name for service, name in zip(services, short, strict=True) if short.count(name) == 1}
        self._used: set[str] = set()

    def of(self, method: Method, binding: Binding) -> str:
        """An id that no other operation has."""
        service = self._short.get(method.service, method.service.replace(".", "_"))
        name = f"{service}_{method.name}{'_rpc' if binding.source == 'default' else ''}"
        numbered, number = name, 1
        while numbered in self._used:
            number += 1
            numbered = f"{name}_{number}"
        self._used.add(numbered)
        return numbered
