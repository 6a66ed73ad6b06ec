"""The one declaration of the ABI: header, export lists and bindings are made from ``CDEF``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from cffi import FFI

# S0-03, S0-43: two functions, the caller allocates at least 1 KB for the answer (S0-06, S0-45).
CDEF = """\
int zjHisFunCall(char *inputJson, char *outJson);
int HisCallAtten(char *hisMsg, char *outMsg);
"""
OUT_BYTES = 1024
_HEADER = """\
/* Generated from abi.py: do not edit. 32-bit Windows: stdcall, undecorated names; with
 * HCF_CDECL the cdecl twin. Everywhere else there is one convention. */
#ifndef HIS_CALL_FACE_H
#define HIS_CALL_FACE_H
/* What the caller allocates for the answer at least, NUL included. */
#define HCF_OUT_BYTES @
#if defined(_WIN32) && defined(HCF_CDECL)
#define HCF_CALL __cdecl
#elif defined(_WIN32)
#define HCF_CALL __stdcall
#else
#define HCF_CALL
#endif
#if defined(HCF_BUILD) && !defined(_WIN32)
#define HCF_API __attribute__((visibility("default")))
#else
#define HCF_API
#endif
#ifdef __cplusplus
extern "C" {
#endif
"""


@dataclass(frozen=True, slots=True)
class Function:
    """One exported function, as cffi reads it from ``CDEF``."""

    name: str
    result: str
    arguments: tuple[str, ...]


def functions() -> tuple[Function, ...]:
    """The exports in the order of their ordinals."""
    ffi = FFI()
    ffi.cdef(CDEF)
    # cffi has no public way to a declared function without a library that holds it.
    declared: dict[str, tuple[Any, int]] = cast(Any, ffi)._parser._declarations
    return tuple(
        _function(kind_and_name.removeprefix("function "), found)
        for kind_and_name, (found, _) in declared.items()
    )


def _function(name: str, found: Any) -> Function:
    arguments: list[Any] = list(found.args)
    return Function(
        name, found.result.get_c_name(), tuple(str(one.get_c_name()) for one in arguments)
    )


def header() -> str:
    """``HisCallFace.h`` for C and C++ callers."""
    lines = [
        f"HCF_API {f.result} HCF_CALL {f.name}({', '.join(f.arguments)});" for f in functions()
    ]
    end = ["#ifdef __cplusplus", "}", "#endif", "#endif", ""]
    return _HEADER.replace("@", str(OUT_BYTES)) + "\n".join([*lines, *end])


def exports(*, stdcall: bool) -> str:
    """A .def file; ``stdcall``: of 32 bits, where four bytes an argument decorate the symbol."""
    lines = ["LIBRARY HisCallFace.dll", "EXPORTS"]
    for number, f in enumerate(functions(), 1):
        symbol = f" = {f.name}@{4 * len(f.arguments)}" if stdcall else ""
        lines.append(f"  {f.name}{symbol} @{number}")
    return "\n".join([*lines, ""])


def version_map() -> str:
    """The GNU version script: these functions and nothing else."""
    names = " ".join(f"{f.name};" for f in functions())
    return f"HCF_1 {{ global: {names} local: *; }};\n"
