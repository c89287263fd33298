"""A trial that paused and went on is, bit for bit, the trial that never stopped."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoft.space import SearchSpace
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.leases import Claim
from autoft.storage.lineage import Promoted, links, promotions
from autoft.storage.reading import read_trial
from autoft.storage.records import Scalar, TrialRecord
from autoft.storage.studies import create_study
from autoft.storage.trials import ask_trial, continue_paused, recover_lost
from autoft.strategy.schedule import FullTraining, Schedule
from autoft.strategy.stopping import TimeLimit
from autoft.study.aims import AimsConfig
from autoft.study.lease import Interrupted
from autoft.study.paused import InMemory, OnDisk, PausedStates
from autoft.study.replay import recorded, replay_trial
from autoft.study.search_end import end_search, keep_paused
from autoft.study.trial import TrialContext, run_trial

pytestmark = pytest.mark.usefixtures("one_thread")
Fail = Callable[[str], None]
PLENTY = 10**9
METHODS: Mapping[str, Mapping[str, Scalar]] = {
    "full": {"learning_rate": 3e-3, "layer_decay": 0.9},
    "lora": {
        **{"learning_rate": 1e-2, "rank": 2, "alpha_ratio": 2.0, "dropout": 0.1, "targets": "all"},
        **{"rslora": False, "dora": False},
    },
    "adapter": {"learning_rate": 1e-2, "size": 4},
}


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "paused")


@pytest.fixture
def pausing(context: TrialContext, store: CheckpointStore, pauses_at_rungs: Schedule) -> TrialContext:
    """A context in which trials pause at rung 3, their states on disk."""
    space = space_of(context.space, "full")
    return replace(context, space=space, schedule=pauses_at_rungs, paused=OnDisk(store, PLENTY))


def space_of(space: SearchSpace, method: str, *, epochs: int = 5) -> SearchSpace:
    """A space of nothing but its default: 30 steps, the tenth at rung 3; rung 1 comes too early to count."""
    kept = {path: value for path, value in space.default.items() if not path.startswith("method")}
    kept |= {"train.epochs": epochs, "train.warmup": 0.0, "train.dropout": 0.1, "method": method}
    given = {f"method.{method}.{name}": value for name, value in METHODS[method].items()}
    return SearchSpace(space.task, space.schema, {}, {**kept, **given})


def with_patience(context: TrialContext, patience: int) -> TrialContext:
    """Trials that never get better, so that patience ends them."""
    default = {**context.space.default, "train.patience": patience, "method.full.learning_rate": 1e-12}
    return replace(context, space=SearchSpace(context.space.task, context.space.schema, {}, default))


def begin(context: TrialContext) -> TrialRecord:
    held = ask_trial(context.study, "me", limit=None)
    assert held is not None
    run_trial(context, held)
    return read_trial(context.study, held.number)


def claimed(context: TrialContext, rung: int, worker: str = "me") -> Claim:
    held = continue_paused(context.study, 0, rung, worker)
    assert held is not None
    return held


def go_on(context: TrialContext, rung: int) -> TrialRecord:
    run_trial(context, claimed(context, rung))
    return read_trial(context.study, 0)


def to_the_end(context: TrialContext) -> TrialRecord:
    """Begin a trial, continue it from its rung."""
    begin(context)
    return go_on(context, 3)


def never_stopped(context: TrialContext) -> TrialRecord:
    """The same trial in a study that pauses nothing."""
    study = create_study(context.study.database, "whole", metric="f1", config="{}")
    return begin(replace(context, study=study, schedule=FullTraining()))


def homes(store: CheckpointStore) -> Mapping[str, PausedStates]:
    return {
        "memory": InMemory(OnDisk(store, 0), PLENTY),
        "disk": OnDisk(store, PLENTY),
        "memory that overflows": InMemory(OnDisk(store, PLENTY), 0),
        "nowhere": OnDisk(store, 0),
    }


QUICK = [("full", "memory"), ("full", "nowhere"), ("lora", "disk"), ("adapter", "memory that overflows")]
OTHERS = [
    pytest.param(method, home, marks=pytest.mark.slow)
    for method in METHODS
    for home in ("memory", "disk", "memory that overflows", "nowhere")
    if (method, home) not in QUICK
]


@pytest.mark.parametrize(("method", "home"), [*QUICK, *OTHERS])
def test_a_continued_trial_equals_an_uninterrupted_one(
    pausing: TrialContext, store: CheckpointStore, method: str, home: str, caplog: pytest.LogCaptureFixture
) -> None:
    context = replace(pausing, space=space_of(pausing.space, method), paused=homes(store)[home])
    record = to_the_end(context)
    assert (record.state, record.reason) == ("complete", None)
    assert [one.step for one in record.evaluations] == list(range(1, 10))
    whole = never_stopped(context)
    assert recorded(record) == recorded(whole)
    assert (record.value, record.metrics) == (whole.value, whole.metrics)
    # Each study times its models itself.
    facts = [{**one.facts, "latency": None} for one in (record, whole)]
    assert facts[0] == facts[1]
    assert ("its checkpoint is gone" in caplog.text) == (home == "nowhere")


def test_a_trial_that_pauses_twice_equals_an_uninterrupted_one(pausing: TrialContext, store: CheckpointStore) -> None:
    context = replace(pausing, space=space_of(pausing.space, "full", epochs=15))
    assert begin(context).execution["last_step"] == 1
    assert [(one.number, one.rung) for one in store.stored()] == [(0, 1)]
    assert [one.step for one in go_on(context, 1).evaluations] == [1, 2, 3]
    assert [(one.number, one.rung) for one in store.stored()] == [(0, 3)]
    record = go_on(context, 3)
    assert store.stored() == ()
    assert promotions(pausing.study) == (Promoted(0, 1), Promoted(0, 3))
    assert recorded(record) == recorded(never_stopped(context))


def test_a_paused_trial_says_how_far_it_is(pausing: TrialContext) -> None:
    record = begin(pausing)
    assert (record.state, record.reason) == ("paused", "rung 3: pauses")
    assert record.facts["steps"] == 10
    assert replayed(pausing, record) == recorded(record)


def test_a_continued_trial_replays_as_one(pausing: TrialContext) -> None:
    record = to_the_end(pausing)
    assert replayed(pausing, record) == recorded(record)


def replayed(context: TrialContext, record: TrialRecord) -> dict[str, Any]:
    config = replace(context.config, fingerprint=context.workbench.data.fingerprint)
    return replay_trial(config, record).summary


def test_seconds_add_up_and_waiting_costs_nothing(pausing: TrialContext) -> None:
    begun = time.monotonic()
    first = begin(pausing)
    waited_from = time.monotonic()
    time.sleep(1.0)
    waited = time.monotonic() - waited_from
    last = go_on(pausing, 3)
    spent = [one.seconds for one in last.evaluations]
    assert spent == sorted(spent)
    assert first.evaluations[-1].seconds <= first.seconds <= last.evaluations[3].seconds <= last.seconds
    assert last.seconds <= time.monotonic() - begun - waited


def test_patience_counts_on_over_a_pause(pausing: TrialContext) -> None:
    """Nothing gets better than the first evaluation: patience of 4 ends the trial at the fifth."""
    record = to_the_end(with_patience(pausing, 4))
    assert record.state == "complete"
    assert [one.step for one in record.evaluations] == [1, 2, 3, 4, 5]


def test_a_trial_without_patience_ends_and_does_not_pause(pausing: TrialContext) -> None:
    record = begin(with_patience(pausing, 2))
    assert (record.state, len(record.evaluations)) == ("complete", 3)


def test_what_was_admitted_is_not_measured_again(pausing: TrialContext) -> None:
    """Memory and latency are measured with noise: a trial that was worth continuing must not end by another draw."""
    begin(pausing)
    strict = replace(pausing.config, aims=AimsConfig(max_parameters=1))
    measured = read_trial(pausing.study, 0).constraints
    record = go_on(replace(pausing, config=strict), 3)
    assert (record.state, record.constraints) == ("complete", measured)


def test_a_promotion_stands_in_the_lineage(pausing: TrialContext) -> None:
    to_the_end(pausing)
    (link,) = links(pausing.study)
    assert (link.kind, link.trial_id) == ("promoted_from", link.parent_id)


def drop(store: CheckpointStore) -> None:
    store.drop(0, 3)


def flip_a_bit(store: CheckpointStore) -> None:
    path = store.arrays_file(0, 3)
    assert path is not None
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))


@pytest.mark.parametrize("harm", [drop, flip_a_bit])
def test_a_checkpoint_that_is_gone_is_trained_again(
    pausing: TrialContext, store: CheckpointStore, harm: Callable[[CheckpointStore], None]
) -> None:
    paused = begin(pausing)
    harm(store)
    record = go_on(pausing, 3)
    # Neither judged nor recorded again on the way: even its seconds are those of the first time.
    assert record.evaluations[:3] == paused.evaluations
    assert recorded(record) == recorded(never_stopped(pausing))


def test_a_checkpoint_of_another_study_is_not_used(
    pausing: TrialContext, store: CheckpointStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A study whose database was removed leaves its folder behind; a new one may get its name."""
    begin(with_patience(pausing, 9))
    (left,) = store.stored()
    kept = store.load(left.number, left.rung)
    assert kept is not None
    other = replace(pausing, study=create_study(pausing.study.database, "other", metric="f1", config="{}"))
    begin(other)
    store.save(0, 3, kept)
    record = go_on(other, 3)
    assert "its checkpoint is gone" in caplog.text
    assert replayed(other, record) == recorded(record)


def test_no_memory_for_the_state_trains_the_trial_again(pausing: TrialContext, fail: Fail) -> None:
    fail("trial.pause=oom@1")
    record = to_the_end(pausing)
    fail("")
    assert recorded(record) == recorded(never_stopped(pausing))


def test_a_checkpoint_that_cannot_be_written_is_trained_again(
    pausing: TrialContext, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    context = replace(pausing, paused=OnDisk(CheckpointStore(tmp_path / "file"), PLENTY))
    record = to_the_end(context)
    assert "its checkpoint cannot be written" in caplog.text
    assert recorded(record) == recorded(never_stopped(context))


def test_memory_that_is_short_after_a_pause_trains_all_with_one_micro_batch(pausing: TrialContext, fail: Fail) -> None:
    begin(pausing)
    fail("trial.step=oom@3")
    record = go_on(pausing, 3)
    fail("")
    assert record.execution["micro_batch"] == 2
    assert (record.state, len(record.evaluations)) == ("complete", 9)
    assert replayed(pausing, record) == recorded(record)


def test_memory_that_was_short_before_a_pause_is_remembered(pausing: TrialContext, fail: Fail) -> None:
    fail("trial.step=oom@3")
    begin(pausing)
    fail("")
    record = go_on(pausing, 3)
    assert record.execution["micro_batch"] == 2
    assert replayed(pausing, record) == recorded(record)


def test_time_that_is_over_before_the_next_evaluation_keeps_the_record(
    pausing: TrialContext, store: CheckpointStore
) -> None:
    paused = begin(pausing)
    store.drop(0, 3)
    record = go_on(replace(pausing, limit=TimeLimit(time.time())), 3)
    assert (record.state, record.reason) == ("pruned", "the time given to the search was over")
    assert (record.execution, record.facts) == (paused.execution, paused.facts)
    assert replayed(pausing, record) == recorded(record)


def test_a_lost_continuation_is_recovered_at_its_rung(pausing: TrialContext, caplog: pytest.LogCaptureFixture) -> None:
    begin(pausing)
    lost = continue_paused(pausing.study, 0, 3, "lost", seconds=-1.0)
    assert lost is not None
    held = recover_lost(pausing.study, "me")
    assert held is not None
    assert (held.rung, held.attempt) == (3, 2)
    run_trial(pausing, held)
    assert recorded(read_trial(pausing.study, 0)) == recorded(never_stopped(pausing))
    assert "its checkpoint is gone" not in caplog.text


def test_a_worker_that_is_to_end_keeps_the_state_of_what_it_continued(pausing: TrialContext) -> None:
    begin(pausing)
    stopped = replace(pausing, paused=InMemory(pausing.paused, PLENTY))
    stopped.stop.set()
    with pytest.raises(Interrupted):
        run_trial(stopped, claimed(stopped, 3))
    evaluation = read_trial(pausing.study, 0).evaluations[-1]
    assert pausing.paused.find(0, evaluation) is not None


def test_memory_is_written_to_disk_when_the_worker_leaves(pausing: TrialContext, store: CheckpointStore) -> None:
    first = replace(pausing, paused=InMemory(OnDisk(store, PLENTY), PLENTY))
    begin(first)
    begin(first)
    assert store.stored() == ()
    keep_paused(first)
    assert [(one.number, one.rung) for one in store.stored()] == [(0, 3), (1, 3)]
    assert recorded(go_on(pausing, 3))["evaluations"]


def test_the_end_of_a_search_prunes_what_is_paused_once(pausing: TrialContext, store: CheckpointStore) -> None:
    paused = begin(pausing)
    end_search(pausing)
    end_search(pausing)
    record = read_trial(pausing.study, 0)
    assert (record.state, record.value) == ("pruned", paused.value)
    assert record.reason == "rung 3: pauses; not continued before the search ended"
    assert (record.seconds, record.execution, record.facts) == (paused.seconds, paused.execution, paused.facts)
    assert store.stored() == ()
    assert continue_paused(pausing.study, 0, 3, "late") is None


CONTINUES = """
import json, sys, threading
from pathlib import Path
from autoft.space import space_from_json
from autoft.storage.database import open_database
from autoft.storage.studies import open_study
from autoft.storage.checkpoints import CheckpointStore
from autoft.storage.trials import continue_paused
from autoft.strategy.schedule import FullTraining
from autoft.strategy.stopping import TimeLimit
from autoft.study.bench import Workbench
from autoft.study.config import StudyConfig
from autoft.study.paused import OnDisk
from autoft.study.rows import load_rows
from autoft.study.schema import space_schema
from autoft.study.trial import TrialContext, run_trial
from autoft.study.trial_weights import weights_store
from autoft.tasks import TASKS
from autoft.training.runtime import find_device, set_threads

config, store = StudyConfig.from_json(json.loads(sys.argv[1])), CheckpointStore(Path(sys.argv[2]))
set_threads(1)
database = open_database(None, Path(config.storage.folder))
study = open_study(database, config.name)
bench = Workbench(config, load_rows(TASKS.get("ner")(), config.data, seed=0), find_device("cpu"))
context = TrialContext(
    config, study, space_from_json(config.space, space_schema()), FullTraining(), bench, weights_store(config),
    OnDisk(store, 10**9), threading.Event(), TimeLimit(),
)
run_trial(context, continue_paused(study, 0, 3, "another process"))
"""


@pytest.mark.slow
def test_another_process_continues_to_the_same_bits(pausing: TrialContext, tmp_path: Path) -> None:
    begin(pausing)
    config = replace(pausing.config, space=pausing.space.to_json())
    words = [json.dumps(config.to_json()), str(tmp_path / "paused")]
    ran = subprocess.run([sys.executable, "-c", CONTINUES, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "its checkpoint is gone" not in ran.stderr
    record = read_trial(pausing.study, 0)
    assert record.state == "complete"
    assert recorded(record) == recorded(never_stopped(pausing))
