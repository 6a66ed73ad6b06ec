"""The way to the centre: configured, bound, reachable, trusted, in time, and its policy here."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime

from yibao_face.daemon.clock import moment
from yibao_face.daemon.core.policy import PolicyError
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.link.keys import link_secret
from yibao_face.daemon.trust.document import DocumentError, load_keys, open_document
from yibao_face.daemon.trust.policy import KIND, policy_of
from yibao_face.daemon.wiring import centre_keys_path, policy_paths
from yibao_face.sync.uplink.api import SKEW_MS, IdentityError, place_of
from yibao_face.sync.uplink.identity.identity import Identity, IdentityFolder
from yibao_face.sync.uplink.standing import read_status
from yibao_face.sync.uplink.uplink import status_path

GROUP = "centre"
_ALONE = "没有配置中心，本机独立工作"
_UNBOUND = "还没有向中心注册"
_DAY_MS = 86_400_000
_SOON_DAYS = 30
_REACH_S = 5.0
_ENROL = "请向医保中心领取注册码，执行 yibao-face link enrol"


def bound(subject: Subject) -> Finding:
    """Whether this machine has an identity, for its owner alone."""
    if not subject.config.centre.url:
        return passed_over(_ALONE)
    try:
        identity = _identity(subject)
    except (IdentityError, VaultError) as exc:
        cause = "本机的中心证书文件不能使用"
        fix = f"请执行 chmod 600 link/identity.pem；仍不行请重新注册：{_ENROL}"
        return fault(str(exc)[:80], cause, fix)
    if identity is None:
        return doubt("未注册", "已配置中心但没有注册，记录只留在本机", _ENROL)
    return well(f"{identity.device} / {identity.institution}")


def certificate(subject: Subject) -> Finding:
    """Until when the centre knows this machine; it is renewed by itself while there is a link."""
    identity = _known(subject)
    if identity is None:
        return passed_over(_UNBOUND if subject.config.centre.url else _ALONE)
    left = (identity.not_after_ms - subject.now_ms) // _DAY_MS
    told = f"至 {moment(identity.not_after_ms):%Y-%m-%d}（{left} 天）"
    if subject.now_ms < identity.not_before_ms:
        return fault(told, "证书还没有生效，多半是电脑时间不对", "请校准电脑时间")
    if left < 0:
        return fault(told, "中心证书已过期，记录送不出去", _ENROL)
    if subject.now_ms > identity.renew_from_ms:
        cause = "中心证书应已自动续期而没有"
        return doubt(told, cause, "请检查到中心的网络，再执行 yibao-face link renew")
    return well(told)


def reachable(subject: Subject) -> Finding:
    """A TLS handshake, as the link makes it."""
    url = subject.config.centre.url
    if not url:
        return passed_over(_ALONE)
    identity, place = _known(subject), place_of(url)
    told = f"{place.host}:{place.port}"
    try:
        with socket.create_connection((place.host, place.port), _REACH_S) as plain:
            if identity is None:
                return well(f"{told} 可连接（未注册，未核对证书）")
            context = _folder(subject).context(identity.ca_pem, known=True)
            with context.wrap_socket(plain, server_hostname=place.host) as secure:
                return _server(told, secure.getpeercert(), subject.now_ms)
    except ssl.SSLCertVerificationError:
        cause = "中心的证书不可信：可能连错了地址，或电脑时间不对"
        return fault(told, cause, "请核对centre.url和电脑时间，再联系医保中心")
    except socket.gaierror:
        return _away(told, "找不到中心的地址", "请核对centre.url和DNS设置")
    except (OSError, IdentityError) as exc:
        return _away(
            f"{told} {type(exc).__name__}", "连不上中心", "请检查网络、防火墙和centre.url"
        )


def _away(told: str, cause: str, fix: str) -> Finding:
    """Not a failure: a counter works without its centre, and sends later."""
    return doubt(told, f"{cause}；核验不受影响，记录留在本机待送", fix)


def _server(told: str, shown: Mapping[str, object] | None, now_ms: int) -> Finding:
    until = (shown or {}).get("notAfter")
    if not isinstance(until, str):
        return well(f"{told} 可连接")
    until_ms = round(ssl.cert_time_to_seconds(until) * 1000)
    left = (until_ms - now_ms) // _DAY_MS
    if left < _SOON_DAYS:
        cause = f"中心的证书还有{left}天过期"
        return doubt(told, cause, "请通知医保中心更换证书")
    return well(
        f"{told} 可连接，中心证书至 {datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%d}"
    )


def keys(subject: Subject) -> Finding:
    """What the centre's documents are verified with."""
    path = centre_keys_path(subject.config)
    if not path.is_file():
        if subject.config.centre.url:
            cause = "没有中心公钥，无法核对中心下发的政策和名单"
            return doubt("无", cause, "请向医保中心索取公钥文件并放入数据目录")
        return passed_over(_ALONE)
    try:
        found = load_keys(path)
    except DocumentError:
        return fault(path.name, "中心公钥文件损坏", "请向医保中心重新索取公钥文件")
    return well(f"{len(found)} 个")


def policy(subject: Subject) -> Finding:
    """The policy in force, if it is still what the centre signed."""
    _, accepted = policy_paths(subject.config)
    if not accepted.is_file():
        return passed_over("没有下发政策，按默认规则全部核验")
    try:
        known = load_keys(centre_keys_path(subject.config))
        found = policy_of(open_document(accepted.read_bytes(), KIND, known))
    except (DocumentError, PolicyError, OSError):
        cause = "政策文件签名无效或被改动，已按默认规则全部核验"
        return fault(
            accepted.name, cause, "请向医保中心重新索取政策文件：yibao-face policy install"
        )
    return well(f"第 {found.version} 版")


def clock(subject: Subject) -> Finding:
    """What the centre's clock said of ours, the last time it was heard."""
    if not subject.config.centre.url:
        return passed_over(_ALONE)
    status = read_status(status_path(subject.config.data / "link"))
    if status is None or status.offset_ms is None:
        return passed_over("还没有与中心通信过")
    told = f"相差 {status.offset_ms / 1000:+.0f} 秒"
    if abs(status.offset_ms) > SKEW_MS:
        cause = "电脑时间与中心相差超过5分钟"
        return fault(told, cause, "请校准电脑时间，并启用自动校时")
    return well(told)


def _folder(subject: Subject) -> IdentityFolder:
    vault = subject.vault()
    if vault is None:
        raise IdentityError("no device key")
    return IdentityFolder(subject.config.data / "link", link_secret(vault))


def _identity(subject: Subject) -> Identity | None:
    if not (subject.config.data / "link").is_dir():
        return None
    return _folder(subject).load()


def _known(subject: Subject) -> Identity | None:
    """The identity where it can be used: what is wrong with it is told elsewhere."""
    if not subject.config.centre.url:
        return None
    with contextlib.suppress(IdentityError, VaultError):
        return _identity(subject)
    return None


CHECKS = (
    Check("centre-identity", GROUP, "中心注册", "bound to the centre", bound),
    Check("centre-certificate", GROUP, "中心证书期限", "certificate dates", certificate),
    Check("centre-reach", GROUP, "到中心的网络", "centre reachable", reachable),
    Check("centre-keys", GROUP, "中心公钥", "keys of the centre", keys),
    Check("policy", GROUP, "医保政策", "policy in force", policy),
    Check("centre-clock", GROUP, "与中心的时差", "clock and centre", clock),
)
