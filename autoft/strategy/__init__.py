"""Decides: which configuration is tried next, which one stops, and when the search is over."""
