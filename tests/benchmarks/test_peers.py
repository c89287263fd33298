"""The real race: its logs, its verdicts, and that nothing is run twice or compared with something else."""

from __future__ import annotations

import gzip
import json
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import torch

from autoft.api.opening import open_search, space_for
from autoft.api.options import RowOptions, SearchOptions
from autoft.errors import SpaceError, StudyError
from autoft.models.quiet import quiet
from autoft.space import SearchSpace, space_from_json
from autoft.space.domains import Categorical, Integer, Scalar
from autoft.strategy.portfolio import read_portfolio
from autoft.study.config import StorageConfig, StudyConfig
from autoft.study.schema import space_schema
from autoft.testing.tiny import save_tiny
from benchmarks import reference as recorded
from benchmarks.peers import autoft_side
from benchmarks.peers.__main__ import Source, portfolio_for, race, summary, write_events
from benchmarks.peers.autoft_side import options_of
from benchmarks.peers.contenders import Contender, contenders, run_contender
from benchmarks.peers.hf_side import search
from benchmarks.peers.hf_training import Peer, check_translatable
from benchmarks.peers.log import Evaluation, Log, Run, read_run
from benchmarks.peers.plot import Panel, draw
from benchmarks.peers.retraining import Retrained, key_of
from benchmarks.peers.setting import Setup, check_same, setting_of
from benchmarks.peers.verdict import Verdict, judged, medians, wanted

SETTING: Mapping[str, Any] = {"rows": "r", "space": "s", "metric": "f1", "threads": 1, "versions": {}}


def run_of(
    *evaluations: tuple[float, int, float], complete: Mapping[int, float] | None = None, end: float = 100
) -> Run:
    """Return a run of (seconds, trial, value); the configuration of a trial is its number."""
    found = tuple(Evaluation(seconds, trial, 1.0, value, {"x": trial}) for seconds, trial, value in evaluations)
    return Run(SETTING, found, complete or {}, end, 0.0)


def means_of(means: Mapping[int, float]) -> dict[str, float]:
    return {key_of({"x": trial}): mean for trial, mean in means.items()}


def test_incumbents_are_the_evaluations_that_found_something_and_beat_all_before() -> None:
    run = run_of((0.5, 3, 0.0), (1, 0, 0.2), (2, 1, 0.2), (3, 0, float("nan")), (4, 1, 0.5), (5, 2, 0.4), (6, 0, 0.6))
    assert [(one.seconds, one.trial) for one in run.incumbents] == [(1, 0), (4, 1), (6, 0)]


def test_among_complete_trials_an_incumbent_is_known_when_its_trial_ended() -> None:
    run = run_of((1, 0, 0.5), (2, 0, 0.3), (4, 1, 0.9), (7, 2, 0.6), complete={2: 8.0, 0: 3.0})
    assert [(one.seconds, one.trial, one.value) for one in run.complete_incumbents] == [(3.0, 0, 0.5), (8.0, 2, 0.6)]


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    log = Log(tmp_path / "events.jsonl", time.time() - 10)
    log.add("begun", load=1.5)
    log.evaluated(0, 1.0, 0.1, {"x": 1})
    log.evaluated(1, 1.0, 0.2, {"x": 2})
    log.evaluated(0, 2.0, 0.3, {"x": 1})
    log.add("complete", trial=0)
    log.add("setting", **SETTING)
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"seconds": 3, "ev\n')
    log.add("ended")
    run = read_run(tmp_path / "events.jsonl")
    assert [(one.trial, one.epoch, one.value, one.config["x"]) for one in run.evaluations] == [
        (0, 1.0, 0.1, 1),
        (1, 1.0, 0.2, 2),
        (0, 2.0, 0.3, 1),
    ]
    assert (run.setting, run.load, run.trials, run.epochs) == (SETTING, 1.5, 2, 3.0)
    assert 10 <= run.complete[0] <= run.seconds < 60


def test_a_log_without_an_end_is_refused(tmp_path: Path) -> None:
    Log(tmp_path / "events.jsonl", time.time()).add("setting", **SETTING)
    with pytest.raises(StudyError, match="a search that is over expected"):
        read_run(tmp_path / "events.jsonl")


def test_the_time_to_target_is_when_the_re_trained_incumbent_is_as_good() -> None:
    mine = run_of((5, 0, 0.1), (10, 1, 0.3), (20, 2, 0.4), (40, 3, 0.5), complete={3: 45.0, 1: 60.0})
    peer = run_of((30, 7, 0.2), (200, 8, 0.4), end=400)
    found = judged(mine, peer, means_of({0: 0.1, 1: 0.35, 2: 0.2, 3: 0.5, 8: 0.35}))
    assert found == Verdict(target=0.35, whole=400, found=200, first=10, for_good=40, complete=45.0, final=0.5)
    assert found.to_json()["sooner"] == {"first": 40.0, "for_good": 10.0, "complete": pytest.approx(8.89, abs=0.01)}
    than_found = {"first": 20.0, "for_good": 5.0, "complete": pytest.approx(4.44, abs=0.01)}
    assert found.to_json()["sooner_than_found"] == than_found


def test_what_was_never_reached_is_said() -> None:
    found = judged(run_of((5, 0, 0.9)), run_of((30, 7, 0.2)), means_of({0: 0.1, 7: 0.2}))
    assert (found.first, found.for_good, found.complete) == (None, None, None)
    assert found.to_json()["sooner"] == {"first": None, "for_good": None, "complete": None}


def test_an_incumbent_that_was_not_trained_again_is_no_verdict() -> None:
    with pytest.raises(StudyError, match="not trained again"):
        judged(run_of((5, 0, 0.9)), run_of((30, 7, 0.2)), means_of({0: 0.1}))


def test_a_peer_that_has_found_nothing_ends_with_what_such_a_model_scores() -> None:
    found = judged(run_of((5, 0, 0.9)), run_of((3, 1, 0.0), end=50), means_of({0: 0.1}))
    assert (found.target, found.found, found.first, found.final) == (0.0, 50, 5, 0.1)


def test_if_autoft_has_found_nothing_it_has_not_reached_the_target() -> None:
    found = judged(run_of((5, 0, 0.0)), run_of((3, 1, 0.2)), means_of({1: 0.1}))
    assert (found.first, found.for_good, found.complete, found.final) == (None, None, None, 0.0)


@pytest.mark.parametrize(
    ("firsts", "reached", "sooner"),
    [
        ((10, 20, 40), 3, 5.0),
        ((10, None, 40), 2, 2.5),
        ((10, None, None), 1, None),
        ((10, 20), 2, 7.5),
        ((10, None), 1, None),
    ],
)
def test_a_seed_that_never_reached_it_counts_as_the_slowest(
    firsts: tuple[float | None, ...], reached: int, sooner: float | None
) -> None:
    verdicts = [Verdict(0.3, 100, 90, first, None, None, 0.4) for first in firsts]
    said = medians(verdicts)
    than_found = None if sooner is None else 0.9 * sooner
    assert said["first"] == {"reached": reached, "sooner": sooner, "sooner_than_found": pytest.approx(than_found)}
    assert said["for_good"] == {"reached": 0, "sooner": None, "sooner_than_found": None}


def test_of_a_peer_the_final_incumbent_is_trained_again_and_of_autoft_all() -> None:
    run = run_of((1, 0, 0.1), (2, 1, 0.3), (3, 1, 0.4), (4, 2, 0.2), complete={2: 5.0})
    assert wanted(run, final_only=True) == [{"x": 1}]
    assert wanted(run, final_only=False) == [{"x": 0}, {"x": 1}, {"x": 2}]


def test_what_was_trained_again_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "retrained.json"
    Retrained(path).add({"x": 1}, 1000, 0.2)
    found = Retrained(path)
    assert found.missing([{"x": 1}, {"x": 2}, {"x": 1}], (1000, 1001)) == [
        ({"x": 1}, 1001),
        ({"x": 2}, 1000),
        ({"x": 2}, 1001),
    ]
    assert found.means((1000, 1001)) == {}
    found.add({"x": 1}, 1001, 0.4)
    assert Retrained(path).means((1000, 1001)) == {key_of({"x": 1}): pytest.approx(0.3)}


@pytest.mark.parametrize("key", ["rows", "space", "metric", "threads"])
def test_searches_of_different_things_are_not_compared(key: str) -> None:
    check_same({"autoft": SETTING, "a peer": {**SETTING, "versions": {"torch": "1"}}})
    with pytest.raises(StudyError, match=f"a peer: {key} of autoft expected"):
        check_same({"autoft": SETTING, "a peer": {**SETTING, key: "other"}})


def changed(**domains: Any) -> SearchSpace:
    space = space_for("ner", None, ())
    return SearchSpace(space.task, space.schema, {**space.domains, **domains}, space.default)


def test_the_space_of_the_race_can_be_searched_by_trainer() -> None:
    check_translatable(space_for("ner", None, ()))


def test_a_space_that_trainer_would_search_in_another_way_is_refused() -> None:
    space = changed(head=Categorical(("linear", "crf")), **{"train.patience": Integer(2, 9)})
    with pytest.raises(
        SpaceError, match=r"head: linear alone expected where Trainer runs(.|\n)*train\.patience: 9 alone"
    ):
        check_translatable(space)


def study_of(folder: Path) -> StudyConfig:
    options = SearchOptions(
        task="ner",
        study="race",
        seed=0,
        device="cpu",
        rows=RowOptions(train_limit=8, dev_limit=8),
        storage=StorageConfig(folder=str(folder)),
    )
    return open_search(options).config


def tiny_study(folder: Path, trials: int) -> StudyConfig:
    """Return a study of a tiny model, whose schedules last one epoch or two."""
    study = study_of(folder)
    space = space_for("ner", None, (str(save_tiny(folder / "model", "bert")),))
    epochs = {**space.domains, "train.epochs": Integer(1, 2)}
    space = SearchSpace(space.task, space.schema, epochs, {**space.default, "train.epochs": 2})
    return replace(study, name="hf-tpe", space=space.to_json(), budget=replace(study.budget, trials=trials))


class Spy(Peer):
    """Remembers of which configurations modules were built."""

    def __init__(self, study: StudyConfig, log: Log) -> None:
        self.built: list[Mapping[str, Any]] = []
        super().__init__(study, log)

    def module(self) -> Any:
        self.built.append(self.values)
        return super().module()


def test_trainers_search_is_logged_epoch_by_epoch(tmp_path: Path) -> None:
    study, log = tiny_study(tmp_path, trials=3), Log(tmp_path / "events.jsonl", time.time())
    peer = Spy(study, log)
    with quiet():
        search(peer, str(tmp_path / "out"))
    log.add("ended")
    run = read_run(tmp_path / "events.jsonl")
    check_same({"the race": setting_of(study), "hf-tpe": run.setting})
    assert set(run.complete) == {0, 1, 2}
    space = space_from_json(study.space, space_schema())
    configs = {one.trial: one.config for one in run.evaluations}
    for trial, config in configs.items():
        epochs = [one.epoch for one in run.evaluations if one.trial == trial]
        assert epochs == list(range(1, int(config["train.epochs"]) + 1))
        assert space.contains(config)
    assert len({config["method"] for config in configs.values()}) > 1, "more than one branch of the space was walked"
    # The first module is built before there is a trial.
    assert peer.built[1:] == [configs[trial] for trial in sorted(configs)], "it trains what it logs"


def test_trainer_takes_every_value_of_a_configuration(tmp_path: Path) -> None:
    """Trainer casts what a trial asks to the type of what it had: a warm-up of 0.1 beside one of 0 would become 0."""
    peer = Peer(tiny_study(tmp_path, trials=1), Log(tmp_path / "events.jsonl", time.time()))
    with quiet():
        trainer = peer.trainer(str(tmp_path / "out"))
        asked = {"train.batch_size": 32, "train.epochs": 1, "train.weight_decay": 0.25, "train.dropout": 0.3}
        arguments = peer.take(5, {**peer.space.default, **asked, "method.full.layer_decay": 0.5, "freeze": 0.34})
        module = peer.module()
    assert arguments["per_device_train_batch_size"] == 32
    assert {key: type(getattr(trainer.args, key))(value) for key, value in arguments.items()} == arguments
    assert {one.p for one in module.modules() if isinstance(one, torch.nn.Dropout)} == {0.3}
    groups = trainer.create_optimizer().param_groups
    rate = arguments["learning_rate"]
    # The head, and two of the three layers; the first and the embeddings are frozen.
    assert {group["lr"] for group in groups} == {rate, rate * 0.5, rate * 0.25}


def script(folder: Path, body: str) -> Contender:
    """Return a contender that is a few lines long."""
    (folder / "somebody.py").write_text(
        f"from benchmarks.peers.setting import *\nsetup, log = Told.parse().read()\n{body}"
    )
    return Contender("somebody", "somebody", "somebody", sys.executable, 3)


def test_a_search_that_is_over_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    body = "log.add('setting', **setting_of(setup.study))\nlog.evaluated(0, 1.0, 0.5, {'x': 1})\nlog.add('ended')\n"
    study = study_of(tmp_path)
    run = run_contender(script(tmp_path, body), study, None, tmp_path / "out")
    assert (run.trials, run.setting["trials"], run.setting["rows"]) == (1, 3, study.fingerprint)
    assert run.seconds >= run.evaluations[0].seconds > 0.0
    check_same({"the race": setting_of(study), "somebody": run.setting})
    failing = script(tmp_path, "raise SystemExit(3)")
    assert run_contender(failing, study, None, tmp_path / "out") == run
    with pytest.raises(StudyError) as caught:
        run_contender(replace(failing, trials=4), replace(study, seed=1), None, tmp_path / "out")
    assert caught.value.problems == tuple(
        f"{tmp_path / 'out'}: {words}, take another --folder"
        for words in ("seed 1 expected, it was 0", "trials 4 expected, it was 3")
    )


def test_only_autoft_is_told_what_to_try_first(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    given = replace(study.portfolio, first=({"method": "full"},), origins=("the portfolio",))
    Setup(study, None).write(tmp_path / "setup.json")
    other = Setup(replace(study, portfolio=given), None)
    other.check_told(tmp_path / "setup.json", given=False)
    with pytest.raises(StudyError, match="what is tried first"):
        other.check_told(tmp_path / "setup.json", given=True)


def test_a_search_that_was_broken_off_begins_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    study, begun = (
        study_of(tmp_path),
        "log.add('setting', **setting_of(setup.study))\nlog.evaluated(0, 1.0, 0.5, {'x': 1})\n",
    )
    with pytest.raises(StudyError, match=r"somebody: its search has failed, exit status 3(.|\n)*out of memory"):
        run_contender(
            script(tmp_path, begun + "print('out of memory')\nraise SystemExit(3)"), study, None, tmp_path / "out"
        )
    run = run_contender(script(tmp_path, begun + "log.add('ended')"), study, None, tmp_path / "out")
    assert len(run.evaluations) == 1


SEARCH = """
log.add("setting", **setting_of(setup.study), portfolio=["other"])
config = space_from_json(setup.study.space, space_schema()).default
log.evaluated(0, 1.0, 0.1, {**config, "train.epochs": 1})
log.evaluated(1, 2.0, 0.2, config)
log.add("complete", trial=1)
log.add("ended")
"""


def test_a_race_is_judged_and_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    study = tiny_study(tmp_path, trials=2)
    (tmp_path / "space.yaml").write_text(space_from_json(study.space, space_schema()).to_yaml())
    imports = "from autoft.space import space_from_json\nfrom autoft.study.schema import space_schema"
    somebody = script(tmp_path, imports + SEARCH)
    who = (replace(somebody, name="autoft"), replace(somebody, name="peer"))
    asked = Namespace(space=str(tmp_path / "space.yaml"), threads=1, folder=tmp_path / "out", trials=2)
    asked.autoft_trials, asked.data, asked.record = 2, ["sample=/home/me/sample:8:8"], None
    source = Source("sample", "sample:ner", RowOptions(train_limit=8, dev_limit=8), 1)
    raced = {"sample": {0: race(source, 0, who, asked)}}
    assert summary(raced, asked)["setup"]["data"] == ["sample:8:8"]
    said = summary(raced, asked)["sample"]
    # What its log says, whatever is asked for when the folder is read again.
    assert said["portfolio_of"] == ["other"]
    verdict = said["seeds"]["0"]["against"]["peer"]
    incumbents = said["seeds"]["0"]["contenders"]["autoft"]["incumbents"]
    assert verdict["target"] == verdict["final"] == incumbents[1]["retrained"]
    assert verdict["for_good"] is not None
    assert said["against"]["peer"]["first"]["reached"] == 1
    events = tmp_path / "events.jsonl.gz"
    write_events(events, asked.folder, raced)
    lines = [json.loads(line) for line in gzip.decompress(events.read_bytes()).splitlines()]
    assert [(one["contender"], one["event"]) for one in lines[-2:]] == [("peer", "complete"), ("peer", "ended")]
    script(tmp_path, "raise SystemExit(3)")
    assert race(source, 0, who, asked) == raced["sample"][0]


def write_record(folder: Path) -> None:
    """Write a record of two data sets, `raced` and `other`, each with a best configuration of its own."""

    def run(data: str, configuration: int, value: float, dropout: float) -> recorded.Run:
        config: dict[str, Scalar] = {"method": "full", "method.full.learning_rate": 1e-4, "train.dropout": dropout}
        return recorded.Run(data, "ner", "f1", configuration, 0, config, (9,), (value,), (0.1,))

    runs = [run("raced", 0, 0.1, 0.0), run("raced", 1, 0.9, 0.3), run("other", 0, 0.1, 0.0), run("other", 2, 0.9, 0.2)]
    recorded.write_runs(folder, runs)


def test_the_portfolio_has_not_seen_the_raced_data(tmp_path: Path) -> None:
    write_record(tmp_path)
    path = tmp_path / "out" / "portfolio.json"
    raced, unknown = (Source(name, f"/x/{name}", RowOptions(), 1) for name in ("raced", "unknown"))
    assert portfolio_for(raced, None, path) == "none"
    found = read_portfolio(Path(portfolio_for(raced, tmp_path, path)))
    assert found.sources == ("other",)
    assert [entry.config["train.dropout"] for entry in found.entries] == [0.2]
    assert read_portfolio(Path(portfolio_for(unknown, tmp_path, path))).sources == ("other", "raced")
    # Whatever the report calls it.
    assert read_portfolio(Path(portfolio_for(replace(raced, name="few rows"), tmp_path, path))).sources == ("other",)


def test_autoft_is_told_its_portfolio(tmp_path: Path) -> None:
    study = tiny_study(tmp_path, trials=2)
    setup = Setup(replace(study, portfolio=replace(study.portfolio, file="/x/portfolio.json")), None)
    setup.write(tmp_path / "setup.json")
    assert options_of(Setup.read(tmp_path / "setup.json"))["portfolio"] == "/x/portfolio.json"


def test_autoft_logs_what_its_portfolio_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = tiny_study(tmp_path, trials=2)
    Setup(study, None).write(tmp_path / "setup.json")
    found = replace(study, portfolio=replace(study.portfolio, sources=("other",)))
    monkeypatch.setattr(autoft_side, "search", lambda *_, **__: Namespace(config=found))
    paths = {"--setup": tmp_path / "setup.json", "--log": tmp_path / "log", "--started": 0.0}
    monkeypatch.setattr(sys, "argv", ["autoft", *(str(word) for pair in paths.items() for word in pair)])
    autoft_side.main()
    assert read_run(tmp_path / "log").setting["portfolio"] == ["other"]


@pytest.mark.parametrize(
    ("text", "rows"),
    [("a=/x", (None, None)), ("a=/x:200", (200, None)), ("a=/x:200:50", (200, 50)), ("a=/x::50", (None, 50))],
)
def test_a_source_may_limit_its_rows(text: str, rows: tuple[int | None, int | None]) -> None:
    found = Source.parse(text, 3)
    assert (found.name, found.folder, found.seeds) == ("a", "/x", 3)
    assert (found.rows.train_limit, found.rows.dev_limit) == rows


def test_every_contender_has_a_name_and_a_folder_of_its_own() -> None:
    assert [one.name for one in contenders(20, 50, None)] == ["autoft", "hf-tpe", "hf-random"]
    assert [(one.name, one.python, one.trials) for one in contenders(20, 50, "/x/python")][-1] == (
        "ray-asha",
        "/x/python",
        20,
    )


def test_the_plot_shows_every_contender_of_every_panel() -> None:
    runs = {"autoft": run_of((5, 0, 0.1), (50, 1, 0.3)), "hf-tpe": run_of((30, 7, 0.2), end=300)}
    runs["hf-random"] = run_of((20, 1, 0.1), (30, 8, 0.15), (40, 8, 0.2), end=200)
    # Trial 1 was trained again since autoft had it: of a peer the last incumbent alone counts.
    panels = [Panel(f"<set> {seed}", runs, means_of({0: 0.1, 1: 0.2, 7: 0.15, 8: 0.1})) for seed in range(3)]
    svg = Xml.fromstring(draw(panels, {"autoft": "autoft", "hf-tpe": "Trainer", "hf-random": "other"}))
    names = {"{http://www.w3.org/2000/svg}" + name for name in ("text", "circle")}
    texts = [one.text for one in svg.iter() if one.tag in names and one.text]
    assert [one for one in texts if one.startswith("<set>")] == ["<set> 0", "<set> 1", "<set> 2"]
    assert {"autoft", "Trainer"} <= set(texts)
    assert panels[0].dots("hf-random") == [(40, 0.1)]
    assert sum(one.tag.endswith("circle") for one in svg.iter()) == 3 * 4


def test_a_race_in_which_nobody_found_anything_has_a_plot() -> None:
    panel = Panel("set", {"autoft": run_of((5, 0, 0.0)), "hf-tpe": run_of()}, {})
    svg = Xml.fromstring(draw([panel], {"autoft": "autoft", "hf-tpe": "Trainer"}))
    assert not any(one.tag.endswith("circle") for one in svg.iter())
