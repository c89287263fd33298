"""The shape of the code: sizes, imports between tasks, names, docstrings. (Layers: lint-imports.)"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import autoft

PACKAGE = Path(autoft.__file__).parent
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
LINES, TRAINER_LINES, FUNCTION_LINES, FIELDS, METHODS = 400, 300, 50, 12, 10
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ClassDef):
                yield f"{name_of(path)}: {node.name}", node


def functions() -> Iterator[tuple[str, Function]]:
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, Function):
                yield f"{name_of(path)}:{node.lineno}: {node.name}", node


def lines_without_docstring(node: Function) -> int:
    end, first = node.end_lineno or node.lineno, node.body[0]
    docstring = first if ast.get_docstring(node) is not None else None
    return end - node.lineno + 1 - ((docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0)


def decorators(node: ast.ClassDef | Function) -> set[str]:
    return {ast.unparse(one).partition("(")[0].rpartition(".")[2] for one in node.decorator_list}


def test_files_are_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > LINES} == {}
    assert lengths["autoft/training/trainer.py"] <= TRAINER_LINES


def test_functions_are_short() -> None:
    long = {name: lines for name, node in functions() if (lines := lines_without_docstring(node)) > FUNCTION_LINES}
    assert long == {}


def test_configurations_have_few_fields() -> None:
    wide = {}
    for name, node in classes():
        declared = [ast.unparse(item.annotation) for item in node.body if isinstance(item, ast.AnnAssign)]
        fields = sum("ClassVar" not in annotation for annotation in declared)
        if "dataclass" in decorators(node) and node.name.endswith(("Config", "Options")) and fields > FIELDS:
            wide[name] = fields
    assert wide == {}


def test_classes_have_few_public_methods() -> None:
    wide = {}
    for name, node in classes():
        public = [
            item.name
            for item in node.body
            if isinstance(item, Function)
            and not item.name.startswith("_")
            and not {"property", "fixture"} & decorators(item)
        ]
        # A suite of laws is a class of tests; a task is the contract that the design names.
        if len(public) > METHODS and not node.name.endswith("Contract") and not name.startswith("autoft/tasks/"):
            wide[name] = len(public)
    assert wide == {}


def test_no_task_imports_another() -> None:
    tasks = {path.stem for path in (PACKAGE / "tasks").glob("*.py")} - {"__init__", "base"}
    for task in tasks:
        imported = {
            node.module
            for node in ast.walk(tree_of(PACKAGE / "tasks" / f"{task}.py"))
            if isinstance(node, ast.ImportFrom) and node.module
        }
        others = {f"autoft.tasks.{other}" for other in tasks - {task}}
        assert imported & others == set(), task


def test_no_function_is_called_like_a_package() -> None:
    """Importing the package `autoft.report` would replace a function `report`."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    packages |= {path.stem for path in PACKAGE.glob("*.py")}
    named = {
        f"{name_of(path)}: {node.name}"
        for path in FILES
        for node in tree_of(path).body
        if isinstance(node, Function) and node.name in packages
    }
    assert named == set()
    assert packages & set(autoft.__all__) == set()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_module_says_in_a_sentence_what_it_is(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path))
    assert docstring, "a module docstring expected, found none"
    sentence = docstring.partition("\n\n")[0]
    assert sentence.endswith((".", "!", "`"))
    assert len(sentence.splitlines()) <= 2


@pytest.mark.parametrize("path", [path for path in FILES if "__all__" in path.read_text(encoding="utf-8")], ids=name_of)
def test_what_a_module_offers_can_be_imported(path: Path) -> None:
    module = import_module(module_of(path))
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_a_package_offers_all_that_it_imports_by_name() -> None:
    """A name that `__init__` imports and `__all__` does not hold is an accident."""
    stray = {}
    for path in FILES:
        if path.name != "__init__.py" or path.parent == PACKAGE:
            continue
        tree = tree_of(path)
        imported = {
            alias.asname or alias.name
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(module_of(path) + ".")
            for alias in node.names
        }
        offered = set(getattr(import_module(module_of(path)), "__all__", ()))
        if imported - offered:
            stray[name_of(path)] = imported - offered
    assert stray == {}


def test_nothing_asserts_outside_tests() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in FILES
        if path.parent.name != "testing"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_no_module_is_a_drawer() -> None:
    assert {path.stem for path in FILES} & {"utils", "util", "helpers", "common", "misc", "manager"} == set()


def test_the_public_names_are_those_of_the_design() -> None:
    assert set(autoft.__all__) == {"search", "load_study", "export_model", "load"}
    with pytest.raises(AttributeError, match="has no attribute 'serach'"):
        _ = autoft.serach


def test_the_layers_hold() -> None:
    """The import contracts in pyproject.toml, which `make check` runs too."""
    pytest.importorskip("importlinter")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    run = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
