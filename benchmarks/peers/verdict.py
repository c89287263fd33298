"""The verdict: how soon autoft's incumbent is as good as what a peer ends with, both re-trained on the same seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from autoft.errors import StudyError
from benchmarks.peers.log import FLOOR, Config, Evaluation, Run
from benchmarks.peers.retraining import key_of

_ROUNDING = 1e-9
_WHEN = ("first", "for_good", "complete")
_RATIOS = ("sooner", "sooner_than_found")


@dataclass(frozen=True, slots=True)
class Verdict:
    """autoft against one peer, on one seed.

    Attributes:
        target: Re-trained mean of the peer's final incumbent; of one that has found nothing, what such a model scores.
        whole: Seconds of the peer's whole search.
        found: Seconds after which the peer had its final incumbent; its whole search where it has none.
        first: Seconds after which autoft's incumbent first was as good; None if it never was.
        for_good: Seconds after which it was and stayed so.
        complete: As `first`, of incumbents among configurations that autoft had trained to their end.
        final: Re-trained mean of autoft's final incumbent, as `target`.
    """

    target: float
    whole: float
    found: float
    first: float | None
    for_good: float | None
    complete: float | None
    final: float

    def to_json(self) -> dict[str, Any]:
        """Return it with how many times sooner each of autoft's times is than the peer's.

        `sooner` is over the peer's whole search, `sooner_than_found` over the time when it had its final incumbent:
        the peer cannot know then that it is done, and autoft cannot either.
        """
        times = {name: getattr(self, name) for name in _WHEN}
        peers = dict(zip(_RATIOS, (self.whole, self.found), strict=True))
        ratios = {key: {name: _ratio(peer, time) for name, time in times.items()} for key, peer in peers.items()}
        return {**asdict(self), **ratios}


def judged(run: Run, peer: Run, means: Mapping[str, float]) -> Verdict:
    """Return the verdict on one seed.

    Args:
        run: autoft's.
        peer: The peer's.
        means: Re-trained mean of each configuration, by `key_of`.

    Raises:
        StudyError: If a configuration that counts was not trained again.
    """
    target = _final(peer, means)
    good = [(one.seconds, _mean(one.config, means) >= target - _ROUNDING) for one in run.incumbents]
    complete = [(one.seconds, _mean(one.config, means) >= target - _ROUNDING) for one in run.complete_incumbents]
    return Verdict(
        target=target,
        whole=peer.seconds,
        found=peer.incumbents[-1].seconds if peer.incumbents else peer.seconds,
        first=_first(good),
        for_good=_for_good(good),
        complete=_first(complete),
        final=_final(run, means),
    )


def medians(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return what seeds say together; one that never reached its target counts as the slowest, and is not left out."""
    said: dict[str, Any] = {"seeds": len(verdicts)}
    for name in _WHEN:
        told = [one.to_json() for one in verdicts]
        said[name] = {
            "reached": sum(one[name] is not None for one in told),
            **{key: _middle([one[key][name] for one in told]) for key in _RATIOS},
        }
    said["target"] = statistics.median(one.target for one in verdicts)
    said["final"] = statistics.median(one.final for one in verdicts)
    said["whole"] = statistics.median(one.whole for one in verdicts)
    said["found"] = statistics.median(one.found for one in verdicts)
    return said


def wanted(run: Run, *, final_only: bool) -> list[Config]:
    """Return the configurations of a run that must be trained again, each once.

    Args:
        run: A contender's.
        final_only: Whether it is a peer, whose final incumbent alone counts.
    """
    found: Sequence[Evaluation] = (*run.incumbents, *run.complete_incumbents)
    if final_only:
        found = run.incumbents[-1:]
    return list({key_of(one.config): one.config for one in found}.values())


def _middle(ratios: Sequence[float | None]) -> float | None:
    known = [ratio or 0.0 for ratio in ratios]
    # The middle of an even number may lie between one that reached it and one that did not.
    return None if statistics.median_low(known) == 0.0 else statistics.median(known)


def _final(run: Run, means: Mapping[str, float]) -> float:
    return _mean(run.incumbents[-1].config, means) if run.incumbents else FLOOR


def _mean(config: Config, means: Mapping[str, float]) -> float:
    key = key_of(config)
    if key not in means:
        raise StudyError(f"configuration {key}: a mean over fresh seeds expected, it was not trained again")
    return means[key]


def _first(good: Sequence[tuple[float, bool]]) -> float | None:
    return next((seconds for seconds, is_good in good if is_good), None)


def _for_good(good: Sequence[tuple[float, bool]]) -> float | None:
    found: float | None = None
    for seconds, is_good in good:
        if not is_good:
            found = None
        elif found is None:
            found = seconds
    return found


def _ratio(whole: float, seconds: float | None) -> float | None:
    return None if seconds is None else whole / seconds
