"""The configuration: can it be used, is it this site's own, is it as strict as it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.liveness.challenge import When
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.section import LockoutConfig, MatchConfig

GROUP = "setting"
_NO_CONFIG = "配置文件不能使用，先修好它"
# A pause nobody notices is none.
_LEAST_LOCK_S = 60.0
_SAMPLES = ("example", "localhost", "127.0.0.1", "test")


def readable(subject: Subject) -> Finding:
    """What the daemon itself would say at its start."""
    if subject.trouble:
        cause = f"配置文件不能使用：{subject.trouble}"
        fix = "请按提示改正config.toml中的这一处；不需要的键请删除，再运行 yibao-face config 核对"
        return fault(subject.file.name, cause, fix)
    return well("没有配置文件，全部用默认值" if not subject.file.is_file() else "可用")


def own_rights(subject: Subject) -> Finding:
    """Whoever may write it may turn everything off."""
    if not subject.file.is_file():
        return passed_over("没有配置文件")
    if subject.machine.system == "win32":
        return passed_over("Windows由安装程序设置目录权限")
    mode = subject.file.stat().st_mode & 0o777
    if mode & 0o002:
        cause = "任何账号都能改动配置文件"
        return fault(f"{mode:o}", cause, f"请执行 chmod o-w {subject.file}")
    return well(f"{mode:o}")


def site(subject: Subject) -> Finding:
    """The institution's own code."""
    if subject.trouble:
        return passed_over(_NO_CONFIG)
    code = subject.config.desk.institution
    if not code:
        cause = "没有填写定点机构编码，签到和柜台操作无法归属"
        return doubt("空", cause, "请在config.toml的[desk]填写institution")
    return well(code)


def samples(subject: Subject) -> Finding:
    """Values of the demo, or of the manual, that were left in."""
    if subject.trouble:
        return passed_over(_NO_CONFIG)
    config = subject.config
    sample = sample_request("", "", subject.clock, 1)["fixmedins_code"]
    left: list[str] = []
    if config.camera.uri.startswith("replay:"):
        left.append("camera.uri")
    if config.desk.institution == sample:
        left.append("desk.institution")
    if any(word in config.centre.url for word in _SAMPLES):
        left.append("centre.url")
    if left:
        cause = "配置里还是演示或示例的值，不能用于结算"
        return fault("、".join(left), cause, "请把这些键改成本机构的真实值")
    return well("没有演示值")


def callers(subject: Subject) -> Finding:
    """Pages and programs that may call without the usual guard."""
    door = subject.config.door
    plain = [page for page in door.origins if page.startswith("http://")]
    if door.text_plain or plain:
        told = "、".join([*plain, *(["text_plain"] if door.text_plain else [])])
        cause = "放宽了浏览器调用的限制，同一电脑上的其他网页也可能调用"
        return doubt(told, cause, "请让HIS使用https页面和application/json，再关闭这些放宽")
    return well(f"{len(door.origins)} 个网页来源")


@dataclass(frozen=True, slots=True)
class Guard:
    """A value that keeps people safe. ``weak``: whether a site took it away."""

    id: str
    title: str
    english: str
    value: Callable[[Config], object]
    weak: Callable[[Config], bool]
    cause: str
    fix: str
    grave: bool = True

    def work(self, subject: Subject) -> Finding:
        """Compare with what it came with."""
        if subject.trouble:
            return passed_over(_NO_CONFIG)
        told = str(self.value(subject.config)).lower()
        if not self.weak(subject.config):
            return well(told)
        return (fault if self.grave else doubt)(told, self.cause, self.fix)


def _short(lockout: LockoutConfig) -> bool:
    return min(lockout.lock_s, lockout.window_s) < _LEAST_LOCK_S


_LOCKOUT = LockoutConfig()
_MARGIN, _SPOOFS = MatchConfig().margin, _LOCKOUT.spoofs
GUARDS = (
    Guard(
        *("liveness-depth", "活体：深度相机", "liveness: depth demanded"),
        lambda c: c.liveness.allow_rgb_only,
        lambda c: c.liveness.allow_rgb_only,
        "已允许没有深度的摄像头结算，照片和视频可能通过",
        "请删除[liveness]的allow_rgb_only，并使用3D摄像头",
    ),
    Guard(
        *("liveness-challenge", "活体：动作配合", "liveness: challenge"),
        lambda c: c.liveness.challenge,
        lambda c: c.liveness.challenge == When.NEVER.value,
        "已关闭动作配合，面具类攻击更难发现",
        "请把[liveness]的challenge改回after-reject",
    ),
    Guard(
        *("match-margin", "比对：加严幅度", "match: margin"),
        lambda c: c.match.margin,
        lambda c: c.match.margin < _MARGIN,
        f"比对加严幅度低于默认的{_MARGIN}，认错人的可能增大",
        "请恢复[match]的margin；只有用本地照片校准过的机构可以改小",
        grave=False,
    ),
    Guard(
        *("camera-peek", "镜头遮挡检查", "covered lens is looked for"),
        lambda c: c.camera.peek_s,
        lambda c: c.camera.peek_s == 0,
        "已关闭镜头遮挡检查，摄像头被遮住时没有人知道",
        "请把[camera]的peek_s改回45",
        grave=False,
    ),
    Guard(
        *("lockout", "冒用锁定", "lockout after attacks"),
        lambda c: f"{c.lockout.spoofs} 次，{c.lockout.lock_s:.0f} 秒",
        lambda c: not 0 < c.lockout.spoofs <= 3 * _SPOOFS or _short(c.lockout),
        "冒用锁定已关闭或过宽，同一人可以反复尝试",
        f"请把[lockout]改回 spoofs = {_SPOOFS}、window_s = {_LOCKOUT.window_s:.0f}、"
        f"lock_s = {_LOCKOUT.lock_s:.0f}",
    ),
    Guard(
        *("attack-pictures", "攻击留图", "pictures of attacks kept"),
        lambda c: c.liveness.keep_attack_crops,
        lambda c: not c.liveness.keep_attack_crops,
        "已关闭攻击留图，事后无法核查",
        "请把[liveness]的keep_attack_crops改回true（图片加密，到期自动删除）",
        grave=False,
    ),
    Guard(
        *("camera-lamps", "深度和红外补光", "lamps of the camera"),
        lambda c: c.camera.settings.emitter,
        lambda c: not c.camera.settings.emitter,
        "已关闭摄像头的深度和红外补光，活体判断会失灵",
        "请把[camera.settings]的emitter改回true",
    ),
)

CHECKS = (
    Check("config", GROUP, "配置文件", "configuration", readable, quick=True),
    Check("config-rights", GROUP, "配置文件权限", "rights of the configuration", own_rights),
    Check("institution", GROUP, "机构编码", "institution code", site),
    Check("samples", GROUP, "演示值", "demo values left", samples),
    Check("callers", GROUP, "调用来源", "who may call", callers),
    *(Check(g.id, GROUP, g.title, g.english, g.work) for g in GUARDS),
)
