"""Who does what each route of the table is called for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from yibao_face.sync.center.office.browse import alarms, records
from yibao_face.sync.center.office.door.openapi import document
from yibao_face.sync.center.office.figure import rate, settlement
from yibao_face.sync.center.office.fleet import devices, tickets
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation import institutions, regions
from yibao_face.sync.center.office.overview import overview
from yibao_face.sync.center.office.people import look, session, users
from yibao_face.sync.center.office.review import bindings, cases, erasures, specials
from yibao_face.sync.center.office.scene import practitioners, tasks

Handler = Callable[[Office, Ask], Any]


def _case_handlers(one: str, kinds: cases.Kinds, settle: cases.Settle) -> dict[str, Handler]:
    return {
        f"{one}s": partial(cases.list_cases, kinds=kinds),
        one: partial(cases.one_case, kinds=kinds),
        f"{one}_decide": partial(cases.decide, kinds=kinds, settle=settle),
        f"{one}_confirm": partial(cases.confirm, kinds=kinds, settle=settle),
    }


HANDLERS: dict[str, Handler] = {
    "logout": session.sign_out,
    "password": users.change_password,
    "overview": overview,
    "settings": look.show_settings,
    "settings_put": look.change_settings,
    "regions": regions.list_regions,
    "region_put": regions.put_region,
    "region_delete": regions.delete_region,
    "regions_import": regions.import_regions,
    "regions_export": regions.export_regions,
    "institutions": institutions.list_institutions,
    "institution": institutions.one_institution,
    "institution_put": institutions.put_institution,
    "institutions_import": institutions.import_institutions,
    "institutions_export": institutions.export_institutions,
    "users": users.list_users,
    "user": users.one_user,
    "user_add": users.add_user,
    "user_put": users.change_user,
    "grants_put": users.set_grants,
    "user_password": users.reset_password,
    "devices": devices.list_devices,
    "devices_export": devices.export_devices,
    "device": devices.one_device,
    "device_events": devices.device_events,
    "device_health": devices.device_health,
    "device_revoke": devices.revoke_device,
    **_case_handlers("binding", bindings.KINDS, bindings.settle_binding),
    "binding_add": bindings.apply_binding,
    "binding_withdraw": bindings.withdraw_binding,
    "binding_code": bindings.binding_code,
    "tickets": tickets.list_tickets,
    "ticket": tickets.one_ticket,
    "ticket_add": tickets.add_ticket,
    **{
        f"ticket_{act}": tickets.step_ticket
        for act in ("respond", "solve", "note", "reopen", "close")
    },
    "practitioners": practitioners.list_practitioners,
    "practitioner_add": practitioners.add_practitioner,
    "practitioners_import": practitioners.import_practitioners,
    "practitioners_publish": practitioners.publish_practitioners,
    "attendance": practitioners.list_attendance,
    "tasks": tasks.list_tasks,
    "task": tasks.one_task,
    "task_add": tasks.add_task,
    "task_publish": tasks.publish_task,
    **_case_handlers("special", specials.KINDS, specials.settle_special),
    "special_counts": specials.count_specials,
    **_case_handlers("erasure", erasures.KINDS, erasures.settle_erasure),
    "erasure_add": erasures.apply_erasure,
    "rates": rate.list_rates,
    "rate_sums": rate.list_sums,
    "rates_export": rate.export_rates,
    "settlements": settlement.list_settlements,
    "settlement_counts": settlement.count_verdicts,
    "settlements_add": settlement.add_settlements,
    "settlements_import": settlement.import_settlements,
    "records": records.list_records,
    "records_export": records.export_records,
    "record": records.one_record,
    "alarms": alarms.list_alarms,
    "alarms_export": alarms.export_alarms,
    "audit": look.list_audit,
    "audit_verify": look.verify_audit,
    "openapi": lambda _office, _ask: document(),
}
