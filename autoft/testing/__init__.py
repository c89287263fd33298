"""Testing: contract suites and tiny models for authors of extensions."""
