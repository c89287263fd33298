"""The main job: plan, create or resume the study, run the engine, watch, deliver, report."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from autoft.api.delivering import deliver_best
from autoft.api.opening import Opening, open_search
from autoft.api.options import SearchOptions
from autoft.api.outputs import StudyFiles, versions
from autoft.api.progress import Progress, Watcher
from autoft.engines import LocalEngine
from autoft.errors import StudyError
from autoft.files import lock_file
from autoft.report.notes import publish
from autoft.storage.database import Database, open_database
from autoft.storage.lineage import promotions
from autoft.storage.reading import read_trials
from autoft.storage.records import TrialRecord
from autoft.storage.studies import StudyHandle, create_study, open_study, update_config
from autoft.strategy.stopping import limit_from
from autoft.study.config import StorageConfig, StudyConfig
from autoft.study.trial_weights import study_folder

logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search will do and cost, before anything is trained.

    Attributes:
        models: The base models, in words.
        notices: Warnings about data and tokenizer.
        trains: What the default configuration trains, in words.
        default_seconds: Expected for the default configuration.
        longest_seconds: Expected for the longest configuration.
        memory_mib: Peak memory of a worker while it was measured.
    """

    models: tuple[str, ...]
    notices: tuple[str, ...]
    trains: str
    default_seconds: float
    longest_seconds: float
    memory_mib: float

    def total_seconds(self, trials: int, workers: int) -> float:
        """Return the most that the search may take, if nothing is stopped early."""
        return (self.default_seconds + (trials - 1) * self.longest_seconds) / workers


class PreparedSearch:
    """A search that is planned and may run; a context manager that ends its workers.

    Args:
        options: What is asked for.

    Raises:
        ConfigError: With every problem found; nothing has been written then.
    """

    def __init__(self, options: SearchOptions) -> None:
        self.opening: Opening = open_search(options)
        self._logs = Path(tempfile.mkdtemp(prefix="autoft-logs-"))
        self._engine = LocalEngine(self.opening.config, self._logs)
        try:
            measured = self._engine.plan()
            self.plan = _plan(measured, self.opening)
            self.opening = _on_device(self.opening, measured["plan"]["device"])
            self._engine.config = self.opening.config
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> PreparedSearch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers."""
        self._engine.stop()
        shutil.rmtree(self._logs, ignore_errors=True)

    def run(self, watch: Watcher) -> dict[str, Any]:
        """Search until the budget is spent, deliver the best model, write the report.

        Args:
            watch: Is shown the progress again and again.

        Returns:
            The content of result.json; its `best` is None where no trial was completed.

        Raises:
            StudyError: If another process on this machine runs the study.
        """
        config = self.opening.config
        with lock_file(study_folder(config) / ".coordinator") as held:
            if not held:
                raise StudyError(
                    f"study {config.name!r}: another autoft search runs it in {config.storage.folder}, "
                    "its files have one writer, wait for it or take another --study"
                )
            return self._run_alone(config, watch)

    def _run_alone(self, config: StudyConfig, watch: Watcher) -> dict[str, Any]:
        database = open_database(config.storage.url, Path(config.storage.folder))
        try:
            study = _open_study(database, self.opening, self.plan)
            run = _Run(study, config)
            run.files.begin()
            run.files.events.add("started", trials=config.budget.trials, workers=config.budget.workers)
            try:
                self._watch(run, watch)
            finally:
                self._engine.stop()
                run.files.keep_logs(self._logs)
                run.write()
            watch(run.progress("delivery"))
            deliver_best(config, run.files, run.records())
            result = run.write()
            run.files.write_report(run.records(), result)
            facts = run.files.facts(run.records(), result["seconds"]["search"])
            publish(study.optuna, facts, run.records(), result)
            run.files.events.add("ended", best=(result["best"] or {}).get("trial"))
            return result
        finally:
            database.close()

    def _watch(self, run: _Run, watch: Watcher) -> None:
        self._engine.go(run.limit.deadline)
        best: TrialRecord | None = None
        while self._engine.running():
            progress = run.progress("search")
            self._engine.note_finished(progress.stretches)
            run.files.events.note_promotions(progress.promotions)
            run.files.events.note_decided(progress.records)
            if progress.best != best:
                best = progress.best
                run.write()
            watch(progress)
            time.sleep(_POLL_SECONDS)
        progress = run.progress("search")
        run.files.events.note_promotions(progress.promotions)
        run.files.events.note_decided(progress.records)
        watch(progress)


class _Run:
    """One run of a search: from now until its budget is spent."""

    def __init__(self, study: StudyHandle, config: StudyConfig) -> None:
        self._study, self._budget = study, config.budget
        self.files = StudyFiles(config, json.loads(study.config))
        self._started = time.time()
        self.limit = limit_from(self._started, self._budget.timeout)
        # What was paused had its share of time in an earlier run too.
        self._earlier = frozenset(r.number for r in self.records() if r.state not in ("running", "paused"))
        self._promoted_earlier = len(promotions(study))

    def records(self) -> tuple[TrialRecord, ...]:
        return read_trials(self._study)

    def write(self) -> dict[str, Any]:
        return self.files.write(self.records(), time.time() - self._started)

    def progress(self, phase: Literal["search", "delivery"]) -> Progress:
        now = time.time()
        return Progress(
            phase,
            self.records(),
            self._budget.trials,
            now - self._started,
            self.limit.left(now),
            self._earlier,
            promotions(self._study),
            self._promoted_earlier,
        )


def _on_device(opening: Opening, device: str) -> Opening:
    compute = replace(opening.config.compute, device=device)
    return replace(opening, config=replace(opening.config, compute=compute))


def _plan(answer: Mapping[str, Any], opening: Opening) -> Plan:
    measured = answer["plan"]
    notices = [notice.words for notice in opening.data.notices]
    return Plan(
        models=tuple(measured["models"]),
        notices=(*notices, *measured["notices"]),
        trains=measured["trains"],
        default_seconds=measured["default_seconds"],
        longest_seconds=measured["longest_seconds"],
        memory_mib=measured["memory_mib"],
    )


def _open_study(database: Database, opening: Opening, plan: Plan) -> StudyHandle:
    # A URL may hold a password: where a study lives is said by whoever opens it.
    config = replace(opening.config, storage=StorageConfig(folder=opening.config.storage.folder))
    if opening.resumed:
        study = open_study(database, config.name)
        content = {**json.loads(study.config), "config": config.to_json()}
        update_config(study, json.dumps(content))
        return replace(study, config=json.dumps(content))
    data = opening.data
    content = {
        "config": config.to_json(),
        "models": list(plan.models),
        "data": {"origin": data.origin, **data.counts, "labels": list(data.labels)},
        "versions": versions(),
    }
    return create_study(database, config.name, metric=config.metric, config=json.dumps(content))
