"""``yibao-face liveness``: how often attacks pass, simulated or recorded; the field kit."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from yibao_face.daemon.booth.look import modality_of
from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.capture.session import Session
from yibao_face.daemon.cli.common import (
    CliError,
    Commands,
    command,
    config_of,
    say,
    write_file,
)
from yibao_face.daemon.cli.device.camera import opener
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Allowance, Cue, Purpose, plan_for
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.evaluate import baseline
from yibao_face.daemon.evaluate.acceptance import Plan, chosen, guide
from yibao_face.daemon.evaluate.label import KINDS
from yibao_face.daemon.evaluate.recorded import PATIENCE_S, Recorded, evaluate_folder
from yibao_face.daemon.evaluate.report.plot import histograms, require_extra, roc
from yibao_face.daemon.evaluate.report.rate import Study, Tally, study, tally_of
from yibao_face.daemon.evaluate.report.text import Page, html, numbers, text
from yibao_face.daemon.evaluate.result import LIVE, EvaluateError, Result
from yibao_face.daemon.evaluate.simulated.plan import Order
from yibao_face.daemon.evaluate.simulated.shard import Stamp, load
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.api import Capability
from yibao_face.models.simulator.species import Species
from yibao_face.models.suite import load_face_models

_PRESENTATIONS = 3000
_TUNING = 1000


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "liveness", "how often attacks pass / 活体检测评测与验收")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_evaluate(actions.add_parser("evaluate", help="error rates with exact intervals / 评测"))
    _add_acceptance(actions.add_parser("acceptance", help="guided field test / 现场验收（实拍）"))


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--set", choices=["simulated"], default="simulated", help="仿真")
    what.add_argument("--recorded", type=Path, metavar="DIR", help="labelled .rgbd clips / 实拍")
    parser.add_argument("--species", default="all", metavar="A,B", help="attacks, or all")
    parser.add_argument("--count", type=_positive, default=_PRESENTATIONS, help="per attack")
    parser.add_argument("--live", type=_natural, help="living people (default: as --count)")
    parser.add_argument("--challenge", action="store_true", help="with a random action / 加动作")
    parser.add_argument("--first-seed", type=_natural, default=0, metavar="N")
    parser.add_argument("--workers", type=_positive, default=2, help="processes")
    parser.add_argument("--baseline-every", type=_positive, default=1, metavar="N")
    parser.add_argument("--tuning", type=_positive, default=_TUNING, metavar="N")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--tune", action="store_true", help="people the thresholds come from")
    which.add_argument("--test", action="store_true", help="people held out (default)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="results, report")
    parser.set_defaults(run=_evaluate)


def _add_acceptance(parser: argparse.ArgumentParser) -> None:
    known = "、".join(f"{kind.key} {kind.chinese}" for kind in KINDS)
    parser.add_argument("--camera", required=True, metavar="URI", help="as in the configuration")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="clips, report")
    parser.add_argument("--species", default="all", metavar="A,B", help=known)
    parser.add_argument("--per", type=_positive, default=20, help="clips per species / 每类次数")
    parser.add_argument("--seconds", type=_seconds, default=3.0, help="per clip / 每次秒数")
    parser.add_argument("--batch", action="store_true", help="answers are piped in, one a line")
    parser.set_defaults(run=_acceptance)


def _evaluate(given: argparse.Namespace) -> int:
    require_extra()
    if given.recorded:
        return _recorded(config_of(given), given.recorded, given.out)
    orders = _orders(given)
    folder: Path = given.out / ("tune" if given.tune else "test")
    tuning: Path = given.out / "tune"
    if not given.tune:
        live = [Order(LIVE, 0, given.tuning)]
        _simulate(given, tuning, live, test=False)
    stamp = _simulate(given, folder, orders, test=not given.tune)
    tally = tally_of(load(folder))
    found = study(tally, _limits(tally if given.tune else tally_of(load(tuning))))
    _write(folder, tally, found, _simulated_page(tally, stamp))
    return 0


def _orders(given: argparse.Namespace) -> list[Order]:
    attacks = [species.value for species in Species if species.is_attack]
    asked = attacks if given.species == "all" else given.species.split(",")
    unknown = sorted(set(asked) - {*attacks, LIVE})
    if unknown:
        raise CliError(f"no species {', '.join(unknown)}; known: {', '.join([*attacks, LIVE])}")
    live = given.count if given.live is None else given.live
    counts = {LIVE: live} | {name: given.count for name in asked if name != LIVE}
    return [Order(name, given.first_seed, count) for name, count in counts.items()]


def _simulate(
    given: argparse.Namespace, folder: Path, orders: list[Order], *, test: bool
) -> Stamp:
    # The simulator is large: other commands of this program need not load it.
    from yibao_face.daemon.evaluate.simulated.encounter import (  # noqa: PLC0415
        Setup,
        engine_hash,
        install_simulator,
        open_engine,
    )
    from yibao_face.daemon.evaluate.simulated.run import Run, carry_out  # noqa: PLC0415

    setup = Setup(config_of(given), given.challenge, test, given.baseline_every)
    install_simulator(setup.config)
    engine = open_engine(setup)
    stamp = Stamp(engine.liveness.version, engine_hash(engine), given.challenge, test)
    carry_out(Run(folder, setup, given.workers), orders, stamp, _tell)
    return stamp


def _limits(tuning: Tally) -> list[baseline.Limit]:
    """The other rules may refuse as many tuning living people as the engine does there."""
    refused = tuning.count(LIVE).wrong.value
    found = (baseline.limit_at(n, tuning.measured(LIVE, n), refused) for n in baseline.NAMES)
    return [limit for limit in found if limit is not None]


def _simulated_page(tally: Tally, stamp: Stamp) -> Page:
    facts = (
        ("引擎 Engine", f"{stamp.policy} {stamp.engine}"),
        ("动作 Challenge", "有 on" if stamp.challenge else "无 off"),
        ("人员 People", "留出（测试） held out" if stamp.test else "调参 tuning"),
    )
    return _drawn(tally, Page(True, Clock().today().isoformat(), facts))


def _recorded(config: Config, clips: Path, out: Path) -> int:
    """Evaluate a folder of clips; 1 where one of them could not be read."""
    store = weight_store(config)
    gates = store.manifest.liveness
    models = load_face_models(store)

    def session_of(capability: Capability) -> Session:
        """As the daemon looks into such a camera, nobody waiting for an answer."""
        plan = plan_for(modality_of(capability), Purpose.SETTLEMENT, Allowance())
        # A clip always holds depth, so there is a plan.
        cues = frozenset(Cue) if isinstance(plan, Cause) else plan.cues
        examiner = Examiner(models, Limits(), liveness_policy(gates, cues), None, cues)
        return Session(examiner, PATIENCE_S, PATIENCE_S, gates.max_frames)

    try:
        found = evaluate_folder(session_of, clips, _tell)
    finally:
        models.close()
    tally = tally_of(found.results)
    facts = (
        ("引擎 Engine", gates.version),
        ("录像 Clips", f"{len(found.results)}（实拍 recorded）"),
        ("无法读取 Unreadable", f"{len(found.unreadable)}（实拍 recorded）"),
    )
    page = _drawn(tally, Page(False, Clock().today().isoformat(), facts))
    _write(out, tally, study(tally), page, _clip_list(found))
    for name, why in found.unreadable:
        _tell(f"无法读取 unreadable: {name}: {why}")
    return 1 if found.unreadable else 0


def _clip_list(found: Recorded) -> dict[str, Any]:
    return {
        "clips": [_clip(result) for result in found.results],
        "unreadable": [{"file": name, "why": why} for name, why in found.unreadable],
    }


def _clip(result: Result) -> dict[str, Any]:
    return {**asdict(result), "kind": "实拍 recorded"}


def _acceptance(given: argparse.Namespace) -> int:
    require_extra()
    if not given.batch and not sys.stdin.isatty():
        raise CliError("acceptance asks a person at each step: use a terminal, or --batch")
    config = config_of(given)
    kinds = chosen(KINDS, given.species)
    plan = Plan(given.out, kinds, given.per, given.seconds, _ask(given.batch), say)
    with opener(given)() as camera:
        guide(plan, camera)
    if not any(given.out.rglob("*.rgbd")):
        raise EvaluateError(f"{given.out.name} holds no clip yet: there is nothing to report")
    return _recorded(config, given.out, given.out)


def _ask(batch: bool) -> Callable[[str], str]:
    def answer(prompt: str) -> str:
        say(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line

    return answer if batch else input


def _drawn(tally: Tally, page: Page) -> Page:
    kind = "SIMULATED" if page.simulated else "RECORDED"
    drawn = {"ROC": roc(tally, kind), "特征分布 Feature histograms": histograms(tally, kind)}
    plots = tuple((caption, png) for caption, png in drawn.items() if png is not None)
    return Page(page.simulated, page.date, page.facts, plots)


def _write(
    folder: Path, tally: Tally, found: Study, page: Page, more: dict[str, Any] | None = None
) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise CliError(f"{folder.name} cannot be made: {exc.strerror}") from exc
    body = {**numbers(found, page), **(more or {})}
    write_file(folder / "report.json", json.dumps(body, ensure_ascii=False, indent=1))
    write_file(folder / "report.html", html(found, page))
    for line in text(found, page):
        say(line)
    say(f"报告 report: {folder / 'report.html'}")


def _tell(line: str) -> None:
    """Progress: not part of the answer."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _positive(word: str) -> int:
    number = _natural(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _natural(word: str) -> int:
    try:
        number = int(word)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of 0 or more")
    return number


def _seconds(word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0.2 <= number <= 60.0:
        raise argparse.ArgumentTypeError("between 0.2 and 60")
    return number
