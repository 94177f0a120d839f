"""Whatever a set of files is, its schema does not depend on their order, and one bad file costs only its importers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from descriptor_files import HTTP, File, a_file, field, get, raw, service
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.schema.descriptors import files_of, load
from isthmus.schema.gateway import transcoding
from isthmus.schema.plan import make_schema

Graph = Mapping[int, frozenset[int]]  # file -> files that it imports; those that are not keys are missing

graphs = st.dictionaries(st.integers(0, 7), st.frozensets(st.integers(0, 8), max_size=3), min_size=1, max_size=8)


def a_node(index: int, imports: Iterable[int], variant: int = 0) -> File:
    """A file with one service and rules that may be other files' too, whose message uses all that it imports."""
    file = a_file(f"f{index}.proto", imports=[HTTP, *(f"f{other}.proto" for other in sorted(imports))])
    message = file.message_type.add(name="M")
    field(message, f"own_{variant}")
    for other in sorted(imports):
        field(message, f"of_{other}", f".f{other}.M")
    rules = {"Do": get(f"/v1/{index % 3}/{{own_{variant}}}"), "Plain": None}
    return service(file, "S", rules)


def files_in(graph: Graph) -> tuple[bytes, ...]:
    return raw(*(a_node(index, imports) for index, imports in graph.items()))


def usable(graph: Graph) -> set[int]:
    """By a definition of its own: all that reaches neither a missing file nor a circle."""
    good: set[int] = set()
    while more := {index for index, imports in graph.items() if index not in good and imports <= good}:
        good |= more
    return good


@given(graphs)
@settings(max_examples=150, deadline=None)
def test_exactly_what_can_be_used_is_used_and_all_else_is_named(graph: Graph) -> None:
    schema = make_schema(files_in(graph))
    assert set(schema.services) == {f"f{index}.S" for index in usable(graph)}
    named = {each.where for each in schema.problems if each.kind in ("missing-file", "invalid-file")}
    assert named == {f"f{index}.proto" for index in graph.keys() - usable(graph)}
    assert all(method.bindings[-1].source == "default" for method in schema.methods)


@given(graphs, graphs, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_in_which_files_come_does_not_matter(graph: Graph, other: Graph, random) -> None:  # type: ignore[no-untyped-def]
    sent = [*files_in(graph), *files_in(other), *raw(*(a_node(index, (), 1) for index in list(graph)[:2]))]
    first = make_schema(sent)
    random.shuffle(sent)
    assert make_schema([*sent, sent[0]]).digest == first.digest


@given(graphs)
@settings(max_examples=100, deadline=None)
def test_a_schema_of_its_own_files_is_the_same(graph: Graph) -> None:
    first = make_schema(files_in(graph))
    again = make_schema(raw(*files_of(first.descriptor_set).file), services=first.services)
    assert (again.descriptor_set, again.methods) == (first.descriptor_set, first.methods)
    assert {each.kind for each in again.problems} <= {"duplicate-rule"}


@given(graphs, st.data())
@settings(max_examples=100, deadline=None)
def test_a_broken_file_costs_only_its_importers(graph: Graph, data: st.DataObject) -> None:
    broken = data.draw(st.sampled_from(sorted(graph)))
    bodies = {index: raw(a_node(index, imports))[0] for index, imports in graph.items()}
    bodies[broken] = data.draw(st.sampled_from([b"", b"\xff" * 9, bodies[broken][:-1]]))
    others = {index: imports for index, imports in graph.items() if index != broken}
    assert set(make_schema(bodies.values()).services) == {f"f{index}.S" for index in usable(others)}


@given(graphs)
@settings(max_examples=50, deadline=None)
def test_the_gateways_part_loads_and_has_every_service(graph: Graph) -> None:
    schema = make_schema(files_in(graph))
    plan = transcoding(schema)
    pool = load(plan.descriptor_set)
    assert all(pool.FindServiceByName(name) for name in plan.services) and plan.services == schema.services
