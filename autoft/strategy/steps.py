"""Where a configuration is evaluated: ninths of its own schedule, and the rungs among them."""

from __future__ import annotations

from collections.abc import Sequence

NINTHS = tuple(range(1, 10))
RUNGS = (1, 3, 9)

# So soon after warm-up a loss says how fast a configuration warms up, not how good it gets.
_STEPS_AFTER_WARMUP = 10


def step_of(ninth: int, total_steps: int) -> int:
    """Return the optimizer step after which a ninth of the schedule is done, rounded up."""
    return -(-total_steps * ninth // NINTHS[-1])


def evaluation_steps(total_steps: int, ninths: Sequence[int] = NINTHS) -> dict[int, int]:
    """Return where evaluations lie: ninth -> optimizer step, rising; the last step is always one.

    Ninths that fall on the same step (schedules of fewer than nine) are one evaluation, the latest.

    Args:
        total_steps: Optimizer steps of the whole schedule.
        ninths: `NINTHS`, or `RUNGS` where evaluating costs as much as training.
    """
    at = {step_of(ninth, total_steps): ninth for ninth in sorted({*ninths, NINTHS[-1]})}
    return {ninth: step for step, ninth in at.items()}


def active_rungs(total_steps: int, warmup_steps: int, rungs: Sequence[int] = RUNGS) -> tuple[int, ...]:
    """Return the rungs at which a configuration is judged.

    A rung that lies less than 10 optimizer steps after warm-up is skipped; the last is always kept.
    """
    evaluated = evaluation_steps(total_steps, rungs)
    return tuple(
        rung
        for rung in sorted(evaluated)
        if rung == NINTHS[-1] or evaluated[rung] - warmup_steps >= _STEPS_AFTER_WARMUP
    )
