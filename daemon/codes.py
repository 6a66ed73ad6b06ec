"""Every way an encounter may end, and what each caller is told: the one place where they meet."""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.daemon.booth.counter import CounterSilentError
from yibao_face.daemon.booth.still.photo import PhotoError
from yibao_face.daemon.capture.attempt import (
    CallerGoneError,
    CameraSilentError,
    CancelledByClerkError,
    CancelledByPersonError,
    DeadlineError,
    EncounterEndedError,
    PersonChangedError,
    StoppingError,
)
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.policy import PolicyError
from yibao_face.daemon.core.scene.dialysis import DialysisError
from yibao_face.daemon.core.scene.round import TaskError
from yibao_face.daemon.gallery.evidence import EvidenceError
from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.gallery import (
    NumbersConflictError,
    PersonExistsError,
    UnknownPersonError,
)
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.trust.certificate import CertificateError
from yibao_face.daemon.trust.document import DocumentError
from yibao_face.daemon.trust.signature import SignatureError
from yibao_face.daemon.wire.request import BadRequestError, TooLargeError
from yibao_face.drivers.api import (
    ClipError,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.reader.api import ReaderBusyError, ReaderError, ReaderMissingError
from yibao_face.models.api import (
    ModelAlteredError,
    ModelError,
    ModelMissingError,
    ModelRevokedError,
    ModelRunError,
    ModelSourceError,
)
from yibao_face.sync.api import StoreError


@dataclass(frozen=True, slots=True)
class Row:
    """``code`` of each interface and the sentence the clerk reads; it names the next step.

    ``attendance``: ``code`` of ``HisCallAtten`` (S0-44): 0 done, 1 not, -1 cancelled by the user,
    -2 no camera, -4 no such practitioner here.
    """

    answer: Answer
    attendance: int
    message: str


class BusyError(Exception):
    """Another encounter holds the camera."""


class DeviceRevokedError(Exception):
    """The centre trusts this device no longer."""


def _fail(message: str, attendance: int = 1) -> Row:
    return Row(Answer.FAIL, attendance, message)


def _camera(message: str) -> Row:
    return _fail(message, attendance=-2)


def _cancelled(message: str) -> Row:
    return _fail(message, attendance=-1)


# cause -> (zjHisFunCall and HTTP, HisCallAtten, message for the counter). A match passes, a rule
# of the centre exempts, nothing else (Q8).
TABLE: dict[Cause, Row] = {
    Cause.MATCHED_SELF: Row(Answer.PASS, 1, "本人核验通过"),
    Cause.MATCHED_AGENT: Row(Answer.PASS, 1, "代购人核验通过"),
    Cause.POLICY_EXEMPT: Row(Answer.NOT_NEEDED, 1, "按医保政策无需人脸核验"),
    Cause.SPECIAL_EXEMPT: Row(Answer.NOT_NEEDED, 1, "已办特殊登记，本次无需人脸核验"),
    Cause.SIGNED_IN: Row(Answer.PASS, 0, "签到成功，当天有效"),
    Cause.SIGNED_OUT: Row(Answer.PASS, 0, "签退成功"),
    Cause.ALREADY_SIGNED: Row(Answer.FAIL, 0, "刚刚已完成，无需重复"),
    Cause.RECORDED: _fail("已登记"),
    Cause.OTHER_PERSON: _fail("与参保人不符，请本人核验或办理代购登记"),
    Cause.NOT_IDENTIFIED: _fail("无法确定是名单中的哪一位，请重试或输入证件号码签到"),
    Cause.SPOOF_FLAT: _fail("疑似照片或屏幕，已拒绝，请本人到场核验"),
    Cause.SPOOF_SIZE: _fail("人脸尺寸异常，已拒绝，请本人到场核验"),
    Cause.SPOOF_SHAPE: _fail("疑似面具，已拒绝，请本人到场核验"),
    Cause.SPOOF_RIGID: _fail("疑似面具，已拒绝，请本人到场核验"),
    Cause.ACTION_NOT_DONE: _fail("动作未完成，请按提示重试；动作不便的请办理特殊登记"),
    Cause.PERSON_CHANGED: _fail("核验中途换了人，请本人重新核验"),
    Cause.STREAM_IMPLAUSIBLE: _camera("摄像头画面异常，已拒绝，请重新插拔或联系工程师"),
    Cause.CAMERA_UNTRUSTED: _camera("非授权摄像头，不能用于核验，请换回登记的摄像头或联系工程师"),
    Cause.AGENT_EXPIRED: _fail("代购登记已过期，请重新办理代购登记"),
    Cause.LOCKED_OUT: _fail("多次疑似冒用，已暂停核验，请稍候或由工作人员核实后解除"),
    Cause.DEAL_TAKEN: _fail("该结算流水号已用于另一人，请HIS重新取流水号"),
    Cause.NOT_SIGNED_IN: _fail("今天还没有签到，请先签到"),
    Cause.NOT_ON_ROSTER: _fail("该机构下无此医师药师，请联系医保科维护名单", attendance=-4),
    Cause.NOT_INPATIENT: _fail("该患者不在本院住院名单，请核对住院登记"),
    Cause.TREATMENT_OPEN: _fail("上一次治疗还未签退，请先签退"),
    Cause.TREATMENT_NOT_OPEN: _fail("没有进行中的治疗，请先签到"),
    Cause.MAKEUP_LATE: _fail("补签时间超出范围，请填写24小时内的时间"),
    Cause.CLOCK_SET_BACK: _fail("电脑时间被调早，请校准时间后重试或联系工程师"),
    Cause.CLOCK_AHEAD: _fail("电脑时间比中心快，请校准时间后重试或联系工程师"),
    Cause.RECORDED_CAMERA: _camera("非现场摄像头，不能用于核验，请接入3D摄像头"),
    Cause.NO_DEPTH_CAMERA: _camera("本摄像头不支持活体检测，不能用于结算，请更换3D摄像头"),
    Cause.NOT_ENROLLED: _fail("该人员未登记人脸，请先登记后重试"),
    Cause.NUMBERS_CONFLICT: _fail("证件号码与个人编号不是同一人，请核对后重试"),
    Cause.TEMPLATE_STALE: _fail("人脸模板已过期，请重新登记人脸"),
    Cause.CONSENT_REFUSED: _fail("本人未同意人脸识别，请走人工审核"),
    Cause.STAFF_REFUSED: _fail("工作人员未确认身份，登记未完成"),
    Cause.ID_PHOTO_MISMATCH: _fail("与证件照不符，登记未完成，请核对证件"),
    Cause.ID_PHOTO_UNUSABLE: _fail("证件照无法识别，请重新拍摄证件照"),
    Cause.COUNTER_SILENT: _fail("该人员未登记人脸，请打开柜台登记界面后重试"),
    Cause.CARD_ABSENT: _fail("未读到身份证，登记未完成，请重新发起并把身份证放稳"),
    Cause.CARD_OTHER: _fail("身份证与参保人不是同一人，登记未完成，请核对证件"),
    Cause.CARD_EXPIRED: _fail("身份证不在有效期内，登记未完成，请核对证件"),
    Cause.READER_MISSING: _fail("未找到身份证阅读器，请检查连接或改为拍摄证件照"),
    Cause.READER_BUSY: _fail("身份证阅读器被其他程序占用，请关闭后重试或改为拍摄证件照"),
    Cause.READER_FAULT: _fail("身份证阅读器故障，请重新插拔或改为拍摄证件照"),
    Cause.NO_FACE: _fail("未检测到人脸，请正对摄像头后重试"),
    Cause.MANY_FACES: _fail("画面中有多张人脸，请只留本人后重试"),
    Cause.FACE_CUT: _fail("人脸不完整，请把脸移到画面中间后重试"),
    Cause.TOO_FAR: _fail("距离太远，请靠近摄像头后重试"),
    Cause.TOO_NEAR: _fail("距离太近，请稍向后退后重试"),
    Cause.NOT_FRONTAL: _fail("请正对摄像头后重试"),
    Cause.TOO_DARK: _fail("光线太暗，请调亮灯光后重试"),
    Cause.TOO_BRIGHT: _fail("光线太强，请避开强光后重试"),
    Cause.BLURRED: _fail("画面模糊，请保持不动后重试"),
    Cause.MASKED: _fail("请摘下口罩后重试"),
    Cause.GLARE: _fail("请避开镜片反光，稍转头或移开灯光后重试"),
    Cause.EYES_CLOSED: _fail("请睁开眼睛后重试"),
    Cause.DEPTH_POOR: _fail("深度数据不足，请摘下墨镜口罩、避开阳光后重试"),
    Cause.IR_POOR: _fail("红外画面不清楚，请避开阳光、正对摄像头后重试"),
    Cause.UNSYNCED: _fail("摄像头画面不同步，请稍候重试或重新插拔摄像头"),
    Cause.MOVED: _fail("请保持不动后重试"),
    Cause.BAD_REQUEST: _fail("入参有误，请HIS核对"),
    Cause.TOO_LARGE: _fail("请求内容过大，请检查HIS传入的数据"),
    Cause.DOCUMENT_REFUSED: _fail("文件签名无效或内容有误，请向医保中心重新索取"),
    Cause.EVIDENCE_FAULT: _fail("照片无法保存，请检查照片大小和磁盘空间"),
    Cause.CANCELLED_BY_PERSON: _cancelled("本人已取消，如需继续请重新发起"),
    Cause.CANCELLED_BY_CLERK: _cancelled("工作人员已取消，如需继续请重新发起"),
    Cause.BUSY: _camera("正在为另一位核验，请稍候重试"),
    Cause.CALLER_GONE: _cancelled("HIS已断开，本次核验取消"),
    Cause.DEADLINE: _fail("核验超时，请重新发起"),
    Cause.STOPPING: _fail("核验服务正在停止，请稍后重试"),
    Cause.CAMERA_MISSING: _camera("未找到摄像头，请检查连接后重试"),
    Cause.CAMERA_BUSY: _camera("摄像头被其他程序占用，请关闭后重试"),
    Cause.CAMERA_DENIED: _camera("系统不允许使用摄像头，请在系统隐私设置中允许或联系工程师"),
    Cause.CAMERA_LOST: _camera("摄像头已断开，请重新插好后重试"),
    Cause.CAMERA_STALLED: _camera("摄像头画面停住了，请稍候重试或重新插拔"),
    Cause.CAMERA_UNSUPPORTED: _camera("摄像头型号或驱动不支持，请联系工程师"),
    Cause.CAMERA_SILENT: _camera("摄像头没有画面，请重新插拔后重试"),
    Cause.CAMERA_FAULT: _camera("摄像头故障，请联系工程师"),
    Cause.CAMERA_CONFIG: _camera("摄像头配置有误，请联系工程师"),
    Cause.CLIP_BROKEN: _camera("录像文件损坏，请重新生成"),
    Cause.MODEL_MISSING: _fail("算法模型未安装，请联系工程师"),
    Cause.MODEL_ALTERED: _fail("算法模型文件被改动，已停用，请联系工程师重新安装"),
    Cause.MODEL_REVOKED: _fail("算法模型已被医保中心停用，请联系工程师更新"),
    Cause.MODEL_FAULT: _fail("算法运行失败，请重试或联系工程师"),
    Cause.DEVICE_REVOKED: _fail("本机已被医保中心停用，请联系医保中心或工程师"),
    Cause.GALLERY_FAULT: _fail("人脸库无法读取，请联系工程师"),
    Cause.STORE_FAILED: _fail("结果无法保存，请检查磁盘空间后重试"),
    Cause.INTERNAL: _fail("系统内部错误，请联系工程师"),
}

# Every error of ours, by its nearest listed ancestor. Tests walk all subclasses.
ERRORS: dict[type[Exception], Cause] = {
    BusyError: Cause.BUSY,
    DeviceRevokedError: Cause.DEVICE_REVOKED,
    TooLargeError: Cause.TOO_LARGE,
    BadRequestError: Cause.BAD_REQUEST,
    CancelledByPersonError: Cause.CANCELLED_BY_PERSON,
    CancelledByClerkError: Cause.CANCELLED_BY_CLERK,
    CallerGoneError: Cause.CALLER_GONE,
    DeadlineError: Cause.DEADLINE,
    StoppingError: Cause.STOPPING,
    CameraSilentError: Cause.CAMERA_SILENT,
    PersonChangedError: Cause.PERSON_CHANGED,
    EncounterEndedError: Cause.INTERNAL,
    CounterSilentError: Cause.COUNTER_SILENT,
    DeviceMissingError: Cause.CAMERA_MISSING,
    DeviceBusyError: Cause.CAMERA_BUSY,
    DevicePermissionError: Cause.CAMERA_DENIED,
    DeviceLostError: Cause.CAMERA_LOST,
    DeviceStalledError: Cause.CAMERA_STALLED,
    DeviceUnsupportedError: Cause.CAMERA_UNSUPPORTED,
    DeviceConfigError: Cause.CAMERA_CONFIG,
    ClipError: Cause.CLIP_BROKEN,
    DeviceError: Cause.CAMERA_FAULT,
    ReaderMissingError: Cause.READER_MISSING,
    ReaderBusyError: Cause.READER_BUSY,
    ReaderError: Cause.READER_FAULT,
    ModelMissingError: Cause.MODEL_MISSING,
    ModelSourceError: Cause.MODEL_MISSING,
    ModelAlteredError: Cause.MODEL_ALTERED,
    ModelRunError: Cause.MODEL_FAULT,
    ModelRevokedError: Cause.MODEL_REVOKED,
    ModelError: Cause.MODEL_FAULT,
    NumbersConflictError: Cause.NUMBERS_CONFLICT,
    PersonExistsError: Cause.GALLERY_FAULT,
    UnknownPersonError: Cause.NOT_ENROLLED,
    GalleryError: Cause.GALLERY_FAULT,
    DocumentError: Cause.DOCUMENT_REFUSED,
    PolicyError: Cause.DOCUMENT_REFUSED,
    TaskError: Cause.DOCUMENT_REFUSED,
    DialysisError: Cause.BAD_REQUEST,
    EvidenceError: Cause.EVIDENCE_FAULT,
    SignatureError: Cause.INTERNAL,
    CertificateError: Cause.INTERNAL,
    PhotoError: Cause.ID_PHOTO_UNUSABLE,
    VaultError: Cause.GALLERY_FAULT,
    StoreError: Cause.STORE_FAILED,
}


def cause_of(error: Exception) -> Cause:
    """The cause of the nearest listed ancestor; an unlisted error is a bug: ``INTERNAL``."""
    for cls in type(error).__mro__:
        if cls in ERRORS:
            return ERRORS[cls]
    return Cause.INTERNAL
