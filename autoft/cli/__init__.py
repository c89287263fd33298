"""The command line: parses, prints, and turns errors into messages and exit codes."""

from autoft.cli.main import main

__all__ = ["main"]
