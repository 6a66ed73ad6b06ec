"""Make a release: ``python3 tools/release.py make`` in a clean checkout at its tag.

``make --dry-run`` shows every step and does those that cost nothing. ``bump 0.2.0 --summary 中文``
opens the section of a version in CHANGELOG.md and writes the version into setup.cfg; commit that,
tag it ``v0.2.0``, then make. docs/release.md tells the rest.
"""

from __future__ import annotations

import argparse
import configparser
import datetime
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from changelog import Artefact, ChangelogError, Section, notes, opened, parse, section_of

ROOT = Path(__file__).resolve().parent.parent
SUMS, SIGNATURE, NOTES, PROOF = "SHA256SUMS", "SHA256SUMS.p7s", "RELEASE_NOTES.md", "ci.json"
# What each target makes, by the ends of the names.
MADE = {"linux": (".deb", ".tar.xz"), "windows": ("-setup.exe", ".msi")}
ROLES = ("targets", "snapshot", "timestamp")
_SIGN = ("YIBAO_FACE_SIGN_CERT", "YIBAO_FACE_SIGN_KEY")


class ReleaseError(Exception):
    """One line that says what is not as a release must be."""


@dataclass(frozen=True, slots=True)
class Job:
    """``check``: packages are installed and run. ``proof``: of the tests, made elsewhere.

    ``repository``: of updates; then ``readable_from`` and ``keys`` (by role) are there as well.
    """

    root: Path
    out: Path
    check: bool = True
    proof: Path | None = None
    repository: Path | None = None
    readable_from: str = ""
    keys: dict[str, list[Path]] = field(default_factory=dict[str, list[Path]])

    @property
    def version(self) -> str:
        """That of setup.cfg."""
        told = configparser.ConfigParser()
        told.read(self.root / "setup.cfg", "utf-8")
        return told["metadata"]["version"]

    @property
    def commit(self) -> str:
        """What is checked out."""
        return self.git("rev-parse", "HEAD")

    @property
    def section(self) -> Section:
        """Of the changelog."""
        sections = parse((self.root / "CHANGELOG.md").read_text("utf-8"))
        return section_of(sections, self.version)

    def git(self, *words: str) -> str:
        """What git says; ``ReleaseError``."""
        return run(["git", *words], self.root)


@dataclass(frozen=True, slots=True)
class Step:
    """``plan``: its commands, or what it will do in words. ``act``: what it does and then says.

    ``cheap``: done in a dry run as well.
    """

    title: str
    act: Callable[[Job], str]
    plan: Callable[[Job], list[str]] = lambda _job: []
    cheap: bool = False


def main(words: list[str] | None = None, root: Path = ROOT) -> int:
    """Do what ``words`` say; 0, or 1 with one line."""
    given = _parser().parse_args(words)
    try:
        return int(given.run(given, root))
    except (ReleaseError, ChangelogError, OSError) as exc:
        print(f"release: {exc}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    making = actions.add_parser("make", help="check, test, build, sign")
    making.add_argument("--dry-run", action="store_true", help="show all, do what costs nothing")
    making.add_argument("--out", type=Path, help="folder (default: dist/release)")
    making.add_argument("--no-check", action="store_true", help="packages are not tried")
    making.add_argument("--proof", type=Path, help=f"{PROOF} of a machine that ran .ci/run")
    making.add_argument("--repository", type=Path, help="of updates, to publish into")
    making.add_argument("--readable-from", default="", help="oldest version that reads its data")
    for role in ROLES:
        making.add_argument(f"--{role}-key", type=Path, nargs="+", default=[], metavar="KEY")
    making.set_defaults(run=_make)
    bumping = actions.add_parser("bump", help="open the section of a version")
    bumping.add_argument("version")
    bumping.add_argument("--summary", required=True, help="in Chinese, for those who use it")
    bumping.set_defaults(run=_bump)
    return parser


def _make(given: argparse.Namespace, root: Path) -> int:
    keys = {role: getattr(given, f"{role}_key") for role in ROLES}
    told = (given.proof, given.repository, given.readable_from, keys)
    job = Job(root, (given.out or root / "dist" / "release").resolve(), not given.no_check, *told)
    return rehearse(job) if given.dry_run else perform(job)


def perform(job: Job) -> int:
    """Every step, up to the first that cannot be done; ``ReleaseError``."""
    job.out.mkdir(parents=True, exist_ok=True)
    for number, step in enumerate(STEPS, 1):
        say(f"[{number}/{len(STEPS)}] {step.title}")
        say(f"    {step.act(job)}")
    say(f"{job.version}: {job.out}")
    return 0


def rehearse(job: Job) -> int:
    """Every step: cheap ones are done, the others told; 1 where a release would be refused."""
    refused = 0
    for number, step in enumerate(STEPS, 1):
        say(f"[{number}/{len(STEPS)}] {step.title}")
        try:
            for line in step.plan(job):
                say(f"    would: {line}")
            if step.cheap:
                say(f"    {step.act(job)}")
        except (ReleaseError, ChangelogError) as exc:
            refused = 1
            say(f"    refused: {exc}")
    return refused


def _bump(given: argparse.Namespace, root: Path) -> int:
    file, config = root / "CHANGELOG.md", root / "setup.cfg"
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    text = opened(file.read_text("utf-8"), given.version, today, given.summary)
    told, count = re.subn(
        r"(?m)^version = .*$", f"version = {given.version}", config.read_text("utf-8"), count=1
    )
    if not count:
        raise ReleaseError("setup.cfg has no line 'version = …'")
    file.write_text(text, "utf-8", newline="\n")
    config.write_text(told, "utf-8", newline="\n")
    say(f"now: git commit -am 'release {given.version}' && git tag v{given.version}")
    return 0


# --- the steps ------------------------------------------------------------------------------


def clean_tree(job: Job) -> str:
    """Nothing changed, nothing that git does not know."""
    changed = job.git("status", "--porcelain").splitlines()
    if changed:
        raise ReleaseError(f"the checkout is not clean: {changed[0].strip()} ({len(changed)})")
    return f"clean at {job.commit[:12]}"


def one_version(job: Job) -> str:
    """setup.cfg, CHANGELOG.md and the tag of what is checked out agree."""
    version = job.version
    date = job.section.date
    tags = job.git("tag", "--points-at", "HEAD").split()
    if f"v{version}" not in tags:
        raise ReleaseError(f"HEAD is not tagged v{version} (tags: {', '.join(tags) or 'none'})")
    return f"{version} of {date}"


def known_keys(job: Job) -> str:
    """What will be signed; a key in the checkout, or half a set, is refused."""
    certificate, key = (os.environ.get(name, "") for name in _SIGN)
    if bool(certificate) != bool(key):
        raise ReleaseError(f"{' and '.join(_SIGN)} belong together")
    given = [job.keys.get(role, []) for role in ROLES]
    update = [bool(job.repository), bool(job.readable_from), *map(bool, given)]
    if any(update) and not all(update):
        raise ReleaseError("--repository needs --readable-from and a key of each role")
    root = trust(job)
    if root is not None and not root.is_file():
        raise ReleaseError(f"{job.repository} has no root: docs/update.md has the ceremony")
    secret = [*map(Path, filter(None, [key])), *(one for keys in given for one in keys)]
    for file in [*secret, *map(Path, filter(None, [certificate]))]:
        if not file.is_file():
            raise ReleaseError(f"{file} is not there")
    for file in secret:
        if job.root in file.resolve().parents:
            raise ReleaseError(f"{file.name} lies in the checkout: keep it elsewhere")
    told = "packages and sums are signed" if key else "nothing is signed: no key is given"
    return f"{told}; {'an' if job.repository else 'no'} update is published"


def tested(job: Job) -> str:
    """``.ci/run`` here, unless it is proven for this very commit."""
    kept = job.out / PROOF
    if job.proof is not None:
        if not proves(job.proof, job.commit):
            raise ReleaseError(f"{job.proof.name} proves nothing of {job.commit[:12]}")
        shutil.copyfile(job.proof, kept)
    if proves(kept, job.commit):
        return f"proven by {PROOF}"
    log = job.out / "ci.log"
    with log.open("wb") as told:
        words = [str(job.root / ".ci" / "run")]
        done = subprocess.run(
            words, cwd=job.root, check=False, stdout=told, stderr=subprocess.STDOUT
        )
    if done.returncode != 0:
        raise ReleaseError(f".ci/run ended with {done.returncode}: see {log}")
    body = {"commit": job.commit, "exit": 0, "log": digest(log), "at": _now()}
    kept.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    return f"passed; {PROOF} proves it"


def proves(proof: Path, commit: str) -> bool:
    """Whether ``proof`` says that ``.ci/run`` passed on ``commit``."""
    try:
        told: dict[str, Any] = json.loads(proof.read_text("utf-8"))
        return bool((told["commit"], told["exit"]) == (commit, 0))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def packaged(target: str) -> Step:
    """Make the packages of ``target``, and try them."""

    def words(job: Job) -> list[str]:
        made = ["tools/start.py", "package", target, "--out", str(job.out / "make" / target)]
        root = trust(job)
        believed = [] if root is None else ["--root", str(root)]
        return [sys.executable, *made, *believed, *(["--check"] if job.check else [])]

    def act(job: Job) -> str:
        shutil.rmtree(job.out / "make" / target, ignore_errors=True)
        run(words(job), job.root, hide=False)
        return ", ".join(file.name for file in _collected(job, target))

    title = f"packages of {target} 安装包"
    return Step(title, act, lambda job: [shlex.join(words(job))])


def trust(job: Job) -> Path | None:
    """The vendor's first root, by which a counter believes every later one."""
    return job.repository and job.repository.resolve() / "metadata" / "1.root.json"


def _collected(job: Job, target: str) -> list[Path]:
    """What is handed out of it, moved to ``job.out``; ``ReleaseError`` where a kind is missing."""
    found = [
        f for f in sorted((job.out / "make" / target).iterdir()) if f.name.endswith(MADE[target])
    ]
    for kind in MADE[target]:
        if not any(file.name.endswith(kind) and job.version in file.name for file in found):
            raise ReleaseError(f"{target}: no file …{kind} of {job.version} was made")
    return [file.replace(job.out / file.name) for file in found]


def update_commands(job: Job) -> list[list[str]]:
    """Publish both versions as they lie at a counter, and an update file of each for a stick."""
    if job.repository is None:
        return []
    base = [sys.executable, "tools/start.py", "package", "update", "--out", str(job.repository)]
    signers = [w for r in ROLES for w in (f"--{r}-key", *map(str, job.keys[r]))]
    commands: list[list[str]] = []
    for target in MADE:
        about = ["--version", job.version, "--platform", f"{target}-x86_64"]
        readable = ["--readable-from", job.readable_from]
        bundle = job.out / "make" / target / "work" / "dist" / "yibao-face"
        stick = job.out / f"yibao-face-{job.version}-{target}-x86_64.update"
        commands.append([*base, "release", str(bundle), *about, *readable, *signers])
        commands.append([*base, "stick", str(stick), *about])
    return commands


def published(job: Job) -> str:
    """Run them."""
    commands = update_commands(job)
    for words in commands:
        run(words, job.root, hide=False)
    return "published" if commands else "left out: no --repository"


def noted(job: Job) -> str:
    """RELEASE_NOTES.md out of the section of CHANGELOG.md, with the files that are there."""
    job.out.mkdir(parents=True, exist_ok=True)
    files = [Artefact(one.name, one.stat().st_size, digest(one)) for one in artefacts(job)]
    (job.out / NOTES).write_text(notes(job.section, files), "utf-8")
    return f"{NOTES}: {sum(map(len, job.section.groups.values()))} entries, {len(files)} files"


def summed(job: Job) -> str:
    """SHA256SUMS of all that is handed out; the checkout must still be as it was tagged."""
    clean_tree(job)
    files = [*artefacts(job), job.out / NOTES]
    lines = [f"{digest(file)}  {file.name}\n" for file in files]
    (job.out / SUMS).write_text("".join(lines), "utf-8", newline="\n")
    return f"{SUMS}: {len(files)} files"


def signature_words(job: Job) -> list[str]:
    """A detached signature (CMS) under the key packages are signed with."""
    certificate, key = (os.environ.get(name, "") for name in _SIGN)
    if not (certificate and key):
        return []
    words = ["openssl", "cms", "-sign", "-binary", "-outform", "PEM", "-md", "sha256"]
    files = ["-in", str(job.out / SUMS), "-out", str(job.out / SIGNATURE)]
    return [*words, "-signer", certificate, "-inkey", key, *files]


def signed(job: Job) -> str:
    """Run it."""
    (job.out / SIGNATURE).unlink(missing_ok=True)
    words = signature_words(job)
    if not words:
        return f"{SUMS} is not signed: {_SIGN[1]} names no key"
    run(words, job.root)
    return SIGNATURE


def artefacts(job: Job) -> list[Path]:
    """What is handed out and lies in ``job.out``, sorted."""
    kinds = (*(kind for made in MADE.values() for kind in made), ".update")
    there = sorted(job.out.iterdir()) if job.out.is_dir() else []
    return [file for file in there if file.name.endswith(kinds)]


STEPS = (
    Step("clean checkout 检出干净", clean_tree, cheap=True),
    Step("one version 版本一致", one_version, cheap=True),
    Step("keys 密钥", known_keys, cheap=True),
    Step("tests 测试", tested, lambda job: [f".ci/run, unless {job.proof or PROOF} proves it"]),
    packaged("linux"),
    packaged("windows"),
    Step("update 更新", published, lambda job: [shlex.join(one) for one in update_commands(job)]),
    Step("notes 发布说明", noted, cheap=True),
    Step("sums 校验和", summed, lambda job: [f"write {SUMS} of packages and {NOTES}"]),
    Step(
        "signature 签名", signed, lambda job: [w for w in (shlex.join(signature_words(job)),) if w]
    ),
)


def digest(file: Path) -> str:
    """SHA-256, hexadecimal."""
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def run(words: list[str], root: Path, *, hide: bool = True) -> str:
    """Run to success in ``root``; what it printed where that is hidden. ``ReleaseError``."""
    done = subprocess.run(words, cwd=root, check=False, capture_output=hide, text=True)
    if done.returncode != 0:
        last = (done.stderr or "").strip().splitlines()[-1:] or [f"exit {done.returncode}"]
        raise ReleaseError(f"{Path(words[0]).name} {' '.join(words[1:3])} …: {last[0]}")
    return (done.stdout or "").strip()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def say(text: str) -> None:
    """Progress, at once."""
    print(f"release: {text}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
