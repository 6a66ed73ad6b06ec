"""What the library itself says where the daemon gives no answer, and what its self test says."""

from __future__ import annotations

from collections.abc import Mapping

# C name → (English for callers whose code page is not Chinese, Chinese); each names the next step.
MESSAGES: Mapping[str, tuple[str, str]] = {
    "null_input": ("input is NULL", "入参为空指针，请HIS检查调用"),
    "wide_input": (
        "input is no JSON: UTF-16 string? use an ANSI string (;Ansi)",
        "入参不是JSON，可能是UTF-16，请HIS改用ANSI字符串(PowerBuilder加;Ansi)",
    ),
    "not_installed": (
        "library.conf or its registry key is missing or wrong: run the installer",
        "动态库未正确安装，请联系工程师重新安装",
    ),
    "no_random": ("no random numbers on this machine", "电脑无法生成随机数，请联系工程师"),
    "absent": ("the face service is not running", "人脸核验服务未启动，请启动后重试"),
    "broke_off": ("the face service broke off", "人脸核验服务中断，请重试"),
    "timed_out": ("the face service did not answer in time", "人脸核验超时，请重试"),
    "refused": ("the face service refused the call", "人脸核验服务拒绝了调用，请联系工程师"),
    "bad_reply": ("the reply is not one of the face service", "答复格式有误，请联系工程师"),
    "impostor": (
        "the reply is not signed by the face service of this site",
        "答复未经本机核验服务签名，已拒绝，请联系工程师检查端口",
    ),
    "unpaired": (
        "the face service of the other machine does not take this one: pair it again",
        "核验主机未接受本机的调用，请联系工程师检查配对和网络地址",
    ),
    "stranger": (
        "the other machine is not the face service this one is paired with",
        "对方不是已配对的核验主机，已拒绝，请联系工程师",
    ),
}
# Of hcf-selftest, for the engineer at the counter.
SELFTEST: Mapping[str, tuple[str, str]] = {
    "loaded": ("library loaded, convention right", "动态库已加载，调用约定正确"),
    "service": ("answer of the face service", "人脸核验服务应答"),
    "refusal": ("an empty call is refused", "空入参被拒绝"),
    "passed": ("all is well", "自检通过"),
    "failed": ("self test failed: see above", "自检未通过，请按上面的提示处理"),
    "load": (
        "library cannot be loaded: missing, or of the other word width (32/64 bits)",
        "动态库无法加载：文件不存在，或位数(32/64)不符",
    ),
    "convention": (
        "library of the other calling convention: take the file of the other x86 folder",
        "动态库的调用约定不符，请换用另一个x86文件夹中的文件",
    ),
    "file": ("the file cannot be read", "文件无法读取"),
    "usage": (
        "usage: hcf-selftest [--call FILE | --pipe] [LIBRARY]",
        "用法：hcf-selftest [--call 入参文件 | --pipe] [动态库]",
    ),
}


def header() -> str:
    """``gen/message.h``: every message of the library in ASCII, UTF-8 and GBK."""
    return _header("hcf", MESSAGES)


def selftest_header() -> str:
    """``gen/selftest.h``: those of the self test."""
    return _header("selftest", SELFTEST)


def _header(prefix: str, messages: Mapping[str, tuple[str, str]]) -> str:
    guard = f"{prefix.upper()}_MESSAGE_H"
    lines = [
        "/* Generated from message.py: do not edit. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        f"struct {prefix}_message {{ const char *ascii, *utf8, *gbk; }};",
    ]
    for name, (english, chinese) in messages.items():
        both = ", ".join(f'"{_escaped(chinese.encode(charset))}"' for charset in ("utf-8", "gbk"))
        text = f'{{"{english}", {both}}}'
        lines.append(f"static const struct {prefix}_message {prefix}_{name} = {text};")
    return "\n".join([*lines, "#endif", ""])


def _escaped(data: bytes) -> str:
    """Octal: unlike a hexadecimal escape it ends after three digits."""
    return "".join(chr(b) if b < 0x80 else f"\\{b:03o}" for b in data)
