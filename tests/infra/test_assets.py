"""What goes into Lambda: the right files, for the right machine, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infra import assets as assets_module
from infra.assets import ROOT, AssetError, Assets
from infra.routes import FUNCTIONS, Function

if TYPE_CHECKING:
    from tests.infra.deployment import Deployment

MEGABYTE = 1_000_000
AARCH64 = 183  # e_machine of an ELF file, in its bytes 18 and 19

by_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _code(deployment: Deployment, function: str) -> Path:
    return deployment.asset(deployment.functions()[function]["Code"])


@by_function
def test_asset_holds_one_function(dev: Deployment, function: Function) -> None:
    """An asset holds its own folder under ``functions/``, with the import path it has in the repository."""
    folder = ROOT / "functions" / function.name
    own = {f"functions/{function.name}/{path.relative_to(folder)}" for path in folder.rglob("*.py")}

    assert set(_files(_code(dev, function.name))) == {"functions/__init__.py", *own}


@by_function
def test_handler_is_importable_from_the_assets(dev: Deployment, function: Function) -> None:
    """A clean interpreter that sees assets and third-party packages, but no repository, finds the handler."""
    paths = [str(_code(dev, function.name)), str(dev.layer("The packages chat and schemas") / "python")]
    paths += sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    program = (
        f"import sys; sys.path += {paths!r}\n"
        f"from functions.{function.name}.handler import handler\n"
        "assert callable(handler)\n"
        "import chat, functions, schemas\n"
        "print('\\n'.join(module.__file__ for module in (chat, functions, schemas)))\n"
    )

    # -I -S: no current folder, no environment, no .pth files that lead back to the repository. -B: no .pyc.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", program], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert all(origin.startswith(str(dev.assembly)) for origin in done.stdout.split())


def test_core_layer_holds_our_package_and_what_it_reads(dev: Deployment) -> None:
    """The core layer is ``chat`` and ``schemas`` without what the contracts are made from."""
    files = _files(dev.layer("The packages chat and schemas"))

    assert {
        "python/chat/__init__.py",
        "python/schemas/tables.py",
        "python/schemas/compiled/send.py",
    } <= set(files)
    assert {name.split("/")[1] for name in files} == {"chat", "schemas"}
    assert not [name for name in files if name.endswith((".pyc", ".yaml", ".json")) or "/vectors/" in name]


def test_stacks_share_equal_layers(dev: Deployment) -> None:
    """Each stack has its own layer resources, with the same content."""
    for description in ("The packages chat and schemas", "Third-party packages"):
        assert dev.layer(description, "realtime") == dev.layer(description, "https")


def test_compiled_modules_are_for_lambda(dev: Deployment) -> None:
    """Every shared library in the layer is for CPython 3.13 (or its stable interface) on arm64."""
    libraries = [
        path for path in dev.layer("Third-party packages").rglob("*") if re.search(r"\.so(\.|$)", path.name)
    ]
    bundled = [path for path in libraries if path.parent.name.endswith(".libs")]

    assert len(libraries) - len(bundled) > 10
    for library in libraries:
        assert int.from_bytes(library.read_bytes()[18:20], "little") == AARCH64, library
        assert library in bundled or re.search(
            r"\.(cpython-313-aarch64-linux-gnu|abi3)\.so$", library.name
        ), library


def test_wheels_carry_the_tags_of_lambda(dev: Deployment) -> None:
    """Each package was installed from a pure wheel or from one for manylinux on arm64 and Python 3.13."""
    tags = {
        line.removeprefix("Tag: ")
        for wheel in dev.layer("Third-party packages").rglob("WHEEL")
        for line in wheel.read_text().splitlines()
        if line.startswith("Tag: ")
    }

    assert tags
    for tag in tags:
        assert re.fullmatch(
            r"(py2|py3)-none-any|cp313-cp313-manylinux.*_aarch64|cp3\d+-abi3-manylinux.*_aarch64", tag
        ), tag


def test_layer_holds_exactly_the_pinned_packages(dev: Deployment) -> None:
    """``layers/deps/requirements.txt`` pins every package in the layer, also those that others bring."""
    requirements = (ROOT / "layers" / "deps" / "requirements.txt").read_text().splitlines()
    pins = [line for line in requirements if line and not line.startswith("#")]
    installed = {
        "==".join(re.fullmatch(r"(.+)-([^-]+)\.dist-info", path.name).groups())  # type: ignore[union-attr]
        for path in dev.layer("Third-party packages").glob("python/*.dist-info")
    }

    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+", pin) for pin in pins), "a pin is name==version"
    assert {name.replace("_", "-").lower() for name in installed} == set(pins)


@by_function
def test_unpacked_size_is_within_the_limit(dev: Deployment, function: Function) -> None:
    """Function and layers stay below Lambda's 250 MB unpacked; the sizes are printed with ``-s``."""
    parts = {
        "function": _size(_code(dev, function.name)),
        "core layer": _size(dev.layer("The packages chat and schemas")),
        "dependencies": _size(dev.layer("Third-party packages")),
    }
    print(f"{function.name}: " + ", ".join(f"{name} {size / 1000:,.0f} kB" for name, size in parts.items()))

    assert sum(parts.values()) < 250 * MEGABYTE


def test_local_layer_of_dependencies_is_a_note(local: Deployment) -> None:
    """At home the interpreter brings the packages, so the layer holds one note that says so."""
    assert list(_files(local.layer("Third-party packages"))) == ["python/README"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A small repository with two functions, whose sources a test may change."""
    for name in ("ack", "send"):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "handler.py").write_text(f"NAME = {name!r}\n")
    (tmp_path / "functions" / "__init__.py").write_text("")
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    (tmp_path / "layers/core/python/chat").mkdir(parents=True)
    (tmp_path / "layers/core/python/chat/__init__.py").write_text("")
    return tmp_path


def _built(root: Path, name: str) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The output for one function and for the core layer: what the hashes of the assets are taken of."""
    function, core = root / "out" / name, root / "out" / "core"
    shutil.rmtree(root / "out", ignore_errors=True)
    function.mkdir(parents=True)
    core.mkdir()
    Assets(root).copy_function(name, function)
    Assets(root).copy_core(core)
    return _files(function), _files(core)


def test_change_of_a_function_leaves_the_others_alone(copy: Path) -> None:
    """After a change of one function the other assets are byte-identical, so only that one is deployed."""
    before_ack, before_send = _built(copy, "ack"), _built(copy, "send")

    (copy / "functions/send/handler.py").write_text("NAME = 'changed'\n")

    assert _built(copy, "ack") == before_ack
    assert _built(copy, "send")[0] != before_send[0]


def test_change_of_a_schema_changes_the_core_layer(copy: Path) -> None:
    """A changed schema reaches Lambda with the core layer, and no function's asset changes for it."""
    function, core = _built(copy, "ack")

    (copy / "schemas/compiled/ack.py").write_text("")

    assert _built(copy, "ack")[0] == function
    assert _built(copy, "ack")[1] != core


def test_missing_handler_is_named(copy: Path) -> None:
    """A function of the table without a handler stops the synth with its name."""
    with pytest.raises(AssetError, match=r"functions/sync/handler\.py is missing"):
        Assets(copy).function("sync")


def test_packages_are_fetched_once_and_come_back_without_a_network(
    dev: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once fetched, the packages are found again by their pins: a second synth never starts pip."""

    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("pip was started again")

    monkeypatch.setattr(subprocess, "run", no_network)

    assert _files(Assets().wheels()) == _files(dev.layer("Third-party packages") / "python")


def test_interrupted_fetch_leaves_nothing_that_looks_finished(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If pip dies half-way the next synth starts over instead of shipping half a layer."""
    (copy / "layers/deps").mkdir()
    (copy / "layers/deps/requirements.txt").write_text("wrapt==2.5.2\n")

    def dies(_requirements: Path, target: Path) -> None:
        target.mkdir()
        (target / "half.py").write_text("")
        raise AssetError("killed")

    monkeypatch.setattr(assets_module, "_pip_install", dies)
    with pytest.raises(AssetError):
        Assets(copy).wheels()

    assert list((copy / ".cache/deps").iterdir()) == []
