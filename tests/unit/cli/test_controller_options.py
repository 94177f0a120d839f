"""--controller-configmap and --without: the same on every verb that reads manifests."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from isthmus.cli.main import isthmus
from isthmus.quirks import QUIRKS

MANIFESTS = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: edge}
data: {relative-redirects: "true", nonsense: "1"}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  rules:
    - host: a.test
      http: {paths: [{path: /x/, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(isthmus, [*words, "-f", "-"], input=MANIFESTS)


def answer(*words: str) -> str:
    """What a request for /x is answered, in the words of explain."""
    steps = json.loads(run("explain", "http://a.test/x", "-o", "json", *words).output)["steps"]
    return " ".join(step["text"] for step in steps if step["step"] == "answer")


def test_a_quirk_is_left_out() -> None:
    assert answer() == "301 redirect to http://a.test/x/"
    assert "301" not in answer("--without", "slash-redirect")


def test_another_config_map_is_read() -> None:
    assert answer("--controller-configmap", "edge/settings") == "301 redirect to /x/"


def test_its_keys_are_judged() -> None:
    assert "nonsense" not in run("check").output
    assert "ISTH0128: key nonsense" in run("check", "--controller-configmap", "edge/settings").output


@pytest.mark.parametrize("verb", [["check"], ["routes"], ["translate", "--to", "ir"], ["explain", "http://a.test/"]])
def test_every_verb_takes_them(verb: list[str]) -> None:
    given = [word for name in QUIRKS for word in ("--without", name)]
    assert run(*verb, *given, "--controller-configmap", "edge/settings").exit_code in (0, 1)


@pytest.mark.parametrize("value", ["settings", "/settings", "edge/", "a/b/c"])
def test_what_is_no_name_of_a_config_map_is_refused(value: str) -> None:
    found = run("check", "--controller-configmap", value)
    assert (found.exit_code, "NAMESPACE/NAME" in found.output) == (2, True)


def test_a_misspelt_quirk_is_refused_with_those_that_there_are() -> None:
    found = run("check", "--without", "hstss")
    assert found.exit_code == 2
    assert all(name in found.output for name in QUIRKS)
