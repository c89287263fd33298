"""A delivered NER model scored outside autoft: plain transformers reads it, seqeval scores it (strict, IOB2).

Usage: python -m benchmarks.outside_score MODEL_FOLDER TEST.conll

Imports nothing of autoft: it is the check that `autoft test` says the truth.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2
from transformers import AutoModelForTokenClassification, AutoTokenizer


def read_conll(path: Path) -> list[tuple[list[str], list[str]]]:
    """Return words and tags of each sentence."""
    sentences = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        pairs = [line.split("\t") for line in block.splitlines() if line.strip()]
        sentences.append(([pair[0] for pair in pairs], [pair[-1] for pair in pairs]))
    return sentences


def predict(folder: Path, sentences: list[list[str]]) -> list[list[str]]:
    """Return the best class at the first sub-token of each word."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    tagged = []
    for words in sentences:
        encoded = tokenizer([words], is_split_into_words=True, return_tensors="pt", truncation=True)
        with torch.inference_mode():
            best = model(**encoded).logits[0].argmax(-1).tolist()
        tags = ["O"] * len(words)
        for position, word in reversed(list(enumerate(encoded.word_ids(0)))):
            if word is not None:
                tags[word] = model.config.id2label[best[position]]
        tagged.append(tags)
    return tagged


def main() -> None:
    """Print the strict entity F1."""
    folder, test = Path(sys.argv[1]), Path(sys.argv[2])
    sentences = read_conll(test)
    predicted = predict(folder, [words for words, _ in sentences])
    print(f"{f1_score([tags for _, tags in sentences], predicted, mode='strict', scheme=IOB2):.9f}")


if __name__ == "__main__":
    main()
