"""Benchmarks: what speed and search quality are measured with."""
