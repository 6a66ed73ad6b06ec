"""Build a daemon from its configuration: the one place where collaborators meet."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import time
from pathlib import Path
from typing import Any, Self

from yibao_face.daemon.booth.board import Board
from yibao_face.daemon.booth.booth import Booth, Held
from yibao_face.daemon.booth.counter import Counter
from yibao_face.daemon.booth.eye import Eye, eye_of
from yibao_face.daemon.booth.look import ConsentText, Scene, Terms
from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.capture.session import Session
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, under_centre
from yibao_face.daemon.core.deal import LockPolicy, RepeatPolicy
from yibao_face.daemon.core.decision import DECADE, MatchPolicy, refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Action, ChallengePolicy, When
from yibao_face.daemon.core.liveness.device import Pin
from yibao_face.daemon.core.liveness.modality import Allowance, Plan
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.core.scene.treatment import DEFAULT_RULES
from yibao_face.daemon.desk.attendance import Attendance
from yibao_face.daemon.desk.desk import AttendanceRules, Desk, DeskRules
from yibao_face.daemon.desk.evidence import crops_of, keeper_of, mend_evidence
from yibao_face.daemon.desk.suite import certificate_signer_of, chain_hash, tell_chain
from yibao_face.daemon.gallery.crop import CropStore
from yibao_face.daemon.gallery.evidence import Evidence
from yibao_face.daemon.gallery.gallery import Gallery
from yibao_face.daemon.gallery.roster import RosterIndex
from yibao_face.daemon.gallery.vault import Vault, open_vault
from yibao_face.daemon.inbox.inbox import Inbox
from yibao_face.daemon.inbox.kind.revoked import RevocationList, refuse_revoked
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.lan.caller import CallerBook, Roster
from yibao_face.daemon.lan.listener import Lan
from yibao_face.daemon.ledger import Entry, Ledger, Provenance
from yibao_face.daemon.link.clock import CentreClock
from yibao_face.daemon.link.link import Link, parts_of
from yibao_face.daemon.service import Rules, Service
from yibao_face.daemon.trust.configuration import keys_path
from yibao_face.daemon.trust.document import CentreKeys, load_keys
from yibao_face.daemon.trust.policy import PolicyFile, PolicyNews
from yibao_face.daemon.trust.revocation import TrustedKeys
from yibao_face.daemon.trust.signature import Ed25519Signer, Signer
from yibao_face.drivers.api import Camera, DeviceConfigError
from yibao_face.drivers.reader.api import CardReader
from yibao_face.drivers.reader.hosted import ReaderSettings
from yibao_face.drivers.reader.table import open_reader
from yibao_face.drivers.supervise.supervisor import Patience
from yibao_face.installer.update.swap import lock
from yibao_face.models.api import Embedding, ModelError, ModelStamp
from yibao_face.models.liveness.gate import LivenessEntry
from yibao_face.models.mask import Mask
from yibao_face.models.suite import FaceModels, load_face_models
from yibao_face.models.weights.manifest import Manifest, load_manifest
from yibao_face.models.weights.site import MATCH_FAR, choose, match_table
from yibao_face.models.weights.store import WeightStore
from yibao_face.models.weights.threshold import MatchTable
from yibao_face.sync.api import Query, StoreError
from yibao_face.sync.outbox import Outbox

logger = logging.getLogger(__name__)

# Sizes limits are looked up for: more pictures than these were calibrated for nobody.
_TEMPLATES, _PROBES = range(1, 4), range(1, 6)
_LEAST_DECADE = 0.05


@dataclass(frozen=True, slots=True)
class Daemon:
    """A wired daemon; ``close`` once, after the last call."""

    config: Config
    service: Service
    attendance: Attendance
    desk: Desk
    counter: Counter
    models: FaceModels | ModelError
    owns_models: bool
    reply_signer: Signer
    eye: Eye
    inbox: Inbox
    link: Link
    lan: Lan

    @property
    def ledger(self) -> Ledger:
        """The record log all of them write to."""
        return self.service.ledger

    def close(self) -> None:
        """Release the camera, the link, files and native memory."""
        self.eye.close()
        self.link.stop()
        self.desk.close()
        if self.owns_models and isinstance(self.models, FaceModels):
            self.models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def plain_store(config: Config) -> WeightStore:
    """The installed networks of this data folder as the manifest has them."""
    return WeightStore(config.models, load_manifest(), config.carried_models)


def weight_store(config: Config) -> WeightStore:
    """The installed networks of this data folder, with the embedder the site chose.

    Raises ``ModelError`` for a choice that cannot settle anything.
    """
    store = plain_store(config)
    return replace(store, manifest=choose(store.manifest, config.models, config.match.model))


def gallery_of(config: Config) -> Gallery:
    """The gallery of this data folder, under its device key."""
    return Gallery(config.data / "gallery.db", vault_of(config))


def vault_of(config: Config) -> Vault:
    """The vault of this data folder; makes the key on first use."""
    return open_vault(config.data / "device.key", suite=config.crypto.suite)


def outbox_path(config: Config) -> Path:
    """Where results are written."""
    return config.data / "results.db"


def signer_of(vault: Vault) -> Signer:
    """The daemon's signature key, derived from its device key."""
    return Ed25519Signer(vault.sign_seed)


def reply_signer_of(vault: Vault) -> Signer:
    """The key the daemon signs its replies with: not that of the certificates."""
    return Ed25519Signer(vault.reply_seed)


def caller_book_of(config: Config, vault: Vault) -> CallerBook:
    """Who may call this data folder's daemon over the network."""
    return CallerBook(config.data / "lan-callers", vault)


def _lan(config: Config, vault: Vault) -> Lan:
    return Lan(config.lan, Roster(caller_book_of(config, vault)), reply_signer_of(vault))


def build(
    config: Config,
    *,
    demo: bool,
    camera: Callable[[], Camera] | None = None,
    clock: Clock | None = None,
    loaded: FaceModels | None = None,
) -> Daemon:
    """Wire everything. Damaged models do not keep it from serving: every call then says so.

    A model that may not settle does: ``ModelError`` names it.

    ``loaded``: networks somebody else loaded and closes, instead of those of the data folder.
    What the centre laid over ``config``, the site's own, is in force in the daemon.
    """
    local, config = config, under_centre(config)
    store = weight_store(config)
    manifest = store.manifest
    models = loaded or _models(store)
    counter, board = Counter(config.enrolment.counter_s), Board()
    gallery = gallery_of(config)
    embedder = manifest.by_role("embedder")
    match = match_policy(match_table(embedder), config.match.margin, demo=demo)
    shared = _Shared(
        config, manifest.liveness, models, counter, board, match, RosterIndex(gallery)
    )

    def scene() -> Scene:
        return shared.scene(desk, eye, crops)

    provenance = _provenance(config, manifest, models, match)
    centre, clock = _compared(config, clock or Clock())
    desk = _desk(config, provenance, Booth(scene, clock, board, _hold(config)), gallery)
    crops = crops_of(config, desk)
    mend_evidence(desk, crops)
    tell_chain(config, desk.ledger)
    policies = policies_of(config, desk)
    inbox = inbox_of(local, desk, policies, desk.booth.embed)
    eye = _eye(config, desk.ledger) if camera is None else Eye(camera)
    return Daemon(
        config,
        _service(config, desk, policies),
        Attendance(desk.booth, desk.ledger, gallery, desk.rules.attendance),
        desk,
        counter,
        models,
        loaded is None,
        reply_signer_of(gallery.vault),
        eye,
        inbox,
        _link(config, desk, centre, inbox, eye),
        _lan(config, gallery.vault),
    )


def _compared(config: Config, clock: Clock) -> tuple[CentreClock, Clock]:
    """The centre's clock, and ours, which knows how far it is from it."""
    centre = CentreClock(clock.unix_ms, kept=clock_path(config))
    return centre, replace(clock, offset_ms=centre.offset_ms, floor_ms=centre.floor_ms)


def clock_path(config: Config) -> Path:
    """Where it is kept what the centre's clock read last."""
    return config.data / "link" / "clock"


def _link(config: Config, desk: Desk, centre: CentreClock, inbox: Inbox, eye: Eye) -> Link:
    """The way to the centre; it gives way while somebody is before the camera."""

    def busy() -> bool:
        return desk.booth.occupied

    parts = parts_of(config, desk, centre, busy=busy, inbox=inbox, camera=eye.health)
    return Link(parts, sends=config.centre.in_daemon)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all encounters of a daemon share, but for what is only there once it has a log."""

    config: Config
    gates: LivenessEntry
    models: FaceModels | ModelError
    counter: Counter
    board: Board
    match: MatchPolicy
    roster: RosterIndex

    def scene(self, desk: Desk, eye: Eye, crops: CropStore) -> Scene:
        """Raises what keeps anybody from being looked at: no networks, or revoked ones."""
        config, models = self.config, self.models
        if isinstance(models, ModelError):
            raise type(models)(str(models))
        revoked = RevocationList(desk.ledger.outbox).current()
        refuse_revoked(revoked, device_ids(desk), models.stamps)
        return Scene(
            lambda: self.board.watch(eye.open()),
            models,
            _session_for(config, self.gates, models, self.board),
            desk.gallery,
            self.counter,
            self.match,
            _consent(config),
            self.roster,
            crops,
            _terms(config),
            config.match.grow,
            reader_of(config),
        )


def _eye(config: Config, ledger: Ledger) -> Eye:
    """The configured camera; alarms about it go on record."""
    camera = config.camera

    def alarm(detail: dict[str, Any]) -> None:
        ledger.write(ledger.new_id(), Entry(Kind.ALARM, refused(Cause.RECORDED), detail=detail))

    patience = Patience(idle_s=camera.idle_s, preopen=camera.preopen, peek_s=camera.peek_s)
    return eye_of(camera.uri, camera.settings, patience, config.plugins, alarm)


def reader_of(config: Config) -> Callable[[], CardReader] | None:
    """What opens the reader of ID cards; ``None`` where none is configured."""
    reader = config.reader
    if not reader.uri:
        return None
    settings = ReaderSettings(reader.library, reader.sha256, reader.decoder, reader.decoder_sha256)
    return lambda: open_reader(reader.uri, settings)


def match_policy(table: MatchTable, margin: float, *, demo: bool) -> MatchPolicy:
    """Limits at the document's FAR (S0-73) by pictures on either side, each with ``margin``."""
    limits = tuple(
        tuple(table.limit(template, probe, MATCH_FAR) + margin for probe in _PROBES)
        for template in _TEMPLATES
    )
    return MatchPolicy(limits[0][0], demo, limits, decade=_decade(table))


def _decade(table: MatchTable) -> float:
    """What the last power of ten of FAR cost at the dearest number of pictures."""
    if not any((r.template, r.probe, r.far) == (1, 1, 10 * MATCH_FAR) for r in table.rows):
        return DECADE
    sizes = [(template, probe) for template in _TEMPLATES for probe in _PROBES]
    steps = [table.limit(*s, MATCH_FAR) - table.limit(*s, 10 * MATCH_FAR) for s in sizes]
    # Few pairs make a ragged tail: a step too small to be true is not believed.
    return max(*steps, _LEAST_DECADE)


def _models(store: WeightStore) -> FaceModels | ModelError:
    try:
        return load_face_models(store)
    except ModelError as exc:
        logger.error("models cannot be used: %s", exc)  # noqa: TRY400  # one line, told once
        return exc


def _hold(config: Config) -> Callable[[], Held | None]:
    """What an update waits for (installer/update)."""
    return lambda: lock.take(lock.encounter_file(config.data))


def desk_of(config: Config, *, demo: bool = False) -> Desk:
    """The desk without a camera: for commands that run beside a daemon or without one."""

    def scene() -> Scene:
        raise DeviceConfigError("this command has no camera")

    provenance = Provenance("{}", "{}", config.enrolment.consent_version, demo)
    return _desk(config, provenance, Booth(scene, Clock()), gallery_of(config))


def _desk(config: Config, provenance: Provenance, booth: Booth, gallery: Gallery) -> Desk:
    vault = gallery.vault
    signer = signer_of(vault)
    # Heads keep the key the centre knows the device by.
    log = Outbox(outbox_path(config), sign=signer.sign, algorithm=chain_hash(config))
    issuer = certificate_signer_of(config, vault)
    ledger = Ledger(log, vault, issuer, provenance, booth.clock, booth.board.written)
    return Desk(
        booth,
        ledger,
        gallery,
        Evidence(config.data / "evidence", vault),
        TrustedKeys(load_keys(centre_keys_path(config)), RevocationList(log).keys),
        _desk_rules(config),
        keeper_of(config, ledger),
    )


def policies_of(config: Config, desk: Desk) -> PolicyFile:
    """The centre's policy on this machine."""
    return _policy_file(config, desk.ledger, desk.centre)


def inbox_of(
    local: Config, desk: Desk, policies: PolicyFile, embed: Callable[[bytes, str], Embedding]
) -> Inbox:
    """What takes in documents of the centre. ``local``: without what it laid over it before."""
    embedder = weight_store(local).manifest.by_role("embedder")
    stamp = ModelStamp(embedder.id, embedder.sha256)
    vault = desk.gallery.vault
    device = signer_of(vault).key_id
    return Inbox(
        Site(local, desk, policies, device, vault.seal_seed, stamp, embedder.feed.dim, embed)
    )


def device_ids(desk: Desk) -> frozenset[str]:
    """What the centre may call this device by in a revocation: ids of its keys."""
    return frozenset({signer_of(desk.gallery.vault).key_id, desk.ledger.signer.key_id})


def mend_inbox(config: Config) -> None:
    """Put the centre's documents beside the log right, before they are read.

    A damaged log shall not keep the daemon from saying so to each call.
    """
    if not outbox_path(config).exists():
        return
    try:
        with desk_of(config) as desk:
            inbox_of(config, desk, policies_of(config, desk), desk.booth.embed).mend()
    except StoreError as exc:
        logger.warning("documents of the centre not looked through: %s", exc)


def _service(config: Config, desk: Desk, policies: PolicyFile) -> Service:
    """What settlements ask, on the collaborators of ``desk``."""
    ledger = desk.ledger
    repeat, lockout = config.repeat, config.lockout
    rules = Rules(
        policies.current,
        RepeatPolicy(_ms(repeat.pass_s)),
        LockPolicy(lockout.spoofs, _ms(lockout.window_s), _ms(lockout.lock_s)),
        frozenset(config.desk.inpatient_med_types),
        _challenge(config),
        RevocationList(ledger.outbox).current,
        device_ids(desk),
    )
    return Service(desk.booth, ledger, desk.gallery, rules)


def _desk_rules(config: Config) -> DeskRules:
    desk, signs = config.desk, config.attendance
    return DeskRules(
        desk.institution,
        time.fromisoformat(desk.round_by),
        DEFAULT_RULES,
        desk.makeup_hours * 3_600_000,
        desk.max_agents,
        desk.max_cards,
        AttendanceRules(_ms(signs.duplicate_s), _ms(signs.clock_tolerance_s)),
    )


def _policy_file(config: Config, ledger: Ledger, keys: CentreKeys) -> PolicyFile:
    """The centre's policy, each acceptance and each refusal of a file on record."""

    def floor() -> int:
        events = ledger.events(Query(kinds=(Kind.POLICY.value,)))
        return max((int(e.detail["version"]) for e in events), default=0)

    def report(news: PolicyNews) -> None:
        kind = Kind.POLICY if news.accepted else Kind.ALARM
        detail = {"what": "policy", **asdict(news)}
        ledger.write(ledger.new_id(), Entry(kind, refused(Cause.RECORDED), detail=detail))
        if not news.accepted:
            logger.warning("policy file ignored: %s", news.reason)

    inbox, accepted = policy_paths(config)
    return PolicyFile(inbox, accepted, keys, floor, report)


def policy_paths(config: Config) -> tuple[Path, Path]:
    """Where the centre's policy arrives, and where the accepted one is kept."""
    return config.data / "policy.json", config.data / "policy.accepted.json"


def centre_keys_path(config: Config) -> Path:
    """The centre's public keys, put there by the installer."""
    return keys_path(config.data)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _session_for(
    config: Config, gates: LivenessEntry, models: FaceModels, board: Board
) -> Callable[[Plan], Session]:
    mask = Mask(config.camera.masks) if config.camera.masks else None

    def session_for(plan: Plan) -> Session:
        policy = liveness_policy(gates, plan.cues)
        examiner = Examiner(models, Limits(), policy, mask, plan.cues, board)
        patience = config.encounter.capture_s, config.camera.silence_s
        return Session(examiner, *patience, gates.max_frames)

    return session_for


def _terms(config: Config) -> Terms:
    camera = config.camera
    pin = Pin(camera.pin_usb_id, camera.pin_serial, camera.pin_path, camera.pin_firmware)
    allowed = Allowance(colour_only=config.liveness.allow_rgb_only)
    return Terms(pin, allowed, _challenge(config))


def _challenge(config: Config) -> ChallengePolicy:
    liveness = config.liveness
    fen = round(liveness.challenge_amount * 100)
    return ChallengePolicy(When(liveness.challenge), fen, tuple(map(Action, liveness.actions)))


def _consent(config: Config) -> ConsentText | None:
    enrolment = config.enrolment
    if not enrolment.in_call:
        return None
    return ConsentText(enrolment.consent_version, enrolment.consent_text)


def _provenance(
    config: Config, manifest: Manifest, models: FaceModels | ModelError, match: MatchPolicy
) -> Provenance:
    stamps = models.stamps if isinstance(models, FaceModels) else ()
    return Provenance(
        json.dumps({stamp.id: stamp.sha256 for stamp in stamps}),
        json.dumps({"liveness": manifest.liveness.version, "match": match.min_similarity}),
        config.enrolment.consent_version,
        match.demo,
    )
