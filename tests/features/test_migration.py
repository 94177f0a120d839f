"""What `isthmus migrate` finds in manifests, and that manifests with its suggestions mean what they meant."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from annotation_samples import RESTRICTING, controller_of
from annotation_samples import world as sample_world

from isthmus.app.migration import Rewritten, migration, rewritten
from isthmus.app.offline import Offline, at_least
from isthmus.app.settings import Settings
from isthmus.dialects.ingress import nginx, nginx_org
from isthmus.dialects.ingress.handling import Handling
from isthmus.dialects.ingress.migration import Moved, Row, Verdict, migrate
from isthmus.kube.diagnostics import Severity
from isthmus.kube.objects import Base, ConfigMap, Ingress, Meta
from isthmus.kube.store import Store

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ingress-nginx"
P = "nginx.ingress.kubernetes.io/"
CLASS = "ingressClassName: nginx"

NGINX_INC = """\
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: nginx.org/ingress-controller}
"""
SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80}]}
"""
USERS = """\
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: shop}
stringData: {auth: "a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="}
"""


def ingress(
    annotations: dict[str, str], name: str = "web", more: str = "ingressClassName: nginx", path: str = "/"
) -> str:
    """A manifest whose annotations are quoted. `more` is a line of the spec."""
    pairs = [
        f"    {key}: {yaml.safe_dump(value, default_style=chr(34)).strip()}\n" for key, value in annotations.items()
    ]
    head = f"---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: {name}\n  namespace: shop\n"
    backend = "backend: {service: {name: web, port: {number: 80}}}"
    paths = f'    http: {{paths: [{{path: "{path}", pathType: ImplementationSpecific, {backend}}}]}}\n'
    given = "".join(["  annotations:\n", *pairs]) if pairs else ""
    return f"{head}{given}spec:\n{f'  {more}{chr(10)}' if more else ''}  rules:\n  - host: a.test\n{paths}"


def offline(text: str, classes: tuple[str, ...] = ("nginx",)) -> tuple[Offline, Settings]:
    settings = Settings(("-",), classes=classes, http_port=80, https_port=443)
    return Offline(settings, text.encode()), settings


def moved(text: str, name: str = "web") -> Moved:
    found = migration(*offline(text))
    assert not found.unread, found.unread
    return next(each for each in found.moved if each.ref.name == name)


def row(found: Moved, key: str) -> Row:
    return next(each for each in found.rows if each.name == key)


def changed(text: str) -> tuple[str, Rewritten]:
    work, settings = offline(text)
    made = rewritten(work, migration(work, settings).moved)
    return made.texts["stdin"], made


ONE = {
    "exact": ({f"{P}ssl-redirect": "false"}, Verdict.KEPT, "", ""),
    "helper": ({f"{P}satisfy": "any"}, Verdict.HELPER, "", ""),
    "differs": ({f"{P}affinity": "cookie"}, Verdict.DIFFERS, "value of the gateway's own", ""),
    "differs-by-value": ({f"{P}load-balance": "ewma"}, Verdict.DIFFERS, "does not measure", ""),
    "differs-by-other-values": ({f"{P}backend-protocol": "GRPC"}, Verdict.KEPT, "", ""),
    "differs-by-default": ({f"{P}proxy-body-size": "50m"}, Verdict.KEPT, "", ""),
    "no-effect": ({f"{P}proxy-buffer-size": "8k"}, Verdict.NO_EFFECT, "small buffers", "remove it"),
    "refused": ({f"{P}enable-modsecurity": "true"}, Verdict.REFUSED, "no ModSecurity", "remove it"),
    "refused-but-off": ({f"{P}enable-modsecurity": "false"}, Verdict.NO_EFFECT, "asks for nothing", "remove it"),
    "refused-by-value": ({f"{P}auth-type": "digest"}, Verdict.REFUSED, "digest", "use basic over TLS"),
    "invalid": ({f"{P}proxy-read-timeout": "5m"}, Verdict.INVALID, "is 5m, expected", "correct the value"),
    "invalid-restriction": ({f"{P}denylist-source-range": "x"}, Verdict.REFUSED, "is x, expected", "correct the"),
    "unknown": ({f"{P}rewrite-taget": "/"}, Verdict.UNKNOWN, "did you mean rewrite-target?", "remove it"),
    "unknown-restriction": ({f"{P}auth-typo": "x"}, Verdict.REFUSED, "restricts access", "remove it"),
    "another-controller's": ({"nginx.org/lb-method": "random"}, Verdict.NO_EFFECT, "belongs to", "serves this class"),
    "old-name": ({f"{P}secure-backends": "true"}, Verdict.UNKNOWN, "removed in 0.21", f"{P}backend-protocol: HTTPS"),
    "old-name-that-counts": (
        {f"{P}whitelist-source-range": "10.0.0.0/8"}, Verdict.KEPT, "", f"{P}allowlist-source-range: 10.0.0.0/8",
    ),
    "old-name-by-hand": ({f"{P}mirror-uri": "/m"}, Verdict.UNKNOWN, "it is gone; mirror-target", "it is gone"),
    "old-class": (
        {"kubernetes.io/ingress.class": "nginx"}, Verdict.KEPT, "is deprecated", "remove it",
    ),
    "no-value": ({f"{P}whitelist-source-range": ""}, Verdict.REFUSED, "is empty", f"{P}allowlist-source-range: "),
}  # fmt: skip


@pytest.mark.parametrize(("annotations", "verdict", "why", "instead"), ONE.values(), ids=ONE)
def test_one_annotation(annotations: dict[str, str], verdict: Verdict, why: str, instead: str) -> None:
    found = moved(ingress(annotations) + SERVICE)
    (key,) = annotations
    said = row(found, key)
    assert said.verdict is verdict, said
    assert found.verdict is max(each.verdict for each in found.rows)
    assert why in said.why and (instead in said.instead if instead else not said.instead), said


def test_digest_is_refused_and_basic_is_the_helper_s() -> None:
    basic = {f"{P}auth-type": "basic", f"{P}auth-secret": "users"}
    found = moved(ingress(basic) + SERVICE + USERS)
    assert {each.name: each.verdict for each in found.rows} == dict.fromkeys(basic, Verdict.HELPER)
    without = moved(ingress(basic) + SERVICE)
    said = row(without, f"{P}auth-secret")
    assert (said.verdict, said.codes) == (Verdict.REFUSED, ("ISTH0125",))
    assert said.instead.startswith("give it with -f too, ")


def test_no_annotations_and_those_of_other_programs() -> None:
    found = moved(ingress({}) + SERVICE)
    assert (found.rows, found.verdict, found.foreign) == ((), Verdict.KEPT, ())
    other = moved(ingress({"cert-manager.io/issuer": "x", "note": "y"}) + SERVICE)
    assert (other.rows, other.foreign) == ((), ("cert-manager.io/issuer", "note"))


def test_nginx_inc_counts_where_its_controller_has_the_class() -> None:
    found = moved(NGINX_INC + ingress({"nginx.org/lb-method": "random", f"{P}affinity": "cookie"}) + SERVICE)
    assert row(found, "nginx.org/lb-method").verdict <= Verdict.DIFFERS
    assert row(found, f"{P}affinity").verdict is Verdict.NO_EFFECT


def test_other_classes_are_left_out() -> None:
    text = ingress({f"{P}auth-type": "digest"}, more="ingressClassName: internal") + SERVICE
    found = moved(text)
    assert "internal is not served here" in found.left_out and not found.rows
    served = migration(*offline(text, ("internal",))).moved[0]
    assert served.verdict is Verdict.REFUSED and not served.left_out


def test_other_fields_count_where_the_old_controller_would_have_served_them() -> None:
    lookahead = ingress({f"{P}use-regex": "true"}, path="/a(?=b)") + SERVICE
    (said,) = [each for each in moved(lookahead).rows if each.name.startswith("spec")]
    assert (said.verdict, said.codes) == (Verdict.REFUSED, ("ISTH0144",)) and said.instead
    assert not moved(ingress({})).rows, "a Service that is not there is no matter of moving"


SETTINGS = {
    "proxy-read-timeout": Verdict.DIFFERS,
    "hsts-max-age": Verdict.KEPT,
    "worker-processes": Verdict.NO_EFFECT,
    "nonsense": Verdict.UNKNOWN,
    "ssl-redirect": Verdict.INVALID,
}


def test_keys_of_the_controller_s_configmap() -> None:
    values = {key: "maybe" if key == "ssl-redirect" else "60" for key in SETTINGS}
    text = (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ingress-nginx-controller, namespace: ingress-nginx}\n"
    )
    found = moved(f"{ingress({})}{SERVICE}{text}data: {values}\n", "ingress-nginx-controller")
    assert {each.name: each.verdict for each in found.rows} == SETTINGS
    elsewhere = migration(*offline(f"{text.replace('-controller', '-other')}data: {values}\n"))
    assert not elsewhere.moved


def test_another_configmap_is_read_when_named() -> None:
    data = {"worker-processes": "4"}
    store = Store()
    store.apply([ConfigMap(metadata=Meta("mine", "infra"), data=data)])
    assert not migrate(store, ())
    (found,) = migrate(store, (), "infra/mine")
    assert found.ref.name == "mine" and [each.name for each in found.rows] == list(data)


@pytest.mark.parametrize("key", sorted({**nginx.VOCABULARY.known, **nginx_org.VOCABULARY.known}))
def test_every_declared_annotation_has_a_verdict_no_better_than_it_says(key: str) -> None:
    known = {**nginx_org.VOCABULARY.known, **nginx.VOCABULARY.known}[key]
    sample = RESTRICTING.get(key)
    annotations = {**(sample.beside if sample else {}), key: sample.value if sample else "1"}
    inc = NGINX_INC if controller_of(key) == "nginx-org" and not key.startswith("isthmus.dev/") else ""
    said = row(moved(inc + ingress(annotations) + SERVICE), key)
    floor = {Handling.EXACT: 0, Handling.HELPER: 1, Handling.DIFFERS: 2, Handling.NO_EFFECT: 3, Handling.REFUSED: 6}
    met = known.handling is not Handling.DIFFERS or known.meets(said.value)
    assert said.verdict >= (floor[known.handling] if met else 0)


NAMING = [key for key, sample in RESTRICTING.items() if sample.reads is not None and controller_of(key) == "nginx"]


@pytest.mark.parametrize("key", NAMING)
def test_what_names_an_object_is_refused_without_it(key: str) -> None:
    sample = RESTRICTING[key]
    tls = "\n  tls: [{hosts: [a.test], secretName: pair}]" if sample.tls else ""
    text = ingress({**sample.beside, key: sample.value}, more=f"{CLASS}{tls}")
    assert moved(text + SERVICE).verdict is Verdict.REFUSED
    work, settings = offline(text + SERVICE)
    work.pipeline.apply([each for each in sample_world() if not isinstance(each, Ingress)])
    found = migration(work, settings).moved
    assert row(next(each for each in found if each.ref.name == "web"), key).verdict < Verdict.REFUSED


# Suggestions


# name: annotations before and after; the class is in the spec before, unless it says otherwise, and after.
CHANGED = {
    "renamed": ({f"{P}limit-whitelist": "10.0.0.0/8"}, {f"{P}limit-allowlist": "10.0.0.0/8"}),
    "both-names": (
        {f"{P}whitelist-source-range": "10.0.0.0/8", f"{P}allowlist-source-range": "10.1.0.0/16"},
        {f"{P}whitelist-source-range": "10.0.0.0/8", f"{P}allowlist-source-range": "10.1.0.0/16"},
    ),
    "empty-restriction": ({f"{P}whitelist-source-range": ""}, {f"{P}allowlist-source-range": ""}),
    "old-protocol": ({f"{P}secure-backends": "true"}, {f"{P}backend-protocol": "HTTPS"}),
    "old-protocol-off": ({f"{P}secure-backends": "false"}, {}),
    "old-and-new-protocol": (
        {f"{P}backend-protocol": "HTTP", f"{P}secure-backends": "true"},
        {f"{P}backend-protocol": "HTTP"},
    ),
    "one-old-protocol-of-two": (
        {f"{P}secure-backends": "false", f"{P}grpc-backend": "true"},
        {f"{P}backend-protocol": "GRPC"},
    ),
    "both-old-protocols": (
        {f"{P}secure-backends": "true", f"{P}grpc-backend": "true"},
        {f"{P}secure-backends": "true", f"{P}grpc-backend": "true"},
    ),
    "odd-old-value": ({f"{P}secure-backends": "maybe"}, {f"{P}secure-backends": "maybe"}),
    "no-effect": ({f"{P}proxy-buffer-size": "8k", f"{P}affinity": "cookie"}, {f"{P}affinity": "cookie"}),
    "gone": ({f"{P}session-cookie-hash": "md5"}, {}),
    "by-hand": ({f"{P}mirror-uri": "/m"}, {f"{P}mirror-uri": "/m"}),
    "refused-stays": ({f"{P}enable-modsecurity": "true"}, {f"{P}enable-modsecurity": "true"}),
    "unknown-stays": ({f"{P}rewrite-taget": "/"}, {f"{P}rewrite-taget": "/"}),
    "of-others-stays": ({"cert-manager.io/issuer": "x"}, {"cert-manager.io/issuer": "x"}),
    "class-said-twice": ({"kubernetes.io/ingress.class": "nginx"}, {}),
    "classes-that-disagree": ({"kubernetes.io/ingress.class": "a"}, {"kubernetes.io/ingress.class": "a"}),
}


def ingresses(work: Offline) -> list[Ingress]:
    return [each for each in work.store if isinstance(each, Ingress)]


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_suggestions(before: dict[str, str], after: dict[str, str]) -> None:
    text = ingress(before) + SERVICE
    written, made = changed(text)
    assert not made.by_hand
    (found,) = ingresses(offline(written)[0])
    assert (found.metadata.annotations, found.spec.ingress_class_name) == (after, "nginx")
    assert (written == text) is (before == after)
    assert changed(written)[0] == written, "once is enough"


def test_the_class_goes_into_the_spec() -> None:
    old = ingress({"kubernetes.io/ingress.class": "nginx"}, more="")
    assert changed(old)[0] == ingress({})


def test_what_cannot_be_written_is_named_and_the_rest_is_written() -> None:
    shared = f"x: &shared {{{P}proxy-buffer-size: 8k, {P}affinity: cookie}}\n"
    aliased = ingress({}, "two").replace("metadata:", f"{shared}metadata:\n  annotations: *shared").replace("---\n", "")
    plain = ingress({f"{P}proxy-buffer-size": "8k", f"{P}affinity": "cookie"}, "three")
    more = "".join(ingress({f"{P}proxy-buffer-size": "8k", "a": "b"}, f"n{number}") for number in range(5))
    written, made = changed(f"---\n{aliased}{plain}{more}")
    assert [ref.name for ref in made.by_hand] == ["two"]
    assert written == f"---\n{aliased}{plain}{more}".replace(f'    {P}proxy-buffer-size: "8k"\n', "")


REPLAY = ROOT / "tests" / "replay"
FOLDERS = [EXAMPLE, *sorted(path.parent for path in (REPLAY / "cases").glob("*/manifests.yaml"))]
_OLD = "old.yaml"  # its old names mean something else when they are written anew


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_manifests_with_the_suggestions_serve_the_same(folder: Path, tmp_path: Path) -> None:
    given = Settings((), classes=("nginx", "nginx-org"), http_port=80, https_port=443)
    settings = given._replace(paths=(str(folder), str(REPLAY / "services.yaml")))
    work = Offline(settings)
    made = rewritten(work, migration(work, settings).moved)
    assert not made.by_hand
    for file, text in made.texts.items():
        (tmp_path / Path(file).name).write_text(work.texts[file] if file.endswith(_OLD) else text)
    again = Offline(given._replace(paths=(str(tmp_path),)))
    before, after = work.pipeline.memo, again.pipeline.memo
    assert before.hosts and {host: each.hosts for host, each in before.hosts.items()} == {
        host: each.hosts for host, each in after.hosts.items()
    }


IDLE = [
    key
    for key, each in {**nginx.VOCABULARY.known, **nginx_org.VOCABULARY.known}.items()
    if each.handling is Handling.NO_EFFECT
]


@pytest.mark.parametrize("key", IDLE)
@pytest.mark.parametrize("value", ["true", "off", "4k", "nonsense"])
def test_what_is_said_to_have_no_effect_has_none(key: str, value: str) -> None:
    inc = NGINX_INC if controller_of(key) == "nginx-org" else ""
    text = inc + ingress({key: value, "isthmus.dev/transcode": "false"}) + SERVICE
    written, made = changed(text)
    assert key not in written and not made.by_hand
    before, after = offline(text)[0].pipeline.memo.hosts, offline(written)[0].pipeline.memo.hosts
    assert before["a.test"].hosts and before["a.test"].hosts == after["a.test"].hosts


def test_the_example_is_served_and_nothing_in_it_is_refused() -> None:
    settings = Settings((str(EXAMPLE),), http_port=80, https_port=443)
    work = Offline(settings)
    assert not at_least(work.diagnostics(), Severity.ERROR)
    found = migration(work, settings)
    verdicts = {row.verdict for each in found.moved for row in each.rows}
    assert verdicts == set(Verdict) - {Verdict.REFUSED, Verdict.INVALID}
    assert not any(each.left_out for each in found.moved)
    used = {row.name for each in found.moved for row in each.rows if row.name.startswith(P)}
    assert len(used) > 35, "an example worth the name"


def test_order_is_that_of_the_files() -> None:
    objects: list[Base] = [Ingress(metadata=Meta(name, "shop")) for name in ("b", "a")]
    store = Store()
    store.apply(objects)
    assert [each.ref.name for each in migrate(store, ())] == ["b", "a"]


def test_a_difference_that_the_value_does_not_meet_is_not_shown() -> None:
    met = {f"{P}mirror-request-body": "off", f"{P}affinity-mode": "persistent", f"{P}server-alias": "*.b.test"}
    unmet = {f"{P}mirror-request-body": "on", f"{P}affinity-mode": "balanced", f"{P}server-alias": "b.test"}
    beside = {f"{P}affinity": "cookie", f"{P}mirror-target": "http://copy.test$request_uri"}
    for given, verdict in ((met, Verdict.DIFFERS), (unmet, Verdict.KEPT)):
        found = moved(ingress({**beside, **given}) + SERVICE)
        assert [row(found, key).verdict for key in given] == [verdict] * 3
        assert verdict is Verdict.DIFFERS or not any(row(found, key).why for key in given)
