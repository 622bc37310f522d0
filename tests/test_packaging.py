"""What an installed wheel holds, and that imports point one way."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SUBPACKAGES = ("data", "model", "train", "evaluate")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    # Its own build folder: the one in the checkout holds the editable install.
    config = [f"-C--build-option=build --build-base {folder / 'build'}"]
    done = subprocess.run([*build, *config, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (path,) = folder.glob("*.whl")
    return path


def test_wheel_has_one_top_level_package_and_the_model(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name.split("/")[0]} == {"tocsin"}
    for wanted in ("data/ontology.json", "data/schema/prediction.json", "model/released/model.onnx", "py.typed",
                   "model/released/README.md", "train/recipes/first-light.toml", "data/examples/mine.csv",
                   "data/corpus/fr/test.txt", "data/real/ntrex.jsonl", "data/real/second/ntrex.jsonl",
                   "data/adapters/uner.py", "evaluate/peers/tfidf.py", "evaluate/dataset_card.md",
                   "evaluate/pages/view.js"):  # fmt: skip
        assert f"tocsin/{wanted}" in names
    assert wheel.stat().st_size < 50_000_000


def test_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    # Without network: our wheel is installed for real, its dependencies are lent by this environment through a
    # .pth file (which does not pass on this environment's own editable install).
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = Path(
        subprocess.check_output([python, "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    )
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", "--quiet"]
    subprocess.run([*pip, str(wheel)], check=True)
    assert not any((site / bare).exists() for bare in SUBPACKAGES)
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    files = [path for folder in SUBPACKAGES for path in (ROOT / folder).rglob("*.py")]
    files = [path for path in files if path.parent.name != "peers"]  # each needs what it speaks for
    modules = [f"tocsin.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}" for path in sorted(files)]
    modules += [f"tocsin.{path.stem}" for path in sorted((ROOT / "tocsin").glob("[a-z]*.py"))]
    code = (
        f"import importlib, tocsin\nfor m in {modules!r}: importlib.import_module(m)\n"
        "print(tocsin.__file__)\n"
        "print(tocsin.load().predict('Un drone a frappé le port de Gao.')[0].primary)\n"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    where, primary = done.stdout.split()
    assert where.startswith(str(site))
    assert primary == "air_drone_strike"


def test_editable_install_is_one_package_that_type_checkers_resolve(tmp_path: Path) -> None:
    # From another folder, so that the checkout itself is not on the path.
    (tmp_path / "user.py").write_text(
        "import tocsin\nfrom tocsin.data.records import Prediction\nfrom tocsin.evaluate.metrics import Counts\n"
        "records: list[Prediction] = tocsin.load().predict('x')\nreveal_type(Counts(1, 1, 1).f1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", "import tocsin.data, data"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert "No module named 'data'" in done.stderr
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "user.py"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert 'Revealed type is "float"' in checked.stdout.replace("builtins.", ""), checked.stdout
    assert checked.returncode == 0, checked.stdout


ALLOWED = {
    "data": {"data"},
    "model": {"data", "model"},
    "train": {"data", "model", "train"},
    "evaluate": {"data", "model", "evaluate"},
}


@pytest.mark.parametrize("folder", SUBPACKAGES)
def test_imports_point_one_way(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0
                names = [node.module or ""]
            for name in names:
                if name.split(".")[0] == "tocsin":
                    assert name.split(".")[1] in ALLOWED[folder], f"{path} imports {name}"
