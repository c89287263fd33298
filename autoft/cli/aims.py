"""The options of search that say what to reach besides the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from autoft.cli.units import count_of, mib_of, milliseconds_of
from autoft.errors import Findings

if TYPE_CHECKING:
    from autoft.api.options import AimOptions

Metric = Annotated[str | None, typer.Option("--metric", help="What is optimised; the task's own unless given.")]
Minimize = Annotated[
    list[str] | None,
    typer.Option("--minimize", help="latency, memory or parameters: reports its front with the score; repeatable."),
]
MaxLatency = Annotated[
    str | None, typer.Option("--max-latency", help="Most time for a sequence of the model: 12ms.", metavar="MS")
]
MaxMemory = Annotated[str | None, typer.Option("--max-memory", help="Most memory of training: 4GB.", metavar="SIZE")]
MaxParameters = Annotated[
    str | None, typer.Option("--max-parameters", help="Most parameters of the model: 30M.", metavar="N")
]


def aims_of(
    metric: str | None,
    minimize: Sequence[str] | None,
    max_latency: str | None,
    max_memory: str | None,
    max_parameters: str | None,
) -> AimOptions:
    """Return what was asked for, units read.

    Raises:
        ConfigError: With every unit that cannot be read.
    """
    from autoft.api.options import AimOptions

    findings = Findings()
    latency = findings.of(lambda: milliseconds_of(max_latency))
    memory = findings.of(lambda: mib_of(max_memory))
    parameters = findings.of(lambda: count_of(max_parameters))
    findings.raise_any()
    return AimOptions(
        metric=metric,
        minimize=tuple(minimize or ()),
        max_latency=latency,
        max_memory=memory,
        max_parameters=parameters,
    )
