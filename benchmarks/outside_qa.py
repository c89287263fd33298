"""A delivered model of question answering scored outside autoft: by plain transformers and SQuAD 2.0's rules.

Usage: python -m benchmarks.outside_qa MODEL_FOLDER TEST.json

Prints token F1 and exact match. Imports nothing of autoft: it is the check that `autoft test` says the truth. For
languages that part words by spaces.
"""

from __future__ import annotations

import json
import re
import string
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

LONGEST = 160  # characters of an answer
OVERLAP = 128  # tokens


def read_squad(path: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield question, context and right answers."""
    for article in json.loads(path.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                answers = [answer["text"] for answer in question["answers"]]
                yield question["question"].strip(), paragraph["context"], answers


def answer(model: Any, tokenizer: Any, texts: tuple[str, str], facts: Mapping[str, Any]) -> str:
    """Return the best span of all windows, or nothing where the text does not answer."""
    question, context = texts
    room = facts["max_length"] - tokenizer.num_special_tokens_to_add(pair=True)
    encoded = tokenizer(
        [question],
        [context],
        truncation="only_second",
        max_length=facts["max_length"],
        stride=min(OVERLAP, room // 4),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    best, span, nothing = float("-inf"), (0, 0), float("inf")
    for window in range(len(encoded["input_ids"])):
        inputs = {name: torch.tensor([encoded[name][window]]) for name in tokenizer.model_input_names}
        with torch.inference_mode():
            output = model(**inputs)
        start, end = output.start_logits[0].double(), output.end_logits[0].double()
        nothing = min(nothing, float(start[0] + end[0]))
        places = [at for at, part in enumerate(encoded.sequence_ids(window)) if part == 1]
        offsets = encoded["offset_mapping"][window]
        for first in places:
            for last in range(first, places[-1] + 1):
                if offsets[last][1] - offsets[first][0] > LONGEST:
                    break
                score = float(start[first] + end[last])
                if score > best:
                    best, span = score, (offsets[first][0], offsets[last][1])
    threshold = facts["decision"].get("threshold")
    if threshold is not None and nothing - best >= threshold:
        return ""
    return str(context[slice(*span)])


def words(text: str) -> list[str]:
    """Return the words by which SQuAD compares answers."""
    kept = "".join(letter for letter in text.lower() if letter not in set(string.punctuation))
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def compare(wanted: list[str], given: list[str]) -> tuple[float, float]:
    """Return token F1 and exact match of one answer with one reference."""
    if not wanted or not given:
        return float(wanted == given), float(wanted == given)
    same = sum((Counter(wanted) & Counter(given)).values())
    precision, recall = same / len(given), same / len(wanted)
    return (2 * precision * recall / (precision + recall) if same else 0.0), float(wanted == given)


def main() -> None:
    """Print token F1 and exact match."""
    folder, test = Path(sys.argv[1]), Path(sys.argv[2])
    facts = json.loads((folder / "autoft.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(folder).eval()
    scores = []
    for question, context, answers in read_squad(test):
        given = words(answer(model, tokenizer, (question, context), facts))
        references = [reference for reference in map(words, answers) if reference] or [[]]
        pairs = [compare(reference, given) for reference in references]
        scores.append((max(f1 for f1, _ in pairs), max(exact for _, exact in pairs)))
    print(f"{sum(f1 for f1, _ in scores) / len(scores):.9f} {sum(exact for _, exact in scores) / len(scores):.9f}")


if __name__ == "__main__":
    main()
