"""The files of a study: written by the coordinator alone, each whole or not at all."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from autoft.api.events import EventLog
from autoft.files import write_json
from autoft.models.heads import HEADS
from autoft.report.facts import DataFacts, StudyFacts
from autoft.report.frames import write_trials_csv
from autoft.report.more_data import more_data_of
from autoft.report.page import write_page
from autoft.report.result import best_trial, build_result, compared_finalists
from autoft.space import space_from_json
from autoft.storage.finalists import FinalistRun
from autoft.storage.records import StopRecord, TrialRecord
from autoft.study.config import StudyConfig
from autoft.study.schema import space_schema
from autoft.study.trial_weights import study_folder
from autoft.tasks import TASKS, chosen_words

_PACKAGES = ("autoft", "torch", "transformers", "peft", "optuna", "numpy")


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": sys.version.split()[0]}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a search.

    Attributes:
        search: On trials.
        finalists: On their runs on fresh seeds.
        parts: Part of the work -> wall time of all workers, in all runs of the search.
    """

    search: float = 0.0
    finalists: float = 0.0
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runs:
    """What was trained again on fresh seeds.

    Attributes:
        finalists: The finalists' runs.
        halves: The winner's on half of its rows.
    """

    finalists: Sequence[FinalistRun] = ()
    halves: Sequence[FinalistRun] = ()


class StudyFiles:
    """One study's folder.

    Attributes:
        folder: Where they lie.
        events: What happened.

    Args:
        config: The study's configuration.
        content: The content of its study.json.
    """

    def __init__(self, config: StudyConfig, content: Mapping[str, Any]) -> None:
        self.folder = study_folder(config)
        self._config = config
        self._content = content
        self.events = EventLog(self.folder / "events.jsonl")
        self._earlier = self.read_result()

    def begin(self) -> None:
        """Make the folder and write study.json."""
        write_json(self.folder / "study.json", dict(self._content))

    def read_result(self) -> dict[str, Any]:
        """Return the content of result.json, empty before the first."""
        path = self.folder / "result.json"
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return result

    def data_facts(self) -> dict[str, Any]:
        """Return origin and counts of the data, as card and manifest say them."""
        data = self._content["data"]
        return {key: data[key] for key in ("origin", "train", "dev", "test")}

    def facts(
        self,
        records: Sequence[TrialRecord],
        runs: Runs,
        spent: Spent | None = None,
        stop: StopRecord | None = None,
    ) -> StudyFacts:
        """Return what a report must know besides the trials.

        Args:
            records: All trials.
            runs: All runs on fresh seeds.
            spent: In this run of the search; earlier runs are added.
            stop: Why the search stopped by itself, None where it did not.
        """
        config, data = self._config, self._content["data"]
        spent = self._spent_in_all(spent or Spent())
        finalists = compared_finalists(records, runs.finalists, config.budget)
        best = best_trial(records, finalists)
        return StudyFacts(
            name=config.name,
            task=config.task,
            metric=config.metric,
            model=", ".join(self._content["models"]),
            data=DataFacts(
                origin=data["origin"],
                train=data["train"],
                dev=data["dev"],
                test=data["test"] or None,
                fingerprint=config.fingerprint,
                folds=config.data.folds,
            ),
            seed=config.seed,
            space=space_from_json(config.space, space_schema()).parameters(),
            versions=self._content["versions"],
            plain=best is None or HEADS.get(str(best.config["head"])).plain,
            aims=config.aims,
            seconds=spent.search,
            finalists=replace(finalists, seconds=spent.finalists),
            stop=stop,
            asked=config.budget.trials,
            audit=config.budget.audit,
            time=spent.parts,
            more_data=None if best is None else more_data_of(best.number, finalists, runs.halves),
            floor=data.get("floor"),
            chosen="" if best is None else chosen_words(TASKS.get(config.task), best.execution.get("decision", {})),
        )

    def write(
        self,
        records: Sequence[TrialRecord],
        runs: Runs,
        spent: Spent | None = None,
        stop: StopRecord | None = None,
    ) -> dict[str, Any]:
        """Write result.json and trials.csv; returns the content of the first.

        Args:
            records: All trials.
            runs: All runs on fresh seeds.
            spent: In this run of the search; earlier runs are added.
            stop: Why the search stopped by itself, None where it did not.
        """
        facts = self.facts(records, runs, spent, stop)
        result = build_result(facts, records, test=self._test(best_trial(records, facts.finalists)))
        write_json(self.folder / "result.json", result)
        write_trials_csv(self.folder / "trials.csv", records)
        return result

    def write_report(self, facts: StudyFacts, records: Sequence[TrialRecord], result: Mapping[str, Any]) -> Path:
        """Write report.html."""
        path = self.folder / "report.html"
        write_page(path, facts, records, result)
        return path

    def write_test(self, test: Mapping[str, Any]) -> None:
        """Store what the test split said in result.json."""
        write_json(self.folder / "result.json", {**self.read_result(), "test": dict(test)})

    def _spent_in_all(self, spent: Spent) -> Spent:
        earlier = self._earlier.get("seconds", {})
        return Spent(
            earlier.get("search", 0.0) + spent.search,
            earlier.get("finalists", 0.0) + spent.finalists,
            spent.parts,
        )

    def keep_logs(self, logs: Path) -> None:
        """Add what workers wrote to standard error to the study's logs."""
        for log in logs.glob("worker-*.log"):
            target = self.folder / "logs" / log.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("ab") as kept, log.open("rb") as written:
                shutil.copyfileobj(written, kept)

    def _test(self, best: TrialRecord | None) -> dict[str, Any] | None:
        """Return the test scores if they are those of today's best; the openings are never forgotten."""
        test: dict[str, Any] | None = self.read_result().get("test")
        if test is None:
            return None
        if best is not None and test["opened"] and test["opened"][-1]["trial"] == best.number:
            return test
        return {"best": None, "default": None, "opened": test["opened"]}
