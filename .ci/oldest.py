"""Print the oldest series of every library that pyproject.toml allows, one a line, as constraints for pip."""

import tomllib
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "pyproject.toml"

for library in tomllib.loads(DOCUMENT.read_text(encoding="utf-8"))["project"]["dependencies"]:
    print(library.replace(">=", "==") + ".*")
