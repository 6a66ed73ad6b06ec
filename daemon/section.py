"""What a site may set, one frozen dataclass for each table of the configuration file."""

from __future__ import annotations

from dataclasses import dataclass, field

from yibao_face.daemon.core.scene.ward import INPATIENT_MED_TYPES
from yibao_face.drivers.driver import Settings
from yibao_face.models.mask import Polygons

# The notice of admission must carry this sentence (S0-49).
CONSENT_TEXT = "本人同意接受通过实人认证(人脸识别)等方式进行医疗行为监管"

CHARSETS = ("auto", "utf-8", "gbk", "gb18030")
SUITES = ("standard", "sm")
CONTRASTS = ("normal", "high")


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """Where HIS programs call. ``origins``: browser pages that may (none by default).

    ``charset``: what the HIS of this site speaks, ``utf-8`` or ``gbk``; ``auto``: each call's.
    ``text_plain``: whether a HIS program may send that Content-Type; a page never may.
    """

    host: str = "127.0.0.1"
    port: int = 51518
    origins: tuple[str, ...] = ()
    charset: str = "auto"
    text_plain: bool = False


@dataclass(frozen=True, slots=True)
class LanConfig:
    """Where libraries on other machines call, sealed (docs/lan.md); off unless ``enabled``.

    ``host``: an IPv4 address of this machine; ``0.0.0.0``, all of them, must be written out.
    ``calls_per_min``: of each caller; an address gets four times as much.
    """

    enabled: bool = False
    host: str = ""
    port: int = 51521
    calls_per_min: int = 60


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """``uri``: driver and device (``replay:/a/clip.rgbd``). ``silence_s``: longest frame gap.

    ``masks``: up to 4 polygons of 3 to 16 corners ``[x, y]`` in shares 0..1 of the picture, from
    its upper left corner, in which no face is looked for.

    ``pin_…``: the camera this counter was fitted with, none else is used; empty: not compared.
    ``usb_id``: ``vid:pid``; ``path``: the socket; all as ``yibao-face camera list`` tells them.

    ``idle_s``: kept open after the last person, for the next one; -1: always. ``preopen``: opened
    when the daemon starts. ``peek_s``: while closed, looked into this often, to notice a covered
    lens (S1-05); 0: never. ``settings``: how the driver opens it.
    """

    uri: str = ""
    silence_s: float = 3.0
    masks: Polygons = ()
    pin_usb_id: str = ""
    pin_serial: str = ""
    pin_path: str = ""
    pin_firmware: str = ""
    idle_s: float = 120.0
    preopen: bool = True
    peek_s: float = 45.0
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """``uri`` of the ID-card reader (``sdt:1001``); empty: none.

    ``library``, ``decoder``: files of its vendor, each with its ``sha256``; of one that does both,
    ``decoder`` is empty.
    """

    uri: str = ""
    library: str = ""
    sha256: str = ""
    decoder: str = ""
    decoder_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ScannerConfig:
    """``uri`` of the code scanner (``serial:COM3``, ``keyboard:/dev/input/…``, ``hidpos:…``).

    ``baud``: of a serial one. ``prefix``, ``suffix``: what it is set to add to each code.
    """

    uri: str = ""
    baud: int = 9600
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class EncounterConfig:
    """``deadline_s``: the whole call (S0-05). ``capture_s``: to be seen well, once."""

    deadline_s: float = 300.0
    capture_s: float = 30.0


@dataclass(frozen=True, slots=True)
class EnrolmentConfig:
    """Enrolling an unknown person in the call. ``counter_s``: how long to wait for a window."""

    in_call: bool = True
    consent_version: str = "2023-106-1"
    consent_text: str = CONSENT_TEXT
    counter_s: float = 5.0


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """``margin``: added to the calibrated threshold, never taken from it.

    The thresholds we carry were measured on press photographs of mostly Western faces; on the
    East-Asian ones among them strangers pass 3 to 7 times as often, which 0.04 makes up for. A
    site that calibrated on its own pictures sets 0.

    ``model``: embedder the site put in (``yibao-face models add``); empty: the one we carry.
    ``grow``: whether clear passes become samples of the person (ADR 0015).
    """

    margin: float = 0.04
    model: str = ""
    grow: bool = True


@dataclass(frozen=True, slots=True)
class LivenessConfig:
    """Who is asked to move, and what a site takes upon itself.

    ``challenge``: ``never``, ``after-reject`` (of this person, lately), ``above-amount`` (and
    after a reject) or ``always``; ``challenge_amount``: yuan. ``actions``: what may be asked;
    the mouth always, as nothing else proves anything against masks. ``allow_rgb_only``:
    settlements before a camera without depth: weak, and told so in each record.

    ``keep_attack_crops``: a small sealed picture of each attack, erased after ``crop_days``.
    """

    challenge: str = "after-reject"
    challenge_amount: float = 500.0
    actions: tuple[str, ...] = ("mouth", "turn-left", "turn-right", "blink")
    allow_rgb_only: bool = False
    keep_attack_crops: bool = True
    crop_days: int = 7


@dataclass(frozen=True, slots=True)
class RepeatConfig:
    """``pass_s``: how long a pass answers the same settlement of the same person again (Q18)."""

    pass_s: float = 600.0


@dataclass(frozen=True, slots=True)
class LockoutConfig:
    """``spoofs`` within ``window_s`` pause a person for ``lock_s``; 0: never."""

    spoofs: int = 3
    window_s: float = 1800.0
    lock_s: float = 300.0


@dataclass(frozen=True, slots=True)
class AttendanceConfig:
    """``duplicate_s``: a repeat is no new sign. ``clock_tolerance_s``: set back so far is none."""

    duplicate_s: float = 300.0
    clock_tolerance_s: float = 120.0


@dataclass(frozen=True, slots=True)
class CentreConfig:
    """``url`` of the central service (``https://host:51519``); empty: none, records stay here.

    ``in_daemon``: whether the daemon sends; else ``yibao-face link run`` does, as a service of its
    own. ``evidence``: whether photographs go there as well, sealed.
    """

    url: str = ""
    in_daemon: bool = True
    evidence: bool = True


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """The page under ``/ui``. ``idle_min``: who does nothing for so many minutes is logged out."""

    enabled: bool = True
    idle_min: float = 15.0


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """``institution``: code of this site, for desk acts that name none. ``round_by``: ``HH:MM``.

    ``makeup_hours``: how far back a make-up sign may reach. ``max_agents`` of a card and
    ``max_cards`` of an agent: more are flagged. ``inpatient_med_types``: 医疗类别 of the wards.
    """

    institution: str = ""
    round_by: str = "20:00"
    makeup_hours: int = 24
    max_agents: int = 3
    max_cards: int = 3
    inpatient_med_types: tuple[str, ...] = tuple(sorted(INPATIENT_MED_TYPES))


@dataclass(frozen=True, slots=True)
class EvidenceConfig:
    """``quota_mb``: room for sealed pictures; beyond it those of least worth go, results never."""

    quota_mb: int = 5120


@dataclass(frozen=True, slots=True)
class CryptoConfig:
    """``suite``: ``standard`` (SHA-256, AES-256-GCM, Ed25519) or ``sm`` (SM3, SM4-GCM, SM2).

    Of what is written from now on: data of the other suite stays readable, and the chain of a
    record file keeps the hash it began with.
    """

    suite: str = "standard"


@dataclass(frozen=True, slots=True)
class UiConfig:
    """What people see at the counter (``yibao-face agent``).

    ``window``: whether the capture window opens by itself; the tray is there either way.
    ``screen``: 0 the main one, 1 the first beside it, …; one that is not there is the main one.
    ``volume``: of the spoken prompts, 0 (off) to 100. ``language``: ``zh`` or ``en``.
    ``contrast``: ``normal`` or ``high``.
    """

    window: bool = True
    screen: int = 0
    volume: int = 70
    language: str = "zh"
    contrast: str = "normal"
