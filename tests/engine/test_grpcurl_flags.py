"""Every flag of grpcurl: does the same here, or is refused in words."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import SECONDS
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_servers import library_server

GRPCURL = str(Path(sys.executable).with_name("grpcurl"))
ISTHMUS = [sys.executable, "-m", "isthmus"]
LIBRARY = "library.v1.LibraryService"
TRIALS = "library.v1.TrialService"
ABOUT_ITSELF = {"-help", "-version"}


@pytest.fixture(scope="module")
def library() -> Iterator[str]:
    with library_server() as server:
        yield server.address


def run(*words: str) -> subprocess.CompletedProcess[str]:
    ran = subprocess.run(words, input="", capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "Traceback" not in ran.stderr
    return ran


def flags_of_grpcurl() -> list[tuple[str, bool]]:
    """Each flag and whether it takes a value."""
    said = run(GRPCURL, "-help")
    return [(f"-{name}", bool(kind)) for name, kind in re.findall(r"^  -([\w-]+)(?: (\w+))?\b", said.stderr, re.M)]


VALUES = {
    "-H": "a: b",
    "-rpc-header": "a: b",
    "-reflect-header": "a: b",
    "-d": "{}",
    "-format": "json",
    "-connect-timeout": "5",
    "-keepalive-time": "20",
    "-max-msg-sz": "1000000",
    "-max-time": "20",
    "-user-agent": "me",
    "-authority": "me.test",
}
ELSEWHERE = {"-insecure", "-cacert", "-cert", "-key", "-servername", "-proto", "-protoset", "-import-path", "-unix"}
FLAGS = [each for each in flags_of_grpcurl() if each[0] not in ABOUT_ITSELF | ELSEWHERE | {"-protoset-out"}]


def test_no_flag_is_forgotten():
    told = {verb: run(*ISTHMUS, verb, "-help").returncode for verb in ("list", "describe", "call")}
    assert told == {"list": 0, "describe": 0, "call": 0}
    assert len(FLAGS) > 15
    for flag, takes in flags_of_grpcurl():
        for verb in ("list", "describe", "call"):
            said = run(*ISTHMUS, verb, f"{flag}=x" if takes else flag, "-no-such-flag")
            if flag not in ABOUT_ITSELF:
                assert "-no-such-flag" in said.stderr.lower() or "number" in said.stderr or "is not" in said.stderr, (
                    flag
                )


@pytest.mark.parametrize("verb", ["list", "describe", "call"])
@pytest.mark.parametrize(("flag", "takes"), FLAGS, ids=[flag for flag, _ in FLAGS])
def test_a_flag_changes_nothing_else(library, verb, flag, takes):
    words = ["-plaintext", *([flag, VALUES[flag]] if takes else [flag])]
    if flag == "-plaintext":
        words = words[1:]
    asked = {"list": [LIBRARY], "describe": [f"{LIBRARY}.GetShelf"], "call": [f"{LIBRARY}/ListShelves"]}[verb]
    theirs = run(GRPCURL, *words, library, *([verb] if verb != "call" else []), *asked)
    ours = run(*ISTHMUS, verb, *words, library, *asked)
    assert (ours.returncode, theirs.returncode) == (0, 0), (ours.stderr, theirs.stderr)
    if verb != "describe" and flag not in ("-v", "-vv"):
        assert sorted(ours.stdout.split()) == sorted(theirs.stdout.split())
    if flag in ("-d", "-rpc-header") and verb != "call":
        assert "not used" in ours.stderr
        assert "not used" in theirs.stderr


@pytest.mark.parametrize(
    "asked",
    [("list",), ("list", TRIALS), ("describe", f"{TRIALS}.Fill"), ("describe", "library.v1.Shelf"), ("call",)],
    ids=" ".join,
)
def test_the_schema_of_what_was_asked_for_is_written(library, tmp_path, asked):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    if asked[0] == "call":  # grpcurl says that it does, and does not
        run(GRPCURL, "-plaintext", "-protoset-out", str(theirs), library, "describe", f"{TRIALS}.Fill")
        run(*ISTHMUS, "call", "-plaintext", "-protoset-out", str(ours), library, f"{TRIALS}/Fill")
    else:
        run(GRPCURL, "-plaintext", "-protoset-out", str(theirs), library, *asked)
        run(*ISTHMUS, *asked[:1], "-plaintext", "-protoset-out", str(ours), library, *asked[1:])
    found = [
        {each.name for each in FileDescriptorSet.FromString(file.read_bytes()).file if "reflection" not in each.name}
        for file in (ours, theirs)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("flag", "says"),
    [("-alts", "Google Cloud"), ("-alts-handshaker-service=x", "Google Cloud"), ("-proto-out-dir=x", "-protoset-out")],
)
@pytest.mark.parametrize("verb", ["list", "describe", "call"])
def test_what_is_not_offered_is_refused_in_words(library, verb, flag, says):
    ran = run(*ISTHMUS, verb, flag, library)
    assert ran.returncode == 2
    assert says in ran.stderr


def test_errors_in_the_format_that_is_asked_for(library):
    words = (
        "-plaintext",
        "-format-error",
        "-format",
        "text",
        "-d",
        'name: "shelves/nope"',
        library,
        f"{LIBRARY}/GetShelf",
    )
    ours, theirs = run(*ISTHMUS, "call", *words), run(GRPCURL, *words)
    assert ours.returncode == theirs.returncode
    assert ours.stderr.split()[:2] == theirs.stderr.split()[:2]
    assert ours.stderr.startswith("code: ")


@pytest.mark.parametrize("data", ["", "\x1e", "number: 1\x1e", "number: 1\x1enumber: 2"])
def test_separators_of_text_messages(library, data):
    words = ("-plaintext", "-format", "text", "-d", data, library, f"{TRIALS}/Sum")
    ours, theirs = run(*ISTHMUS, "call", *words), run(GRPCURL, *words)
    assert (ours.stdout.split(), ours.returncode) == (theirs.stdout.split(), theirs.returncode)


def test_reflection_cannot_be_left_out_without_files(library):
    ran = run(*ISTHMUS, "list", "-use-reflection=false", library)
    assert (ran.returncode, "-protoset" in ran.stderr) == (2, True)
    assert run(GRPCURL, "-plaintext", "-use-reflection=false", library, "list").returncode != 0
