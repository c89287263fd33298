"""Problems found in data files: collected per file, raised once."""

from __future__ import annotations

from autoft.errors import DataError

SHOWN_PER_FILE = 20


class Problems:
    """Every problem found so far; of each file the first ones in words, the rest as a number."""

    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {}
        self._hidden: dict[str, int] = {}

    def add(self, file: str, problem: str) -> None:
        """Remember `problem`, a whole message, as one of `file`."""
        shown = self._shown.setdefault(file, [])
        if len(shown) < SHOWN_PER_FILE:
            shown.append(problem)
        else:
            self._hidden[file] = self._hidden.get(file, 0) + 1

    def __bool__(self) -> bool:
        return bool(self._shown)

    def raise_if_any(self) -> None:
        """Raise what was found.

        Raises:
            DataError: If anything was added.
        """
        messages = []
        for file, shown in self._shown.items():
            messages += shown
            if file in self._hidden:
                messages.append(f"{file}: ... and {self._hidden[file]} more")
        if messages:
            raise DataError(*messages)
