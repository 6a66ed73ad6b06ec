"""Shows the movement that is asked for: a head that does it, over the person's own picture.

The picture is a mirror, so the head turns to the side the person is to turn to.
"""

from __future__ import annotations

from math import cos, pi

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

# Tenths of a second from rest to rest.
_CYCLE = 16


def draw_gesture(painter: QPainter, frame: QRectF, action: str, beat: int) -> None:
    """A small head in the lower part of ``frame``; ``beat``: tenths of a second so far."""
    phase = (1 - cos(2 * pi * beat / _CYCLE)) / 2
    unit = frame.width() / 16
    middle = QPointF(frame.center().x(), frame.bottom() - 4.6 * unit)
    plate = QColor(0, 0, 0, 150)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(plate)
    painter.drawRoundedRect(
        QRectF(middle.x() - 4.6 * unit, middle.y() - 3.6 * unit, 9.2 * unit, 7.2 * unit),
        unit,
        unit,
    )
    # A mirror: the person's left is on the left of what he sees.
    side = {"turn-left": -1.0, "turn-right": 1.0}.get(action, 0.0)
    white = QColor(255, 255, 255)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(_pen(white, unit * 0.28))
    painter.drawEllipse(middle, 2.1 * unit, 2.7 * unit)
    _draw_eyes(painter, middle, unit, phase if action == "blink" else 0.0, side * phase)
    _draw_mouth(painter, middle, unit, phase if action == "mouth" else 0.0, side * phase)
    if side:
        _draw_arrow(painter, middle, unit, side, phase)


def _draw_eyes(
    painter: QPainter, middle: QPointF, unit: float, shut: float, turned: float
) -> None:
    """Eyes and nose: further apart the less the head is turned."""
    for eye in (-0.8, 0.8):
        apart = eye * unit * (1 - 0.25 * abs(turned)) + 0.8 * turned * unit
        at = middle + QPointF(apart, -0.7 * unit)
        painter.drawEllipse(at, 0.35 * unit, max(0.02, 0.3 * (1 - shut)) * unit)
    nose = middle + QPointF(turned * 1.15 * unit, 0)
    painter.drawLine(nose, nose + QPointF(turned * 0.25 * unit, 0.5 * unit))


def _draw_mouth(
    painter: QPainter, middle: QPointF, unit: float, opened: float, turned: float
) -> None:
    mouth = middle + QPointF(0.8 * turned * unit, (1.35 + 0.1 * opened) * unit)
    painter.drawEllipse(mouth, 0.75 * unit, (0.08 + 0.75 * opened) * unit)


def _draw_arrow(
    painter: QPainter, middle: QPointF, unit: float, side: float, phase: float
) -> None:
    painter.setPen(_pen(QColor(255, 225, 0), unit * 0.4))
    tip = middle + QPointF(side * (3.2 + 0.8 * phase) * unit, 0)
    path = QPainterPath()
    path.moveTo(tip - QPointF(side * 0.8 * unit, 0.8 * unit))
    path.lineTo(tip)
    path.lineTo(tip - QPointF(side * 0.8 * unit, -0.8 * unit))
    painter.drawPath(path)


def _pen(colour: QColor, width: float) -> QPen:
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(colour, width, Qt.PenStyle.SolidLine, cap, join)
