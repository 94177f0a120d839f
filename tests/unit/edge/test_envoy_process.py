"""Envoy as a program, and the folder that it shares."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from isthmus.edge import runtime_dir
from isthmus.edge.envoy_process import EnvoyError, envoy_argv, envoy_version, find_envoy, heap_budget, last_words


def test_the_wheels_envoy_is_found_and_says_its_version(monkeypatch):
    monkeypatch.delenv("ISTHMUS_ENVOY", raising=False)
    assert envoy_version(find_envoy()).startswith("1.40.")


def test_the_environment_names_another_and_the_flag_wins(monkeypatch, tmp_path):
    for name in ("by-flag", "by-variable"):
        (tmp_path / name).write_text("#!/bin/sh\necho hello\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("ISTHMUS_ENVOY", str(tmp_path / "by-variable"))
    assert find_envoy() == tmp_path / "by-variable"
    assert find_envoy(str(tmp_path / "by-flag")) == tmp_path / "by-flag"
    with pytest.raises(EnvoyError, match="does not say that it is Envoy"):
        envoy_version(tmp_path / "by-flag")


def test_what_is_not_a_program_is_refused_with_the_flag(monkeypatch, tmp_path):
    (tmp_path / "text").write_text("")
    with pytest.raises(EnvoyError, match=r"--envoy names .*text, which is not an executable file"):
        find_envoy(str(tmp_path / "text"))
    monkeypatch.setenv("ISTHMUS_ENVOY", "/nowhere/envoy")
    with pytest.raises(EnvoyError, match=r"\$ISTHMUS_ENVOY names /nowhere/envoy"):
        find_envoy()


def test_without_a_concurrency_envoy_chooses():
    assert "--concurrency" not in envoy_argv(Path("envoy"), Path("b.json"))
    assert envoy_argv(Path("envoy"), Path("b.json"), 3)[3:5] == ("--concurrency", "3")


def test_the_heap_is_smaller_than_the_machine():
    assert 1 << 26 < heap_budget() < os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        pytest.param(["warning: a", "critical: b", "warning: c"], "critical: b", id="errors-first"),
        pytest.param(["a", "b", "c", "d"], "b\nc\nd", id="else-the-last-three"),
        pytest.param(["error: a", "error: a"], "error: a", id="once"),
        pytest.param(["", " "], "", id="nothing"),
    ],
)
def test_last_words(lines, words):
    assert last_words(lines) == words


@pytest.fixture
def parent(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(runtime_dir, "_LONGEST", 1000)
    return tmp_path


def test_the_folder_is_private_and_goes_with_all_in_it(parent):
    made = runtime_dir.make_runtime_dir()
    assert made.path.parent == parent
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    made.bootstrap.write_text("{}")
    made.remove()
    assert list(parent.iterdir()) == []


def test_each_gateway_has_a_secret_that_all_its_control_planes_know(parent):
    first, second = runtime_dir.make_runtime_dir(), runtime_dir.make_runtime_dir()
    secrets = [runtime_dir.secret_in(each.path) for each in (first, second, first)]
    assert secrets[0] == secrets[2] != secrets[1]
    assert len(secrets[0]) == 32
    first.remove()
    second.remove()
    assert list(parent.iterdir()) == []


def test_what_a_dead_process_left_is_removed_and_what_is_in_use_stays(parent):
    code = "import isthmus.edge.runtime_dir as made; made._LONGEST = 1000; r = made.make_runtime_dir()\n"
    code += "r.bootstrap.touch(); print(r.path)"
    left = Path(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())
    assert left.exists()
    (parent / "isthmus-run-file").touch()
    (parent / "isthmus-other").mkdir()
    first = runtime_dir.make_runtime_dir()
    second = runtime_dir.make_runtime_dir()
    assert not left.exists()
    assert first.path.exists() and second.path.exists()
    assert (parent / "isthmus-run-file").exists() and (parent / "isthmus-other").exists()
    first.remove()
    second.remove()


def test_a_folder_too_deep_for_a_unix_socket_is_not_used(monkeypatch, tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    made = runtime_dir.make_runtime_dir()
    assert max(map(len, made.sockets)) <= 103
    made.remove()
