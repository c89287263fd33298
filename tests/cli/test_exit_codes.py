"""What a user may get wrong is told in a line on standard error, with exit code 2; nothing is written."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from autoft.cli import main
from autoft.cli.app import COMMANDS
from autoft.testing.tiny import save_tiny

ROWS = "anna B-PER\nlives O\n\nin O\nparis B-LOC\n\n"
Told = Callable[..., str]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny base model."""
    return save_tiny(tmp_path_factory.mktemp("model") / "tiny", "bert")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a corpus, a broken one, and a model; without studies."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "200")
    for name, train in (("corpus", ROWS * 6), ("broken", "anna B-PER\nlives\n\nparis X-LOC extra\n")):
        Path(name).mkdir()
        Path(name, "train.conll").write_text(train, encoding="utf-8")
        Path(name, "dev.conll").write_text(ROWS, encoding="utf-8")
    Path("tiny").symlink_to(model)
    Path("empty").mkdir()
    wrong = "version: 1\ntask: ner\nmehtod: full\ntrain: {epochs: {low: 9, high: 3}}\n"
    Path("wrong.yaml").write_text(wrong, encoding="utf-8")
    Path("texts.jsonl").write_text('{"text": "anna"}\nnot json\n', encoding="utf-8")
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], place: Path) -> Told:
    """Type what is wrong; returns the message, after the laws that hold for all of them."""
    before = sorted(path.name for path in place.iterdir())

    def wrong(*words: str) -> str:
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "Traceback" not in err
        assert "Error: " not in err.replace("Error: No such", "")
        assert sorted(path.name for path in place.iterdir()) == before
        return err

    return wrong


SEARCH = ("search", "ner", "--data", "corpus", "--model", "tiny")
WRONG: dict[str, tuple[Sequence[str], str]] = {
    "task": (("search", "nre"), "unknown task 'nre', did you mean 'ner'? known: "),
    "task of validate": (("validate", "nre"), "unknown task 'nre', did you mean 'ner'? known: "),
    "data": (
        (*SEARCH[:2], "--data", "./corpsu", "--model", "tiny"),
        "./corpsu: no such file or folder, did you mean 'corpus'?",
    ),
    "empty data": ((*SEARCH[:2], "--data", "empty", "--model", "tiny"), "empty: a file train.* expected, got no files"),
    "rows": ((*SEARCH[:2], "--data", "broken", "--model", "tiny"), "broken/train.conll:2"),
    "model": ((*SEARCH[:4], "--model", "./absent"), "--model ./absent: no such folder"),
    "empty model": ((*SEARCH[:4], "--model", "./empty"), "empty"),
    "space": ((*SEARCH, "--space", "nerr"), "did you mean 'ner'?"),
    "space file": (
        (*SEARCH, "--space", "wrong.yaml"),
        "wrong.yaml:3: mehtod: no such parameter, did you mean 'method'?",
    ),
    "range": ((*SEARCH, "--space", "wrong.yaml"), "wrong.yaml:4: train.epochs: "),
    "metric": ((*SEARCH, "--metric", "f3"), "--metric: unknown metric 'f3', known: f1, "),
    "device": ((*SEARCH, "--device", "cdua"), "did you mean 'cuda'?"),
    "trials": ((*SEARCH, "--trials", "0"), "--trials: a count of at least 1 expected, got 0"),
    "workers": ((*SEARCH, "--workers", "-1"), "--workers: a count of at least 1 expected, got -1"),
    "timeout": ((*SEARCH, "--timeout", "soon"), "--timeout: a time such as 90s, 30m, 2h or 1h30m expected, got 'soon'"),
    "no time": ((*SEARCH, "--timeout", "0s"), "--timeout: a time above 0 expected, got 0.0"),
    "limit": ((*SEARCH, "--train-limit", "1"), "1 rows cannot keep all 2 labels, 2 rows can"),
    "no rows": ((*SEARCH, "--dev-limit", "0"), "--dev-limit: a count of at least 1 expected, got 0"),
    "storage": ((*SEARCH, "--storage", "nonsense"), "--storage: a database URL expected, like postgresql://user@host/name"),
    "name": ((*SEARCH, "--study", "../mine"), "--study: letters, digits, spaces and . _ - expected, "),
    "study to test": (("test", "absent"), "studies: unknown study 'absent', there are no studies in this folder yet"),
    "study to report": (("report", "absent"), "unknown study 'absent'"),
    "study to replay": (("replay", "absent", "0"), "unknown study 'absent'"),
    "study to export": (("export", "absent", "out"), "unknown study 'absent'"),
    "study to remove": (("rm", "absent"), "unknown study 'absent'"),
    "study to predict": (("predict", "absent", "texts.jsonl"), "unknown study 'absent'"),
    "nothing to remove": (("rm",), "names of studies or --caches expected, got neither"),
    "format": (("export", "absent", "out", "--format", "merge"), "got 'merge'"),
    "dashboard": (("dashboard",), "there are no studies in this folder yet, start one with autoft search"),
    "kind": (("ls", "metods"), "unknown kind 'metods', did you mean 'methods'? known: studies, "),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_told(what: str, told: Told) -> None:
    words, message = WRONG[what]
    assert message in told(*words)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("serach", "ner"), "serach"),
        (("search", "ner", "--trails", "3"), "--trials"),
        (("search", "ner", "--trials", "many"), "--trials"),
        (("search",), "task"),
        (("replay", "first", "one"), "trial"),
    ],
)
def test_what_the_parser_refuses(
    words: Sequence[str], hint: str, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    before = sorted(path.name for path in place.iterdir())
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, hint in err, "Traceback" in err) == ("", True, False)
    assert sorted(path.name for path in place.iterdir()) == before


def test_every_problem_of_space_and_data_is_told_at_once(told: Told) -> None:
    message = told("validate", "ner", "--data", "broken", "--space", "wrong.yaml", "--model", "tiny")
    assert "mehtod" in message
    assert "train.epochs" in message
    assert "broken/train.conll:2" in message


@pytest.mark.parametrize("port", ["9", "1"])
def test_a_storage_that_is_away_has_a_code_of_its_own(
    port: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr("autoft.storage.retries.time.sleep", abs)
    url = f"postgresql+psycopg://nobody@127.0.0.1:{port}/none?connect_timeout=2"
    assert main(["ls", "--storage", url]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err


def test_a_bug_shows_its_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Not callable: whatever calls it meets a bug.
    monkeypatch.setattr("autoft.api.validating.validate", None)
    assert main(["validate", "ner"]) == 70
    err = capsys.readouterr().err
    assert "TypeError: 'NoneType' object is not callable" in err
    assert err.splitlines()[-1] == "this is a bug in autoft: report the lines above with what you typed"


def test_no_arguments_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    out, err = capsys.readouterr()
    assert all(command in out + err for command in COMMANDS)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("autoft 0.")


@pytest.mark.parametrize("kind", ["studies", "tasks", "methods", "spaces", "samples"])
def test_ls_prints_json_for_machines(kind: str, capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert main(["ls", kind, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert (rows == []) == (kind == "studies")
    assert not (place / "studies").exists()


@pytest.mark.parametrize("kind", ["tasks", "methods", "spaces", "samples"])
def test_ls_prints_a_table_for_people(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", kind]) == 0
    names = {"tasks": "ner", "methods": "lora", "spaces": "ner-wide", "samples": "sample:ner"}
    assert names[kind] in capsys.readouterr().out


def test_validate_counts_and_writes_nothing(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert main(["validate", "ner", "--data", "corpus", "--model", "tiny", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["data"]["train"], found["data"]["dev"], found["data"]["test"]) == (12, 2, 0)
    assert found["labels"] == {"LOC": {"train": 6, "dev": 1}, "PER": {"train": 6, "dev": 1}}
    assert found["space"]["parameters"] > 8
    assert not (place / "studies").exists()


def test_doctor_prints_json_for_machines(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    code = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert {"python", "torch", "device", "model auto", "storage", "disk"} <= {finding["what"] for finding in found}
    assert code == (2 if any(finding["state"] == "bad" for finding in found) else 0)
    assert not (place / "studies").exists()


def test_a_reader_that_goes_away_is_no_bug(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As in `autoft ls tasks | head -1`: rich lets go of the output and asks to end."""

    reader, closed = os.pipe()
    os.close(reader)

    def unread(*words: object, **given: object) -> None:
        del words, given
        try:
            os.write(closed, b"words")
        except BrokenPipeError:
            raise SystemExit(1)  # noqa: B904 - as rich does

    monkeypatch.setattr("rich.console.Console.print", unread)
    assert main(["ls", "tasks"]) == 0
    os.close(closed)
    assert capsys.readouterr().err == ""
