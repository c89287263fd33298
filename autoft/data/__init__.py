"""Files to rows, each remembering file and line; splits, tag schemes. Knows no task."""

from autoft.data.labelling import LabelledSplits, read_labelled, read_texts
from autoft.data.readers import read_rows
from autoft.data.rows import DataSet, Row
from autoft.data.source import read_data, sample_names
from autoft.data.splits import limit_rows, split_rows
from autoft.data.tagging import TaggedSplits, normalise_rows
from autoft.data.words import split_words

__all__ = [
    "DataSet",
    "LabelledSplits",
    "Row",
    "TaggedSplits",
    "limit_rows",
    "normalise_rows",
    "read_data",
    "read_labelled",
    "read_rows",
    "read_texts",
    "sample_names",
    "split_rows",
    "split_words",
]
