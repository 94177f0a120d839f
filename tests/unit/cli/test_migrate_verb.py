"""`isthmus migrate`: what it prints, writes and exits with, and that wrong input is told in one line."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from isthmus.app.migration import migration
from isthmus.app.offline import Offline
from isthmus.app.settings import Settings
from isthmus.cli.main import isthmus
from isthmus.cli.migrate_files import OutputError, write
from isthmus.cli.migrate_report import render_table

P = "nginx.ingress.kubernetes.io/"
GOOD = f"""\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: good
  namespace: shop
  annotations:
    # about buffers
    {P}proxy-buffer-size: 8k

    {P}affinity: cookie  # stay
    cert-manager.io/issuer: x
spec:
  ingressClassName: nginx
  rules:
    - {{host: good.test, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: shop}}
spec: {{ports: [{{port: 80}}]}}
"""  # noqa: E501 - a line of YAML
BAD = (
    GOOD.partition("---")[0]
    .replace("good", "bad")
    .replace("affinity: cookie  # stay", "auth-type: digest")
    .replace("    # about buffers\n", "")
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["schema", "classes", "totals", "objects", "unread"],
    "properties": {
        "schema": {"const": "isthmus.migrate/v1"},
        "classes": {"type": "array", "items": {"type": "string"}},
        "totals": {
            "type": "object",
            "additionalProperties": False,
            "required": ["annotations", "objects", "left_out", "other_programs", "unread"],
            "properties": {
                "annotations": {"$ref": "#/$defs/numbers"},
                "objects": {"$ref": "#/$defs/numbers"},
                "left_out": {"type": "integer"},
                "other_programs": {"type": "integer"},
                "unread": {"type": "integer"},
            },
        },
        "objects": {"type": "array", "items": {"$ref": "#/$defs/object"}},
        "unread": {"type": "array", "items": {"type": "object", "required": ["code", "message", "help"]}},
    },
    "$defs": {
        "word": {"enum": ["kept", "helper", "differs", "no effect", "invalid", "unknown", "refused", "left out"]},
        "numbers": {
            "type": "object",
            "propertyNames": {"$ref": "#/$defs/word"},
            "additionalProperties": {"type": "integer", "minimum": 0},
            "minProperties": 7,
        },
        "texts": {"type": "array", "items": {"type": "string"}},
        "object": {
            "type": "object",
            "additionalProperties": False,
            "required": [
                "kind", "namespace", "name", "file", "line", "verdict", "left_out", "annotations", "other_programs",
                "changes",
            ],
            "properties": {
                "kind": {"type": "string"},
                "namespace": {"type": "string"},
                "name": {"type": "string"},
                "file": {"type": "string"},
                "line": {"type": "integer"},
                "verdict": {"$ref": "#/$defs/word"},
                "left_out": {"type": "string"},
                "annotations": {"type": "array", "items": {"$ref": "#/$defs/annotation"}},
                "other_programs": {"$ref": "#/$defs/texts"},
                "changes": {"$ref": "#/$defs/texts"},
            },
        },
        "annotation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path", "name", "value", "verdict", "why", "instead", "codes"],
            "properties": {
                "path": {"type": "string"},
                "name": {"type": "string"},
                "value": {"type": "string"},
                "verdict": {"$ref": "#/$defs/word"},
                "why": {"type": "string"},
                "instead": {"type": "string"},
                "codes": {"type": "array", "items": {"type": "string", "pattern": "^ISTH[0-9]{4}$"}},
            },
        },
    },
}  # fmt: skip


def migrate(*words: str, stdin: str | bytes | None = None, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(isthmus, ["migrate", *words], input=stdin, env=env)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "good.yaml").write_text(GOOD)
    (tmp_path / "in" / "sub" / "bad.yaml").write_text(BAD)
    return tmp_path


# Exit codes


def test_exit_0_where_nothing_is_refused() -> None:
    result = migrate("-f", "-", stdin=GOOD)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "good.test" not in result.stdout
    assert "2 annotations and the like: 1 differs, 1 no effect" in result.stdout
    assert "1 annotation of other programs" in result.stdout


def test_exit_1_where_something_is_refused() -> None:
    result = migrate("-f", "-", stdin=BAD)
    assert result.exit_code == 1 and "instead: use basic over TLS" in result.stdout
    summary = result.stdout.partition("To mend before the move, or these paths answer 503:\n")[2].splitlines()
    assert summary[0].startswith("  Ingress shop/bad  nginx.ingress.kubernetes.io/auth-")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("a: [", "ISTH0001", id="broken"),
        pytest.param("hello", "ISTH0003", id="no-object"),
        pytest.param(GOOD.replace("io/v1", "io/v1beta1", 1), "ISTH0004", id="old-version"),
        pytest.param(GOOD.replace("affinity: cookie", "affinity: 1"), "ISTH0005", id="number"),
        pytest.param(GOOD.replace("8k", "8k" * 200_000), "ISTH0011", id="huge"),
        pytest.param(GOOD.replace("# stay", "# stay\x00"), "ISTH0001", id="nul"),
    ],
)
def test_exit_1_where_something_cannot_be_read(text: str, code: str) -> None:
    for output in ("table", "json", "markdown"):
        result = migrate("-f", "-", "-o", output, stdin=f"{text}\n---\n{GOOD}")
        assert result.exit_code == 1 and "Traceback" not in result.output
        assert "good" in result.stdout, "the others are judged"
    assert code in migrate("-f", "-", stdin=text).stdout
    found = json.loads(migrate("-f", "-", "-o", "json", stdin=text).stdout)
    assert [each["code"] for each in found["unread"]] == [code]


WRONG = [
    pytest.param(["-f", "nowhere.yaml"], "no such file or folder: nowhere.yaml", id="missing-file"),
    pytest.param([], "expected manifests: add -f", id="no-file"),
    pytest.param(["-f", "-", "-o", "html"], "'html' is not one of", id="output"),
    pytest.param(["-f", "-", "--to", "gateway"], "'gateway' is not 'ingress'", id="to"),
    pytest.param(["-f", "-", "--output-dir", "x"], "add --to ingress", id="folder-for-nothing"),
    pytest.param(["-f", "-", "--to", "ingress", "--force"], "there is no --output-dir", id="force-for-nothing"),
]


@pytest.mark.parametrize(("words", "message"), WRONG)
def test_exit_2_for_wrong_usage(words: list[str], message: str) -> None:
    result = migrate(*words, stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and "Traceback" not in result.stderr


# What is printed


def test_json_has_its_schema(folder: Path) -> None:
    left = GOOD.replace("ingressClassName: nginx", "ingressClassName: other").replace("name: good", "name: left")
    (folder / "in" / "left.yaml").write_text(left.partition("---")[0])
    (folder / "in" / "broken.yaml").write_text("a: [")
    result = migrate("-f", str(folder / "in"), "-o", "json")
    found = json.loads(result.stdout)
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    by_name = {each["name"]: each for each in found["objects"]}
    assert by_name["bad"]["verdict"] == "refused" and by_name["left"]["verdict"] == "left out"
    assert (by_name["good"]["file"], by_name["good"]["line"]) == (str(folder / "in" / "good.yaml"), 1)
    assert by_name["good"]["changes"] == [f"{P}proxy-buffer-size removed"]
    assert found["totals"]["annotations"]["refused"] == 1 and found["totals"]["left_out"] == 1
    first = by_name["good"]["annotations"][0]
    assert first["path"] == f'metadata.annotations["{P}proxy-buffer-size"]' and first["instead"] == "remove it"


EVIL = "x\x1b[31m\u202e|`a`<b>*_[l](u)\n\r\t" + "y" * 5_000


@pytest.mark.parametrize("output", ["table", "json", "markdown"])
def test_values_cannot_write_to_the_terminal_or_break_a_table(output: str) -> None:
    text = GOOD.replace("affinity: cookie  # stay", f"affinity: {json.dumps(EVIL)}")
    result = migrate("-f", "-", "-o", output, stdin=text)
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout and "\u202e" not in result.stdout and "\r" not in result.stdout
    if output == "json":
        values = [each["value"] for each in json.loads(result.stdout)["objects"][0]["annotations"]]
        assert EVIL in values
        return
    assert max(map(len, result.stdout.splitlines())) < 2_000
    if output == "markdown":
        rows = [line for line in result.stdout.splitlines() if line.startswith("| `nginx")]
        assert rows and all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in rows)
        outside = re.sub(r"(`+).*?[^`]\1(?!`)", "", "\n".join(rows))
        assert "<" not in outside and not re.search(r"(?<!\\)[*_\[]", outside)


def test_names_of_annotations_cannot_either() -> None:
    text = GOOD.replace(f"{P}affinity: cookie  # stay", f'"{P}\\u001b[31m|": x')
    for output in ("table", "markdown"):
        result = migrate("-f", "-", "-o", output, stdin=text)
        assert "\x1b" not in result.stdout and "Traceback" not in result.output


def test_no_colours_where_nobody_looks() -> None:
    assert "\x1b" not in migrate("-f", "-", stdin=BAD).stdout
    assert "\x1b[31m" in CliRunner().invoke(isthmus, ["migrate", "-f", "-"], input=BAD, color=True).stdout


def test_lines_are_folded_to_the_terminal() -> None:
    settings = Settings(("-",))
    found = migration(Offline(settings, GOOD.encode()), settings)
    wide = render_table(found, None)
    narrow = render_table(found, 60)
    assert max(map(len, wide.splitlines())) > 100
    told = [line for line in narrow.splitlines() if line.startswith(" " * 13)]
    assert told and max(map(len, told)) <= 60
    assert " ".join(narrow.split()) == " ".join(wide.split())
    assert render_table(found, 3).count("\n") >= narrow.count("\n"), "a tiny terminal is no fault"


def test_what_takes_long_says_so() -> None:
    words = [sys.executable, "-m", "isthmus", "migrate", "-f", "-"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin and running.stdout and running.stderr
        assert running.stderr.readline() == "waiting for manifests from standard input\n"
        running.stdin.write(GOOD)
        running.stdin.close()
        assert "Ingress shop/good" in running.stdout.read()
        assert running.stderr.read() in ("", "reading and translating the manifests\n")
    assert running.returncode == 0


# What is written


def test_one_file_to_standard_output_changes_only_what_must() -> None:
    result = migrate("-f", "-", "--to", "ingress", stdin=GOOD)
    assert result.exit_code == 0
    assert result.stdout == GOOD.replace(f"    {P}proxy-buffer-size: 8k\n", "")
    assert "1 no effect" in result.stderr
    assert f"changed: Ingress shop/good: {P}proxy-buffer-size removed" in result.stderr


def test_several_files_to_standard_output_can_be_read_again(folder: Path) -> None:
    result = migrate("-f", str(folder / "in"), "--to", "ingress", "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stderr.partition("\nchanged: ")[0])["schema"] == "isthmus.migrate/v1"
    again = json.loads(migrate("-f", "-", "-o", "json", stdin=result.stdout).stdout)
    assert [each["name"] for each in again["objects"]] == ["good", "bad"]
    assert not any(each["changes"] for each in again["objects"])
    assert f"# from {folder / 'in' / 'sub' / 'bad.yaml'}" in result.stdout


def test_files_keep_names_line_ends_marks_and_permissions(folder: Path) -> None:
    windows = "\ufeff" + GOOD.replace("\n", "\r\n")
    (folder / "in" / "windows.yaml").write_bytes(windows.encode().replace(b"good", b"win"))
    untouched = b"# \xc3\xa9\r\nkind: Secret\napiVersion: v1\nmetadata: {name: s, namespace: shop}\n"
    (folder / "in" / "secret.yaml").write_bytes(untouched)
    (folder / "in" / "secret.yaml").chmod(0o600)
    out = folder / "out"
    result = migrate("-f", f"{folder / 'in'}/", "--to", "ingress", "--output-dir", str(out))
    assert result.exit_code == 1 and "Ingress shop/bad" in result.stdout
    written = sorted(each.relative_to(out).as_posix() for each in out.rglob("*") if each.is_file())
    assert written == ["good.yaml", "secret.yaml", "sub/bad.yaml", "windows.yaml"]
    assert (out / "secret.yaml").read_bytes() == untouched
    assert stat.S_IMODE((out / "secret.yaml").stat().st_mode) == 0o600
    changed = windows.replace("good", "win").replace(f"    {P}proxy-buffer-size: 8k\r\n", "")
    assert (out / "windows.yaml").read_bytes() == changed.encode()
    assert (folder / "in" / "good.yaml").read_text() == GOOD


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    out = folder / "out"
    (out / "sub").mkdir(parents=True)
    (out / "sub" / "bad.yaml").write_text("mine")
    words = ["-f", str(folder / "in"), "--to", "ingress", "--output-dir", str(out)]
    result = migrate(*words)
    assert result.exit_code == 2 and f"{out / 'sub' / 'bad.yaml'} exists; --force overwrites" in result.stderr
    assert not (out / "good.yaml").exists() and (out / "sub" / "bad.yaml").read_text() == "mine"
    assert migrate(*words, "--force").exit_code == 1
    assert (out / "sub" / "bad.yaml").read_text() != "mine"


def test_a_dangling_link_is_not_written_through(folder: Path) -> None:
    out, elsewhere = folder / "out", folder / "elsewhere"
    out.mkdir()
    (out / "good.yaml").symlink_to(elsewhere)
    words = ["-f", str(folder / "in"), "--to", "ingress", "--output-dir", str(out)]
    assert migrate(*words).exit_code == 2
    assert migrate(*words, "--force").exit_code == 1
    assert not elsewhere.exists() and (out / "good.yaml").is_file()


def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    (folder / "good.yaml").write_text(BAD.replace("name: bad", "name: third"))
    words = ["-f", str(folder / "in" / "good.yaml"), "-f", str(folder / "good.yaml")]
    result = migrate(*words, "--to", "ingress", "--output-dir", str(folder / "out"))
    assert result.exit_code == 2 and "would both be" in result.stderr
    assert not (folder / "out").exists()


def test_standard_input_has_a_file_too_that_only_its_owner_reads(tmp_path: Path) -> None:
    result = migrate("-f", "-", "--to", "ingress", "--output-dir", str(tmp_path), stdin=GOOD)
    assert result.exit_code == 0 and f"wrote {tmp_path / 'stdin.yaml'}" in result.stderr
    assert stat.S_IMODE((tmp_path / "stdin.yaml").stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_to(folder: Path) -> None:
    (folder / "file").write_text("x")
    words = ["-f", str(folder / "in"), "--to", "ingress", "--output-dir", str(folder / "file" / "below")]
    result = migrate(*words)
    assert result.exit_code == 2 and "Not a directory" in result.stderr and "Traceback" not in result.output


def test_nothing_is_left_behind_where_writing_fails(folder: Path) -> None:
    name = str(folder / "in" / "good.yaml")
    texts = {name: GOOD, str(folder / "in" / "sub" / "bad.yaml"): BAD + "# changed\n"}
    (folder / "in" / "sub" / "bad.yaml").unlink()  # it went away since it was read
    out = folder / "out"
    with pytest.raises(OutputError, match=r"bad\.yaml: No such file"):
        write(texts, [str(folder / "in")], None, str(out), False)
    assert [each for each in out.rglob("*") if each.is_file()] == []


def test_unreadable_documents_are_written_as_they_are() -> None:
    text = f"{GOOD}---\na: [\n"
    result = migrate("-f", "-", "--to", "ingress", stdin=text)
    assert result.exit_code == 1
    assert result.stdout == text.replace(f"    {P}proxy-buffer-size: 8k\n", "")


def test_a_file_that_is_a_pipe_of_the_shell(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    result = migrate("-f", str(tmp_path), "--to", "ingress")
    assert result.exit_code == 0 and result.stdout == ""
