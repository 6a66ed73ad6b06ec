"""Every act and view of the desk by its name: one row each, one door for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.desk import attendance, figure, registration, treatment, ward
from yibao_face.daemon.desk.desk import Desk, Done
from yibao_face.daemon.desk.form import Form

Act = Callable[[Desk, Form, Attempt], Done]
View = Callable[[Desk, Form], dict[str, Any]]

ACTS: dict[str, Act] = {
    "round": ward.do_round,
    "task": ward.take_task,
    "treatment-in": treatment.sign_in,
    "treatment-out": treatment.sign_out,
    "treatment-makeup": treatment.make_up,
    "treatment-data": treatment.take_data,
    "roster": attendance.take_roster,
    "attendance-face": attendance.sign_by_face,
    "attendance-makeup": attendance.make_up,
    "clock": attendance.accept_clock,
    "agent": registration.register_agent,
    "agent-revoke": registration.revoke_agent,
    "special": registration.register_special,
    "review": registration.review,
    "release": registration.release,
    "settled": figure.take_settled,
}

VIEWS: dict[str, View] = {
    "ward": ward.view_ward,
    "rounds": ward.view_rounds,
    "tasks": ward.view_tasks,
    "treatments": treatment.view_treatments,
    "attendance": attendance.view_attendance,
    "queue": registration.view_queue,
    "agents": registration.view_agents,
    "rate": figure.view_rate,
    "findings": figure.view_findings,
}
