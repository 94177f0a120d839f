"""Ctrl-C, at whatever moment: exit code 130 and no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

START = (
    "import atexit, os, signal, sys\nfrom isthmus import cli\ninterrupt = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
)
VERB = f"{START}signal.signal(signal.SIGINT, cli.in_order)\n"
WORKING = "sys.modules['isthmus.cli.main'] = type(sys)('main'); sys.modules['isthmus.cli.main'].main = lambda _: "


def ended(code: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=environment)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(f"{VERB}try: interrupt()\nfinally: print('clean')", id="in order"),
        pytest.param(
            f"{VERB}print('clean', flush=True)\ntry: interrupt()\nfinally: interrupt(); print('late')", id="twice"
        ),
        pytest.param(
            f"{VERB}class A:\n  def __del__(self): interrupt(); self\nprint('clean', flush=True)\nA()\nprint('late')",
            id="where Python cannot pass it on",
        ),
        pytest.param(
            f"{VERB}class A:\n  def __set_name__(self, *_): interrupt(); self\n"
            "print('clean', flush=True)\nclass B: a = A()\nprint('late')",
            id="where Python makes another error of it",
        ),
        pytest.param(f"{START}print('clean', flush=True)\n{WORKING}interrupt()\ncli.main()", id="before the verb"),
    ],
)
def test_it_ends_with_130_and_says_nothing(code: str) -> None:
    assert ended(code) == (130, "clean\n", "")


def test_at_the_end_of_the_interpreter_the_exit_code_is_settled() -> None:
    assert ended(f"{START}atexit.register(interrupt)\n{WORKING}sys.exit(7)\ncli.main()") == (7, "", "")


def test_a_verb_is_interrupted_in_order_once_it_works() -> None:
    code = f"{START}from isthmus.cli import version\nimport click\n"
    code += "@click.command()\ndef command():\n  try: interrupt()\n  finally: print('clean')\n"
    assert ended(f"{code}version.command = command\nsys.argv[1:] = ['version']\ncli.main()") == (130, "clean\n", "")


def test_the_demo_cleans_up_however_often_it_is_interrupted(tmp_path: Path) -> None:
    code = f"{VERB}import contextlib\nfrom isthmus.app import demo\n@contextlib.contextmanager\ndef servers():\n"
    code += "  try: interrupt(); yield ()\n  finally: interrupt(); print('clean')\n"
    code += "demo._servers = servers\nsys.exit(demo.run(demo.Ports(1, 2), False, None))"
    assert ended(code, TMPDIR=str(tmp_path)) == (130, "clean\n", "")
    assert not list(tmp_path.iterdir())
