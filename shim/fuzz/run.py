"""The library under sanitizers: ``python shim/fuzz/run.py libfuzzer|asan|tsan|valgrind|all``.

0: no finding. 1: a finding, and what the tool said of it. 2: a tool is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from yibao_face.shim import build
from yibao_face.shim.source import SourceError, monocypher

HERE = Path(__file__).resolve().parent
SOURCE = build.ROOM / "src"
# What a target is linked with, and the longest input worth trying.
TARGETS = {
    "reply": (("reply", "text"), 4096),
    "setting": (("setting", "text"), 2047),
    "lan": (("proof", "sha512", "reply", "text"), 4096),
}
THREADS = 16
_STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-g", "-O1", "-D_GNU_SOURCE", "-DHCF_BUILD")
_ADDRESS = "address,undefined"
# As CI has it a run is the same each time; another seed tries other inputs.
_SEED = 1


class RunError(Exception):
    """A tool is missing, or does not compile."""


class FindingError(Exception):
    """A sanitizer, a property or a wrong answer; the message is what the tool said."""


@dataclass(frozen=True, slots=True)
class Job:
    """What was asked for, and a folder to work in. ``runs``: ``None`` for the tool's own."""

    folder: Path
    runs: int | None
    seed: int
    plant: bool


def main(arguments: list[str] | None = None) -> int:
    """Run one tool, or all; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tool", choices=(*TOOLS, "all"))
    parser.add_argument("--runs", type=int, help="executions of a target, or calls of a thread")
    parser.add_argument("--seed", type=int, default=_SEED, help="of the random numbers")
    parser.add_argument("--plant", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        for name in TOOLS if given.tool == "all" else (given.tool,):
            with tempfile.TemporaryDirectory(prefix="hcf-") as folder:
                TOOLS[name](Job(Path(folder), given.runs, given.seed, given.plant))
    except FindingError as exc:
        _say(f"FINDING\n{exc}")
        return 1
    except (RunError, SourceError) as exc:
        _say(f"run: {exc}")
        return 2
    return 0


def libfuzzer(job: Job) -> None:
    """Coverage leads the inputs; ASan and UBSan watch, and the properties in the target."""
    for name, (sources, most) in TARGETS.items():
        # -O0: clang folds a read behind the end of a constant away, ASan would not see it.
        options = ("-O0", f"-fsanitize=fuzzer,{_ADDRESS}", "-fno-sanitize-recover=all")
        tool = _compiled(job, "clang", (HERE / f"{name}.c", *_sources(sources)), options)
        corpus = job.folder / f"corpus-{name}"
        corpus.mkdir()
        for number, seed in enumerate(SEEDS[name]):
            (corpus / str(number)).write_bytes(seed)
        runs = job.runs or 2_000_000
        words = [f"-runs={runs}", f"-seed={job.seed}", f"-max_len={most}", "-timeout=10"]
        words += [f"-artifact_prefix={corpus}/", str(corpus)]
        said = _watched(f"libfuzzer {name}", [tool, *words])
        figures = (_last(r"Done .*", said), _last(r"cov: [0-9]+ ft: [0-9]+", said))
        _say(f"libfuzzer {name}: {'; '.join(figures)}")


def asan(job: Job) -> None:
    """Own mutations, so gcc is enough; then the whole library with its faults."""
    # -O0: what is saved at compiling Monocypher is more than the runs then take.
    options = ("-O0", f"-fsanitize={_ADDRESS}", "-fno-sanitize-recover=all")
    for name, (sources, _) in TARGETS.items():
        files = (HERE / "mutate.c", HERE / f"{name}.c", *_sources(sources))
        tool = _compiled(job, "gcc", files, options)
        seeds = job.folder / f"seeds-{name}"
        seeds.write_bytes(b"".join(b"%d\n%b" % (len(seed), seed) for seed in SEEDS[name]))
        runs = job.runs or 1_000_000
        said = _watched(f"asan {name}", [tool, seeds, str(runs), str(job.seed)])
        _say(f"asan {name}: {said.strip()}")
    _at_work("asan", job, options, (4, 50))


def tsan(job: Job) -> None:
    """Many threads, each of which must get its own answer."""
    # ThreadSanitizer gives up where the system scatters its memory too widely.
    calm = [shutil.which("setarch") or "setarch", "-R"]
    under = calm if _works([*calm, "true"]) else ()
    _at_work("tsan", job, ("-fsanitize=thread",), (THREADS, job.runs or 1000), under)


def valgrind(job: Job) -> None:
    """The plain build: memory never set, lost, or freed twice; files left open."""
    tool = _tool("valgrind")
    words = ["-q", "--error-exitcode=3", "--leak-check=full", "--track-fds=yes"]
    # Files left open: the driver counts them, this valgrind only says where they came from.
    _at_work("valgrind", job, (), (2, job.runs or 20), [tool, *words])


def _at_work(
    name: str,
    job: Job,
    options: tuple[str, ...],
    size: tuple[int, int],
    under: Sequence[str] = (),
) -> None:
    """``threads.c`` with ``size`` threads and calls each, against a genuine server."""
    setting = f'-DHCF_SETTING_FILE="{job.folder / "library.conf"}"'
    whole = (HERE / "threads.c", *_sources((*build.SOURCES, "posix", "proof")))
    # externally_visible of proof.c speaks to -fwhole-program, which is not used here.
    tool = _compiled(job, "gcc", whole, (*options, setting, "-pthread"))
    with _server() as (port, key):
        said = _watched(name, [*under, tool, port, key, *map(str, size)])
    _say(f"{name}: {_last('.* odd calls, .*', said)}")


@contextlib.contextmanager
def _server() -> Generator[tuple[str, str], None, None]:
    """Port and key of ``server.py`` in a process of its own."""
    command = [sys.executable, str(HERE / "server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ourselves
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            port, key = process.stdout.readline().split()
            yield port, key
        finally:
            process.kill()


def _sources(names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(SOURCE / f"{name}.c" for name in names)


def _compiled(job: Job, compiler: str, files: tuple[Path, ...], options: tuple[str, ...]) -> Path:
    tool = job.folder / f"{files[0].stem}-{files[1].stem}"
    planted = ("-DPLANT",) if job.plant else ()
    includes = (f"-I{SOURCE}", f"-I{HERE}", f"-I{monocypher(build.CACHE)}")
    command = [_tool(compiler), *_STRICT, *planted, *includes, *options, *files, "-o", tool]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own command line
    if done.returncode != 0:
        raise RunError(f"{files[0].name}: {compiler} refuses:\n{done.stderr}")
    return tool


def _watched(name: str, command: list[str | Path]) -> str:
    """What the tool said; raises ``FindingError`` where it says so by its exit code."""
    began = time.monotonic()
    done = subprocess.run(  # noqa: S603  # what we compiled
        command, check=False, capture_output=True, text=True, errors="replace", env=_environment()
    )
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise FindingError(f"{name}: exit code {done.returncode}\n{said}")
    _say(f"{name}: no finding in {time.monotonic() - began:.1f} s")
    return said


def _environment() -> Mapping[str, str]:
    return {**os.environ, "TSAN_OPTIONS": "exitcode=66", "UBSAN_OPTIONS": "print_stacktrace=1"}


def _works(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # setarch
    except OSError:
        return False
    return done.returncode == 0


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RunError(f"{name} is missing")
    return found


def _last(pattern: str, said: str) -> str:
    found = re.findall(pattern, said)
    return str(found[-1]) if found else "?"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a command's own voice


def _answer(body: bytes, *lines: bytes) -> bytes:
    """An HTTP answer with these header lines and a length."""
    head = (b"HTTP/1.0 200 OK", *lines, b"Content-Length: %d" % len(body), b"", b"")
    return b"\r\n".join(head) + body


def _sealed(text: bytes) -> bytes:
    """As ``lan.c`` opens it, under a key of zeros."""
    return ChaCha20Poly1305(bytes(32)).encrypt(bytes(12), text, None)


_PASS = b'{"code":1,"msg":"ok","cp_no":"A1","type":1}'
_LONG = '{"code":"1","msg":"%s","cp_no":"A1","type":1}' % ("核验𠮷·" * 150)
_BODIES = (
    _PASS,
    b' { "code" : -2 , "msg" : "\\u6838\\ud842\\udfb7\\n\\/\\"" } \r\n',
    b'{"CODE":"-1","msg":"[library] x","a":null,"b":1.5e+3,"c":true}',
    _LONG.encode(),
    _LONG.replace("𠮷", "").encode("gbk"),
    b'{"code":1,"msg":"%b"}' % (b"\\ud842\\udfb7" * 120),
)
_PAIRED = b"\ncaller = " + b"0c" * 8 + b"\nsecret = " + b"5e" * 32 + b"\n"
_SETTING = b"# installed\r\ndaemon = 127.0.0.1:8181\r\nkey = " + b"9f" * 32
SEEDS = {
    "reply": (
        *(_answer(body, b"X-HCF-Signature: " + b"0a" * 64) for body in _BODIES),
        *(_answer(body, b"Content-Type: application/json; charset=GBK") for body in _BODIES),
        # The first byte chooses charset and function.
        *(first + body for body in _BODIES for first in (b"\0", b"\1", b"\2", b"\3")),
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n" + _PASS,
    ),
    "setting": (
        _SETTING,
        _SETTING + b"\nverify = on\n",
        b"verify\t=off \n\n  daemon=127.0.0.1:1\n",
        b"daemon = 10.255.0.1:65535\nkey = " + b"Aa" * 32 + b"\nverify = OFF\n",
        b"daemon = 127.0.0.1:1\nverify = official\n",
        _SETTING.replace(b"127.0.0.1", b"10.0.0.5") + _PAIRED,
    ),
    "lan": (
        *(_sealed(_answer(body)) for body in _BODIES),
        *(_sealed(bytes(n)) for n in (1, 63, 64, 65)),
        b"YBL1" + bytes(96),
        b"\0\0\x07\xf0",
        b"\xff\xff\xff\xff",
    ),
}
TOOLS: dict[str, Callable[[Job], None]] = {
    "libfuzzer": libfuzzer,
    "asan": asan,
    "tsan": tsan,
    "valgrind": valgrind,
}

if __name__ == "__main__":
    raise SystemExit(main())
