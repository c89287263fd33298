"""The model card: what the model is, how it scored, how to use it, how it was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoft.tasks import TASKS, chosen_words

_CLASSIFIER = """from transformers import pipeline

# Of a pair of texts: classifier({"text": "…", "text_pair": "…"})
classifier = pipeline("text-classification", model="PATH")
"""
_USE = {
    "token-classification": """from transformers import pipeline

tagger = pipeline("token-classification", model="PATH", aggregation_strategy="first")
print(tagger("Ada Lovelace met Charles Babbage in London."))""",
    # transformers 5 has no pipeline for it.
    "question-answering": """import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("PATH")
model = AutoModelForQuestionAnswering.from_pretrained("PATH").eval()

question, context = "Who met Ada Lovelace?", "Charles Babbage met Ada Lovelace in London."
# What is longer is cut off here; autoft.load reads it in overlapping windows.
options = {"truncation": "only_second", "max_length": MAXIMUM, "return_offsets_mapping": True}
inputs = tokenizer(question, context, return_tensors="pt", **options)
offsets = inputs.pop("offset_mapping")[0]
with torch.inference_mode():
    outputs = model(**inputs)
start, end = outputs.start_logits[0], outputs.end_logits[0]
scores = start[:, None] + end  # of each span, by its first and last token
outside = torch.tensor([part != 1 for part in inputs.sequence_ids(0)])
lengths = offsets[:, 1] - offsets[:, :1]  # characters
forbidden = outside[:, None] | outside | (lengths > 160) | torch.ones_like(scores).tril(-1).bool()
best = scores.masked_fill(forbidden, float("-inf"))
first, last = divmod(int(best.argmax()), len(end))
DECIDE""",
    "sequence-classification": f"""{_CLASSIFIER}print(classifier("The last tram is late again."))""",
    "multi-label-classification": f"""{_CLASSIFIER}found = classifier("The last tram is late again.", top_k=None)
print([one["label"] for one in found if one["score"] > 0.5])""",
    "regression": f"""{_CLASSIFIER}print(classifier("The last tram is late again.")[0]["score"])""",
}
_TAGS = {
    "sequence-classification": "text-classification",
    "multi-label-classification": "text-classification",
    "regression": "text-classification",
}
_ANSWER = "print(context[offsets[first, 0] : offsets[last, 1]])"
_ANSWER_OR_NOTHING = """# From this gap on the text does not answer: tuned on dev.
if start[0] + end[0] - best.max() >= THRESHOLD:
    print("no answer")
else:
    print(context[offsets[first, 0] : offsets[last, 1]])"""
_USE_AUTOFT = """import autoft

model = autoft.load("PATH")
print(model.predict(["Ada Lovelace met Charles Babbage in London."]))"""
_USE_OF_TASK = {
    "relation": """from transformers import pipeline

classifier = pipeline("text-classification", model="PATH")
print(classifier("[HEAD]Ada Lovelace[/HEAD] worked with[TAIL] Charles Babbage[/TAIL] in London."))""",
}
_USE_AUTOFT_OF_TASK = {
    "qa": """import autoft

model = autoft.load("PATH")
context = "Charles Babbage met Ada Lovelace in London."
print(model.predict([{"question": "Who met Ada Lovelace?", "context": context}]))""",
    "relation": """import autoft

model = autoft.load("PATH")
text = "Ada Lovelace worked with Charles Babbage in London."
print(model.predict([{"text": text, "head": {"start": 0, "end": 12}, "tail": {"start": 25, "end": 40}}]))""",
}
_NOTE_OF_TASK = {
    "relation": "The text goes in with markers around its two entities, an opening one before the space; a label is "
    "read from head to tail. Where the entities of train have types, markers name them: "
    "`[HEAD:PER]Ada Lovelace[/HEAD:PER]`. Texts longer than the model reads want to be cut around the markers, as "
    "`autoft predict` does.\n\n",
}
_FRACTIONS = ("precision", "recall", "f1", "support")


def model_card(facts: Mapping[str, Any]) -> str:
    """Return the card of a delivered model as Markdown with its YAML header.

    Args:
        facts: The manifest: `task`, `head`, `plain`, `labels`, `model`, `metric`, `dev`, `metrics`, `config`,
            `decision`, `folds`, `fresh_seeds`, `tuned` and `folded` (what was decided on dev beside the weights, and
            whether the model holds it), `study`, `trial`, `trained`, `data`, `versions`.
    """
    parts = [
        _header(facts),
        f"# {facts['study']}: {facts['task']} model, found by autoft",
        f"`{facts['model']}` tuned for {facts['task']} on {facts['data']['origin']} "
        f"({facts['data']['train']} train, {facts['data']['dev']} dev examples). {facts['trained']}",
        f"**Dev {facts['metric']}: {facts['dev']:.4f}** (best evaluation of trial {facts['trial']}; "
        "chosen on dev, so a little too good: `autoft test` scores the test split).",
        *_folds(facts),
        *_fresh(facts),
        "## Scores on dev",
        _scores(facts["metrics"]),
        *_tuned(facts),
        "## Use",
        _use(facts),
        "## How it was trained",
        _table(
            ("parameter", "value"),
            [(f"`{path}`", f"`{value}`") for path, value in facts["config"].items()],
        ),
        f"Study `{facts['study']}`, trial {facts['trial']}, data fingerprint `{facts['data']['fingerprint'][:16]}`. "
        "`autoft.json` holds the sha256 of every file. Versions: "
        + ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        + ".",
        "## Limits",
        "Scores hold for data like the data above. The model inherits the limits and biases of its base model and of "
        "the labelled corpus; look at its errors on your own text before you rely on it.",
    ]
    return "\n\n".join(parts) + "\n"


def _folds(facts: Mapping[str, Any]) -> list[str]:
    """Return what the model knows of the rows and its score means, where train and dev were dealt into folds."""
    count = facts.get("folds")
    if not count:
        return []
    return [
        f"The rows of train and dev were dealt into {count} folds. The score is that of {count} models, each on the "
        "fold that it was not trained on, over all rows together. This is the model of fold 1: it was trained on the "
        f"other {count - 1} of {count} folds."
    ]


def _fresh(facts: Mapping[str, Any]) -> list[str]:
    """Return what the same configuration gives on other seeds, where that is known."""
    fresh = facts.get("fresh_seeds")
    if not fresh:
        return []
    return [f"Trained again on fresh seeds: {fresh['words']} This model is the one of the search's own seed."]


def _tuned(facts: Mapping[str, Any]) -> list[str]:
    """Return what was decided on dev beside the weights, where something was."""
    words = chosen_words(TASKS.get(facts["task"]), facts.get("tuned", {}), mark="`")
    if not words:
        return []
    built = ", and built into the last layer, so that plain decoding (a probability above 0.5) gives these predictions"
    return [
        f"Tuned on dev for {facts['metric']} beside the weights: {words}{built if facts.get('folded') else ''}. "
        "Scores on dev are a little flattering for that."
    ]


def _header(facts: Mapping[str, Any]) -> str:
    lines = ["---", "library_name: transformers", f"pipeline_tag: {_TAGS.get(facts['head'], facts['head'])}"]
    if "/" in facts["model"] and not facts["model"].startswith(("/", ".", "package:")):
        lines.append(f"base_model: {facts['model']}")
    lines += ["tags:", "- autoft", f"- {facts['task']}", "---"]
    return "\n".join(lines)


def _use(facts: Mapping[str, Any]) -> str:
    task = facts["task"]
    if facts["plain"]:
        return f"{_NOTE_OF_TASK.get(task, '')}```python\n{_USE_OF_TASK.get(task) or _plain_use(facts)}\n```"
    note = "The head is not one of transformers' own, so the folder holds a plain encoder and `head.safetensors`:"
    return f"{note}\n\n```python\n{_USE_AUTOFT_OF_TASK.get(task, _USE_AUTOFT)}\n```"


def _plain_use(facts: Mapping[str, Any]) -> str:
    """Return code for plain transformers; that of question answering holds what was decided on dev."""
    threshold = facts.get("decision", {}).get("threshold")
    answer = _ANSWER if threshold is None else _ANSWER_OR_NOTHING.replace("THRESHOLD", f"{threshold:.6g}")
    code = _USE.get(facts["head"], _USE_AUTOFT)
    return code.replace("DECIDE", answer).replace("MAXIMUM", str(facts.get("max_length")))


def _scores(metrics: Mapping[str, float]) -> str:
    labels = sorted({name.partition(".")[2] for name in metrics if "." in name})
    rows = [(label, *(_number(name, metrics.get(f"{name}.{label}")) for name in _FRACTIONS)) for label in labels]
    overall = [(name, f"{value:.4f}") for name, value in metrics.items() if "." not in name]
    return _table(("metric", "value"), overall) + ("\n\n" + _table(("label", *_FRACTIONS), rows) if rows else "")


def _number(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if name == "support" else f"{value:.4f}"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
