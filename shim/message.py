"""What the library itself says, where no answer of the daemon can be given."""

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
}


def header() -> str:
    """``gen/message.h``: every message in ASCII, UTF-8 and GBK."""
    lines = [
        "/* Generated from message.py: do not edit. */",
        "#ifndef HCF_MESSAGE_H",
        "#define HCF_MESSAGE_H",
        "struct hcf_message { const char *ascii, *utf8, *gbk; };",
    ]
    for name, (english, chinese) in MESSAGES.items():
        both = ", ".join(f'"{_escaped(chinese.encode(charset))}"' for charset in ("utf-8", "gbk"))
        lines.append(f'static const struct hcf_message hcf_{name} = {{"{english}", {both}}};')
    return "\n".join([*lines, "#endif", ""])


def _escaped(data: bytes) -> str:
    """Octal: unlike a hexadecimal escape it ends after three digits."""
    return "".join(chr(b) if b < 0x80 else f"\\{b:03o}" for b in data)
