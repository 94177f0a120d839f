"""10,000 hostile values of annotations a run, through the pipeline: no exception, nothing changes but what is theirs.

The values are a corpus, cut up and put together again. A value may close its own path; else only the leaves of Envoy's
configuration that its annotation owns may differ. No text of a tenant is ever code, and Envoy takes all of it.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import random
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from annotation_leaves import owned
from annotation_samples import HOST, RESTRICTING, controller_of, ingress, world
from manifests import Table, pipeline
from msgspec.structs import replace
from static_envoy import validated
from xds_leaves import Leaves, changed, leaves

from isthmus.dialects.ingress.nginx import VOCABULARY as NGINX
from isthmus.dialects.ingress.nginx_org import VOCABULARY as NGINX_ORG
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Ingress
from isthmus.machines.pipeline import Pipeline
from isthmus.xds import api, filters
from isthmus.xds.filters.http_filter import off
from isthmus.xds.filters.limits import FILTER as LIMITS
from isthmus.xds.resources import CLUSTER, ENDPOINTS, SCOPE

CORPUS: list[str] = json.loads((Path(__file__).parent / "corpus" / "annotations" / "hostile.json").read_text())
KEYS = sorted(NGINX.known.keys() | NGINX_ORG.known.keys())
RUNS, SHARDS = 10_000, 5
SCRIPTS = {file.read_text() for file in importlib.resources.files(filters).iterdir() if file.name.endswith(".lua")}
LONG = "QZ" * 40_000
# Forms that annotations take, so that hostile pieces come through to where they would do harm.
FORMS = {
    r".*snippets?": (
        'add_header X-A "%s" always;',
        "add_header %s b;",
        'proxy_set_header X-A "%s";',
        "proxy_set_header %s b;",
        "proxy_set_header x-isthmus-cluster %s;",
        'more_set_headers "X-A: %s";',
        'more_set_headers "%s: b";',
        "return 301 https://a.test/%s;",
        'return 404 "%s";',
        "rewrite ^/(.*)$ https://a.test/%s/$1 permanent;",
        "deny %s;",
        "proxy_cookie_path / %s;",
        "%s; deny all;",
    ),
    r"add-header|proxy-set-headers": ("X-A: %s", "%s: b", "%s"),
    r"proxy-hide-headers|auth-response-headers|cors-.*-headers": ("X-A,%s",),
    r"cors-allow-origin": ("https://%s", "https://*.%s:80"),
    r"proxy-cookie-.*|proxy-redirect-.*": ("/ %s", "a.test %s", "%s"),
    r"auth-url|auth-signin|mirror-target|(permanent|temporal)-redirect|.*error-page": ("http://auth.shop.svc/%s",),
    r"auth-.*key|upstream-hash-by|limit-req-key|upstream-vhost|mirror-host": (
        "$host%s",
        "${http_%s}",
        "$cookie_%s",
        "%s",
    ),
    r"rewrite-target|app-root|session-cookie-path|x-forwarded-prefix": ("/%s", "/%s/$1"),
    r"rewrites": ("serviceName=web rewrite=/%s",),
    r"canary-.*|session-cookie-name|.*-cn": ("%s.*", "X-%s"),
    r".*sticky-cookie-services": ("serviceName=web %s path=/", "serviceName=web a domain=%s"),
    r".*source-range|limit-(allow|white)list": ("10.0.0.0/8,%s",),
}


def forms_of(key: str) -> tuple[str, ...]:
    """The forms that values of an annotation take."""
    return next((forms for names, forms in FORMS.items() if re.fullmatch(names, key.partition("/")[2])), ())


FORMED = [key for key in KEYS if forms_of(key)]


class World:
    """The host with two objects: one that is tried, and one that must never notice."""

    def __init__(self, controller: str) -> None:
        self.controller = controller
        self.pipeline: Pipeline = pipeline(classes=("nginx", "nginx-org"))
        self.table = Table()
        self.table.apply(self.pipeline.start())
        neighbours = [ingress("other", "/other", {}, of=controller), _elsewhere(controller)]
        self.table.apply(self.pipeline.apply([*world(), *neighbours, ingress("web", "/", {}, of=controller)]).changes)

    def tried(self, annotations: Mapping[str, str]) -> tuple[Diagnostic, ...]:
        """The findings of the object that is tried with these annotations, which the table then has."""
        update = self.pipeline.apply([ingress("web", "/", annotations, of=self.controller)])
        self.table.apply(update.changes)
        return update.found

    def routes(self) -> dict[str, list[api.Route]]:
        """The routes of HOST, by the object that they come from."""
        found: dict[str, list[api.Route]] = {}
        for (kind, name), resource in self.table.resources.items():
            if kind == SCOPE and name.endswith(f"/{HOST}"):
                scope = api.ScopedRouteConfiguration.FromString(resource.body)
                for virtual_host in scope.route_configuration.virtual_hosts:
                    for route in virtual_host.routes:
                        found.setdefault(route.name.partition("#")[0], []).append(route)
        return found

    def rest(self) -> dict[tuple[str, str], bytes]:
        """Everything that is not about HOST's routes or the tried object's own backends."""
        return {
            (kind, name): resource.body
            for (kind, name), resource in self.table.resources.items()
            if not (kind == SCOPE and name.endswith(f"/{HOST}")) and not name.startswith("shop/web")
        }


def _elsewhere(controller: str) -> Ingress:
    found = ingress("elsewhere", "/", {}, of=controller)
    (rule,) = found.spec.rules
    return replace(found, spec=replace(found.spec, rules=(replace(rule, host="b.test"),)))


@functools.cache
def world_of(controller: str) -> World:
    return World(controller)


def values(seed: int, runs: int) -> Iterator[tuple[str, str]]:
    """An annotation and a value: one of the corpus, or pieces of it."""
    chance = random.Random(seed)
    for number in range(runs):
        keys = FORMED if number % 2 else KEYS
        key = keys[(number // 2 + seed) % len(keys)]
        value = chance.choice(CORPUS)
        known = RESTRICTING.get(key)
        if known is not None and chance.random() < 0.3:
            value = known.value
        for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 3))):
            other = chance.choice(CORPUS)
            at, until = sorted((chance.randint(0, len(value)), chance.randint(0, len(value))))
            cut = (value[:at] + other + value[until:], value[at:until])
            value = chance.choice((*cut, value + other, f"{value},{other}", f"{value} {other}"))
        forms = forms_of(key)
        if forms and chance.random() < 0.6:
            value = chance.choice(forms).replace("%s", value)
        yield key, LONG if chance.random() < 0.005 else value


@pytest.mark.parametrize("shard", range(SHARDS))
def test_only_what_the_annotation_owns_changes(shard: int) -> None:
    for key, value in values(shard, RUNS // SHARDS):
        try_one(key, value)


@pytest.mark.parametrize("key", [key for key in KEYS if key in RESTRICTING])
def test_the_corpus_itself(key: str) -> None:
    for value in CORPUS:
        try_one(key, value)


def try_one(key: str, value: str) -> list[api.Route]:
    """Everything that must hold for any value of any annotation; the routes of the tried object."""
    place = world_of(controller_of(key))
    beside = dict(RESTRICTING[key].beside) if key in RESTRICTING else {}
    beside.pop(key, None)
    place.tried(beside)
    if _closed(place.routes().get("Ingress/shop/web", [])):
        place.tried({})  # what it needs beside it closes without it: all of them together are what is new
    before, neighbours, rest = _own(place), _others(place), place.rest()
    found = place.tried({**beside, key: value})
    mine, after = place.routes().get("Ingress/shop/web", []), _own(place)
    why = f"{key}: {value[:200]!r}"
    for finding in found:
        assert finding.message.isprintable() and len(finding.message) < 1_000, why
    for leaf in [*after.items(), *(item for route in mine for item in leaves(route).items())]:
        _sane(*leaf, why)
    theirs = owned(key)
    if not theirs.elsewhere:
        assert _others(place) == neighbours, why
        new = place.rest()
        assert rest.items() <= new.items(), why
        assert {kind for kind, _ in new.keys() - rest.keys()} <= {CLUSTER, ENDPOINTS}, why  # of another server
    if not _closed(mine):
        strangers = {path for path in changed(before, after) if not theirs.leaf.search(path)}
        assert not strangers, f"{why} changes {sorted(strangers)[:5]}"
    return mine


def _own(place: World) -> Leaves:
    """What the tried object alone decides, as leaves."""
    found: Leaves = {}
    for route in place.routes().get("Ingress/shop/web", []):
        for path, each in leaves(route).items():
            found.setdefault(_short(path), []).extend(each)
    for (kind, name), resource in place.table.resources.items():
        if kind == CLUSTER and name.startswith("shop/web"):
            for path, each in leaves(api.Cluster.FromString(resource.body)).items():
                if not path.endswith("name"):
                    found.setdefault(f"cluster.{_short(path)}", []).extend(each)
    found.pop("route.cluster", None)  # its name has its settings in it
    return found


def _others(place: World) -> dict[str, list[bytes]]:
    """The routes of other objects, but for one thing: where a host has limits, they are kept from counting."""
    found: dict[str, list[bytes]] = {}
    for name, routes in place.routes().items():
        for route in routes:
            if name != "Ingress/shop/web":
                if route.typed_per_filter_config.get(LIMITS.name) == off():
                    del route.typed_per_filter_config[LIMITS.name]
                found.setdefault(name, []).append(route.SerializeToString(deterministic=True))
    return found


_CHAIN = re.compile(
    r"typed_per_filter_config\[([a-z._]+)\]\.matcher\.on_no_match\.action\."
    r"(?:name|typed_config\.filter_chain\.typed_config\[([^\]]*)\](?:\.typed_config)?)"
)


def _short(path: str) -> str:
    """Without the place of a filter: what asks a helper moves what follows to the next composite filter."""
    return _CHAIN.sub(lambda found: f"{re.sub('[.](second|third)$', '', found[1])}:{found[2] or ''}", path)


def _closed(routes: list[api.Route]) -> bool:
    return bool(routes) and all(route.direct_response.status == 503 for route in routes)


_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_COOKIE = re.compile(  # the one expression that a name may stand in, as it is
    r"re\.extract\(request\.headers\['cookie'\], '\(\^\|\.\*; \*\)[A-Za-z0-9_.\[\]-]+=\(\[\^;\]\*\)\.\*', '\\+2'\)"
)
_LITERALS = ("REQ(QZLITERAL)", "CEL(QZLITERAL)", "ENVIRONMENT(QZLITERAL)", "FILE_CONTENT(")  # never commands
_PEM = ("inline_string", "inline_bytes")


def _sane(path: str, found: list[object], why: str) -> None:
    """No leaf holds what a tenant could make code, another header, or a message of another length of."""
    for value in found:
        if not isinstance(value, str):
            continue
        if "source_code" in path:
            assert value in SCRIPTS, why
            continue
        if path.endswith(_PEM) or ".filter_context." in path:  # data, which is never read as anything else
            continue
        assert not _CONTROL.search(value), f"{why}: {path}"
        for literal in _LITERALS if path.endswith(("header.value", "host_rewrite")) else ():
            for at in re.finditer(re.escape(f"%{literal}"), value):
                assert value[: at.start()].endswith("%"), f"{why}: {path} = {value}"
        code = re.findall(r"%CEL\((.*?)\)%", value.replace("%%", ""))
        for text in [*code, value] if path.endswith("typed_config.text") else code:
            assert "QZ" not in text or _COOKIE.fullmatch(text), f"{why}: {text}"
        if path.endswith("regex"):
            re.compile(value)
            assert not re.search(r"\(\?(?![ims:P-])|\\[1-9]", value), f"{why}: {value}"
        if path.endswith("header.key"):
            assert re.fullmatch(r":?[A-Za-z0-9_-]+", value), f"{why}: {value}"
            name = value.lower()
            frames = name in ("content-length", "transfer-encoding")
            ours = value == "x-envoy-retry-on"  # its value is checked with those of all headers
            assert "transcode" in why or ours or not (frames or name.startswith(("x-isthmus-cluster", "x-envoy-"))), why


def test_envoy_takes_what_comes_of_it() -> None:
    """200 values that close nothing, in one configuration; a refusal names the host, and so the value."""
    hosts: dict[str, list[api.Route]] = {}
    clusters: dict[str, api.Cluster] = {}
    tried: list[str] = []
    for key, value in values(77, 5_000):
        mine = try_one(key, value)
        if len(tried) == 200 or _closed(mine) or not mine:
            continue
        hosts[f"h{len(tried)}.test"] = mine
        tried.append(f"{key}: {value[:200]!r}")
        for (kind, name), resource in world_of(controller_of(key)).table.resources.items():
            if kind == CLUSTER:
                clusters[name] = api.Cluster.FromString(resource.body)
    with tempfile.TemporaryDirectory() as folder:
        said: subprocess.CompletedProcess[str] = validated(Path(folder), hosts, list(clusters.values()))
    names = {int(each) for each in re.findall(r"h(\d+)\.test", said.stderr)}
    assert said.returncode == 0, said.stderr[-3_000:] + "\n".join(tried[each] for each in names)
