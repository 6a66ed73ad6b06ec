"""The tray's icon: its colour and its sign both tell the state."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from yibao_face.daemon.ui.widget.oval import draw_head
from yibao_face.daemon.ui.widget.theme import font

_SIDE = 64
# state -> ground, sign in the corner
_LOOKS = {
    "ready": ("#12712F", ""),
    "busy": ("#0B57D0", "…"),
    "offline": ("#A15C00", "×"),
    "fault": ("#B3261E", "!"),
    "update": ("#6A3FB5", "↑"),
    "starting": ("#5F6B7C", "…"),
}
_MOST = 99


def icon_of(light: str, waiting: int) -> QIcon:
    """The icon of a state; offline with how many records wait."""
    ground, sign = _LOOKS.get(light, _LOOKS["starting"])
    if light == "offline" and waiting:
        sign = str(min(waiting, _MOST))
    pixmap = QPixmap(_SIDE, _SIDE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(QRectF(2, 2, _SIDE - 4, _SIDE - 4), 14, 14)
    draw_head(painter, QPointF(_SIDE / 2, _SIDE / 2), _SIDE / 11, QColor("white"))
    if sign:
        _draw_sign(painter, sign, ground)
    painter.end()
    return QIcon(pixmap)


def _draw_sign(painter: QPainter, sign: str, ground: str) -> None:
    place = QRectF(_SIDE * 0.44, _SIDE * 0.44, _SIDE * 0.54, _SIDE * 0.54)
    painter.setPen(QColor(ground))
    painter.setBrush(QColor("white"))
    painter.drawEllipse(place)
    shown = font(20, bold=True)
    shown.setPixelSize(24 if len(sign) > 1 else 30)
    painter.setFont(shown)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, sign)
