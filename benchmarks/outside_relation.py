"""A delivered model of relation extraction scored outside autoft: plain transformers, scikit-learn, SemEval's formulas.

Usage: python -m benchmarks.outside_relation MODEL_FOLDER TEST.jsonl

Imports nothing of autoft: it is the check that `autoft test` says the truth. Rows are `text`, `head` and `tail` in
characters, and `relation`; entities without types, texts that the model reads at once.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import torch
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from transformers import AutoModelForSequenceClassification, AutoTokenizer

NONE = re.compile(r"other|no[_-]relation|na|none", re.IGNORECASE)


def marked(row: dict[str, Any]) -> str:
    """Return a text with markers around its entities, from the last place to the first."""
    text = row["text"]
    for name in sorted(("head", "tail"), key=lambda name: -row[name]["start"]):
        start, end = row[name]["start"], row[name]["end"]
        before = text[:start].removesuffix(" ")
        mark = name.upper()
        text = f"{before}[{mark}]{text[len(before) : end]}[/{mark}]{text[end:]}"
    return str(text)


def predict(folder: Path, texts: list[str]) -> list[str]:
    """Return the best class of each marked text, one at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    for text in texts:
        encoded = tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            found.append(str(model.config.id2label[int(model(**encoded).logits[0].argmax())]))
    return found


def official(references: list[str], predictions: list[str]) -> float:
    """Return SemEval-2010 task 8's macro F1: right with direction, counted without."""
    pairs = [
        (want, want.partition("(")[0], got, got.partition("(")[0])
        for want, got in zip(references, predictions, strict=True)
    ]
    names = {name for _, want, _, got in pairs for name in (want, got) if not NONE.fullmatch(name)}
    scores = []
    for name in sorted(names):
        right = sum(want == got for want, base, got, _ in pairs if base == name)
        precision = right / max(1, sum(base == name for *_, base in pairs))
        recall = right / max(1, sum(base == name for _, base, _, _ in pairs))
        scores.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return sum(scores) / len(scores)


def main() -> None:
    """Print micro F1 without the class of no relation, macro F1, accuracy, and the official F1."""
    folder, test = Path(sys.argv[1]), Path(sys.argv[2])
    rows = [json.loads(line) for line in test.read_text(encoding="utf-8").splitlines()]
    references = [row["relation"] for row in rows]
    predictions = predict(folder, [marked(row) for row in rows])
    relations = sorted(label for label in {*references, *predictions} if not NONE.fullmatch(label))
    for name, average in (("f1", "micro"), ("macro_f1", "macro")):
        scores = precision_recall_fscore_support(
            references, predictions, labels=relations, average=average, zero_division=0
        )
        print(f"{name} {scores[2]:.9f}")
    print(f"accuracy {accuracy_score(references, predictions):.9f}")
    print(f"semeval_f1 {official(references, predictions):.9f}")


if __name__ == "__main__":
    main()
