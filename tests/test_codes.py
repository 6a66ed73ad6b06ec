"""One table holds every end of an encounter, and every error of ours leads into it."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from yibao_face.daemon.capture.attempt import DeadlineError
from yibao_face.daemon.codes import ERRORS, TABLE, cause_of
from yibao_face.daemon.core.encounter import HINTS, Answer, Cause
from yibao_face.drivers.api import DeviceLostError
from yibao_face.sync.api import StoreError

ROOMS = ("daemon", "drivers", "models", "sync", "shim", "installer")
# Errors that can never end an encounter, and why.
OUTSIDE = {
    "AnswerError": "ends the setup command",
    "SetupError": "ends the setup command",
    "AbiError": "always turned into a device error by the C ABI driver",
    "CalibrateError": "ends the calibrate command",
    "CenterError": "ends the center command",
    "BusError": "ends the center command",
    "BlobError": "told as the state of a piece of evidence at the centre",
    "DamagedBlobError": "told as the state of a piece of evidence at the centre",
    "NoBlobError": "told as the state of a piece of evidence at the centre",
    "UnreadableError": "told as the reason of a dead letter at the centre",
    "SealError": "ends the center command",
    "RefusedError": "always turned into an answer by the centre's door",
    "StoreDownError": "always turned into an answer by the centre's door",
    "UnsoundError": "always told as the verdict on a record by the centre",
    "ChainError": "always turned into StoreError by the outbox",
    "CliError": "ends a command line",
    "CallerError": "ends the lan command",
    "UnansweredError": "counted by the LAN listener, which closes the connection",
    "LanError": "counted by the LAN listener, which closes the connection",
    "ClientError": "raised on the caller's side of the port",
    "ConfigError": "raised before a daemon is built",
    "ConformError": "ends the conform command",
    "ProtocolError": "ends a conversation with the windows, which are started again",
    "ProgramGoneError": "told as an answer that never came, by the conform command",
    "PluginError": "told as the reason a plug-in is refused",
    "PointFailedError": "told by `camera test` and by tests of the drivers",
    "PortTakenError": "raised before the first call can arrive",
    "BuildError": "ends the build of the library",
    "SourceError": "ends the build of the library",
    "DamagedFrameError": "always dropped with its frame by the UVC drivers",
    "DemoError": "ends the demo command",
    "EvaluateError": "ends the liveness command",
    "HealthError": "always turned into an alarm by the centre's intake",
    "NoKeyError": "always turned into an answer by the centre's office",
    "MessageError": "always turned into DeviceLostError by the driver host",
    "MisshapenError": "always turned into a device error by the OpenNI2 driver",
    "NotJsonError": "always turned into BadRequestError by the request parser",
    "UpdateError": "ends the update command; the running version stays",
    "ArchiveError": "ends the update command; the running version stays",
    "InUseError": "ends the update command; the running version stays",
    "NotGenuineError": "ends the update command; the running version stays",
    "SelfTestError": "ends the update command; the running version stays",
    "SiteError": "ends the update command; the running version stays",
    "SpaceError": "ends the update command; the running version stays",
    "StateError": "ends the update command; the running version stays",
    "SwitchError": "ends the update command; the running version stays",
    "UnhealthyError": "ends the update command; the running version stays",
    "UnattendedError": "ends the update command; the running version stays",
    "UnusableError": "ends the update command; the running version stays",
    "UplinkError": "ends the link command, or is told as the state of the link",
    "IdentityError": "ends the link command, or is told as the state of the link",
    "UntrustedError": "ends the link command, or is told as the state of the link",
    "NoAnswerError": "ends the link command, or is told as the state of the link",
    "CentreRefusedError": "ends the link command, or is told as the state of the link",
    "PackageError": "ends the making of a package, which no counter does",
    "LetterRefusedError": "always told as the reason a letter is refused by the uplink",
    "PartFailedError": "told as a row of the console's self-test",
    "PinError": "always turned into BadRequestError by the console",
    "StaffError": "ends the staff command, told by the console",
    "StickError": "ends the queue command",
    "WireError": "told as the reason a record is refused, by who reads it",
    "_StopError": "ends the questions of the acceptance command",
    "ChipError": "always turned into Again.UNREADABLE by the reader",
    "ScannerError": "ends the scanner command",
    "ScannerBusyError": "ends the scanner command",
    "ScannerConfigError": "ends the scanner command",
    "ScannerLostError": "ends the scanner command",
    "ScannerMissingError": "ends the scanner command",
    "ScannerPermissionError": "ends the scanner command",
    "ScannerUnsupportedError": "ends the scanner command",
    "SdkError": "always turned into a device error by the OpenNI2 driver",
    "SheetError": "always turned into SiteModelError, before a model is taken in",
    "WrongModeError": "always turned into a device error by the UVC drivers",
    "ThresholdError": "always turned into SiteModelError, before a model can be selected",
}


class UnluckyLostError(DeviceLostError):
    """Not listed itself; its parent is."""


def subclasses(base: type[Exception]) -> Iterator[type[Exception]]:
    for found in base.__subclasses__():
        yield found
        yield from subclasses(found)


def import_everything() -> None:
    for room in ROOMS:
        package = importlib.import_module(f"yibao_face.{room}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def our_errors() -> set[type[Exception]]:
    """Every error class of the product, by the modules of all rooms."""
    import_everything()
    return {e for e in subclasses(Exception) if e.__module__.startswith("yibao_face.")}


def test_every_cause_has_a_row() -> None:
    assert set(Cause) == set(TABLE)


def test_only_a_match_passes_and_only_a_rule_exempts() -> None:
    by_answer = {answer: {c for c, r in TABLE.items() if r.answer is answer} for answer in Answer}
    signs = {Cause.SIGNED_IN, Cause.SIGNED_OUT}

    assert {Cause.MATCHED_SELF, Cause.MATCHED_AGENT} | signs == by_answer[Answer.PASS]
    assert {Cause.POLICY_EXEMPT, Cause.SPECIAL_EXEMPT} == by_answer[Answer.NOT_NEEDED]


def test_only_a_sign_is_attendance_done_and_the_codes_are_those_of_the_document() -> None:
    done = {cause for cause, row in TABLE.items() if row.attendance == 0}

    assert {Cause.SIGNED_IN, Cause.SIGNED_OUT, Cause.ALREADY_SIGNED} == done
    assert {0, 1, -1, -2, -4} == {row.attendance for row in TABLE.values()}


@pytest.mark.parametrize(
    ("code", "causes"),
    [
        (-4, {Cause.NOT_ON_ROSTER}),
        (-2, {c for c in Cause if c.value.startswith("camera-")}),
        (-1, {Cause.CANCELLED_BY_PERSON, Cause.CANCELLED_BY_CLERK, Cause.CALLER_GONE}),
    ],
)
def test_attendance_tells_apart_roster_camera_and_cancel(code: int, causes: set[Cause]) -> None:
    assert {code} == {TABLE[cause].attendance for cause in causes}


@pytest.mark.parametrize("cause", Cause)
def test_every_message_is_a_short_chinese_sentence(cause: Cause) -> None:
    message = TABLE[cause].message

    assert re.search("[\u4e00-\u9fff]", message)
    assert len(message) <= 60
    assert message == message.strip()
    assert message.isprintable()


def test_no_two_causes_have_the_same_name() -> None:
    assert len(set(Cause)) == len({cause.value.lower() for cause in Cause})
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", cause.value) for cause in Cause)


def test_every_error_of_ours_leads_to_a_listed_cause() -> None:
    unlisted = {
        error.__name__
        for error in our_errors()
        if not any(base in ERRORS for base in error.__mro__)
    }

    assert set(OUTSIDE) == unlisted


def test_every_listed_error_resolves_to_its_own_cause() -> None:
    for error, cause in ERRORS.items():
        assert cause is cause_of(error("advice"))
    assert {Answer.FAIL} == {TABLE[cause].answer for cause in ERRORS.values()}


def test_the_nearest_listed_ancestor_decides() -> None:
    assert Cause.CAMERA_LOST is cause_of(UnluckyLostError("gone"))


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), OSError(28, "disk full"), KeyError("x"), RuntimeError(), Exception()],
)
def test_an_unlisted_error_is_internal(error: Exception) -> None:
    assert Cause.INTERNAL is cause_of(error)


def test_what_was_raised_from_another_error_keeps_its_own_cause() -> None:
    error = StoreError("full")
    error.__cause__ = DeadlineError("late")

    assert Cause.STORE_FAILED is cause_of(error)


def test_hints_are_told_and_never_pass() -> None:
    assert HINTS <= set(TABLE)
    assert {Answer.FAIL} == {TABLE[hint].answer for hint in HINTS}
    assert HINTS.isdisjoint(ERRORS.values())
