"""Packages that add choices, installed for one test: the example as its wheel, others as files laid out as by pip."""

import sys
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

EXAMPLE = Path(__file__).parent.parent / "examples" / "plugin"


def install_example(monkeypatch, folder):
    """Build the wheel of examples/plugin and unpack it where Python looks."""
    (wheel,) = WheelBuilder(str(EXAMPLE)).build(directory=str(folder), versions=["standard"])
    zipfile.ZipFile(wheel).extractall(folder / "site")
    _show(monkeypatch, folder / "site")
    return folder / "site"


def install(monkeypatch, folder, source, **groups):
    """Install the package `foreign` 2.5 with one module `foreign_choice`: names of its entry points by their group."""
    metadata = folder / "foreign-2.5.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 2.5\n", encoding="utf-8")
    entries = (f"[unoqa.{group.replace('__', '.')}]\n{name} = foreign_choice\n" for group, name in groups.items())
    (metadata / "entry_points.txt").write_text("".join(entries), encoding="utf-8")
    (folder / "foreign_choice.py").write_text(source, encoding="utf-8")
    _show(monkeypatch, folder)


def _show(monkeypatch, folder):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("unoqa_example", "foreign_choice")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(folder)
