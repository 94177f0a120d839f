"""Documents to objects: what is read, and every kind of finding with its object, field and place."""

import json

import pytest

from isthmus.kube import codes
from isthmus.kube.decode import Decoded, decode
from isthmus.kube.diagnostics import Diagnostic
from isthmus.kube.objects import Base, ConfigMap, Ingress, Namespace, Service
from isthmus.kube.refs import FieldPath, ObjectRef, Source

INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations:
    a: "1"
spec:
  rules:
  - host: a.example.com
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service:
            name: web
            port:
              number: 80
"""


def found(text: str) -> list[tuple[str, str, str]]:
    """Code, field and place of all findings."""
    return [(each.code.id, str(each.path), str(each.pos)) for each in decode("f.yaml", text).diagnostics]


def only(text: str) -> Diagnostic:
    """The one finding."""
    (diagnostic,) = decode("f.yaml", text).diagnostics
    return diagnostic


def one(decoded: Decoded) -> Base:
    """The one object, found without complaints."""
    assert not decoded.diagnostics
    (obj,) = decoded.objects
    return obj


def test_an_ingress() -> None:
    obj = one(decode("f.yaml", f"# first\n---\n{INGRESS}"))
    assert isinstance(obj, Ingress)
    assert (obj.metadata.namespace, obj.metadata.name, obj.source) == ("default", "web", Source("f.yaml", 2))
    assert obj.spec.rules[0].http is not None
    assert obj.spec.rules[0].http.paths[0].backend.service is not None
    assert obj.spec.rules[0].http.paths[0].backend.service.port.number == 80


def test_json_reads_the_same() -> None:
    yaml = one(decode("f.json", INGRESS))
    value = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web", "annotations": {"a": "1"}},
        "spec": {"rules": [{"host": "a.example.com", "http": {"paths": [{
            "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}},
        }]}}]},
    }  # fmt: skip
    assert one(decode("f.json", json.dumps(value, indent="\t"))) == yaml


def test_the_server_s_own_fields_are_dropped_without_a_word() -> None:
    text = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
  uid: x
  managedFields: [{manager: kubectl}]
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}", keep: me}
isthmus.source: {file: /etc/passwd}
status: {}
"""
    decoded = decode("f.yaml", text)
    assert [obj.metadata.annotations for obj in decoded.objects] == [{"keep": "me"}]
    assert decoded.objects[0].source == Source("f.yaml"), "a manifest cannot say where it was read"
    assert found(text) == [("ISTH0007", '["isthmus.source"]', "f.yaml:8:1")]


def test_namespaces_are_explicit_for_namespaced_kinds_only() -> None:
    assert one(decode("f", "{apiVersion: v1, kind: Service, metadata: {name: a}}")).metadata.namespace == "default"
    namespace = one(decode("f", "{apiVersion: v1, kind: Namespace, metadata: {name: a, namespace: x}}"))
    assert isinstance(namespace, Namespace) and namespace.metadata.namespace == ""


def test_nulls_are_absent_fields() -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: , annotations: {x: }}\nspec:\n  ports:\n"
    obj = one(decode("f", text))
    assert isinstance(obj, Service)
    assert (obj.spec.ports, obj.metadata.labels, obj.metadata.annotations) == ((), {}, {"x": ""})


def test_lists_are_taken_apart() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: 1}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
- 3
---
apiVersion: v1
kind: ConfigMapList
items:
- metadata: {name: c}
"""
    decoded = decode("f.yaml", text)
    assert [(obj.metadata.name, obj.source) for obj in decoded.objects] == [
        ("b", Source("f.yaml", 1, 1)),
        ("c", Source("f.yaml", 7, 0)),
    ]
    assert found(text) == [("ISTH0005", "data.k", "f.yaml:4:65"), ("ISTH0003", "", "f.yaml:6:3")]


def test_a_broken_document_spoils_only_itself() -> None:
    text = f"{INGRESS}---\nkind: [\n---\n{INGRESS.replace('name: web', 'name: other')}"
    decoded = decode("f.yaml", text)
    assert [obj.metadata.name for obj in decoded.objects] == ["web", "other"]
    (problem,) = decoded.diagnostics
    assert (problem.code, problem.ref) == (codes.SYNTAX, ObjectRef("File", "", "f.yaml"))
    assert problem.pos is not None and problem.pos.line == 20
    assert decoded.unreadable


TYPES = {
    "number for text": ('a: "1"', "a: 3600", "f.yaml:6:5", "expected text, found the number 3600", '"3600"'),
    "boolean for text": ('a: "1"', "a: on", "f.yaml:6:5", "the boolean true (which is what on means in YAML)", '"on"'),
    "octal for text": ('a: "1"', "a: 010", "f.yaml:6:5", "the number 8 (which is what 010 means in YAML)", '"010"'),
    "text for number": ("number: 80", 'number: "80"', "f.yaml:18:15", 'found the text "80"', "remove the quotes: 80"),
    "fraction for number": ("number: 80", "number: 80.5", "f.yaml:18:15", "found the number 80.5", "a whole number"),
    "mapping for text": ("path: /", "path: {a: b}", "f.yaml:12:9", "expected text, found a mapping", "text"),
    "text for mapping": ("service:\n            name: web", "service: web\n          x:", "f.yaml:15:11",
                         'expected a mapping, found the text "web"', "indentation"),
    "number for port": ("port:\n              number: 80", "port: 80", "f.yaml:17:13", "found the number 80",
                        "write {number: 80} here"),
    "name for port": ("port:\n              number: 80", "port: web", "f.yaml:17:13", 'found the text "web"',
                      "write {name: web} here"),
    "text for list": ("spec:\n", "spec:\n  tls: a.example.com\n", "f.yaml:8:3", "expected a list", "[a.example.com]"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "message", "fix"), TYPES.values(), ids=TYPES)
def test_wrong_types_say_what_is_there_and_how_to_mend_it(
    old: str, new: str, place: str, message: str, fix: str
) -> None:
    assert old in INGRESS
    wrong = [d for d in decode("f.yaml", INGRESS.replace(old, new)).diagnostics if d.code is codes.WRONG_TYPE]
    assert [str(each.pos) for each in wrong] == [place]
    assert message in wrong[0].message and fix in wrong[0].help
    assert wrong[0].ref == ObjectRef("Ingress", "default", "web")


def test_all_wrong_types_and_missing_fields_are_reported_at_once() -> None:
    text = INGRESS.replace('"1"', "1").replace("host: a.example.com", "host: 1").replace("name: web\n            ", "")
    assert found(text) == [
        ("ISTH0005", "metadata.annotations.a", "f.yaml:6:5"),
        ("ISTH0005", "spec.rules[0].host", "f.yaml:9:5"),
        ("ISTH0006", "spec.rules[0].http.paths[0].backend.service.name", "f.yaml:15:11"),
    ]
    assert not decode("f.yaml", text).objects


OTHER = {
    "no apiVersion": ("kind: Service\nmetadata: {name: a}", "ISTH0003", "", "1:1"),
    "no kind": ("apiVersion: v1\n", "ISTH0003", "", "1:1"),
    "a list": ("- a\n", "ISTH0003", "", "1:1"),
    "kind is a number": ("apiVersion: v1\nkind: 3", "ISTH0003", "", "1:1"),
    "old Ingress": ("apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}", "ISTH0004",
                    "apiVersion", "1:1"),
    "no name": ("apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}", "ISTH0006", "metadata.name", "3:1"),
    "no metadata": ("apiVersion: v1\nkind: Service\n", "ISTH0006", "metadata", "1:1"),
    "upper case": ("apiVersion: v1\nkind: Service\nmetadata:\n  name: A", "ISTH0010", "metadata.name", "4:3"),
    "control": ('apiVersion: v1\nkind: Secret\nmetadata:\n  name: "a\\x07"', "ISTH0010", "metadata.name", "4:3"),
    "line break": ('apiVersion: v1\nkind: Secret\nmetadata:\n  name: "a\\n"', "ISTH0010", "metadata.name", "4:3"),
    "dotted Service": ("apiVersion: v1\nkind: Service\nmetadata: {name: a.b}", "ISTH0010", "metadata.name", "3:12"),
    "bad namespace": ("apiVersion: v1\nkind: Secret\nmetadata: {name: a.b, namespace: a.b}", "ISTH0010",
                      "metadata.namespace", "3:23"),
    "annotations": ("apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n    x: " + "y" * 262144,
                    "ISTH0011", "metadata.annotations", "5:3"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "path", "place"), OTHER.values(), ids=OTHER)
def test_refused_objects(text: str, code: str, path: str, place: str) -> None:
    assert found(text) == [(code, path, f"f.yaml:{place}")]
    decoded = decode("f.yaml", text)
    assert not decoded.objects and (decoded.broken or decoded.unreadable)
    (diagnostic,) = decoded.diagnostics
    assert (diagnostic.message + diagnostic.help + str(diagnostic.ref)).isprintable()


@pytest.mark.parametrize(("old", "new"), [("serviceName", "service.name"), ("servicePort", "service.port.number")])
def test_fields_of_former_versions_are_named_as_they_are_now(old: str, new: str) -> None:
    text = INGRESS.replace("          service:\n", f"          {old}: web\n          service:\n")
    assert f"no field {old} here; did you mean {new}?" in only(text).message


def test_unknown_fields_are_warnings_with_what_was_meant() -> None:
    text = INGRESS.replace("pathType", "pathtype").replace("spec:", "spec:\n  ingressClass: nginx")
    decoded = decode("f.yaml", text)
    assert len(decoded.objects) == 1
    assert [(str(each.path), str(each.pos), each.message) for each in decoded.diagnostics] == [
        ("spec.ingressClass", "f.yaml:8:3", "Ingress has no field ingressClass here; did you mean ingressClassName?"),
        ("spec.rules[0].http.paths[0].pathtype", "f.yaml:14:9",
         "Ingress has no field pathtype here; did you mean pathType?"),
    ]  # fmt: skip


def test_real_fields_that_are_not_read_are_no_findings() -> None:
    text = """\
apiVersion: v1
kind: Service
metadata: {name: a, uid: u, ownerReferences: [], finalizers: [x]}
spec:
  selector: {a: b}
  clusterIP: None
  sessionAffinity: None
  ports: [{port: 80, nodePort: 30000, targetPort: http, appProtocol: http}]
status: {loadBalancer: {}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a}
addressType: IPv4
endpoints: [{addresses: [10.0.0.1], nodeName: n, zone: z, targetRef: {kind: Pod}, conditions: {ready: true}}]
ports: [{name: http, port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: a}
spec: {controller: x, parameters: {kind: y, name: z}}
"""
    decoded = decode("f.yaml", text)
    assert not decoded.diagnostics and len(decoded.objects) == 3


@pytest.mark.parametrize(
    ("version", "kind"),
    [("apps/v1", "Deployment"), ("serving.knative.dev/v1", "Service"), ("config.openshift.io/v1", "Ingress")],
)
def test_kinds_of_others_are_unused_rather_than_wrong(version: str, kind: str) -> None:
    decoded = decode("f.yaml", f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}")
    assert [(each.kind, each.version, str(each.pos)) for each in decoded.unused] == [(kind, version, "f.yaml:2:1")]
    assert not decoded.diagnostics and not decoded.objects


def test_broken_objects_are_named() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: ns}\ndata: {a: 1}"
    decoded = decode("f.yaml", text)
    assert decoded.broken == (ObjectRef("ConfigMap", "ns", "a"),) and not decoded.unreadable


@pytest.mark.parametrize("name", ["{name: [a]}", "{name: 12}", "{name: a, namespace: n}", "{}", "3"])
def test_an_object_whose_name_is_in_doubt_may_be_any_of_its_file(name: str) -> None:
    decoded = decode("f.yaml", f"apiVersion: v1\nkind: ConfigMap\nmetadata: {name}")
    assert decoded.unreadable and not decoded.objects and decoded.diagnostics


@pytest.mark.parametrize(
    "data", ["data: {tls.key: {a: 7812}}", "stringData: {pin: 7812}", "data: a7812", "type: [7812]"]
)
@pytest.mark.parametrize("name", ["name: a", ""])
def test_values_of_secrets_are_not_in_messages(data: str, name: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{{name}}}\n{data}"
    wrong = [each for each in decode("f", text).diagnostics if each.code is codes.WRONG_TYPE]
    assert len(wrong) == 1 and "7812" not in wrong[0].message + wrong[0].help


def test_a_config_map_may_have_numbers_for_keys() -> None:
    obj = one(decode("f", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {8080: ns/svc, on: x}"))
    assert isinstance(obj, ConfigMap) and obj.data == {"8080": "ns/svc", "true": "x"}


def test_paths_of_findings_read_back() -> None:
    diagnostic = only(INGRESS.replace('a: "1"', "nginx.ingress.kubernetes.io/x: 1"))
    assert FieldPath.parse(str(diagnostic.path)) == diagnostic.path
