"""The release script over a checkout of its own: git and openssl are real; what takes an
hour (tests, packages) is stood in for by scripts in that checkout.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from harness import require
from tool_bed import script

release = script("release")
CHANGELOG = """# Changelog

## [Unreleased]

## [1.2.3] - 2026-12-01

一句话。

### Fixed
- 修好了 / Mended.
"""
# Makes what the real one makes, of nothing, and tells what it was asked.
START = """import sys
from pathlib import Path
words = sys.argv[1:]
out = Path(words[words.index("--out") + 1])
out.mkdir(parents=True, exist_ok=True)
with Path(sys.argv[0]).with_name("asked").open("a") as told:
    told.write(" ".join(words[1:3]) + "\\n")
if words[1] in ("linux", "windows"):
    (out / "work" / "dist" / "yibao-face").mkdir(parents=True)
if words[1] == "linux":
    (out / "yibao-face-1.2.3-linux-x86_64.tar.xz").write_text("archive")
    (out / "yibao-face_1.2.3_amd64.deb").write_text("deb")
if words[1] == "windows":
    (out / "yibao-face-1.2.3-x64-setup.exe").write_text("setup")
    (out / "yibao-face-library-1.2.3-setup.exe").write_text("library")
    root = words[words.index("--root") + 1] if "--root" in words else ""
    (out / "yibao-face-1.2.3-x64.msi").write_text(root)
if words[1] == "update":
    assert words[4] == "stick" or Path(words[5]).is_dir(), words
    if words[4] == "stick":
        Path(words[5]).write_text("update")
"""


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    command = ["git", *who, *words]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name, text in {
        "setup.cfg": "[metadata]\nname = yibao-face\nversion = 1.2.3\n",
        "CHANGELOG.md": CHANGELOG,
        ".gitignore": "dist/\nasked\n",
        "tools/start.py": START,
        ".ci/run": "#!/bin/sh\necho tested\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    (root / ".ci/run").chmod(0o755)
    git(root, "init", "-q")
    commit(root)
    git(root, "tag", "v1.2.3")
    return root


@pytest.fixture(autouse=True)
def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in release._SIGN:
        monkeypatch.delenv(name, raising=False)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "a change")


def made(root: Path) -> Path:
    return root / "dist" / "release"


def asked(root: Path) -> list[str]:
    return (root / "tools" / "asked").read_text("utf-8").splitlines()


def test_a_release_is_tested_packed_noted_and_summed(checkout: Path) -> None:
    assert 0 == release.main(["make"], checkout)

    out = made(checkout)
    lines = (out / "SHA256SUMS").read_text("ascii").splitlines()
    sums = {line.split("  ")[1]: line.split("  ")[0] for line in lines}
    assert {
        "RELEASE_NOTES.md",
        "yibao-face_1.2.3_amd64.deb",
        "yibao-face-1.2.3-linux-x86_64.tar.xz",
        "yibao-face-1.2.3-x64-setup.exe",
        "yibao-face-library-1.2.3-setup.exe",
        "yibao-face-1.2.3-x64.msi",
    } == set(sums)
    for name, told in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == told
    told = (out / "RELEASE_NOTES.md").read_text("utf-8")
    assert "- 修好了\n  Mended." in told
    assert sums["yibao-face-1.2.3-x64.msi"] in told
    assert "tested\n" == (out / "ci.log").read_text("utf-8")
    assert not (out / "SHA256SUMS.p7s").exists()


def test_tests_are_not_run_twice_on_one_commit(checkout: Path) -> None:
    assert 0 == release.main(["make"], checkout)
    (made(checkout) / "ci.log").unlink()

    assert 0 == release.main(["make"], checkout)
    assert not (made(checkout) / "ci.log").exists()


@pytest.mark.parametrize("body", ["", "[]", '{"commit": "0", "exit": 0}'])
def test_a_proof_of_something_else_is_none(
    checkout: Path, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    proof = checkout.parent / "ci.json"
    proof.write_text(body, "utf-8")

    assert 1 == release.main(["make", "--proof", str(proof)], checkout)
    assert "ci.json proves nothing" in capsys.readouterr().err


def test_a_proof_of_another_machine_is_taken(checkout: Path) -> None:
    head = release.Job(checkout, checkout).commit
    proof = checkout.parent / "ci.json"
    proof.write_text(json.dumps({"commit": head, "exit": 0}), "utf-8")

    assert 0 == release.main(["make", "--proof", str(proof)], checkout)
    assert not (made(checkout) / "ci.log").exists()


def test_failing_tests_end_it(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / ".ci/run").write_text("#!/bin/sh\nexit 7\n", "utf-8")
    commit(checkout)
    git(checkout, "tag", "-f", "v1.2.3")

    assert 1 == release.main(["make"], checkout)
    assert ".ci/run ended with 7" in capsys.readouterr().err
    assert not (checkout / "tools" / "asked").exists()


def spoil(root: Path, what: str) -> None:
    config = root / "setup.cfg"
    if what == "changed":
        config.write_text(config.read_text("utf-8") + "\n", "utf-8")
    elif what == "stray":
        (root / "stray").touch()
    elif what == "untagged":
        git(root, "tag", "-d", "v1.2.3")
    elif what == "moved":
        (root / "more").touch()
        commit(root)
    else:
        file = root / ("setup.cfg" if what == "version" else "CHANGELOG.md")
        old, new = ("1.2.3", "1.2.4") if what == "version" else ("## [1.2.3]", "## [1.2.2]")
        file.write_text(file.read_text("utf-8").replace(old, new), "utf-8")
        commit(root)
        git(root, "tag", "-f", "v1.2.3")


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("changed", "not clean: M setup.cfg"),
        ("stray", "not clean: ?? stray"),
        ("untagged", "not tagged v1.2.3"),
        ("moved", "not tagged v1.2.3"),
        ("version", "newest section is [1.2.3], not [1.2.4]"),
        ("section", "newest section is [1.2.2], not [1.2.3]"),
    ],
)
@pytest.mark.parametrize("dry", [False, True])
def test_what_is_no_release_is_refused_before_anything_is_made(
    checkout: Path, capsys: pytest.CaptureFixture[str], what: str, told: str, dry: bool
) -> None:
    spoil(checkout, what)

    assert 1 == release.main(["make", *(["--dry-run"] if dry else [])], checkout)
    printed = capsys.readouterr()
    assert told in (printed.out if dry else printed.err)
    assert not (checkout / "tools" / "asked").exists()


def test_a_dry_run_shows_all_steps_in_order_and_does_the_cheap_ones(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == release.main(["make", "--dry-run"], checkout)

    told = capsys.readouterr().out
    titles = [step.title for step in release.STEPS]
    assert titles == [line.split("] ", 1)[1] for line in told.splitlines() if ": [" in line]
    assert "would: .ci/run" in told
    assert told.index("package linux") < told.index("package windows")
    assert "--check" in told
    assert ["RELEASE_NOTES.md"] == [file.name for file in made(checkout).iterdir()]


def test_a_key_signs_the_sums(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = require("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    files = ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=test"]
    subprocess.run([openssl, *new, *files], check=True, capture_output=True)
    monkeypatch.setenv("YIBAO_FACE_SIGN_CERT", str(certificate))
    monkeypatch.setenv("YIBAO_FACE_SIGN_KEY", str(key))
    assert 0 == release.main(["make"], checkout)

    out = made(checkout)
    check = ["cms", "-verify", "-binary", "-inform", "PEM", "-in", "SHA256SUMS.p7s"]
    check += ["-content", "SHA256SUMS", "-CAfile", str(certificate), "-purpose", "any"]

    def verifies() -> bool:
        done = subprocess.run([openssl, *check], cwd=out, check=False, capture_output=True)
        return done.returncode == 0

    assert verifies()
    with (out / "SHA256SUMS").open("a") as sums:
        sums.write("0  more\n")
    assert not verifies()


@pytest.mark.parametrize("inside", [True, False])
def test_a_key_in_the_checkout_or_half_a_set_is_refused(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    inside: bool,
) -> None:
    key = (checkout / "dist" if inside else tmp_path) / "key.pem"
    key.parent.mkdir(exist_ok=True)
    key.touch()
    monkeypatch.setenv("YIBAO_FACE_SIGN_KEY", str(key))
    if inside:
        monkeypatch.setenv("YIBAO_FACE_SIGN_CERT", str(checkout / "setup.cfg"))

    assert 1 == release.main(["make"], checkout)
    assert ("lies in the checkout" if inside else "belong together") in capsys.readouterr().err


def test_an_update_of_both_systems_is_published_and_put_on_sticks(
    checkout: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key.pem"
    key.touch()
    keys = [word for role in release.ROLES for word in (f"--{role}-key", str(key))]
    root = tmp_path / "repository" / "metadata" / "1.root.json"
    update = ["--repository", str(tmp_path / "repository"), "--readable-from", "1.0.0"]
    assert 1 == release.main(["make", *update, *keys], checkout)
    root.parent.mkdir(parents=True)
    root.touch()

    assert 0 == release.main(["make", *update, *keys], checkout)
    sums = (made(checkout) / "SHA256SUMS").read_text("ascii")
    assert "yibao-face-1.2.3-linux-x86_64.update" in sums
    assert "yibao-face-1.2.3-windows-x86_64.update" in sums
    assert 4 == asked(checkout).count("update --out")
    assert str(root) == (made(checkout) / "yibao-face-1.2.3-x64.msi").read_text("utf-8")
    assert 1 == release.main(["make", *update], checkout)


def test_packages_that_were_not_made_are_missed(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = checkout / "tools/start.py"
    start.write_text(START.replace("-x64.msi", "-x64.txt"), "utf-8")
    commit(checkout)
    git(checkout, "tag", "-f", "v1.2.3")

    assert 1 == release.main(["make"], checkout)
    assert "windows: no file ….msi of 1.2.3 was made" in capsys.readouterr().err


def test_a_bump_opens_the_section_and_sets_the_version(checkout: Path) -> None:
    file = checkout / "CHANGELOG.md"
    text = CHANGELOG.replace("[Unreleased]\n", "[Unreleased]\n\n### Added\n- 更多 / More.\n")
    file.write_text(text, "utf-8")

    assert 0 == release.main(["bump", "1.3.0", "--summary", "更快。"], checkout)
    assert "version = 1.3.0\n" in (checkout / "setup.cfg").read_text("utf-8")
    commit(checkout)
    git(checkout, "tag", "v1.3.0")
    assert "1.3.0 of " in release.one_version(release.Job(checkout, checkout))
    assert 1 == release.main(["bump", "1.3.0", "--summary", "更快。"], checkout)
