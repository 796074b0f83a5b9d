"""Every command has help, does its work, prints what it did to stderr, and ends with its own status."""

import importlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from PIL import Image

import unoqa as package
from clinic import small
from served import draw
from unoqa.cli.choices import SHELVES
from unoqa.cli.parts.application import application
from unoqa.grader.recipe import recipe_names

COMMANDS = ("demo", "fit", "grade", "settle", "evaluate", "reproduce", "choices", "weights")
INSTALLED = shutil.which("unoqa", path=Path(sys.executable).parent)


def plain(text):
    """Return text without colours and frames, on one line."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─━┃┏┓┗┛┡┩┳┻╇┴┬┼├┤]", " ", text).split())


def run(*words):
    return subprocess.run([INSTALLED, *map(str, words)], capture_output=True, text=True, check=False)


def test_help_lists_every_command_and_imports_no_library():
    program = (
        "import atexit, sys; from unoqa.cli import main\n"
        "heavy = {'torch', 'numpy', 'timm', 'sklearn', 'matplotlib', 'PIL'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules))))\n"
        "main()"
    )
    ended = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True)
    assert ended.stdout.rstrip().endswith("[]")
    assert all(f" {command} " in plain(ended.stdout) for command in COMMANDS)
    assert "not a medical device" in plain(ended.stdout)


def test_commands_that_compute_nothing_import_no_torch():
    names = "clean, correct, evaluate, export, info, report, review"
    program = f"import sys; from unoqa.cli import {names}; print('torch' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


@pytest.mark.parametrize("command", ["report", "clean"])
def test_what_is_made_of_a_record_is_made_without_torch(command, tmp_path):
    results = draw(tmp_path, 4)
    (tmp_path / ".model.unfinished" / "features-0123456789abcdef").mkdir(parents=True)
    (tmp_path / ".model.unfinished" / ".unoqa-lock").touch()
    program = (
        "import atexit, sys; from unoqa.cli import main\n"
        "atexit.register(lambda: print(sorted({'torch', 'sklearn'} & set(sys.modules))))\n"
        "main()"
    )
    words = {"report": (results, "-q"), "clean": (tmp_path, "--yes")}[command]
    ended = subprocess.run(
        [sys.executable, "-c", program, command, *map(str, words)], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
    assert (results / "report.html").exists() == (command == "report")
    assert (tmp_path / ".model.unfinished").exists() == (command == "report")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, unoqa):
    ended = unoqa(command, "--help")
    assert ended.exit_code == 0
    assert f"Usage: unoqa {command}" in plain(ended.stdout)
    assert len(plain(ended.stdout)) > 150


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_help_page_has_an_example_and_fits_80_columns(command, unoqa, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    page = unoqa(*command.split(), "--help").stdout
    lines = page.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Example" in page
    assert "…" not in page  # nothing is cut off
    shown = [line.strip() for line in lines if line.strip().startswith("unoqa ")]
    assert shown
    assert shown == (examples(command) if command else shown)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_is_a_command_that_unoqa_takes(command):
    for _, *words in map(shlex.split, examples(command)):
        group = typer.main.get_command(application)
        context = group.make_context("unoqa", list(words))
        name, full, rest = group.resolve_command(context, words)
        assert name == command
        full.make_context(name, rest, parent=context)


def examples(command):
    """Return the examples in the docstring of a command's file, none of which is wrapped."""
    lines = importlib.import_module(f"unoqa.cli.{command}").__doc__.splitlines()
    return [line.strip() for line in lines if line.startswith("  unoqa ")]


MISTAKES = {
    "gradde": "There is no command 'gradde'; did you mean 'grade'?",
    "xyzzy": "There is no command 'xyzzy'; use guide, app, demo, fit, grade, join, serve, watch, selftest, "
    "qualify, settle, monitor, check, report, review, export, correct, evaluate, calibrate, info, clean, reproduce, "
    "choices, weights.",
    "grade scans --devise cpu": "No such option: --devise (Possible options: --device)",
    "grade scans -o results": "Missing option '--model' / '-m'.",
    "fit scans -o model --seed -1": "Invalid value for '--seed': use a whole number from 0 to 4294967295, not -1.",
    "demo --seed 4294967296": "Invalid value for '--seed': use a whole number from 0 to 4294967295, not 4294967296.",
    "grade scans -m model -o results --threads 5000": "Invalid value for '--threads': use a whole number from 0 to "
    "4096, not 5000.",
    "reproduce scans -o tables --share 2": "Invalid value for '--share': use a number above 0 and at most 1, not 2.",
    "reproduce scans -o tables --share 0": "Invalid value for '--share': use a number above 0 and at most 1, not 0.",
    "reproduce scans -o tables --seeds 0": "Invalid value for '--seeds': use a whole number from 1 to 100, not 0.",
}


@pytest.mark.parametrize(("words", "sentence"), MISTAKES.items(), ids=MISTAKES)
def test_a_mistyped_command_or_option_is_answered_in_one_sentence(words, sentence, unoqa):
    ended = unoqa(*words.split())
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert plain(ended.stderr).partition("for help. Error ")[2] == sentence


def test_the_version(unoqa):
    assert unoqa("--version").stdout == f"unoqa {package.__version__}\n"


def test_choices_lists_every_choice_on_every_shelf(unoqa, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = plain(unoqa("choices").stdout)
    assert all(f" {name} " in f" {text} " for shelf in SHELVES for name in shelf.names())
    assert all(name in text for name in recipe_names())
    assert "alpha = 0.1" in text


def test_choices_of_one_shelf(unoqa):
    text = plain(unoqa("choices", "clustering").stdout)
    assert "kmeans" in text
    assert "padim" not in text


def test_fit_settle_grade_evaluate(unoqa, clinic, tmp_path):
    fitted = unoqa("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", "measures", "--seed", "3")
    assert fitted.exit_code == 0, fitted.output
    assert f"Fitted on 30 images; model in {tmp_path / 'model'}." in fitted.stderr
    settled = unoqa("settle", clinic.mixed, "-m", tmp_path / "model", "-o", tmp_path / "settled")
    assert f"Settled on 40 images, 22 of them not outstanding; model in {tmp_path / 'settled'}." in settled.stderr
    assert "## What it sees" in (tmp_path / "settled" / "MODEL_CARD.md").read_text(encoding="utf-8")
    graded = unoqa("grade", clinic.mixed, "-m", tmp_path / "settled", "-o", tmp_path / "results", "--no-heat")
    assert graded.stderr.startswith("40 images: ")
    evaluated = unoqa("evaluate", tmp_path / "results", "--labels", clinic.labels)
    assert evaluated.stderr == ""
    assert evaluated.stdout == (tmp_path / "results" / "evaluation.md").read_text(encoding="utf-8")
    figures = json.loads((tmp_path / "results" / "evaluation.json").read_text(encoding="utf-8"))
    assert figures["images"] == 40
    assert len(figures["figures"]) >= 6
    for words in ("appa", "ccuracy", "AUROC", "95 % interval", "reference: 16 ungradable, 16 gradable, 8 outstanding"):
        assert words in evaluated.stdout


def test_grade_leaves_rows_facts_heat_and_a_picture(unoqa, clinic, settled_model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 2)
    ended = unoqa("grade", folder, "-m", settled_model, "-o", tmp_path / "results", "--alone")
    assert ended.exit_code == 0, ended.output
    found = sorted(path.name for path in (tmp_path / "results").iterdir())
    assert found == [
        ".lock",
        "cohort.png",
        "grades.csv",
        "heat",
        "points.raw",
        "record.sqlite",
        "report.html",
        "run.json",
    ]
    with Image.open(tmp_path / "results" / "cohort.png") as picture:
        assert picture.format == "PNG"


def test_quiet_prints_nothing(unoqa, clinic, settled_model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 2)
    ended = unoqa("grade", folder, "-m", settled_model, "-o", tmp_path / "results", "--no-heat", "--quiet")
    assert (ended.exit_code, ended.output) == (0, "")


def test_fit_reports_copies_and_odd_images(unoqa, clinic, tmp_path):
    folder = tmp_path / "outstanding"
    shutil.copytree(clinic.outstanding, folder)
    first = min(folder.iterdir())
    shutil.copy(first, folder / "copy.png")
    with Image.open(first) as picture:
        Image.new("L", picture.size, 0).save(folder / "odd.png")
        odd = picture.copy()
        odd.paste(0, (0, 0, 320, 250))
        odd.save(folder / "odd.png")
    ended = unoqa("fit", folder, "-o", tmp_path / "model", "--recipe", "measures")
    assert ended.exit_code == 0
    assert f"1 image left out (exact copy of another):\n  {first.name} = copy.png\n" in ended.stderr
    assert "fitted on, but unlike the others (check that each is outstanding):\n  odd.png" in ended.stderr


def test_fit_takes_a_recipe_file_weights_and_alpha(unoqa, clinic, weights, tmp_path):
    recipe = small("default", tmp_path)
    words = ("--recipe", recipe, "--encoder-weights", weights, "--alpha", "0.2", "--no-selftest")
    ended = unoqa("fit", clinic.outstanding, "-o", tmp_path / "model", *words)
    assert ended.exit_code == 0, ended.output
    assert "alpha = 0.2" in (tmp_path / "model" / "model.toml").read_text(encoding="utf-8")
    assert "## What it sees" not in (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert package.load(tmp_path / "model").model.recipe == "small-default"


def test_the_installed_command_ends_with_status_0_2_or_3_and_draws_no_bars(bad, clinic, settled_model, tmp_path):
    folder = clinic.some(tmp_path / "scans", 1)
    some = run("grade", folder, bad / "text.png", "-m", settled_model, "-o", tmp_path / "results", "--no-heat")
    refused = run("evaluate", tmp_path / "results", "--labels", tmp_path / "none.csv")
    assert [run("--version").returncode, refused.returncode, some.returncode] == [0, 2, 3]
    assert refused.stderr == f"unoqa: There is no {tmp_path / 'none.csv'}; give a CSV with columns image,grade.\n"
    assert some.stdout == ""
    assert not {"\r", "\x1b"} & set(some.stderr)
    assert "Traceback" not in some.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a console's own signals")
def test_an_interrupted_run_says_how_to_continue(clinic, settled_model, tmp_path):
    command = [INSTALLED, "grade", str(clinic.mixed), "-m", str(settled_model), "-o", str(tmp_path / "results")]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a background job ignores it
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("results/heat/*.png")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        printed
        == "unoqa: Interrupted; run the same command again (fit, grade and reproduce continue where they stopped).\n"
    )


@pytest.mark.slow
def test_a_download_without_a_network_is_one_sentence(tmp_path):
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path)}
    ended = subprocess.run([INSTALLED, "weights"], capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("unoqa: The weights of resnet18.tv_in1k could not be downloaded (")
    assert ended.stderr.endswith("or choose a recipe that needs none, such as 'default'.\n")
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_demo_runs_end_to_end_and_again(unoqa, tmp_path):
    first = unoqa("demo", tmp_path / "demo", "--seed", "1")
    again = unoqa("demo", tmp_path / "demo", "--seed", "1", "--quiet")
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert first.stdout == again.stdout
    assert "120 images compared (reference: 30 ungradable, 60 gradable, 30 outstanding)" in first.stdout
    names = sorted(path.name for path in (tmp_path / "demo").iterdir())
    assert names == ["model", "phantom", "results"]
    kappa = json.loads((tmp_path / "demo" / "results" / "evaluation.json").read_text(encoding="utf-8"))["figures"]
    assert next(iter(kappa.values()))["value"] > 0.5


@pytest.mark.parametrize("words", [["fit", ""], ["grade", "scans", "-m", ""]], ids=" ".join)
def test_an_empty_argument_is_not_the_current_folder(words, tmp_path):
    ended = subprocess.run([INSTALLED, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == ("unoqa: One of the arguments is empty, perhaps an unset shell variable; give its value.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full, a device without space")
@pytest.mark.parametrize("words", [["--version"], ["fit", "--help"], ["choices"]], ids=" ".join)
def test_a_full_console_is_reported_in_one_sentence(words):
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run([INSTALLED, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("unoqa: ")
    assert "No space left on device" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_model_is_replaced_only_when_that_is_wanted(unoqa, clinic, settled_model, tmp_path):
    recipe = small("measures", tmp_path)
    fit = ("fit", clinic.outstanding, "-o", tmp_path / "model", "--recipe", recipe, "-q", "--no-selftest")
    settle = ("settle", clinic.mixed, "-m", settled_model, "-o", tmp_path / "model", "-q")
    assert unoqa(*fit).exit_code == 0
    before = (tmp_path / "model" / "checksums.json").read_bytes()
    for command in (fit, settle):
        refused = unoqa(*command)
        assert refused.exit_code == 2
        assert refused.stderr == (
            f"unoqa: {tmp_path / 'model'} holds a model already; name a new folder, or replace it with --overwrite.\n"
        )
        assert (tmp_path / "model" / "checksums.json").read_bytes() == before
    assert unoqa(*settle, "--overwrite").exit_code == 0
    assert (tmp_path / "model" / "checksums.json").read_bytes() != before
