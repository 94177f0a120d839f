"""From one state of the files to the next: exact changes, last good versions, grace, doubles, unused kinds."""

import pytest

from isthmus.kube import codes
from isthmus.kube.diagnostics import Code
from isthmus.kube.files import File, decode_file
from isthmus.kube.manifests import Manifests, Step
from isthmus.kube.refs import ObjectRef
from isthmus.kube.render import render_text


def config(name: str, value: str = "x") -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: {value}}}\n"


def ref(name: str) -> ObjectRef:
    return ObjectRef("ConfigMap", "default", name)


class World:
    """Files whose text a test sets, and the manifests that follow them; the clock is the test's."""

    def __init__(self, **texts: str) -> None:
        self.manifests = Manifests(grace=0.2)
        self.files: dict[str, File] = {}
        self.first = self.step(0, **texts)

    def step(self, now: float, missing: tuple[str, ...] = (), **texts: str | None) -> Step:
        for path, text in texts.items():
            if text is None:
                self.files.pop(path)
            else:
                self.files[path] = decode_file(path, text, self.files.get(path))
        return self.manifests.step(dict(sorted(self.files.items())), missing, now)


def names(step: Step) -> list[str]:
    return [obj.metadata.name for obj in step.upserts]


def ids(step: Step) -> list[str]:
    return [each.code.id for each in step.diagnostics]


def test_first_step_gives_everything_in_order() -> None:
    assert names(World(b=config("one"), a=config("two") + "---\n" + config("three")).first) == ["two", "three", "one"]


def test_only_what_changed_in_value_is_an_upsert() -> None:
    world = World(a="---\n".join(config(name) for name in "abc"))
    step = world.step(1, a="---\n".join((config("a"), config("b", "new"), config("c"))))
    assert (names(step), step.deletes, step.moved) == (["b"], (), ())


def test_the_same_object_on_another_line_only_moved() -> None:
    world = World(a=config("a") + "---\n" + config("b"))
    step = world.step(1, a=config("a") + "# a comment\n---\n" + config("b"))
    assert (names(step), step.deletes) == ([], ())
    assert [(obj.metadata.name, obj.source and obj.source.line) for obj in step.moved] == [("b", 6)]
    assert not world.step(2, a=config("a") + "# a comment\n---\n" + config("b")).moved


def test_a_broken_document_keeps_its_last_good_object_and_lets_others_change() -> None:
    world = World(a=config("a") + "---\n" + config("b"))
    step = world.step(1, a=config("a", "new") + "---\nkind: [")
    assert (names(step), step.deletes, step.wake) == (["a"], (), None)
    assert ids(step) == ["ISTH0001", "ISTH0015"]
    assert "1 of this file's objects" in step.diagnostics[1].message and str(ref("b")) in step.diagnostics[1].message
    assert world.step(99, a=config("a", "new") + "---\nkind: [").deletes == ()
    mended = world.step(100, a=config("a", "new") + "---\n" + config("b"))
    assert (names(mended), mended.diagnostics) == ([], ())


def test_an_object_of_the_wrong_type_keeps_its_last_good_version_only() -> None:
    world = World(a=config("a") + "---\n" + config("b"))
    step = world.step(1, a=config("a", "1"))
    assert ids(step) == ["ISTH0005", "ISTH0015"]
    assert step.deletes == () and step.wake is not None, "b is gone for good, and not by a mistake"
    assert world.step(2).deletes == (ref("b"),)


def test_a_truncated_file_withdraws_nothing() -> None:
    whole = "---\n".join(config(name) for name in "abcd")
    world = World(a=whole)
    cut = whole[: whole.index("name: b") - 3]
    assert world.step(1, a=cut).deletes == ()
    step = world.step(99, a=cut)
    assert step.deletes == () and ids(step) == ["ISTH0001", "ISTH0015"]
    assert not world.step(100, a=whole).diagnostics


def test_what_is_gone_is_withdrawn_after_the_grace() -> None:
    world = World(a=config("a"), b=config("b"))
    step = world.step(10, a="")
    assert (step.deletes, step.wake) == ((), 10.2)
    assert world.step(10.1).deletes == ()
    assert world.step(10.2).deletes == (ref("a"),)
    assert world.step(10.3).wake is None
    assert names(world.step(11, a=config("a"))) == ["a"]


def test_what_returns_within_the_grace_never_left() -> None:
    world = World(a=config("a"))
    assert world.step(10, a=None).deletes == ()
    step = world.step(10.1, a=config("a"))
    assert (names(step), step.deletes, step.wake) == ([], (), None)
    assert world.step(10.15, a=None).wake == 10.35, "the time starts anew"


def test_emptied_then_half_written_withdraws_nothing() -> None:
    world = World(a=config("a"))
    assert world.step(10, a="").wake == 10.2
    assert world.step(10.1, a="apiVersion: v1\nkind: [").deletes == ()
    assert world.step(11).deletes == ()


def test_an_object_may_move_to_another_file() -> None:
    world = World(a=config("a"))
    step = world.step(1, a="", b=config("a"))
    assert (names(step), step.deletes, step.wake) == ([], (), None)
    assert [obj.source and obj.source.file for obj in step.moved] == ["b"]


def test_the_first_definition_counts_and_the_second_is_told() -> None:
    world = World(a=config("a", "first"), b=config("b") + "---\n" + config("a", "second"))
    assert names(world.first) == ["a", "b"]
    (found,) = world.first.diagnostics
    assert (found.code, found.ref, str(found.pos)) == (codes.SAME_OBJECT, ref("a"), "b:8:12")
    assert "a:3:12" in found.message
    step = world.step(1, a=None)
    assert (names(step), step.deletes, ids(step)) == (["a"], (), []), "the second takes over at once"


def test_unused_kinds_are_named_once_in_one_line_with_counts_and_the_first_place() -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n"
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\n"
    world = World(a=config("a") + "---\n" + deployment + "---\n" + job + "---\n" + deployment, b=deployment)
    (found,) = world.first.diagnostics
    assert (found.code, str(found.pos)) == (codes.UNUSED_KIND, "a:7:1")
    said = "info ISTH0008: 4 of kinds that Isthmus has no use for: 3 Deployment, 1 Job"
    assert render_text(found) == f"a:7:1: {said}"


@pytest.mark.parametrize("text", ["a: [", "apiVersion: v1\nkind: Service\nmetadata: {name: 1}\n"])
def test_what_becomes_of_a_document_that_is_not_read_is_said_for_check_and_run(text: str) -> None:
    (found,) = World(a=text).first.diagnostics
    assert "(not read; a running gateway keeps the last good version)\n" in render_text(found)


@pytest.mark.parametrize(
    ("version", "kind", "code"),
    [
        ("k8s.nginx.org/v1", "VirtualServer", codes.UNREAD_TRAFFIC),
        ("gateway.networking.k8s.io/v1", "HTTPRoute", codes.UNREAD_TRAFFIC),
        ("security.istio.io/v1", "AuthorizationPolicy", codes.UNREAD_TRAFFIC),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization", codes.NOT_BUILT),
        ("cert-manager.io/v1", "Certificate", codes.UNUSED_KIND),
    ],
)
def test_a_kind_that_decides_about_traffic_is_no_detail(version: str, kind: str, code: Code) -> None:
    (found,) = World(a=f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n").first.diagnostics
    assert (found.code, kind in found.message) == (code, True)


def test_a_file_that_cannot_be_read_keeps_its_objects() -> None:
    world = World(a=config("a"))
    found = world.first.diagnostics
    assert found == ()
    fault = decode_file("a", "a: [").decoded[0].diagnostics[0]
    world.files["a"] = File("a", fault=fault)
    assert world.step(1).deletes == world.step(99).deletes == ()


def test_a_given_path_that_is_gone_is_told_after_the_grace() -> None:
    world = World(a=config("a"))
    assert ids(world.step(10, ("a",), a=None)) == []
    step = world.step(10.5, ("a",))
    assert (step.deletes, ids(step)) == ((ref("a"),), ["ISTH0019"])
    assert ids(world.step(11, ("a",))) == ["ISTH0019"]
    assert ids(world.step(12, a=config("a"))) == []


def test_many_held_objects_make_one_short_finding() -> None:
    world = World(a="---\n".join(config(f"n{n}") for n in range(50)))
    (_, held) = world.step(1, a="a: [").diagnostics
    assert held.message.startswith("50 of this file's") and held.message.endswith("and 47 more")
    assert len(held.message) < 300
