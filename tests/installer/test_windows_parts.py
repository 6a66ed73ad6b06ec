"""The parts of the Windows package that need no Windows."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from harness import ROOT, require

from yibao_face.installer.command import PackageError, run
from yibao_face.installer.target import own_version, trust_of
from yibao_face.installer.windows.audit import floor_of, missing, need_of, needs
from yibao_face.installer.windows.bundle import add_papers
from yibao_face.installer.windows.icon import SIDES_PX, icon
from yibao_face.installer.windows.pin import pins, windows_lock
from yibao_face.installer.windows.resource import compile_launchers, numbers, write_version
from yibao_face.installer.windows.sign import sign
from yibao_face.installer.windows.target import write_sums
from yibao_face.installer.windows.wine import COMPILER


def test_the_lock_of_windows_is_that_of_the_program_but_for_what_is_named() -> None:
    lines = windows_lock().splitlines()
    names = {line.split("==")[0] for line in lines}

    assert len(lines) == len(names) > 30
    assert all("--hash=sha256:" in line for line in lines)
    assert {"onnxruntime", "opencv-python", "mediapipe", "pyside6-essentials"} <= names
    assert set() == names & {*pins()["without"]["names"], "opencv-python-headless"}
    assert f"numpy=={pins()['instead']['numpy']['version']}" in windows_lock()


def test_every_name_left_out_is_one_of_the_locks() -> None:
    """A package renamed in a lock would be shipped unnoticed."""
    text = "".join(
        (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")
        for lock in ("runtime", "cameras", "ui", "bundle")
    )

    for name in pins()["without"]["names"]:
        assert f"\n{name}==" in text


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.1.0", (0, 1, 0, 0)), ("1.2", (1, 2, 0, 0)), ("1.2.3rc4", (1, 2, 34, 0))],
)
def test_windows_counts_four_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert expected == numbers(version)


def test_the_icon_is_drawn_in_every_size_and_the_same_each_time() -> None:
    drawn = icon()

    assert drawn == icon()
    assert b"\x00\x00\x01\x00" == drawn[:4]
    assert len(SIDES_PX) == drawn.count(b"\x89PNG")


def test_the_version_block_holds_the_version(tmp_path: Path) -> None:
    text = write_version(tmp_path, "1.2.3").read_text("utf-8")

    assert "(1, 2, 3, 0)" in text
    assert "医保实人认证" in text


def test_launchers_run_on_every_windows_the_program_runs_on(tmp_path: Path) -> None:
    require(COMPILER)
    compile_launchers(tmp_path / "out", tmp_path / "held", own_version())
    found = needs(tmp_path / "out")

    assert {"yibao-face.exe", "yibao-face-agent.exe"} == set(found)
    assert "7" == floor_of(found)


def test_a_younger_windows_is_told_with_what_asks_for_it(tmp_path: Path) -> None:
    source, made = tmp_path / "a.c", tmp_path / "a.exe"
    source.write_text(
        "#include <windows.h>\n"
        "int main(void) { FILETIME t; GetSystemTimePreciseAsFileTime(&t); return 0; }\n"
    )
    run([require(COMPILER), "-D_WIN32_WINNT=0x0602", source, "-o", made])
    need = need_of(made)

    assert ("8", ("GetSystemTimePreciseAsFileTime",)) == (need.since, need.reasons)
    assert {"a.exe": ["kernel32.dll"]} == missing({"a.exe": need}, frozenset({"msvcrt.dll"}))


def test_a_signature_is_that_of_the_key_given(tmp_path: Path) -> None:
    """The key is one of the test's own, which nobody trusts."""
    key, certificate, program = (tmp_path / name for name in ("k.pem", "c.pem", "a.exe"))
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    usage = ["-addext", "extendedKeyUsage=codeSigning", "-keyout", key, "-out", certificate]
    run([require("openssl"), *made, *usage])
    source = tmp_path / "a.c"
    source.write_text("int main(void) { return 0; }\n")
    run([require(COMPILER), source, "-o", program])
    verify = [require("osslsigncode"), "verify", "-CAfile", certificate, "-in", program]

    assert 0 != subprocess.run(verify, check=False, capture_output=True).returncode
    names = {"YIBAO_FACE_SIGN_CERT": str(certificate), "YIBAO_FACE_SIGN_KEY": str(key)}
    assert sign([program], names)
    assert "Signature verification: ok" in run(verify)
    program.write_bytes(program.read_bytes().replace(b"This program", b"That program"))
    assert 0 != subprocess.run(verify, check=False, capture_output=True).returncode


def test_a_key_within_the_checkout_is_refused() -> None:
    names = {"YIBAO_FACE_SIGN_CERT": "c.pem", "YIBAO_FACE_SIGN_KEY": str(ROOT / "k.pem")}

    with pytest.raises(PackageError, match="keep it elsewhere"):
        sign([], names)


def test_without_a_key_nothing_is_signed() -> None:
    assert not sign([], {})


def test_only_a_root_is_taken_for_what_updates_are_believed_by(tmp_path: Path) -> None:
    file = tmp_path / "root.json"
    for text in ("", "[]", '{"signed": {}}', '{"signed": {"_type": "targets"}}'):
        file.write_text(text, "utf-8")
        with pytest.raises(PackageError, match=r"root\.json|not of root"):
            trust_of(file)
    file.write_text('{"signed": {"_type": "root"}}', "utf-8")

    assert (file, None) == (trust_of(file), trust_of(None))


def test_the_doctor_knows_the_libraries_that_were_packed(tmp_path: Path) -> None:
    (tmp_path / "shims" / "x64").mkdir(parents=True)
    (tmp_path / "shims" / "x64" / "HisCallFace.dll").write_bytes(b"library")
    write_sums(tmp_path / "shims", tmp_path / "bundle")

    digest = hashlib.sha256(b"library").hexdigest()
    line = f"{digest}  x64/HisCallFace.dll\n"
    assert line == (tmp_path / "bundle" / "SHA256SUMS").read_text("ascii")


def test_what_is_no_package_of_python_is_on_the_bill_with_its_licence(tmp_path: Path) -> None:
    (tmp_path / "licences").mkdir()
    (tmp_path / "sbom.json").write_text('{"components": [{"name": "numpy"}]}', "utf-8")
    (tmp_path / "LICENSE").write_text("MICROSOFT", "utf-8")
    add_papers(tmp_path, [tmp_path / "LICENSE"])

    found = json.loads((tmp_path / "sbom.json").read_text("utf-8"))["components"]
    assert ["numpy", "cpython", "msvc-runtime"] == [part["name"] for part in found]
    assert all(part["licenses"] and part["hashes"] for part in found[1:])
    assert "MICROSOFT" == (tmp_path / "licences" / "msvc-runtime" / "LICENSE").read_text("utf-8")
