"""Tiny models: every family that autoft knows, random, built from a configuration in memory."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from autoft.models.base import Pristine, load_pristine, resolve_model
from autoft.models.heads import KINDS, Head, Linear
from autoft.models.quiet import quiet

VOCABULARY = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
    *string.ascii_lowercase, *string.digits, *string.punctuation,
    *(f"##{letter}" for letter in string.ascii_lowercase),
    "the", "of", "in", "and", "lives", "works", "visited", "anna", "john", "smith", "paris",
    "berlin", "google", "acme", "yesterday", "new", "york", "##es", "##ing", "##ton",
)  # fmt: skip
LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")

_BERT = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 66,
    "type_vocab_size": 2,
    "pad_token_id": 0,
}

FAMILIES: dict[str, Callable[[], Any]] = {
    "bert": lambda: transformers.BertConfig(**_BERT),
    "roberta": lambda: transformers.RobertaConfig(**{**_BERT, "type_vocab_size": 1}),
    "xlm-roberta": lambda: transformers.XLMRobertaConfig(**{**_BERT, "type_vocab_size": 1}),
    "distilbert": lambda: transformers.DistilBertConfig(
        vocab_size=len(VOCABULARY),
        dim=16,
        n_layers=3,
        n_heads=2,
        hidden_dim=24,
        max_position_embeddings=66,
        pad_token_id=0,
    ),
    "deberta-v2": lambda: transformers.DebertaV2Config(
        **{**_BERT, "type_vocab_size": 0},
        relative_attention=True,
        position_buckets=8,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
        conv_kernel_size=3,
    ),
    "modernbert": lambda: transformers.ModernBertConfig(
        **{**_BERT, "max_position_embeddings": 128},
        local_attention=8,
        bos_token_id=2,
        eos_token_id=3,
        cls_token_id=2,
        sep_token_id=3,
    ),
    "electra": lambda: transformers.ElectraConfig(**_BERT, embedding_size=8),
    "albert": lambda: transformers.AlbertConfig(**_BERT, embedding_size=8, num_hidden_groups=1),
}
"""Name of a family -> its tiny configuration: three layers of width 16."""


def tiny_model(family: str, *, head: Head | None = None, labels: Sequence[str] = LABELS) -> Any:
    """Return a random model of the family with the head's plain class, the same at each call."""
    config = FAMILIES[family]()
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: index for index, label in enumerate(labels)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = getattr(transformers, KINDS[(head or Linear()).kind].auto).from_config(config)
        # Random models are nearly linear in their weights as initialised; larger ones show errors.
        for value in model.parameters():
            value.data += 0.1 * torch.randn_like(value)
    return model.eval()


def tiny_tokenizer() -> Any:
    """Return a WordPiece tokenizer of `VOCABULARY`."""
    return transformers.BertTokenizer(vocab={word: index for index, word in enumerate(VOCABULARY)})


def tiny_byte_tokenizer() -> Any:
    """Return a byte-level BPE tokenizer as RoBERTa's: nothing is unknown, a letter beyond ASCII is several tokens."""
    special = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    merges = [("Ġ", "t"), ("h", "e"), ("Ġt", "he"), ("i", "n"), ("o", "n"), ("Ġ", "in"), ("e", "r")]
    pieces = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in merges)]
    backend = Tokenizer(models.BPE(vocab={piece: number for number, piece in enumerate(pieces)}, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=True)
    return _fast(backend)


def tiny_unigram_tokenizer() -> Any:
    """Return a Unigram tokenizer as XLM-R's: a word may begin with a sub-token of its own that is only a space."""
    special = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
    words = ("the", "of", "in", "and", "paris", "new")
    pieces = (
        *special,
        "▁",
        *string.ascii_letters,
        *string.digits,
        *string.punctuation,
        *(f"▁{word}" for word in words),
    )
    backend = Tokenizer(models.Unigram([(piece, -float(len(special))) for piece in pieces], unk_id=3))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=False)
    return _fast(backend)


def _fast(backend: Tokenizer) -> Any:
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
    )


TOKENIZERS: dict[str, Callable[[], Any]] = {
    "wordpiece": tiny_tokenizer,
    "byte-level": tiny_byte_tokenizer,
    "unigram": tiny_unigram_tokenizer,
}
"""Kind of tokenizer -> a tiny one; the models of `FAMILIES` read the ids of `wordpiece` alone."""


def save_tiny(folder: Path, family: str) -> Path:
    """Save a tiny encoder without a head, and its tokenizer; return the folder."""
    with quiet():
        tiny_model(family).base_model.save_pretrained(folder)
        tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_pristine(
    folder: Path, family: str, *, head: Head | None = None, labels: Sequence[str] = LABELS, layers: int | None = None
) -> Pristine:
    """Save a tiny encoder into `folder` and load it as a search does."""
    return load_pristine(resolve_model(str(save_tiny(folder, family))), head or Linear(), labels, layers=layers)
