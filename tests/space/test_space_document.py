"""Documents: the core schema of YAML 1.2, and what the format refuses of YAML."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoft.errors import SpaceError
from autoft.space.document import parse_document
from autoft.space.findings import Findings
from autoft.space.nodes import MapNode, ScalarNode


def value_of(text: str) -> Any:
    findings = Findings("a.yaml")
    root = parse_document(f"key: {text}", findings)
    findings.raise_any()
    assert isinstance(root, MapNode)
    node = root.entries[0].node
    assert isinstance(node, ScalarNode)
    return node.value


def problems_of(text: str) -> tuple[str, ...]:
    findings = Findings("a.yaml")
    with pytest.raises(SpaceError) as caught:  # noqa: PT012 - the document may raise by itself
        parse_document(text, findings)
        findings.raise_any()
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E+3", 1e3),
        (".5", 0.5),
        ("5.", 5.0),
        ("+5", 5),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", float("-inf")),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("0b1", "0b1"),
        ("tRue", "tRue"),
        ("True", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        ("1e999", float("inf")),
        ("9" * 5000, float("inf")),
    ],
)
def test_a_scalar_is_read_by_the_core_schema(text: str, value: Any) -> None:
    found = value_of(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: !!int 3", "2: b: tags have no place here, got !!int"),
        ("a: &x 1", "1: a: anchors have no place here, got &x"),
        ("a: 1\n? [1]\n: 2", "2: a key must be text, got a list"),
        ("a:\n  '': 2", "2: a: a key must be text, got ''"),
        ("a: 1\na: 2", "2: a: a key must stand once, line 1 has it already"),
        ("a: 1\n---\nb: 2", "2: one document expected, got another"),
        ("%YAML 1.1\n---\na: 1", "2: YAML 1.2 expected, got another version"),
        ("a: " + "[" * 40 + "]" * 40, "1: a: at most 32 levels expected, got more"),
        ("a:\n  b: [1,\n  c: 2", "3: not YAML, while parsing a flow sequence, expected ',' or ']',"
         " but got '<stream end>'"),
        ("a: 1\nb: c: d", "2: not YAML, mapping values are not allowed here"),
        ("a:\n\t- 1", "2: not YAML, while scanning for the next token, found character '\\t' that"
         " cannot start any token"),
        ("a: 1\nb: \x01", "2: not YAML, special characters are not allowed, got '\\x01'"),
    ],
)  # fmt: skip
def test_yaml_that_could_be_misread_is_refused(text: str, problem: str) -> None:
    assert problems_of(text) == (f"a.yaml:{problem}",)


def test_an_alias_to_its_own_list_is_refused() -> None:
    assert problems_of("a: &x [*x]") == (
        "a.yaml:1: a: anchors have no place here, got &x",
        "a.yaml:1: a: aliases have no place here, got *x",
    )


@given(st.text(st.sampled_from("ab:{}[]-&*!?|>'\"%@#, \n\t\x00\ufeff\x85é~<"), max_size=30))
def test_any_text_is_a_tree_or_a_space_error(text: str) -> None:
    findings = Findings("a.yaml")
    with suppress(SpaceError):
        parse_document(text, findings)
