"""The words of one encounter: what may be answered, who stood there, why it ended, what to do."""

from __future__ import annotations

from enum import IntEnum, StrEnum, unique

# How records name this machine itself where they say which machine asked.
LOCAL = "local"


class Answer(IntEnum):
    """``code`` of zjHisFunCall and POST /stdcashFaceAuth (S0-07): non-zero lets the HIS go on."""

    FAIL = 0
    PASS = 1
    NOT_NEEDED = 2


class Who(IntEnum):
    """``type``: who stood at the counter (S0-10); ``NOBODY`` where nothing was passed."""

    NOBODY = 0
    SELF = 1
    AGENT = 2


@unique
class Cause(StrEnum):
    """Why an encounter ended as it did: stable, recorded, told to the caller by one table."""

    MATCHED_SELF = "matched-self"
    MATCHED_AGENT = "matched-agent"
    POLICY_EXEMPT = "policy-exempt"
    SPECIAL_EXEMPT = "special-exempt"
    SIGNED_IN = "signed-in"
    SIGNED_OUT = "signed-out"
    ALREADY_SIGNED = "already-signed"
    RECORDED = "recorded"

    OTHER_PERSON = "other-person"
    NOT_IDENTIFIED = "not-identified"
    SPOOF_FLAT = "spoof-flat"
    SPOOF_SIZE = "spoof-size"
    SPOOF_SHAPE = "spoof-shape"
    AGENT_EXPIRED = "agent-expired"
    LOCKED_OUT = "locked-out"
    DEAL_TAKEN = "deal-taken"
    NOT_SIGNED_IN = "not-signed-in"
    NOT_ON_ROSTER = "not-on-roster"
    NOT_INPATIENT = "not-inpatient"
    TREATMENT_OPEN = "treatment-open"
    TREATMENT_NOT_OPEN = "treatment-not-open"
    MAKEUP_LATE = "makeup-late"
    CLOCK_SET_BACK = "clock-set-back"
    CLOCK_AHEAD = "clock-ahead"
    SPOOF_RIGID = "spoof-rigid"
    ACTION_NOT_DONE = "action-not-done"
    PERSON_CHANGED = "person-changed"
    STREAM_IMPLAUSIBLE = "stream-implausible"
    CAMERA_UNTRUSTED = "camera-untrusted"
    RECORDED_CAMERA = "recorded-camera"
    NO_DEPTH_CAMERA = "no-depth-camera"

    NOT_ENROLLED = "not-enrolled"
    NUMBERS_CONFLICT = "numbers-conflict"
    TEMPLATE_STALE = "template-stale"
    CONSENT_REFUSED = "consent-refused"
    STAFF_REFUSED = "staff-refused"
    ID_PHOTO_MISMATCH = "id-photo-mismatch"
    ID_PHOTO_UNUSABLE = "id-photo-unusable"
    COUNTER_SILENT = "counter-silent"
    CARD_ABSENT = "card-absent"
    CARD_OTHER = "card-other"
    CARD_EXPIRED = "card-expired"
    READER_MISSING = "reader-missing"
    READER_BUSY = "reader-busy"
    READER_FAULT = "reader-fault"

    NO_FACE = "no-face"
    MANY_FACES = "many-faces"
    FACE_CUT = "face-cut"
    TOO_FAR = "too-far"
    TOO_NEAR = "too-near"
    NOT_FRONTAL = "not-frontal"
    TOO_DARK = "too-dark"
    TOO_BRIGHT = "too-bright"
    BLURRED = "blurred"
    MASKED = "masked"
    GLARE = "glare"
    EYES_CLOSED = "eyes-closed"
    DEPTH_POOR = "depth-poor"
    IR_POOR = "ir-poor"
    UNSYNCED = "unsynced"
    MOVED = "moved"

    BAD_REQUEST = "bad-request"
    TOO_LARGE = "too-large"
    DOCUMENT_REFUSED = "document-refused"
    EVIDENCE_FAULT = "evidence-fault"
    BUSY = "busy"
    CANCELLED_BY_PERSON = "cancelled-by-person"
    CANCELLED_BY_CLERK = "cancelled-by-clerk"
    CALLER_GONE = "caller-gone"
    DEADLINE = "deadline"
    STOPPING = "stopping"
    CAMERA_MISSING = "camera-missing"
    CAMERA_BUSY = "camera-busy"
    CAMERA_DENIED = "camera-denied"
    CAMERA_LOST = "camera-lost"
    CAMERA_STALLED = "camera-stalled"
    CAMERA_UNSUPPORTED = "camera-unsupported"
    CAMERA_SILENT = "camera-silent"
    CAMERA_FAULT = "camera-fault"
    CAMERA_CONFIG = "camera-config"
    CLIP_BROKEN = "clip-broken"
    MODEL_MISSING = "model-missing"
    MODEL_ALTERED = "model-altered"
    MODEL_REVOKED = "model-revoked"
    MODEL_FAULT = "model-fault"
    DEVICE_REVOKED = "device-revoked"
    GALLERY_FAULT = "gallery-fault"
    STORE_FAILED = "store-failed"
    INTERNAL = "internal"


# Values, not failures: the person is told, and the next frame is tried (S0-46). When time runs
# out, the one seen most becomes the cause.
HINTS = frozenset(
    {
        Cause.NO_FACE,
        Cause.MANY_FACES,
        Cause.FACE_CUT,
        Cause.TOO_FAR,
        Cause.TOO_NEAR,
        Cause.NOT_FRONTAL,
        Cause.TOO_DARK,
        Cause.TOO_BRIGHT,
        Cause.BLURRED,
        Cause.MASKED,
        Cause.GLARE,
        Cause.EYES_CLOSED,
        Cause.DEPTH_POOR,
        Cause.IR_POOR,
        Cause.UNSYNCED,
        Cause.MOVED,
    }
)
