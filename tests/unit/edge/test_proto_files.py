"""Descriptors from files: real protosets, real protoc, and what is said when they cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from descriptor_files import raw, simple
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from isthmus.edge import proto_files
from isthmus.edge.proto_files import ProtoError, compile_protos, read_protoset
from isthmus.schema.plan import make_schema

SHARED = 'syntax = "proto3"; package shared; message X { string name = 1; }'
API = """syntax = "proto3";
package api;
import "shared/x.proto";
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
// Says things.
service S {
  // Does it.
  rpc Do(shared.X) returns (shared.X) { option (google.api.http) = {get: "/v1/{name}"}; }
}
message M { google.protobuf.Timestamp at = 1; }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    (tmp_path / "api").mkdir()
    (tmp_path / "shared" / "x.proto").write_text(SHARED)
    (tmp_path / "api" / "a.proto").write_text(API)
    return tmp_path


@pytest.mark.parametrize("file", ["api/a.proto", "{folder}/api/a.proto"])
def test_sources_are_compiled_with_their_comments(folder: Path, file: str) -> None:
    schema = make_schema(compile_protos([file.format(folder=folder)], [str(folder)]))
    (method,) = schema.methods
    assert schema.problems == ()
    assert (method.path, method.comment, method.bindings[0].template) == ("/api.S/Do", "Does it.", "/v1/{name}")


def test_without_an_import_path_it_is_the_files_own_folder(folder: Path) -> None:
    files = compile_protos([str(folder / "shared" / "x.proto")])
    assert [FileDescriptorProto.FromString(each).name for each in files] == ["x.proto"]


@pytest.mark.parametrize(
    ("file", "above"), [("api/a.proto", "."), ("shared/x.proto", "shared"), ("shared/x.proto", "")]
)
def test_files_and_import_paths_are_found_from_the_working_directory(
    folder: Path, file: str, above: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    compiled = [FileDescriptorProto.FromString(each).name for each in compile_protos([file], [above] if above else [])]
    assert (Path(above or "shared") / compiled[-1]) == Path(file)


def test_a_missing_import_says_which_folder_to_give(folder: Path) -> None:
    with pytest.raises(ProtoError) as caught:
        compile_protos([str(folder / "api" / "a.proto")])
    said = str(caught.value)
    assert f'{folder}/api/a.proto:3:1: Import "shared/x.proto" was not found' in said
    assert said.endswith(f"give the folder that holds shared/x.proto with -I: -I {folder}")


def test_sources_and_protosets_that_were_mixed_up_are_told_apart(folder: Path) -> None:
    compiled, source = folder / "api.binpb", folder / "shared" / "x.proto"
    compiled.write_bytes(
        FileDescriptorSet(file=map(FileDescriptorProto.FromString, compile_protos([str(source)]))).SerializeToString()
    )
    with pytest.raises(ProtoError, match=r"api\.binpb is no \.proto source; .* --protoset$"):
        compile_protos([str(compiled)])
    with pytest.raises(ProtoError, match=r"x\.proto is no FileDescriptorSet; .* give the source with --proto$"):
        read_protoset([str(source)])


def test_only_the_first_mistakes_of_many_are_told_and_nothing_of_the_compilers_log(folder: Path) -> None:
    wrong = folder / "wrong.proto"
    wrong.write_text("nonsense;\n" * 100)
    with pytest.raises(ProtoError) as caught:
        compile_protos([str(wrong)])
    *first, last = str(caught.value).splitlines()
    assert first[0].startswith(f"{wrong}:1:1: Expected top-level statement")
    assert (len(first), last) == (20, "and 80 more")


def test_an_import_that_is_nowhere_is_told_without_a_guess(folder: Path) -> None:
    (folder / "b.proto").write_text('syntax = "proto3"; import "no/where.proto";')
    with pytest.raises(ProtoError) as caught:
        compile_protos(["b.proto"], [str(folder)])
    assert str(caught.value).endswith("give the folder that holds no/where.proto with -I")


def test_mistakes_are_told_with_line_and_column(folder: Path) -> None:
    (folder / "b.proto").write_text('syntax = "proto3";\nmessage {')
    with pytest.raises(ProtoError, match=r"b\.proto:2:9: Expected message name\."):
        compile_protos([str(folder / "b.proto")])


@pytest.mark.parametrize(("file", "message"), [
    ("{folder}/none.proto", "no such file"),
    ("none.proto", "no such file"),
    ("--plugin=x", "begin with - or @"),
    ("@{folder}/api/a.proto", "begin with - or @"),
])  # fmt: skip
def test_files_that_are_none(folder: Path, file: str, message: str) -> None:
    with pytest.raises(ProtoError, match=message):
        compile_protos([file.format(folder=folder)], [str(folder)])


def test_a_file_outside_of_the_import_paths(folder: Path) -> None:
    with pytest.raises(ProtoError, match="below none of the folders given with -I") as caught:
        compile_protos([str(folder / "api" / "a.proto")], [str(folder / "shared")])
    assert "too dumb" not in str(caught.value)


def test_protoc_that_takes_too_long_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proto_files, "_SECONDS", 0.001)
    with pytest.raises(ProtoError, match=r"protoc took longer than 0\.001 s"):
        compile_protos(["api/a.proto"], [str(folder)])


def test_protosets(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(FileDescriptorSet(file=[simple("a.proto"), simple("b.proto")]).SerializeToString())
    second.write_bytes(FileDescriptorSet(file=[simple("c.proto")]).SerializeToString())
    found = read_protoset([str(first), str(second)])
    assert found == raw(simple("a.proto"), simple("b.proto"), simple("c.proto"))


def test_files_that_are_no_protosets(folder: Path) -> None:
    (folder / "empty").write_bytes(b"")
    for name, message in {
        "shared/x.proto": "is no FileDescriptorSet; make one with protoc --include_imports",
        "none": "No such file or directory",
        "shared": "Is a directory",
        "empty": "holds no files",
    }.items():
        with pytest.raises(ProtoError, match=message) as caught:
            read_protoset([str(folder / name)])
        assert str(caught.value).startswith(str(folder / name))
