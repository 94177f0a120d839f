"""The generated stub: mypy --strict finds what Envoy would only say at run time, and passes what is right."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAD = "from datetime import timedelta\nfrom isthmus.xds import api\n"
RIGHT = """
route = api.Route(name="r", match={"prefix": "/"}, route=api.RouteAction(cluster="c", timeout=timedelta(seconds=1)))
host = api.VirtualHost(name="h", domains=["*"], routes=[route], require_tls="ALL")
host.routes.add(name="s", match=api.RouteMatch(path="/s"), redirect={"host_redirect": "b.example"}).name = "t"
host.routes.extend([route])
names: list[str] = [each.match.prefix for each in host.routes]
host.typed_per_filter_config["f"].CopyFrom(api.pack(api.FilterConfig(disabled=True)))
kind: str | None = route.WhichOneof("action")
again: api.Route = api.Route.FromString(route.SerializeToString(deterministic=True))
number: int = api.Cluster.EDS + api.Cluster.DiscoveryType.STATIC
nested: api.Cluster.CommonLbConfig = api.Cluster().common_lb_config
secret = api.ConfigSource(ads={}, resource_api_version="V3")
"""
WRONG = {
    "misspelt argument": ('api.Route(nam="r")', "call-arg"),
    "misspelt attribute": ("api.Route().nme", "attr-defined"),
    "misspelt argument of add": ('api.VirtualHost().routes.add(nme="r")', "call-arg"),
    "wrong scalar": ("api.Route(name=1)", "arg-type"),
    "wrong message": ("api.Route(match=api.Cluster())", "arg-type"),
    "message assigned": ("api.Route().match = api.RouteMatch()", "misc"),
    "misspelt enum value": ('api.Cluster(type="EDSS")', "arg-type"),
    "unknown field asked for": ('api.Route().HasField("nme")', "arg-type"),
    "unknown oneof": ('api.Route().WhichOneof("actoin")', "arg-type"),
    "name not in MESSAGES": ("api.Custler()", "attr-defined"),
}


def _mypy(tmp_path_factory: pytest.TempPathFactory, text: str) -> str:
    folder = tmp_path_factory.mktemp("stub")
    (folder / "use.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(folder / "cache")]
    done = subprocess.run(
        [*command, "use.py"], cwd=folder, env={"MYPYPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def verdict(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of every wrong line, in one run; the line of a case is its place in WRONG, plus 3."""
    return _mypy(tmp_path_factory, HEAD + "\n".join(line for line, _ in WRONG.values()) + "\n")


def test_right_code_passes(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert "Success" in _mypy(tmp_path_factory, HEAD + RIGHT)


def test_right_code_also_runs() -> None:
    exec(compile(HEAD + RIGHT, "right", "exec"), {})


@pytest.mark.parametrize("case", WRONG)
def test_mypy_finds(verdict: str, case: str) -> None:
    line, code = list(WRONG).index(case) + 3, WRONG[case][1]
    assert re.search(rf"^use\.py:{line}: error: .*\[{code}\]$", verdict, re.M), verdict
