"""The calibration as one HTML file that needs no other, for the people of the site."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from yibao_face.daemon.calibrate.study import Row, Study, Suspect

_STYLE = """
body{font:15px/1.6 "Microsoft YaHei","Noto Sans CJK SC",sans-serif;max-width:64em;margin:2em auto;
padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;
padding:.25em .6em;text-align:left;font-variant-numeric:tabular-nums}th{background:#f3f3f3}
.warn{background:#fff4d6;border:1px solid #e0b84c;padding:.6em 1em}.few{color:#999}
img{max-width:100%}td img{width:112px;height:112px;object-fit:contain}small{color:#555}
"""
_KEEP = (
    "本报告含有人脸照片和姓名，只在本单位保存，不得外传。 This report holds pictures and names of "
    "persons: it stays at this site."
)
_PAIRS = (
    "同一张照片出现在许多对中，各对并不独立：精确区间偏窄；自助法区间按人员重抽，更可信。 "
    "One picture is part of many pairs, which are not independent: the exact intervals are too "
    "narrow. The bootstrap draws persons anew and is the better guide."
)
_IN_SAMPLE = (
    "样本内：阈值和拒识率来自同一批人员，结果偏乐观。 "
    "In-sample: threshold and FRR come from the same people, which flatters both."
)
_HELD_OUT = (
    "留出验证：阈值取自一半人员，FRR 与 FAR 在另一半人员上测得。 "
    "Held out: thresholds of one half of the persons, FRR and FAR of the other half."
)
_FUSED = (
    "模板×样本为各侧融合的照片数；每人一对，照片不重复；灰色行的冒充对太少，不写入阈值文件。 "
    "Template x probe: pictures fused on either side, one pair a person, no picture on both. "
    "Grey rows have too few impostor pairs and are left out of the thresholds file."
)
_GROUP = (
    "全局阈值下各组内部的错误率（冒充对也限于同组）。 "
    "Errors inside each group at the thresholds of all; impostor pairs are of the same group too."
)
_SUSPECT = (
    "不同人员之间最像的照片：可能是标注错误，请人工核对。 "
    "The most alike pictures of different persons: the labels may be wrong, look at them."
)
Thumbnail = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Page:
    """What stands at the head of the report, and its plots (PNG)."""

    data: str
    model: str
    date: str
    det: bytes
    histogram: bytes


def html(found: Study, page: Page, thumbnail: Thumbnail) -> str:
    """The report; ``thumbnail``: PNG of ``person/picture``, ``None`` where there is none."""
    title = "人脸比对阈值校准报告 / Match threshold calibration"
    parts = [
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title>',
        f"<style>{_STYLE}</style><h1>{title}</h1>",
        f'<p class="warn">{_KEEP}</p>',
        _head(found, page),
        f"<h2>一对一 / One to one</h2><p>{_IN_SAMPLE}</p><p>{_PAIRS}</p>",
        _table([row for row in found.rows if row.single]),
        f"<h2>留出验证 / Held out</h2><p>{_HELD_OUT}</p>{_table(found.held_out)}",
        f"<h2>多张融合 / Fused pictures</h2><p>{_FUSED}</p><p>{_IN_SAMPLE}</p>",
        _table([row for row in found.rows if not row.single]),
        "<h2>DET 曲线 / DET curve</h2>",
        f"<p>横轴 FAR（误识率），纵轴 FRR（拒识率）。</p>{_image(page.det)}",
        "<h2>分数分布 / Scores</h2>",
        f"<p>冒充对与真实对的余弦；虚线为阈值。</p>{_image(page.histogram)}",
        f"<h2>分组 / Groups</h2><p>{_GROUP}</p>{_table(found.groups)}" if found.groups else "",
        f"<h2>可疑标注 / Suspected label errors</h2><p>{_SUSPECT}</p>",
        _suspects(found.suspects, thumbnail),
        "</html>\n",
    ]
    return "\n".join(parts)


def text(found: Study) -> list[str]:
    """The tables for a terminal, without a name of anybody."""
    lines = [_IN_SAMPLE, *(_line(row) for row in found.rows if row.single or row.resolved)]
    lines += ["", _HELD_OUT, *map(_line, found.held_out)]
    if found.groups:
        lines += ["", _GROUP, *map(_line, found.groups)]
    return lines


def _line(row: Row) -> str:
    name = f"{row.group or _sides(row):20} {_far(row):9} ≥ {row.limit:.4f}"
    few = "  对数太少 too few pairs" if _is_few(row) else ""
    return f"{name}  FRR {row.frr.text} {_spread(row)}  FAR {row.fa.text}{few}"


def _is_few(row: Row) -> bool:
    return row.far is not None and not row.group and not row.resolved


def _head(found: Study, page: Page) -> str:
    seen = found.embedded
    facts = [
        ("数据 Data", page.data),
        ("网络 Network", page.model),
        ("日期 Date", page.date),
        ("人员 Persons", str(found.persons)),
        ("照片 Pictures", str(len(seen.files))),
        ("无法读取 Unreadable", str(seen.unreadable)),
        ("未见人脸 No face", str(seen.faceless)),
        ("随机种子 Seed", str(found.seed)),
    ]
    rows = (f"<tr><th>{name}<td>{_safe(value)}" for name, value in facts)
    return f"<table>{''.join(rows)}</table>"


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return "<p>数据太少 / too few pairs</p>"
    heads = (
        *("模板×样本 template x probe", "目标 FAR asked", "阈值 threshold"),
        *("FRR (n, 95 %)", "FRR 自助法 bootstrap 95 %", "FAR (n, 95 %)"),
    )
    head = "".join(f"<th>{name}" for name in heads)
    return f"<table><tr>{head}{''.join(map(_cells, rows))}</table>"


def _cells(row: Row) -> str:
    values = (
        *(row.group or _sides(row), _far(row), f"{row.limit:.4f}"),
        *(row.frr.text, _spread(row), row.fa.text),
    )
    cells = "".join(f"<td>{_safe(value)}" for value in values)
    return f"<tr{' class=few' if _is_few(row) else ''}>{cells}"


def _sides(row: Row) -> str:
    pairs = "所有对 all pairs" if row.single else "每人一对 one a person"
    return f"{row.template}×{row.probe} {pairs}"


def _far(row: Row) -> str:
    return "在用 in use" if row.far is None else f"{row.far:g}"


def _spread(row: Row) -> str:
    if not row.frr.errors:  # no sample of no error has one
        return "—"
    low, high = row.spread
    return f"[{low * 100:.3g} %, {high * 100:.3g} %]"


def _suspects(suspects: Sequence[Suspect], thumbnail: Thumbnail) -> str:
    rows = (
        f"<tr><td>{s.score:.4f}<td>{_picture(s.left, thumbnail)}<td>{_picture(s.right, thumbnail)}"
        for s in suspects
    )
    return f"<table><tr><th>余弦 cosine<th>照片 picture<th>照片 picture{''.join(rows)}</table>"


def _picture(file: str, thumbnail: Thumbnail) -> str:
    png = thumbnail(file)
    return f"{_image(png) if png else ''}<br><small>{_safe(file)}</small>"


def _safe(text: str) -> str:
    """A file name may hold bytes that are no UTF-8."""
    return escape(text.encode("utf-8", "replace").decode())


def _image(png: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
