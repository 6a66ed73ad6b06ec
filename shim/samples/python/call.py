"""Python 示例：python call.py 请求文件 [attendance]，先打印返回值，再打印答复。

Sample: prints the value, then the answer. Standard library only.
"""

from __future__ import annotations

import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OUT_BYTES = 1024  # 至少 / at least


def library() -> ctypes.CDLL:
    """32位Windows: WinDLL配x86-stdcall，CDLL配x86-cdecl；64位与Linux不分 / no matter elsewhere."""
    if sys.platform == "win32":
        # 完整路径：Python不在当前目录找 / the full path: Python does not look in the folder.
        return ctypes.WinDLL(str(Path(__file__).resolve().with_name("HisCallFace.dll")))
    else:  # noqa: RET505  # a type checker takes one branch for each system
        return ctypes.CDLL("libHisCallFace.so")


def call(name: str, request: bytes) -> tuple[int, bytes]:
    """字节传入（UTF-8或GBK），答复编码相同；ctypes补NUL / bytes; the answer is in the same."""
    function = getattr(library(), name)
    function.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    function.restype = ctypes.c_int
    answer = ctypes.create_string_buffer(OUT_BYTES)
    return function(request, answer), answer.value


def main(words: list[str]) -> int:
    """``call.py FILE [attendance]``."""
    attendance = words[2:] == ["attendance"]
    name = "HisCallAtten" if attendance else "zjHisFunCall"
    request = Path(words[1]).read_bytes()
    # 最长约五分钟，放到工作线程；ctypes会放开GIL / up to five minutes: a worker thread.
    with ThreadPoolExecutor(1) as pool:
        value, answer = pool.submit(call, name, request).result()
    sys.stdout.buffer.write(b"%d\n%s\n" % (value, answer))
    # 只有1、2可以继续结算；考勤0为成功 / only 1 and 2 let the payment go on; attendance: 0.
    goes_on = value == 0 if attendance else value in (1, 2)
    sys.stderr.write("go on\n" if goes_on else "stop\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
