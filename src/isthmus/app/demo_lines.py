"""The lines that the demo prints to be pasted, and what each must answer.

May not know how the demo is run. The rule: what is printed is what is checked, letter for letter.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

_SECONDS = 30
_CURSOR = re.compile(r"\x1b(\[[0-9;]*[A-Za-z]|[0-9])|\r")  # the WebSocket client moves the cursor


class Line(Struct, frozen=True):
    """A line for the shell. Its answer holds every text of `expected`, after at most `tries` runs."""

    title: str
    command: str
    expected: tuple[str, ...]
    tries: int = 1


class Answer(Struct, frozen=True):
    """What a line printed, and which expected texts were missing."""

    text: str
    missing: tuple[str, ...]

    @property
    def fine(self) -> bool:
        """Whether it is the answer that was expected."""
        return not self.missing


def lines(http: str, https: str, ca: Path) -> tuple[Line, ...]:
    """The lines for a gateway that listens on these addresses (IP:PORT); `ca` signed its certificate."""
    return (
        *_http_lines(http, https, ca),
        *_grpc_lines(http, https, ca),
        *_api_lines(http),
        *_websocket_lines(http),
    )


def ask(line: Line) -> Answer:
    """Run a line in a shell, as if it were pasted."""
    text, missing = "", line.expected
    for _ in range(line.tries):
        text += _run(line.command)
        missing = tuple(expected for expected in line.expected if expected not in text)
        if not missing:
            break
    return Answer(text, missing)


def tool(name: str) -> str:
    """How to call a program: by its name if that finds the one beside this Python (or any), else by its path."""
    beside = Path(sys.executable).parent / name
    on_path = shutil.which(name)
    if beside.exists() and not (on_path and beside.samefile(on_path)):
        return shlex.quote(str(beside))
    return name


def _http_lines(http: str, https: str, ca: Path) -> tuple[Line, ...]:
    (address, port), (_, tls_port) = http.rsplit(":", 1), https.rsplit(":", 1)
    secure = f"secure.localhost:{tls_port}"
    plain = f"secure.localhost:{port}"
    curl = f"{tool('curl')} -sS"
    return (
        Line(
            "HTTP: the echo answers with what it received",
            f"{curl} 'http://localhost:{port}/hello?from=curl'",
            ('"path": "/hello"', '"query": "from=curl"', '"replica": "http-echo-1"'),
        ),
        Line(
            "HTTPS: the certificate is verified",
            f"{curl} --cacert {shlex.quote(str(ca))} --resolve {secure}:{address} https://{secure}/hello",
            ('"path": "/hello"', '["x-forwarded-proto", "https"]'),
        ),
        Line(
            "HTTP to a host that has TLS: a redirect",
            f"{curl} --resolve {plain}:{address} -w '%{{http_code}} %{{redirect_url}}\\n' http://{plain}/hello",
            (f"308 https://{secure}/hello",),
        ),
    )


def _grpc_lines(http: str, https: str, ca: Path) -> tuple[Line, ...]:
    grpcurl = tool("grpcurl")
    verified = f"{grpcurl} -cacert {shlex.quote(str(ca))} -authority demo.kubesre.com"
    clear = f"{grpcurl} -plaintext -authority grpc.localhost"
    say_hello = "helloworld.Greeter/SayHello"
    return (
        Line(
            "gRPC over TLS: server reflection lists the services",
            f"{grpcurl} -insecure -authority demo.kubesre.com {https} list",
            ("grpc.reflection.v1alpha.ServerReflection", "helloworld.Greeter"),
        ),
        Line(
            "gRPC over TLS: and describes them",
            f"{verified} {https} describe helloworld.Greeter",
            ("rpc SayHello (", "rpc SayHelloBidiStream ( stream"),
        ),
        Line(
            "gRPC over TLS: a call",
            f"""{verified} -d '{{"name": "TLS"}}' {https} {say_hello}""",
            ("Hello TLS", "greeter-"),
        ),
        Line(
            "gRPC in the clear: a stream of three",
            f"""{clear} -d '{{"name": "stream", "count": 3}}' {http} {say_hello}StreamReply""",
            ("Hello stream 1", "Hello stream 2", "Hello stream 3"),
        ),
        Line(
            "gRPC in the clear: calls are spread over the replicas",
            f"for n in 1 2 3 4 5 6 7 8 9; do {clear} {http} {say_hello}; done | grep -o 'greeter-.' | sort | uniq -c",
            ("greeter-1", "greeter-2", "greeter-3"),
            tries=5,
        ),
    )


def _api_lines(http: str) -> tuple[Line, ...]:
    url = f"http://api.localhost:{http.rpartition(':')[2]}"
    curl = f"{tool('curl')} -sS"
    get = f"{url}/api/v1/echo/hello/get?query=666"
    return (
        Line(
            "REST to a gRPC server that knows nothing of it: the rules are in its schema",
            f"{curl} '{get}' -H 'echo-hello: world' -H 'MD-hello: world'",
            ("GET [test-server]---", "request=hello query=666"),
        ),
        Line(
            "REST: a body",
            f"""{curl} {url}/api/v1/echo/post -d '{{"request": "hello", "query": 123}}'""",
            ("POST [test-server]---", "request=hello query=123"),
        ),
        Line(
            "REST: a mistake is said as google.rpc.Status",
            f"{curl} '{url}/api/v1/greet/hello?contents=world'",
            ('"code":3', "contents"),
        ),
        Line(
            "Connect: the same server, its errors in Connect's way",
            f"{curl} {url}/proto.GreetService/GreetGet -H 'Connect-Protocol-Version: 1' --json '{{\"request\": 1}}'",
            ('"code":"invalid_argument"',),
        ),
    )


def _websocket_lines(http: str) -> tuple[Line, ...]:
    url = f"//localhost:{http.rpartition(':')[2]}/chat"
    return (
        Line(
            "WebSocket: an echo (without the pipe it is interactive)",
            f"(echo hello; sleep 1) | {tool('websockets')} ws:{url}",
            ("< hello", "1000 (OK)"),
        ),
        Line(
            "WebSocket: plain HTTP on the same path goes on working",
            f"{tool('curl')} -sS http:{url}",
            ('"path": "/chat"', '"replica": "demo-ws-1"'),
        ),
    )


def _run(command: str) -> str:
    try:
        done = subprocess.run(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no end after {_SECONDS} seconds\n"
    return _CURSOR.sub("", done.stdout)
