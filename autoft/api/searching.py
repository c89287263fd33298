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
from typing import Any

from autoft.api.delivering import deliver_best
from autoft.api.opening import Opening, open_search
from autoft.api.options import SearchOptions
from autoft.api.outputs import Runs, Spent, StudyFiles, versions
from autoft.api.progress import Phase, Progress, Watcher
from autoft.engines import LocalEngine
from autoft.errors import StudyError
from autoft.files import lock_file
from autoft.report.facts import StudyFacts
from autoft.report.notes import publish
from autoft.storage.audits import read_audited
from autoft.storage.beside import at_work
from autoft.storage.database import Database, open_database
from autoft.storage.finalists import fresh_runs
from autoft.storage.lineage import promotions
from autoft.storage.records import StopRecord, TrialRecord
from autoft.storage.studies import StudyHandle, create_study, open_study, recorded_stop, recorded_time, update_config
from autoft.strategy.stopping import limit_from
from autoft.study.audit_choice import missing_audits
from autoft.study.config import BudgetConfig, StorageConfig, StudyConfig
from autoft.study.final_choice import finalists_of, half_count, missing_halves, missing_runs
from autoft.study.portfolio import first_notices
from autoft.study.rows import small_data_notices
from autoft.study.self_stop import reopen
from autoft.study.trial_weights import study_folder

logger = logging.getLogger(__name__)
_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search will do and cost, before anything is trained.

    Attributes:
        models: The base models, in words.
        notices: Warnings about data and tokenizer; lines below a first are examples.
        trains: What the default configuration trains, in words.
        measures: What the default configuration costs: `parameters`, `latency`, `memory`.
        default_seconds: Expected for the default configuration.
        longest_seconds: Expected for the longest configuration.
        memory_mib: Peak memory of a worker while it was measured.
    """

    models: tuple[str, ...]
    notices: tuple[str, ...]
    trains: str
    measures: Mapping[str, float]
    default_seconds: float
    longest_seconds: float
    memory_mib: float

    def total_seconds(self, trials: int, workers: int) -> float:
        """Return the most that the search may take, if nothing is stopped early."""
        return (self.default_seconds + (trials - 1) * self.longest_seconds) / workers

    def finalist_seconds(self, budget: BudgetConfig) -> float:
        """Return the most that finalists may take: the default and the best, each on every fresh seed."""
        rivals = min(budget.finalists, budget.trials - 1)
        if not rivals:
            return 0.0
        return (self.default_seconds + rivals * self.longest_seconds) * budget.seeds / budget.workers

    def half_seconds(self, budget: BudgetConfig) -> float:
        """Return the most that the winner on half of its rows may take."""
        if not self.finalist_seconds(budget):
            return 0.0
        return half_count(budget) * self.longest_seconds / 2 / budget.workers

    def audit_seconds(self, budget: BudgetConfig) -> float:
        """Return the most that the audit may take: its share of the search, but at least one configuration."""
        if budget.audit is None or budget.trials < 2:
            return 0.0
        return max(budget.audit * self.total_seconds(budget.trials, budget.workers), self.longest_seconds)


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
                run.end()
                run.files.keep_logs(self._logs)
                run.write()
            records = run.records()
            watch(run.progress("delivery"))
            facts = run.facts()
            deliver_best(config, run.files, facts, records)
            result = run.write()
            run.files.write_report(facts, records, result)
            publish(study.optuna, facts, records, result)
            run.files.events.add("ended", best=(result["best"] or {}).get("trial"))
            return result
        finally:
            database.close()

    def _watch(self, run: _Run, watch: Watcher) -> None:
        self._engine.go(run.limit.deadline)
        best: tuple[TrialRecord | None, int] = None, 0
        while self._engine.running():
            progress = run.progress()
            ran = len(progress.runs) + len(progress.halves)
            self._engine.note_finished(progress.stretches + progress.audited + ran)
            run.note(progress)
            if (progress.best, ran) != best:
                best = progress.best, ran
                run.write()
            watch(progress)
            time.sleep(_POLL_SECONDS)
        progress = run.progress()
        run.note(progress)
        watch(progress)


class _Run:
    """One run of a search: from now until its budget is spent."""

    def __init__(self, study: StudyHandle, config: StudyConfig) -> None:
        self._study, self._budget, self._seed = study, config.budget, config.seed
        self.files = StudyFiles(config, json.loads(study.config))
        self._started = time.time()
        self._finals_began: float | None = None
        self._ended: float | None = None
        self.limit = limit_from(self._started, self._budget.timeout)
        # What was paused had its share of time in an earlier run too.
        self._earlier = frozenset(r.number for r in self.records() if r.state not in ("running", "paused"))
        self._promoted_earlier = len(promotions(study))
        reopen(study, len(self.records()), self._budget.stop)

    def records(self) -> tuple[TrialRecord, ...]:
        return read_audited(self._study)

    def facts(self) -> StudyFacts:
        return self.files.facts(self.records(), self._runs(), self._spent(), self._stop())

    def write(self) -> dict[str, Any]:
        return self.files.write(self.records(), self._runs(), self._spent(), self._stop())

    def note(self, progress: Progress) -> None:
        events = self.files.events
        events.note_promotions(progress.promotions)
        events.note_decided(progress.records)
        events.note_stop(progress.stop)
        events.note_audits(progress.records)
        events.note_runs(progress.runs)
        events.note_runs(progress.halves, "half")

    def end(self) -> None:
        """Stop the clock: what follows is neither search nor finalists."""
        self._ended = time.time()

    def progress(self, phase: Phase | None = None) -> Progress:
        """Return where the search stands; in which phase is seen from what workers hold unless it is given."""
        now, records = time.time(), self.records()
        runs, halves = (ran := self._runs()).finalists, ran.halves
        if self._finals_began is None and at_work(self._study, "finalist", "half"):
            self._finals_began = now
        missing, stop = len(missing_runs(records, runs, self._budget)), self._stop()
        return Progress(
            phase or self._phase(),
            records,
            self._budget.trials if stop is None else stop.begun,
            now - self._started,
            self.limit.left(now),
            self._earlier,
            runs,
            len(finalists_of(records, self._budget)) * self._budget.seeds - missing,
            missing,
            self._budget.workers,
            promotions(self._study),
            self._promoted_earlier,
            stop,
            sum(record.audited for record in records),
            len(missing_audits(records, self._budget, self._seed)),
            halves,
            len(missing_halves(records, runs, halves, self._budget)),
        )

    def _runs(self) -> Runs:
        return Runs(fresh_runs(self._study, "finalist"), fresh_runs(self._study, "half"))

    def _phase(self) -> Phase:
        if self._finals_began is not None:
            return "finalists"
        return "audit" if self._budget.audit is not None and at_work(self._study, "audit") else "search"

    def _stop(self) -> StopRecord | None:
        return recorded_stop(self._study) if self._budget.stop is not None else None

    def _spent(self) -> Spent:
        now = self._ended or time.time()
        began = now if self._finals_began is None else self._finals_began
        return Spent(began - self._started, now - began, recorded_time(self._study))


def _on_device(opening: Opening, device: str) -> Opening:
    compute = replace(opening.config.compute, device=device)
    return replace(opening, config=replace(opening.config, compute=compute))


def _plan(answer: Mapping[str, Any], opening: Opening) -> Plan:
    measured = answer["plan"]
    notices = [*(notice.lines for notice in opening.data.notices), *small_data_notices(opening.data)]
    notices += first_notices(opening.config.portfolio, opening.config.data.source)
    return Plan(
        models=tuple(measured["models"]),
        notices=(*notices, *measured["notices"]),
        trains=measured["trains"],
        measures=measured["measures"],
        default_seconds=measured["default_seconds"],
        longest_seconds=measured["longest_seconds"],
        memory_mib=measured["memory_mib"],
    )


def _open_study(database: Database, opening: Opening, plan: Plan) -> StudyHandle:
    # A URL may hold a password: where a study lives is said by whoever opens it.
    config = replace(opening.config, storage=StorageConfig(folder=opening.config.storage.folder))
    data = opening.data
    floor = data.task.floor(config.metric, data.scored)
    if opening.resumed:
        study = open_study(database, config.name)
        content = {**json.loads(study.config), "config": config.to_json()}
        # Studies of earlier versions do not know it.
        content["data"] = {**content["data"], "floor": floor}
        update_config(study, json.dumps(content))
        return replace(study, config=json.dumps(content))
    content = {
        "config": config.to_json(),
        "models": list(plan.models),
        "data": {"origin": data.origin, **data.counts, "labels": list(data.labels), "floor": floor},
        "versions": versions(),
    }
    return create_study(database, config.name, metric=config.metric, config=json.dumps(content))
