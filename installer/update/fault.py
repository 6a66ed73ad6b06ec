"""Why no update was made. The running version stays, whatever is raised."""

from __future__ import annotations

from typing import ClassVar


class UpdateError(Exception):
    """No update was made. ``told``: what the person there reads first, in Chinese."""

    told: ClassVar[str] = "更新未完成，现有版本继续使用"


class NotGenuineError(UpdateError):
    """Not signed by the vendor's keys, expired, older than what was seen, or changed."""

    told = "更新文件的签名、有效期或内容不对，未采用"


class UnusableError(UpdateError):
    """Genuine, and not for this computer as it is now."""

    told = "这个更新不适用于本机，未采用"


class SourceError(UpdateError):
    """The update file, folder or address cannot be read to its end."""

    told = "更新文件读不到或不完整，请重新拷贝"


class SpaceError(UpdateError):
    """The disk has no room for a second version."""

    told = "磁盘空间不足，请清理后再更新"


class SelfTestError(UpdateError):
    """The new program does not work on this computer."""

    told = "新版本自检未通过，现有版本继续使用"


class InUseError(UpdateError):
    """The counter serves somebody, or another update runs."""

    told = "柜台正在使用或另一更新正在进行，请稍后再试"


class UnattendedError(UpdateError):
    """No daemon answers, so a new version could neither be started nor watched."""

    told = "本机无人登录或核验服务未运行，登录后再更新"


class UnhealthyError(UpdateError):
    """The new version was switched to, did not do well and was left again."""

    told = "新版本运行不正常，已自动退回原版本"
