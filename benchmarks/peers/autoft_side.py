"""autoft as a contender: its own search, in a process of its own, logged as it goes."""

from __future__ import annotations

from typing import Any

from autoft import search
from autoft.api.progress import Progress
from benchmarks.peers.log import Log
from benchmarks.peers.setting import Setup, Told, setting_of


class Watch:
    """Logs what is new whenever the search shows its progress: what happens is known half a second late at most."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seen: dict[int, int] = {}
        self._complete: set[int] = set()

    def __call__(self, progress: Progress) -> None:
        """Log evaluations and complete trials since the last call."""
        for record in progress.records:
            for one in record.evaluations:
                if one.step > self._seen.get(record.number, 0):
                    self._seen[record.number] = one.step
                    self._log.evaluated(record.number, one.epoch, one.value, record.config)
            if record.state == "complete" and record.number not in self._complete:
                self._complete.add(record.number)
                self._log.add("complete", trial=record.number)


def options_of(setup: Setup) -> dict[str, Any]:
    """Return what the search is asked for: the one place where autoft is told more than its users must say."""
    study = setup.study
    return {
        "data": study.data.source,
        "space": setup.space,
        "trials": study.budget.trials,
        "study": study.name,
        "studies_dir": study.storage.folder,
        # What is found is trained again outside the clock, for all contenders alike.
        "finalists": 0,
        "portfolio": study.portfolio.file,
        "seed": study.seed,
        "device": "cpu",
        "train_limit": study.data.train_limit,
        "dev_limit": study.data.dev_limit,
    }


def main() -> None:
    """Search."""
    setup, log = Told.parse().read()
    view = search(setup.study.task, **options_of(setup), watch=Watch(log))
    log.add("setting", **setting_of(view.config), portfolio=list(view.config.portfolio.sources))
    log.add("ended")


if __name__ == "__main__":
    main()
