"""Who holds a device: a program's name, nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from yibao_face.drivers.holder import holder_of


def process(folder: Path, number: int, name: str, opened: Path) -> None:
    """A process of a proc folder with one file open."""
    (folder / str(number) / "fd").mkdir(parents=True)
    (folder / str(number) / "fd/3").symlink_to(opened)
    (folder / str(number) / "comm").write_text(f"{name}\n", "utf-8")
    (folder / str(number) / "cmdline").write_text("secret", "utf-8")


def test_the_holder_is_told_by_its_name_only(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    process(tmp_path / "proc", 7, "other", tmp_path)
    process(tmp_path / "proc", 8, "HIS客户端", node)

    assert "HIS客户端" == holder_of(node, tmp_path / "proc")


def test_another_program_is_named_before_ourselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "video0"
    node.touch()
    monkeypatch.setattr("os.getpid", lambda: 7)
    process(tmp_path / "proc", 7, "yibao-face", node)
    process(tmp_path / "proc", 8, "kiosk", node)

    assert "kiosk" == holder_of(node, tmp_path / "proc")


def test_a_node_nobody_has_open_has_no_holder(tmp_path: Path) -> None:
    (tmp_path / "proc/9").mkdir(parents=True)

    assert "" == holder_of(tmp_path / "video0", tmp_path / "proc")
