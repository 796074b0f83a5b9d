"""A folder that only a file manager has been in is empty."""

import pytest

from unoqa.store.litter import is_empty


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "thumbs.db", "desktop.ini", "Desktop.ini"])
def test_what_a_system_leaves_is_nothing(name, tmp_path):
    assert is_empty(tmp_path)
    (tmp_path / name).touch()
    assert is_empty(tmp_path)
    (tmp_path / "thesis.doc").touch()
    assert not is_empty(tmp_path)
