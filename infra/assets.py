"""What goes into Lambda: one asset a function, the layer with our own code, the layer with dependencies.

Every asset is built into the cloud assembly while the template is synthesized: no Docker, no build folder
that could be stale, and equal sources give byte-identical assets. The hash is taken of the *output*, so a
change in ``schemas/`` changes the core layer, and a change of one function leaves the others alone.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.stages import World

ROOT = Path(__file__).resolve().parent.parent

# Lambda's python3.13 on arm64 is Amazon Linux 2023 (glibc 2.34): it loads wheels of both tags.
LAMBDA_TARGET = (
    *("--platform", "manylinux2014_aarch64"),
    *("--platform", "manylinux_2_28_aarch64"),
    *("--implementation", "cp"),
    *("--python-version", "3.13"),
    "--only-binary=:all:",
)

# Sources of compiled modules and commands: nothing at run time reads them.
_USELESS = ("*.c", "*.h", "*.pyx", "*.pxd", "__pycache__")

# Of the contracts: what they are made from, and made into for people.
_NOT_RUN = ("vectors", "messages", "frames.py", "compiler.py", "documents.py", "lint_cql.py", "__main__.py",
            "*.yaml", "*.cql")  # fmt: skip

_LOCAL_NOTE = """\
Empty on purpose. In the local cloud the functions run on the interpreter of the project's own virtual
environment, which holds the same pinned packages, built for this machine instead of for Lambda.
"""


class AssetError(RuntimeError):
    """An asset cannot be built; the message says what is missing."""


class Assets:
    """Builds the assets out of the repository at ``root``; wheels are kept under ``root/.cache``."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def function(self, name: str) -> lambda_.Code:
        """The code of one function. Raises ``AssetError`` where the folder has no ``handler.py``."""
        folder = self._root / "functions" / name
        if not (folder / "handler.py").is_file():
            raise AssetError(
                f"infra/routes.py names the function {name!r}, but functions/{name}/handler.py is missing"
            )
        return _built(folder, lambda out: self.copy_function(name, out))

    def core(self) -> lambda_.Code:
        """The layer with ``chat`` and ``schemas``."""
        return _built(self._root / "layers" / "core", self.copy_core)

    def dependencies(self, world: World) -> lambda_.Code:
        """The layer with the third-party packages; in the local world an empty one with a note.

        Raises ``AssetError`` where the packages are neither kept from an earlier run nor to be had.
        """
        if world == "local":
            return _built(self._root / "layers" / "deps", _write_note)
        wheels = self.wheels()
        return _built(self._root / "layers" / "deps", lambda out: _copy_tree(wheels, out / "python"))

    def copy_function(self, name: str, out: Path) -> None:
        """Copy the function so that it has the same import path in Lambda as in the repository."""
        package = out / "functions"
        package.mkdir()
        shutil.copy(self._root / "functions" / "__init__.py", package)
        _copy_tree(self._root / "functions" / name, package / name)

    def copy_core(self, out: Path) -> None:
        """Copy our package and the contracts that run with it: table definitions and compiled schemas."""
        python = out / "python"
        _copy_tree(self._root / "layers" / "core" / "python", python)
        _copy_tree(self._root / "schemas", python / "schemas", *_NOT_RUN)

    def wheels(self) -> Path:
        """The folder with the packages for Lambda, installed once for each set of pins.

        It is filled beside its final place and renamed, so an interrupted run leaves nothing that looks
        finished, and two runs at once end with one of the two equal results. Raises ``AssetError``.
        """
        requirements = self._root / "layers" / "deps" / "requirements.txt"
        pins = [line for line in requirements.read_text().splitlines() if line and not line.startswith("#")]
        key = hashlib.sha256("\n".join([*sorted(pins), *LAMBDA_TARGET, *_USELESS]).encode()).hexdigest()[:16]
        cache = self._root / ".cache" / "deps"
        kept = cache / key
        if kept.is_dir():
            return kept
        cache.mkdir(parents=True, exist_ok=True)
        (cache.parent / ".gitignore").write_text("*\n")
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            fresh = Path(scratch) / "python"
            _pip_install(requirements, fresh)
            for pattern in _USELESS:
                for path in fresh.rglob(pattern):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.rmtree(fresh / "bin", ignore_errors=True)
            if not kept.is_dir():
                fresh.rename(kept)
        return kept


@jsii.implements(ILocalBundling)
class _LocalBuild:
    """Lets the CDK call a function of ours where it would otherwise start a container."""

    def __init__(self, build: Callable[[Path], None]) -> None:
        self._build = build

    def try_bundle(self, output_dir: str, *_options: object, **_more_options: object) -> bool:
        self._build(Path(output_dir))
        return True


def _built(source: Path, build: Callable[[Path], None]) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(source),
        asset_hash_type=AssetHashType.OUTPUT,
        bundling=BundlingOptions(image=DockerImage.from_registry("never-used"), local=_LocalBuild(build)),
    )


def _copy_tree(source: Path, target: Path, *ignored: str) -> None:
    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", *ignored), dirs_exist_ok=True
    )


def _write_note(out: Path) -> None:
    (out / "python").mkdir()
    (out / "python" / "README").write_text(_LOCAL_NOTE)


def _pip_install(requirements: Path, target: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += ["--target", str(target), "--requirement", str(requirements), *LAMBDA_TARGET]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssetError(
            "pip could not fetch the packages of layers/deps/requirements.txt for Lambda "
            f"(the first synth of a cloud stage needs the network):\n{done.stderr.strip()}"
        )
