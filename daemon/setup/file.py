"""Writes an installer's answers into the site's configuration, whose other lines stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from yibao_face.daemon.amend import replace_config
from yibao_face.daemon.config import ConfigError, load_site
from yibao_face.daemon.setup.answer import Answer, plain
from yibao_face.daemon.trust.policy import replace_file


class SetupError(Exception):
    """The machine cannot be set up as asked; the message says what is in the way."""


def write_answer(file: Path, answer: Answer) -> bool:
    """Write what ``answer`` names into ``file``; whether that changed it. Raises ``SetupError``.

    The whole new file or the old one, never a half; one the daemon could not read is not written.
    """
    try:
        before = file.read_text("utf-8-sig") if file.is_file() else ""
        after = with_answer(before, answer)
        if after == before:
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_config(file, after, load_site)
    except (OSError, UnicodeDecodeError, TOMLKitError, TypeError, AttributeError) as exc:
        raise SetupError(f"配置文件无法写入 / {file.name} cannot be written: {exc}") from exc
    except ConfigError as exc:
        raise SetupError(f"配置有误 / {exc}") from exc
    return True


def keep_answer(file: Path, answer: Answer) -> None:
    """Keep ``answer`` for the next setup of this machine; raises ``SetupError``.

    Without the code to bind it by, which works once and is nobody's to read later.
    """
    try:
        replace_file(file, plain(replace(answer, enrol_code="")).encode())
    except OSError as exc:
        raise SetupError(f"应答无法保存 / {file.name}: {exc.strerror}") from exc


def with_answer(before: str, answer: Answer) -> str:
    """The configuration text ``before`` with the answers in it; raises ``TOMLKitError``."""
    document = tomlkit.parse(before)
    wanted: tuple[tuple[str, str, object], ...] = (
        ("desk", "institution", answer.org_code),
        ("centre", "url", answer.centre_url),
        ("camera", "uri", answer.camera),
        ("door", "origins", list(answer.browser_policy)),
        ("lan", "enabled", answer.lan),
        ("lan", "host", answer.lan and answer.lan_host),
        ("lan", "port", answer.lan and answer.lan_port),
    )
    for section, key, value in wanted:
        if not value:
            continue
        table = document.setdefault(section, tomlkit.table())
        if table.get(key) != value:
            table[key] = value
    return tomlkit.dumps(document)
