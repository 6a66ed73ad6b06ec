"""What people see and hear, what starts it all, and what may be in its way."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.machine.registry import MACHINE, USER, values
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.ui.protocol import NO_QT

GROUP = "desktop"
_CHINESE = ("notosanscjk", "notosanssc", "sourcehansans", "wqy", "wenquanyi", "simhei", "simsun",
            "msyh", "droidsansfallback", "uming", "ukai")  # fmt: skip
_FONTS = ("share/fonts", "local/share/fonts")
# Process names in lower case → what people call it. Those known to hold up programs of others.
_GUARDS = {
    "360tray": "360安全卫士",
    "360sd": "360杀毒",
    "360rp": "360杀毒",
    "hipsdaemon": "火绒",
    "hipstray": "火绒",
    "qqpctray": "腾讯电脑管家",
    "kxetray": "金山毒霸",
    "qaxsafed": "奇安信天擎",
    "360entclient": "360天擎",
    "avp": "卡巴斯基",
    "rstray": "瑞星",
    "zhuxian": "主动防御",
}
_NAME = "yibao-face"
_RUN = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Run"
_QT_S = 20.0


def fonts(subject: Subject) -> Finding:
    """Without a Chinese font each character is an empty box."""
    found = next((name for name in _font_files(subject) if _is_chinese(name)), None)
    if found is None:
        cause = "没有中文字体，界面文字会显示成方块"
        return doubt("无", cause, "Linux请执行 apt install fonts-noto-cjk；Windows请安装微软雅黑")
    return well(found)


def _font_files(subject: Subject) -> Iterator[str]:
    if subject.machine.system == "win32":
        folders = [Path(os.environ.get("WINDIR", r"C:\Windows")) / "Fonts"]
    else:
        folders = [subject.places.usr / at for at in _FONTS]
        folders.append(subject.places.home / ".local" / "share" / "fonts")
    for folder in folders:
        for file in folder.rglob("*") if folder.is_dir() else ():
            if file.suffix.lower() in (".ttf", ".ttc", ".otf"):
                yield file.name


def _is_chinese(name: str) -> bool:
    plain = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    return plain.startswith(_CHINESE)


def windows(subject: Subject) -> Finding:
    """Start the process of the windows where nobody sees it, and let it end."""
    del subject
    command = [sys.executable, "-P", "-m", "yibao_face.daemon.ui"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    try:
        done = subprocess.run(  # noqa: S603  # ourselves
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_QT_S,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return _no_windows(type(exc).__name__)
    if done.returncode == NO_QT:
        return _no_windows("PySide6未安装")
    return well("可以打开") if done.returncode == 0 else _no_windows(f"退出码 {done.returncode}")


def _no_windows(told: str) -> Finding:
    cause = "取景窗口和托盘打不开，核验接口不受影响"
    fix = "请重新安装；Linux请先安装 libegl1 libgl1 libxkbcommon0 libdbus-1-3 libxcb-cursor0"
    return doubt(told, cause, fix)


def voice(subject: Subject) -> Finding:
    """Spoken prompts: files that can be played, unless the site turned them off."""
    if subject.config.ui.volume == 0:
        return passed_over("语音已在配置中关闭")
    files = sorted((subject.config.data / "voice").glob("*.wav"))
    if not files:
        return doubt("0 个", "没有语音文件，核验时不出声", "如需语音，请把语音包解压到data/voice")
    broken = [file.name for file in files if not _plays(file)]
    if broken:
        return doubt(f"{broken[0]} 等 {len(broken)} 个", "语音文件损坏", "请重新解压语音包")
    return well(f"{len(files)} 个")


def _plays(file: Path) -> bool:
    try:
        with wave.open(str(file)) as source:
            return bool(source.getsampwidth() == 2 and source.getnframes() > 0)
    except (OSError, EOFError, wave.Error):
        return False


def guards(subject: Subject) -> Finding:
    """Which antivirus runs: what blocks us is hard to tell from what is broken."""
    del subject
    running = {name.lower().removesuffix(".exe") for name in _programs()}
    found = sorted({title for name, title in _GUARDS.items() if name in running})
    if not found:
        return well("未发现常见安全软件")
    cause = "安全软件可能拦截摄像头、端口或动态库"
    fix = "请在其中把安装目录和数据目录加入信任区，并允许使用摄像头"
    return doubt("、".join(found), cause, fix)


def _programs() -> Iterator[str]:
    """Names of what runs; one that cannot be asked, or just ended, hides no other."""
    for each in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            yield each.name()


def autostart(subject: Subject) -> Finding:
    """Whether it starts by itself: what was laid down and is not switched on does not."""
    found = _run_keys() if subject.machine.system == "win32" else _starters(subject)
    first = next(iter(found), None)
    if first is None:
        cause = "没有设置开机或登录后自动启动"
        fix = "请重新运行安装程序并选择自动启动；Linux也可执行 systemctl enable yibao-face"
        return doubt("无", cause, fix)
    return well(first)


def _starters(subject: Subject) -> Iterator[str]:
    """What systemd starts, and in a session what the desktop does."""
    places = subject.places
    for root in (places.etc, places.usr / "lib", places.home / ".config"):
        for wants in sorted((root / "systemd").glob(f"*/*.wants/{_NAME}*")):
            yield wants.name
    if _mode(places.etc) not in ("", "session"):
        return
    for folder in (places.etc / "xdg" / "autostart", places.home / ".config" / "autostart"):
        yield from (file.name for file in sorted(folder.glob(f"{_NAME}*")))


def _mode(etc: Path) -> str:
    """Who serves here, as the installer was told; empty where it did not say."""
    try:
        return (etc / _NAME / "mode").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _run_keys() -> Iterator[str]:
    for root in (MACHINE, USER):
        yield from (name for name in values(root, _RUN) if "yibao" in name.lower())
    tasks = Path(os.environ.get("WINDIR", r"C:\Windows")) / "System32" / "Tasks"
    with suppress(OSError):
        # The hourly one of the updater starts no daemon.
        names = [task.name for task in tasks.glob("*ibao*ace*")]
        yield from (name for name in names if "update" not in name)


def service(subject: Subject) -> Finding:
    """Whether it runs now."""
    if subject.health is not None:
        return well("运行中")
    state = _unit_state(subject)
    if state == "failed":
        cause = "核验服务启动失败"
        return fault(
            state, cause, "请执行 journalctl -u yibao-face -n 50 查看原因，修好后重启服务"
        )
    cause = "核验服务没有运行"
    fix = "请从开始菜单或桌面启动“医保实人认证”；Linux服务器执行 systemctl start yibao-face"
    return doubt(state or "没有应答", cause, fix)


def _unit_state(subject: Subject) -> str:
    if (
        subject.machine.system == "win32"
        or not (subject.places.run / "systemd" / "system").is_dir()
    ):
        return ""
    command = ["systemctl", "is-active", f"{_NAME}.service"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603  # fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


CHECKS = (
    Check("fonts", GROUP, "中文字体", "Chinese font", fonts),
    Check("windows", GROUP, "窗口组件", "windows can open", windows, limit_s=_QT_S + 1),
    Check("voice", GROUP, "语音文件", "voice files", voice),
    Check("antivirus", GROUP, "安全软件", "antivirus", guards),
    Check("autostart", GROUP, "自动启动", "autostart", autostart),
    Check("service", GROUP, "服务状态", "service", service),
)
