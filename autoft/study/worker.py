"""A worker: one trial after another on one device, then audit and finalists, until the budget or its pipe ends.

Started as `python -m autoft.study.worker NUMBER`. Standard input: the study's configuration as one line of JSON, then
`{"go": true, "deadline": …}`. Standard output: one line of JSON, `{"plan": …}` or `{"problems": […]}`,
and `{"problems": […]}` again where a trial finds the user's input wrong.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from autoft.errors import ConfigError
from autoft.space import SearchSpace, space_from_json
from autoft.storage.database import open_database
from autoft.storage.leases import Claim, forfeit
from autoft.storage.studies import open_study, record_time
from autoft.storage.workers import seconds_running, worker_name
from autoft.strategy.schedule import SCHEDULES
from autoft.strategy.stopping import TimeLimit
from autoft.study.audit import run_audit
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.finalists import TrialTime, run_fresh
from autoft.study.lease import Interrupted
from autoft.study.paused import paused_states
from autoft.study.plan import measure_plan
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.search_end import end_search, keep_paused
from autoft.study.self_stop import stopping_of
from autoft.study.standings import standings_of
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import weights_store
from autoft.study.wall_time import WallTime
from autoft.study.work import Search, run_search
from autoft.tasks import TASKS
from autoft.training.runtime import find_device, set_threads

logger = logging.getLogger(__name__)


def run_worker(number: int, orders: IO[str], answers: IO[str]) -> None:
    """Do what the coordinator orders.

    Args:
        number: The worker's; 0 measures the plan.
        orders: Lines of JSON from the coordinator; its end is the order to stop.
        answers: Takes the answers.
    """
    config = StudyConfig.from_json(json.loads(orders.readline()))
    set_threads(config.compute.threads)
    try:
        workbench = _open_bench(config, number)
        space = space_from_json(config.space, space_schema())
        with workbench.time.on("measure"):
            plan = measure_plan(workbench, space) if number == 0 else {}
    except ConfigError as error:
        _answer(answers, {"problems": error.problems})
        return
    _answer(answers, {"plan": plan})
    order = orders.readline()
    if not order:
        return
    stop = threading.Event()
    threading.Thread(target=_wait_for_end, args=(orders, stop), name="pipe", daemon=True).start()
    try:
        _work(config, workbench, space, stop, TimeLimit(json.loads(order)["deadline"]))
    except ConfigError as error:
        _answer(answers, {"problems": error.problems})


def _open_bench(config: StudyConfig, number: int) -> Workbench:
    time = WallTime(before=seconds_running())
    task = TASKS.get(config.task)()
    with time.on("encode"):
        data = load_rows(task, config.data, seed=config.seed)
    return Workbench(config, data, find_device(config.compute.device, worker=number), time=time)


def _work(
    config: StudyConfig,
    workbench: Workbench,
    space: SearchSpace,
    stop: threading.Event,
    limit: TimeLimit,
) -> None:
    workbench.keep()
    database = open_database(config.storage.url, Path(config.storage.folder))
    study = open_study(database, config.name)
    context = TrialContext(
        config=config,
        study=study,
        space=space,
        schedule=SCHEDULES.get(config.compute.pruner)(floor=workbench.floor, given=len(config.portfolio.first)),
        workbench=workbench,
        weights=weights_store(config),
        paused=paused_states(config),
        stop=stop,
        limit=limit,
    )
    me, time_for_trials = worker_name(), TrialTime(context)
    standings, stopping = partial(standings_of, workbench), stopping_of(study, workbench)
    search = Search(study, context.schedule, standings, config.budget.trials, me, stopping, workbench.time)

    def run(held: Claim, ends: TimeLimit) -> None:
        run_trial(replace(context, limit=ends), held)
        record_time(study, me, workbench.time.spent())

    try:
        if run_search(search, run, stop, time_for_trials.limit):
            end_search(context)
        else:
            keep_paused(context)
        run_audit(context, me)
        record_time(study, me, workbench.time.spent())
        run_fresh(context, me, "finalist")
        run_fresh(context, me, "half")
        record_time(study, me, workbench.time.spent())
    except Interrupted:
        forfeit(database, study_id=study.study_id, worker=me)
        keep_paused(context)
        record_time(study, me, workbench.time.spent())
    finally:
        database.close()


def _wait_for_end(orders: IO[str], stop: threading.Event) -> None:
    orders.read()
    stop.set()


def _answer(answers: IO[str], value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def main() -> int:
    """Run the worker that the command line names."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must not mix with the answer.
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    with answers:
        run_worker(int(sys.argv[1]), sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
