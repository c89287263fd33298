"""A delivered classifier of texts scored outside autoft: by plain transformers and scikit-learn.

Usage: python -m benchmarks.outside_classification MODEL_FOLDER TEST.jsonl

Prints each score of a single-label model. Imports nothing of autoft: it is the check that `autoft test` says the truth.
Rows are `text`, perhaps `text_pair`, and `label`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from transformers import AutoModelForSequenceClassification, AutoTokenizer


def predict(folder: Path, rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the best class of each text or pair, one at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    found = []
    for row in rows:
        pair = {"text_pair": row["text_pair"]} if row.get("text_pair") is not None else {}
        encoded = tokenizer(row["text"], **pair, return_tensors="pt", truncation=True, max_length=512)
        with torch.inference_mode():
            found.append(model.config.id2label[int(model(**encoded).logits[0].argmax())])
    return found


def main() -> None:
    """Print accuracy, macro F1 and Matthews correlation."""
    folder, test = Path(sys.argv[1]), Path(sys.argv[2])
    rows = [json.loads(line) for line in test.read_text(encoding="utf-8").splitlines() if line.strip()]
    wanted, found = [str(row["label"]) for row in rows], predict(folder, rows)
    print(f"accuracy  {accuracy_score(wanted, found):.9f}")
    print(f"macro_f1  {f1_score(wanted, found, average='macro', zero_division=0):.9f}")
    print(f"mcc       {matthews_corrcoef(wanted, found):.9f}")


if __name__ == "__main__":
    main()
