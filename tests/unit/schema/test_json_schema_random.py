"""JSON Schemas against protobuf's own JSON mapping, on random schemas and messages."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format, message_factory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from random_schemas import random_message, schemas

from isthmus.schema import descriptors
from isthmus.schema.json_schema import message_schema

SLOW = settings(deadline=None, max_examples=120, suppress_health_check=list(HealthCheck))
WRONG = (None, True, -1, 1.5, 2**70, "x", "", "é", [], [None], {}, {"x": 1}, "1", "NaN", "2026-01-02T03:04:05Z", "1s")


def validator(descriptor: Any, **how: Any) -> Draft202012Validator:
    found = message_schema(descriptor, **how)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found, format_checker=Draft202012Validator.FORMAT_CHECKER)


@SLOW
@given(st.data())
def test_whatever_the_mapping_writes_is_allowed(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    descriptor = descriptors.load(schema.descriptor_set).FindMessageTypeByName("p.M0")
    message = random_message(data.draw, descriptor)
    for preserve in (False, True):
        for numbers in (False, True):
            js = json_format.MessageToDict(
                message,
                preserving_proto_field_name=preserve,
                use_integers_for_enums=numbers,
                descriptor_pool=descriptor.file.pool,
            )
            errors = [error.message for error in validator(descriptor, preserve_names=preserve).iter_errors(js)]
            assert not errors, (js, errors)


@SLOW
@given(st.data())
def test_what_the_mapping_refuses_is_refused(data: st.DataObject) -> None:
    """Any's content is not known to a schema; all else that is changed and still allowed must parse."""
    schema = data.draw(schemas(without=("Any",)))
    descriptor = descriptors.load(schema.descriptor_set).FindMessageTypeByName("p.M0")
    js = json_format.MessageToDict(random_message(data.draw, descriptor), descriptor_pool=descriptor.file.pool)
    places = list(_places(js))
    holder, key = data.draw(st.sampled_from(places)) if places else (js, "unknown")
    changed = copy.deepcopy(js)
    target = _at(changed, holder)
    wrong = data.draw(st.sampled_from(WRONG))
    if data.draw(st.booleans()) and isinstance(target, dict):
        target["unknown"] = wrong
    elif isinstance(target, dict) or key < len(target):
        target[key] = wrong
    if validator(descriptor).is_valid(changed):
        message = message_factory.GetMessageClass(descriptor)()
        json_format.ParseDict(changed, message, descriptor_pool=descriptor.file.pool)


def _places(js: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every (way to a container, key in it)."""
    for key, value in js.items() if isinstance(js, dict) else enumerate(js):
        yield way, key
        if isinstance(value, dict | list):
            yield from _places(value, (*way, key))


def _at(js: Any, way: Any) -> Any:
    for key in way if isinstance(way, tuple) else ():
        js = js[key]
    return js
