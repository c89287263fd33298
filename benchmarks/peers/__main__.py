"""The real race: autoft against `Trainer.hyperparameter_search` and Ray Tune, whole clock, paired seeds.

Usage: python -m benchmarks.peers --data NAME=FOLDER[:TRAIN_LIMIT[:DEV_LIMIT]]… --seeds 3 --record studies/reference
       --folder DIR --json FILE

Each contender is a process of its own with the same rows, base model, space and threads; its clock starts before the
process does. What it finds is trained again outside the clock, on fresh seeds, by autoft's trainer for all. What DIR
holds is not repeated. Beside FILE, its plot (.svg) and all events (.jsonl.gz) are written. autoft's portfolio is built
from the record without the raced data set; without `--record` autoft has none.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from autoft.api.opening import Opening, open_search
from autoft.api.options import FirstOptions, RowOptions, SearchOptions
from autoft.files import write_json, write_text
from autoft.strategy.portfolio import write_portfolio
from autoft.study.config import StorageConfig
from autoft.study.portfolio import NONE, data_names, plain_name
from benchmarks.peers.contenders import AUTOFT, Contender, contenders, run_contender
from benchmarks.peers.log import Evaluation, Run
from benchmarks.peers.plot import Panel, draw
from benchmarks.peers.retraining import Retrained, key_of, retrain
from benchmarks.peers.setting import check_same, setting_of
from benchmarks.peers.verdict import Verdict, judged, medians, wanted
from benchmarks.portfolio import recorded_portfolio
from benchmarks.reference import read_runs

_TASK = "ner"
_FRESH = (1000, 1001, 1002)


@dataclass(frozen=True, slots=True)
class Source:
    """A data set of the race.

    Attributes:
        name: In reports.
        folder: Where it lies.
        rows: How many of it.
        seeds: How many paired searches.
    """

    name: str
    folder: str
    rows: RowOptions
    seeds: int

    @classmethod
    def parse(cls, text: str, seeds: int) -> Source:
        """Read `NAME=FOLDER[:TRAIN_LIMIT[:DEV_LIMIT]]`."""
        name, _, place = text.partition("=")
        folder, *limits = place.split(":")
        train, dev = (*(int(limit) if limit else None for limit in limits), None, None)[:2]
        return cls(name, folder, RowOptions(train_limit=train, dev_limit=dev), seeds)


@dataclass(frozen=True, slots=True)
class Raced:
    """What was found on one data set with one seed.

    Attributes:
        runs: Contender -> its search.
        verdicts: Peer -> autoft against it.
        means: Re-trained mean of each configuration, by `key_of`.
    """

    runs: Mapping[str, Run]
    verdicts: Mapping[str, Verdict]
    means: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return it for the summary."""
        return {
            "contenders": {name: self._run(run) for name, run in self.runs.items()},
            "against": {name: verdict.to_json() for name, verdict in self.verdicts.items()},
        }

    def _run(self, run: Run) -> dict[str, Any]:
        return {
            "seconds": run.seconds,
            "configurations": run.trials,
            "complete": len(run.complete),
            "epochs": run.epochs,
            "load": run.load,
            "versions": run.setting["versions"],
            "incumbents": [self._incumbent(one) for one in run.incumbents],
            "complete_incumbents": [self._incumbent(one) for one in run.complete_incumbents],
        }

    def _incumbent(self, one: Evaluation) -> dict[str, Any]:
        return {
            "seconds": one.seconds,
            "trial": one.trial,
            "epoch": one.epoch,
            "dev": one.value,
            "retrained": self.means.get(key_of(one.config)),
            "config": dict(one.config),
        }


def race(source: Source, seed: int, who: tuple[Contender, ...], asked: argparse.Namespace) -> Raced:
    """Let all search one data set with one seed, train again what counts, and judge."""
    opening = _opened(source, seed, asked)
    folder = asked.folder / source.name
    # Each goes first in turn.
    order = who[seed % len(who) :] + who[: seed % len(who)]
    runs = {}
    for contender in order:
        print(f"{source.name}, seed {seed}: {contender.words}", flush=True)
        run = run_contender(contender, opening.config, asked.space, folder / f"seed-{seed}" / contender.name)
        print(f"  {run.trials} configurations, {run.seconds:.0f} s", flush=True)
        runs[contender.name] = run
    check_same({"the race": setting_of(opening.config), **{name: run.setting for name, run in runs.items()}})
    # Other rows would be another data set: a limit draws them by the seed.
    found = Retrained(folder / f"retrained-{opening.config.fingerprint[:12]}.json")
    configs = [one for name, run in runs.items() for one in wanted(run, final_only=name != AUTOFT)]
    missing = found.missing(configs, _FRESH)
    print(f"  {len(missing)} trainings on fresh seeds", flush=True)
    retrain(opening.config, opening.data, missing, found)
    means = found.means(_FRESH)
    verdicts = {name: judged(runs[AUTOFT], run, means) for name, run in runs.items() if name != AUTOFT}
    return Raced({one.name: runs[one.name] for one in who}, verdicts, means)


def portfolio_for(source: Source, record: Path | None, path: Path) -> str:
    """Return what autoft is told to try first: a file, or `none` where there is no record.

    Args:
        source: The raced data set, which the portfolio has not seen: the record may know it by its folder alone.
        record: Folder of the record.
        path: Where the portfolio is written.
    """
    if record is None:
        return NONE
    runs = read_runs(record)
    raced = {plain_name(source.name), *data_names(source.folder)}
    without = {run.data for run in runs if plain_name(run.data) in raced}
    write_portfolio(path, recorded_portfolio(runs, _TASK, without=without))
    return str(path.resolve())


def _opened(source: Source, seed: int, asked: argparse.Namespace) -> Opening:
    first = portfolio_for(source, asked.record, asked.folder / source.name / "portfolio.json")
    opening = open_search(
        SearchOptions(
            task=_TASK,
            source=source.folder,
            space=asked.space,
            seed=seed,
            device="cpu",
            rows=source.rows,
            first=FirstOptions(portfolio=first),
            study="race",
            storage=StorageConfig(folder=str(asked.folder)),
        )
    )
    config = opening.config
    compute = replace(config.compute, threads=asked.threads)
    return replace(opening, config=replace(config, compute=compute, budget=replace(config.budget, finalists=0)))


def summary(raced: Mapping[str, Mapping[int, Raced]], asked: argparse.Namespace) -> dict[str, Any]:
    """Return medians over seeds, and each seed."""
    said: dict[str, Any] = {
        "setup": {
            **{name: getattr(asked, name) for name in ("trials", "autoft_trials", "threads")},
            # Where the data lie on this machine is nobody's matter.
            "data": [re.sub("=[^:]*", "", text) for text in asked.data],
        },
        "fresh_seeds": list(_FRESH),
    }
    for name, seeds in raced.items():
        peers = next(iter(seeds.values())).verdicts
        seen = [one.runs[AUTOFT].setting.get("portfolio", ()) for one in seeds.values()]
        said[name] = {
            "portfolio_of": sorted({data for one in seen for data in one}),
            "against": {peer: medians([one.verdicts[peer] for one in seeds.values()]) for peer in peers},
            "seeds": {str(seed): one.to_json() for seed, one in seeds.items()},
        }
    return said


def write_events(path: Path, folder: Path, raced: Mapping[str, Mapping[int, Raced]]) -> None:
    """Write the events of all searches into one file, each line with its data set, seed and contender."""
    with path.open("wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
        for name, seeds in raced.items():
            for seed, one in seeds.items():
                for contender in one.runs:
                    log = folder / name / f"seed-{seed}" / contender / "events.jsonl"
                    for line in log.read_text(encoding="utf-8").splitlines():
                        place = {"data": name, "seed": seed, "contender": contender}
                        file.write(json.dumps({**place, **json.loads(line)}).encode() + b"\n")


def main() -> None:
    """Race, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--seeds", type=int, action="append", required=True, help="one for all, or one for each --data")
    parser.add_argument("--trials", type=int, default=20, help="of each peer")
    parser.add_argument("--autoft-trials", type=int, default=50, help="of autoft")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--space")
    parser.add_argument("--record", type=Path, help="of fine-tuning curves; autoft has no portfolio without it")
    parser.add_argument("--peer-python", help="an interpreter with Ray Tune; without it that peer is left out")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--json", type=Path, required=True)
    asked = parser.parse_args()
    counts = asked.seeds * len(asked.data) if len(asked.seeds) == 1 else asked.seeds
    sources = [Source.parse(text, count) for text, count in zip(asked.data, counts, strict=True)]
    who = contenders(asked.trials, asked.autoft_trials, asked.peer_python)
    raced: dict[str, dict[int, Raced]] = {}
    for source in sources:
        for seed in range(source.seeds):
            raced.setdefault(source.name, {})[seed] = race(source, seed, who, asked)
            write_json(asked.json, summary(raced, asked))
            write_events(asked.json.with_suffix(".jsonl.gz"), asked.folder, raced)
            panels = [
                Panel(f"{name}, seed {number}", one.runs, one.means)
                for name, seeds in raced.items()
                for number, one in seeds.items()
            ]
            write_text(asked.json.with_suffix(".svg"), draw(panels, {one.name: one.words for one in who}))
    said = summary(raced, asked)
    print(json.dumps({name: said[name]["against"] for name in raced}, indent=2))


if __name__ == "__main__":
    main()
