"""The mirror: the person's picture in an oval that says by colour and size how it goes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from yibao_face.daemon.ui.model import Screen
from yibao_face.daemon.ui.widget.gesture import draw_gesture
from yibao_face.daemon.ui.widget.theme import Theme

# Width over height, as the daemon cuts the picture.
ASPECT = 0.75
_RING_PX = 12.0
_MARGIN_PX = 20.0
# How large the guide is for who stands too far, too near, and well.
_SIZES = {"too-far": 0.64, "too-near": 0.46}
_GUIDE, _STEP = 0.54, 0.02


@dataclass(frozen=True, slots=True)
class Picture:
    """``data`` must outlive ``image``, which only refers to it."""

    image: QImage
    data: bytes


class OvalView(QWidget):
    """``painted``: it is on the screen now."""

    painted = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._picture: Picture | None = None
        self._screen = Screen()
        self._beat = 0
        self._guide = _GUIDE
        # Every pixel of it is drawn: nothing needs to be cleared below.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(210, 280))
        self._outside = QPainterPath()

    @property
    def rows(self) -> int:
        """Height of a picture that needs no scaling, in pixels of the device."""
        return round(self._frame().height() * self.devicePixelRatioF())

    def show_picture(self, data: bytes, rows: int) -> None:
        """Four bytes a pixel, ``rows`` rows of the same length; anything else is not shown."""
        width = len(data) // (4 * rows) if rows > 0 else 0
        if width < 1 or width * rows * 4 != len(data):
            return
        image = QImage(data, width, rows, 4 * width, QImage.Format.Format_RGB32)
        self._picture = Picture(image, data)
        self.update()

    def clear(self) -> None:
        """Nobody is to be seen."""
        self._picture = None
        self.update()

    def show_screen(self, screen: Screen) -> None:
        """Take over how it goes."""
        wanted = _SIZES.get(screen.hint_cause, _GUIDE)
        moved = max(-_STEP, min(wanted - self._guide, _STEP))
        if (screen, moved) != (self._screen, 0.0):
            self._guide += moved
            self._screen = screen
            self.update()

    def tick(self) -> None:
        """A tenth of a second later: what moves by itself moves on."""
        self._beat += 1
        if self._screen.task is not None or self._screen.phase == "judged":
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  # Qt's own name
        """See Qt."""
        super().resizeEvent(event)
        self._outside = QPainterPath()
        self._outside.addRect(QRectF(self.rect()))
        self._outside.addEllipse(self._frame())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  # Qt's own name
        """See Qt."""
        del event
        painter = QPainter(self)
        self._draw_inside(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillPath(self._outside, self._theme.colour("ground"))
        self._draw_face(painter)
        self._draw_ring(painter)
        if self._screen.task is not None:
            draw_gesture(painter, self._frame(), self._screen.task.action, self._beat)
        painter.end()
        self.painted.emit()

    def _frame(self) -> QRectF:
        """Where the picture is: the largest oval with room for its ring."""
        room = QRectF(self.rect()).adjusted(_MARGIN_PX, _MARGIN_PX, -_MARGIN_PX, -_MARGIN_PX)
        height = max(1.0, min(room.height(), room.width() / ASPECT))
        size = height * ASPECT
        # On whole pixels, so that the picture is copied and not scaled.
        x, y = round(room.center().x() - size / 2), round(room.center().y() - height / 2)
        return QRectF(x, y, round(size), round(height))

    def _draw_inside(self, painter: QPainter) -> None:
        picture, frame = self._picture, self._frame()
        if picture is None or self._screen.result is not None:
            painter.fillRect(self.rect(), self._theme.colour("panel"))
            self._draw_mark(painter, frame)
            return
        image = picture.image
        if abs(image.height() - self.rows) <= 2:
            # Of this very size but for rounding: copied.
            image.setDevicePixelRatio(self.devicePixelRatioF())
            painter.drawImage(frame.topLeft(), image)
            return
        painter.drawImage(frame, image)

    def _draw_mark(self, painter: QPainter, frame: QRectF) -> None:
        """A tick, a cross, or the outline of a head for who is still to come."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        found, at, unit = self._screen.result, frame.center(), frame.width() / 10
        if found is None:
            draw_head(painter, at, unit, self._theme.colour("line"))
            return
        colour = self._theme.colour("good" if found.good else "bad")
        painter.setPen(_pen(colour, unit))
        path = QPainterPath()
        if found.good:
            path.moveTo(at + QPointF(-2.4 * unit, 0.2 * unit))
            path.lineTo(at + QPointF(-0.6 * unit, 2 * unit))
            path.lineTo(at + QPointF(2.6 * unit, -2 * unit))
        else:
            for side in (-1, 1):
                path.moveTo(at + QPointF(-2 * side * unit, -2 * unit))
                path.lineTo(at + QPointF(2 * side * unit, 2 * unit))
        painter.drawPath(path)

    def _draw_face(self, painter: QPainter) -> None:
        """Where to put the face, and where it is."""
        screen, frame = self._screen, self._frame()
        if screen.phase != "looking" or screen.result is not None or screen.task is not None:
            return
        if self._picture is None:
            return
        size = frame.width() * self._guide
        guide = QRectF(0, 0, size, size * 1.3)
        guide.moveCenter(frame.center())
        pen = QPen(QColor(255, 255, 255, 200), 3.0, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(guide)
        if screen.face is None:
            return
        x, y, width, height = screen.face
        face = QRectF(
            frame.x() + x * frame.width(),
            frame.y() + y * frame.height(),
            width * frame.width(),
            height * frame.height(),
        )
        painter.setClipRect(frame)
        painter.setPen(QPen(self._ring_colour(), 4.0))
        painter.drawEllipse(face)
        painter.setClipping(False)

    def _draw_ring(self, painter: QPainter) -> None:
        frame = self._frame()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("line"), _RING_PX))
        painter.drawEllipse(frame)
        screen = self._screen
        if screen.result is not None or screen.hint:
            painter.setPen(QPen(self._ring_colour(), _RING_PX))
            painter.drawEllipse(frame)
        if screen.result is not None:
            return
        painter.setPen(_pen(self._theme.colour("good"), _RING_PX))
        start, span = 90 * 16, -round(360 * 16 * screen.share)
        if screen.phase == "judged":
            painter.setPen(_pen(self._theme.colour("accent"), _RING_PX))
            start, span = (90 - 36 * self._beat) * 16, -90 * 16
        if span:
            painter.drawArc(frame, start, span)

    def _ring_colour(self) -> QColor:
        screen = self._screen
        if screen.result is not None:
            return self._theme.colour("good" if screen.result.good else "bad")
        if screen.hint:
            return self._theme.colour("warn")
        return self._theme.colour("good" if screen.usable else "accent")


def draw_head(painter: QPainter, at: QPointF, unit: float, colour: QColor) -> None:
    """Head and shoulders, ten units wide."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(at + QPointF(0, -1.6 * unit), 2 * unit, 2.5 * unit)
    shoulders = QPainterPath()
    shoulders.addRoundedRect(
        QRectF(at.x() - 3.6 * unit, at.y() + 1.6 * unit, 7.2 * unit, 3.6 * unit),
        1.8 * unit,
        1.8 * unit,
    )
    painter.drawPath(shoulders)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _pen(colour: QColor, width: float) -> QPen:
    cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
    return QPen(colour, width, Qt.PenStyle.SolidLine, cap, join)
