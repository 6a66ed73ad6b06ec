"""Colours, fonts and sizes of all windows."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QFont, QFontDatabase

# Windows, then what Linux desktops of ours carry.
FAMILIES = [
    "Microsoft YaHei UI",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "SimHei",
    "SimSun",
]
# What a patient must act on has 28 pt at least; the one hint has more.
HINT_PT, REASON_PT, BODY_PT, SMALL_PT = 34.0, 30.0, 22.0, 16.0
LEAST_PT = 28.0


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours by their use; each pair of text and ground has a contrast of 4.5 at least."""

    ground: str
    panel: str
    text: str
    faint: str
    accent: str
    on_accent: str
    good: str
    bad: str
    warn: str
    line: str

    def colour(self, name: str) -> QColor:
        """The colour for a use."""
        return QColor(str(getattr(self, name)))


NORMAL = Theme(
    ground="#F3F6FB",
    panel="#FFFFFF",
    text="#10203A",
    faint="#4A5A73",
    accent="#0B57D0",
    on_accent="#FFFFFF",
    good="#12712F",
    bad="#B3261E",
    warn="#A15C00",
    line="#C5D0E0",
)
HIGH = Theme(
    ground="#000000",
    panel="#000000",
    text="#FFFFFF",
    faint="#FFFFFF",
    accent="#FFE100",
    on_accent="#000000",
    good="#3DF07C",
    bad="#FF8A80",
    warn="#FFE100",
    line="#FFFFFF",
)


def theme_of(contrast: str) -> Theme:
    """The theme the configuration names."""
    return HIGH if contrast == "high" else NORMAL


def font(points: float, *, bold: bool = False) -> QFont:
    """A font that shows Chinese wherever one is installed."""
    made = QFont()
    made.setFamilies(FAMILIES)
    made.setPointSizeF(points)
    made.setBold(bold)
    return made


def has_chinese() -> bool:
    """Whether any font here shows Chinese; without one each character is an empty box."""
    return bool(QFontDatabase.families(QFontDatabase.WritingSystem.SimplifiedChinese))


def sheet(theme: Theme) -> str:
    """The style of what Qt draws itself."""
    return f"""
    QWidget {{ color: {theme.text}; background: transparent; }}
    QWidget#ground {{ background: {theme.ground}; }}
    QLabel#title {{ color: {theme.accent}; }}
    QLabel#faint {{ color: {theme.faint}; }}
    QPushButton {{
        background: {theme.panel}; color: {theme.text};
        border: 2px solid {theme.line}; border-radius: 12px; padding: 8px 20px;
    }}
    QPushButton:hover {{ border-color: {theme.accent}; }}
    QPushButton:focus {{ border: 4px solid {theme.accent}; }}
    QPushButton#main {{
        background: {theme.accent}; color: {theme.on_accent}; border-color: {theme.accent};
    }}
    QPushButton#main:focus {{ border: 4px solid {theme.text}; }}
    QLineEdit {{
        background: {theme.panel}; color: {theme.text};
        border: 2px solid {theme.line}; border-radius: 8px; padding: 6px 10px;
    }}
    QLineEdit:focus {{ border: 3px solid {theme.accent}; }}
    QProgressBar {{
        background: {theme.panel}; border: 2px solid {theme.line}; border-radius: 9px;
    }}
    QProgressBar::chunk {{ background: {theme.good}; border-radius: 7px; }}
    """
