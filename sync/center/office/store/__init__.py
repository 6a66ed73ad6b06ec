"""The tables of the office and how they are read; importing it registers all of them."""

from __future__ import annotations

from yibao_face.sync.center.office.store import figure_tables, tables

__all__ = ["figure_tables", "tables"]
