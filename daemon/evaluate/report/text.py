"""The evaluation as text, as JSON, and as one HTML file that needs no other.

No number stands there without the word that says where it comes from: simulated or recorded.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from yibao_face.daemon.calibrate.interval import Rate
from yibao_face.daemon.evaluate.baseline import NAMES
from yibao_face.daemon.evaluate.label import chinese_of
from yibao_face.daemon.evaluate.report.rate import Count, Study, upper_bound

SCHEMA = 1
_STYLE = """
body{font:15px/1.6 "Microsoft YaHei","Noto Sans CJK SC",sans-serif;max-width:76em;margin:2em auto;
padding:0 1em;color:#222}table{border-collapse:collapse;margin:1em 0}td,th{border:1px solid #ccc;
padding:.25em .6em;text-align:left;font-variant-numeric:tabular-nums}th{background:#f3f3f3}
.warn{background:#fff4d6;border:1px solid #e0b84c;padding:.6em 1em}.worst td{background:#fde8e8}
img{max-width:100%}i{font-style:normal;font-size:.75em;color:#a60;margin-left:.4em}
"""
_SIMULATED = (
    "本页所有数字均来自仿真，不是真实攻击或真人的测试结果，不得作为检测报告或认证结论使用。 "
    "Every number here is simulated: none was measured on a real attack or a real person."
)
_RECORDED = (
    "本页数字来自实拍录像，只对所列样本、设备和环境有效。 "
    "The numbers are of recorded clips and hold for these specimens, cameras and places only."
)
_RATES = (
    "APCER（攻击误受率）＝ 通过 ÷ 作出判断；BPCER（真人误拒率）＝ 拒绝 ÷ 作出判断；无响应单列。"
    "区间为 95 % 精确区间（Clopper-Pearson，双侧）及单侧 95 % 上界。 "
    "APCER = passed of those classified, BPCER = refused of those classified, non-response apart; "
    "exact two-sided 95 % interval, and the one-sided 95 % upper bound."
)
_BASELINES = (
    "同一批画面上的对照规则；阈值取自调参真人，误拒率不高于本引擎。 "
    "Other rules on the same views; limits from tuning live people, refusing no more than ours."
)
_LIKENESS = (
    "单个特征区分真人与攻击的能力（AUC，0.5 为不能区分）。 "
    "How well one feature alone tells living from attack (AUC, 0.5: not at all)."
)


@dataclass(frozen=True, slots=True)
class Page:
    """What stands at the head; ``plots`` (PNG) by caption. ``simulated``: else recorded."""

    simulated: bool
    date: str
    facts: tuple[tuple[str, str], ...]
    plots: tuple[tuple[str, bytes], ...] = ()

    @property
    def mark(self) -> str:
        """The word beside every number."""
        return "仿真 simulated" if self.simulated else "实拍 recorded"

    @property
    def warning(self) -> str:
        """The sentence on top."""
        return _SIMULATED if self.simulated else _RECORDED


def told(rate: Rate) -> str:
    """Errors, share, interval and one-sided bound in a line."""
    if not rate.trials:
        return "无数据 no trials"
    low, high = rate.interval
    return (
        f"{rate.errors} / {rate.trials} = {_percent(rate.value)} "
        f"[{_percent(low)}, {_percent(high)}] ≤ {_percent(upper_bound(rate))}"
    )


def text(found: Study, page: Page) -> list[str]:
    """The rates for a terminal."""
    lines = [page.warning]
    for count in found.counts:
        name = f"{'APCER' if count.is_attack else 'BPCER'} {_species(count.species)}"
        of_all = f"通过 accepted of all {told(count.passed)}; " if count.is_attack else ""
        lines.append(
            f"{name}: {told(count.wrong)}; {of_all}无响应 non-response"
            f" {told(count.unanswered)} ({page.mark})"
        )
    for compared in found.compared:
        lines.append(NAMES[compared.limit.name])
        lines += [
            f"  {_species(c.species)}: {told(c.wrong)} ({page.mark})" for c in compared.counts
        ]
    lines.append(_worst(found, page))
    return lines


def html(found: Study, page: Page) -> str:
    """The report."""
    title = f"活体检测评测报告（{page.mark}） / Liveness evaluation"
    parts = [
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{title}</title>',
        f'<style>{_STYLE}</style><h1>{title}</h1><p class="warn">{page.warning}</p>',
        _facts(page),
        f"<h2>错误率 / Error rates</h2><p>{_RATES}</p>",
        _counts(found, page),
        f"<p><b>{escape(_worst(found, page))}</b></p>",
        "<h2>分组 / By distance, sensor and group</h2>",
        _slices(found, page),
        "<h2>结果对照 / What became of each species</h2>",
        _confusion(found, page),
        f"<h2>对照规则 / Baselines</h2><p>{_BASELINES}</p>" if found.compared else "",
        *(_compared(found, page)),
        f"<h2>特征 / Features</h2><p>{_LIKENESS}</p>",
        _likeness(found, page),
        *(_plot(caption, png, page) for caption, png in page.plots),
        "</html>\n",
    ]
    return "\n".join(parts)


def numbers(found: Study, page: Page) -> dict[str, Any]:
    """The same for programs."""
    return {
        "schema": SCHEMA,
        "kind": page.mark,
        "warning": page.warning,
        "date": page.date,
        "facts": dict(page.facts),
        "species": [_as_json(count, page) for count in found.counts],
        "worst": None if found.worst is None else found.worst.species,
        "slices": [
            {
                **{"dimension": s.dimension, "value": s.value, "live": _as_json(s.live, page)},
                "worst": None if s.worst is None else _as_json(s.worst, page),
            }
            for s in found.slices
        ],
        "confusion": [
            {"kind": page.mark, "species": species, "ended": how, "count": count}
            for (species, how), count in sorted(found.confusion.items())
        ],
        "baselines": [
            {
                **{"name": c.limit.name, "least": c.limit.least, "tuned_on": c.limit.tuned_on},
                **{"kind": page.mark, "tuning_bpcer": c.limit.bpcer},
                "species": [_as_json(count, page) for count in c.counts],
            }
            for c in found.compared
        ],
        "auc": [
            {"kind": page.mark, "species": species, "feature": feature, "auc": value}
            for (species, feature), value in found.likeness.items()
        ],
    }


def _as_json(count: Count, page: Page) -> dict[str, Any]:
    rates = {"apcer" if count.is_attack else "bpcer": count.wrong, "no_response": count.unanswered}
    if count.is_attack:
        rates["accepted_of_all"] = count.passed
    return {
        "kind": page.mark,
        "species": count.species,
        "name": chinese_of(count.species),
        "presentations": count.presentations,
        "accepted": count.accepted,
        "rejected": count.rejected,
        **{name: _rate(rate) for name, rate in rates.items()},
    }


def _rate(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval
    return {
        **{"errors": rate.errors, "trials": rate.trials, "value": rate.value},
        **{"low": low, "high": high, "upper_one_sided": upper_bound(rate)},
    }


def _facts(page: Page) -> str:
    rows = (*page.facts, ("日期 Date", page.date), ("数据性质 Kind of data", page.mark))
    return _rows((), [[name, value] for name, value in rows])


def _counts(found: Study, page: Page) -> str:
    heads = (
        *("种类 species", "指标 rate", "错误率 (n, 95 %, 单侧上界)"),
        *("通过占全部 accepted of all", "无响应 non-response"),
    )
    worst = found.worst
    rows = [
        [
            _species(count.species),
            "APCER" if count.is_attack else "BPCER",
            _number(told(count.wrong), page),
            _number(told(count.passed), page) if count.is_attack else "—",
            _number(told(count.unanswered), page),
        ]
        for count in found.counts
    ]
    named = [index for index, count in enumerate(found.counts) if count == worst]
    return _rows(heads, rows, named)


def _worst(found: Study, page: Page) -> str:
    worst = found.worst
    if worst is None:
        return "最差种类 worst species: 无数据 no attack was classified"
    rate = f"APCER {told(worst.wrong)} ({page.mark})"
    return f"最差种类 worst species: {_species(worst.species)} {rate}"


def _slices(found: Study, page: Page) -> str:
    heads = (
        *("维度 by", "取值 value", "BPCER", "真人无响应 BPNRR"),
        *("最差种类 worst species", "APCER"),
    )
    rows = [
        [
            *(s.dimension, s.value, _number(told(s.live.wrong), page)),
            _number(told(s.live.unanswered), page),
            "—" if s.worst is None else _species(s.worst.species),
            "—" if s.worst is None else _number(told(s.worst.wrong), page),
        ]
        for s in found.slices
    ]
    return _rows(heads, rows)


def _confusion(found: Study, page: Page) -> str:
    ended = sorted({how for _, how in found.confusion}, key=lambda how: (how != "accepted", how))
    rows = [
        [
            _species(count.species),
            *(
                _number(str(found.confusion[count.species, how]), page)
                if (count.species, how) in found.confusion
                else ""
                for how in ended
            ),
        ]
        for count in found.counts
    ]
    return _rows(("种类 species", *ended), rows)


def _compared(found: Study, page: Page) -> Iterable[str]:
    ours = {count.species: count for count in found.counts}
    for compared in found.compared:
        limit = compared.limit
        yield f"<h3>{NAMES[limit.name]}</h3><p>阈值 limit ≥ " + _number(
            f"{limit.least:.4g}; n = {limit.tuned_on}, BPCER {_percent(limit.bpcer)}", page
        )
        rows = [
            [
                _species(count.species),
                _number(told(count.wrong), page),
                _number(told(count.unanswered), page),
                _number(told(ours[count.species].wrong), page),
            ]
            for count in compared.counts
            if count.presentations
        ]
        heads = ("种类 species", "对照规则 baseline", "无响应 non-response", "本引擎 this engine")
        yield _rows(heads, rows)


def _likeness(found: Study, page: Page) -> str:
    features = list(dict.fromkeys(feature for _, feature in found.likeness))
    attacks = list(dict.fromkeys(species for species, _ in found.likeness))
    rows = [
        [
            _species(species),
            *(_number(f"{found.likeness[species, f]:.3f}", page) for f in features),
        ]
        for species in attacks
    ]
    return _rows(("种类 species", *features), rows)


def _plot(caption: str, png: bytes, page: Page) -> str:
    data = base64.b64encode(png).decode()
    return f'<h3>{caption}（{page.mark}）</h3><img alt="" src="data:image/png;base64,{data}">'


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]], marked: Sequence[int] = ()) -> str:
    head = "".join(f"<th>{escape(name)}" for name in heads)
    body = "".join(
        f"<tr{' class=worst' if at in marked else ''}>"
        + "".join(f"<td>{cell if isinstance(cell, _Cell) else escape(cell)}" for cell in row)
        for at, row in enumerate(rows)
    )
    return f"<table><tr>{head}{body}</table>"


class _Cell(str):
    """Text that is HTML already."""

    __slots__ = ()


def _number(number: str, page: Page) -> _Cell:
    return _Cell(f"{escape(number)}<i>{page.mark}</i>")


def _species(label: str) -> str:
    name = chinese_of(label)
    return label if name == label else f"{name} {label}"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
