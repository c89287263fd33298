"""Problems of one document, collected with their lines and raised together."""

from __future__ import annotations

from collections.abc import Collection

from autoft.errors import SpaceError
from autoft.registry import nearest


class Findings:
    """The problems found in one document.

    Args:
        source: What the document is called in messages.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, path: str, law: str) -> None:
        """Note a problem; an empty path is the whole document, line 0 one without lines."""
        place = f"{self._source}:{line}" if line else self._source
        self._found.append((line, f"{place}: {path}: {law}" if path else f"{place}: {law}"))

    def unknown(self, line: int, path: str, noun: str, known: Collection[str]) -> None:
        """Note that the last step of `path` is none of the known names."""
        hint = nearest(path.rpartition(".")[2], known) or f", known: {', '.join(known) or 'none'}"
        self.add(line, path, f"no such {noun}{hint}")

    def error(self) -> SpaceError:
        """Return what was found as one error, in the order of lines."""
        ordered = sorted(self._found, key=lambda found: found[0])
        return SpaceError(*dict.fromkeys(text for _, text in ordered))

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            SpaceError: If anything was.
        """
        if self._found:
            raise self.error()
