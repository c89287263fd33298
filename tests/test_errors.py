"""Problems of several parts come in one error."""

from __future__ import annotations

import pytest

from autoft.errors import ConfigError, DataError, Findings, SpaceError


def fail(error: ConfigError) -> None:
    raise error


def test_no_problem_raises_nothing() -> None:
    findings = Findings()
    assert findings.of(lambda: 3) == 3
    findings.raise_any()


def test_a_single_error_keeps_its_kind() -> None:
    findings = Findings()
    assert findings.of(lambda: fail(DataError("a.conll:1: wrong"))) is None
    with pytest.raises(DataError, match=r"a\.conll:1: wrong"):
        findings.raise_any()


def test_several_errors_are_one_with_every_problem_once() -> None:
    findings = Findings()
    findings.of(lambda: fail(DataError("one", "two")))
    findings.of(lambda: fail(SpaceError("two", "three")))
    findings.add(ConfigError("four"))
    with pytest.raises(ConfigError) as raised:
        findings.raise_any()
    assert raised.value.problems == ("one", "two", "three", "four")


def test_what_is_no_config_error_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        Findings().of(lambda: 1 // 0)
