"""A record becomes tables and portfolios; its runs are made by hand here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoft.errors import ConfigError
from autoft.space.domains import Float, Scalar
from autoft.space.search_space import SearchSpace
from autoft.strategy.samplers import propose
from autoft.strategy.suggest import Proposal
from autoft.study.schema import space_schema
from benchmarks.portfolio import portfolio_of
from benchmarks.reference import Run, write_runs
from benchmarks.replaying import Autoft, replay
from benchmarks.search import STRATEGIES, portfolios_for, with_portfolio
from benchmarks.tables import measured_in

DROPOUTS = (0.1, 0.0, 0.2, 0.3, 0.9)


def config(dropout: float) -> dict[str, Scalar]:
    return space().complete({"train.dropout": dropout})


def space() -> SearchSpace:
    return SearchSpace("ner", space_schema(), {"train.dropout": Float(0.0, 0.3)})


def run(data: str, configuration: int, value: float, *, task: str = "ner", seed: int = 0) -> Run:
    values = tuple(value * ninth / 9 for ninth in range(1, 10))
    losses = tuple(1.0 - one for one in values)
    return Run(
        data, task, "f1", configuration, seed, config(DROPOUTS[configuration]), tuple(range(1, 10)), values, losses
    )


RUNS = [
    *(run("a", number, value) for number, value in enumerate((0.5, 0.9, 0.5, 0.2, 0.95))),
    *(run("b", number, value) for number, value in enumerate((0.5, 0.2, 0.9, 0.5, 0.95))),
    run("c", 3, 0.9, task="classification"),
    run("a", 1, 0.88, seed=1),
]


def test_a_records_portfolio_names_what_differs_and_has_its_place_in_the_space() -> None:
    """The last configuration is the best of all and lies outside."""
    found = portfolio_of(RUNS, "ner", space())
    assert {entry.config["train.dropout"] for entry in found.entries} == {0.0, 0.2}
    assert all(set(entry.config) == {"train.dropout"} for entry in found.entries)
    assert found.sources == ("a", "b")


def test_a_data_set_is_left_out() -> None:
    found = portfolio_of(RUNS, "ner", space(), without=["a"])
    assert (found.sources, found.entries[0].config) == (("b",), {"train.dropout": 0.2})
    with pytest.raises(ConfigError, match="--without: one of a, b expected, got 'x'"):
        portfolio_of(RUNS, "ner", space(), without=["x"])


def test_a_record_is_raced_in_ninths_a_table_a_data_set(tmp_path: Path) -> None:
    at_rungs_alone = replace(run("d", 0, 0.5), steps=(1, 3, 9), values=(0.1, 0.2, 0.5), losses=(0.1, 0.2, 0.5))
    write_runs(tmp_path, [*RUNS, at_rungs_alone])
    tables = {
        (table.kind, table.name): table
        for table in measured_in(tmp_path, {"ner": space(), "classification": space()}.__getitem__)
    }
    assert set(tables) == {("record ner", "a"), ("record ner", "b"), ("record classification", "c")}
    one = tables["record ner", "a"]
    assert one.epochs == 9
    assert one.pool() == pytest.approx([0.5, 0.9, 0.5, 0.2])
    ask = one.open()
    curves = [ask({"train.dropout": 0.01}) for _ in range(5)]
    assert curves[0].values[-1] == pytest.approx(0.9)
    assert curves[0].losses[-1] == pytest.approx(0.1)
    assert np.argmax([one.values[-1] for one in curves[1:]]) == 3  # all others first, then anew
    assert [tried.scores for tried in one.tried()] == [
        pytest.approx(one) for one in ((0.5,), (0.9, 0.88), (0.5,), (0.2,))
    ]


def test_the_race_on_a_record_goes_by_dev_loss_where_a_study_does(tmp_path: Path) -> None:
    """Nothing is found before the end, but the loss tells who will."""
    runs = []
    for place, proposal in enumerate(drawn(9)):
        late = 0.1 * place
        one = replace(run("d", 0, 0.0), values=(*(0.0,) * 8, late), losses=(1.0 - late,) * 9)
        runs.append(replace(one, configuration=place, config=config(float(proposal.config["train.dropout"]))))
    default = replace(run("d", 0, 0.05), configuration=9, config=config(float(space().default["train.dropout"])))
    write_runs(tmp_path, [*runs, default])
    (table,) = measured_in(tmp_path, lambda _: space())
    found = replay(STRATEGIES["random + promotion"](table, 0), budget=9 + 45, workers=1)
    assert found.values[-1] == pytest.approx(0.8)
    # Of so few rows a study judges at 3/9 first: nine go there, and three from there to their end.
    assert replay(STRATEGIES["random + promotion"](table, 0), budget=9 + 38, workers=1).values[-1] < 0.8
    # The default comes first, is trained to its end, and is what a study would begin with.
    assert found.values[found.times.index(9)] == pytest.approx(0.05)


def drawn(count: int) -> list[Proposal]:
    return [propose("random", space(), (), seed=0, number=number) for number in range(1, count + 1)]


def test_what_a_portfolio_gives_in_the_race_on_a_record_is_learned_from(tmp_path: Path) -> None:
    """Entries name what differs alone; a study completes them, or its model would not know them."""
    write_runs(tmp_path, RUNS)
    tables = [table for table in measured_in(tmp_path, lambda _: space()) if table.kind == "record ner"]
    for table in tables:
        searcher = with_portfolio(portfolios_for([table], tables))(table, 0)
        assert isinstance(searcher, Autoft)
        assert searcher.portfolio
        assert all(table.space.contains(config) for config in searcher.portfolio)
