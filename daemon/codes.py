"""Every way an encounter may end, and what each caller is told: the one place where they meet."""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.daemon.capture.attempt import (
    CallerGoneError,
    CameraSilentError,
    DeadlineError,
    EncounterEndedError,
    StoppingError,
)
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.counter import CounterSilentError
from yibao_face.daemon.gallery.gallery import (
    GalleryError,
    NumbersConflictError,
    PersonExistsError,
    UnknownPersonError,
)
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.photo import PhotoError
from yibao_face.daemon.wire.request import BadRequestError, TooLargeError
from yibao_face.drivers.api import (
    ClipError,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
)
from yibao_face.models.api import (
    ModelAlteredError,
    ModelError,
    ModelMissingError,
    ModelRunError,
    ModelSourceError,
)
from yibao_face.sync.api import StoreError


@dataclass(frozen=True, slots=True)
class Row:
    """``code`` of the answer and the sentence the clerk reads; it names the next step."""

    answer: Answer
    message: str


class BusyError(Exception):
    """Another encounter holds the camera."""


def _fail(message: str) -> Row:
    return Row(Answer.FAIL, message)


# cause -> (zjHisFunCall and HTTP, message for the counter). Two causes pass, nothing else (Q8).
TABLE: dict[Cause, Row] = {
    Cause.MATCHED_SELF: Row(Answer.PASS, "本人核验通过"),
    Cause.MATCHED_AGENT: Row(Answer.PASS, "代购人核验通过"),
    Cause.OTHER_PERSON: _fail("与参保人不符，请本人核验或办理代购登记"),
    Cause.SPOOF_FLAT: _fail("疑似照片或屏幕，已拒绝，请本人到场核验"),
    Cause.SPOOF_SIZE: _fail("人脸尺寸异常，已拒绝，请本人到场核验"),
    Cause.SPOOF_SHAPE: _fail("疑似面具，已拒绝，请本人到场核验"),
    Cause.RECORDED_CAMERA: _fail("非现场摄像头，不能用于核验，请接入3D摄像头"),
    Cause.NO_DEPTH_CAMERA: _fail("本摄像头不支持活体检测，不能用于结算，请更换3D摄像头"),
    Cause.NOT_ENROLLED: _fail("该人员未登记人脸，请先登记后重试"),
    Cause.NUMBERS_CONFLICT: _fail("证件号码与个人编号不是同一人，请核对后重试"),
    Cause.TEMPLATE_STALE: _fail("人脸模板已过期，请重新登记人脸"),
    Cause.CONSENT_REFUSED: _fail("本人未同意人脸识别，请走人工审核"),
    Cause.STAFF_REFUSED: _fail("工作人员未确认身份，登记未完成"),
    Cause.ID_PHOTO_MISMATCH: _fail("与证件照不符，登记未完成，请核对证件"),
    Cause.ID_PHOTO_UNUSABLE: _fail("证件照无法识别，请重新拍摄证件照"),
    Cause.COUNTER_SILENT: _fail("该人员未登记人脸，请打开柜台登记界面后重试"),
    Cause.NO_FACE: _fail("未检测到人脸，请正对摄像头后重试"),
    Cause.MANY_FACES: _fail("画面中有多张人脸，请只留本人后重试"),
    Cause.FACE_CUT: _fail("人脸不完整，请把脸移到画面中间后重试"),
    Cause.TOO_FAR: _fail("距离太远，请靠近摄像头后重试"),
    Cause.TOO_NEAR: _fail("距离太近，请稍向后退后重试"),
    Cause.NOT_FRONTAL: _fail("请正对摄像头后重试"),
    Cause.TOO_DARK: _fail("光线太暗，请调亮灯光后重试"),
    Cause.TOO_BRIGHT: _fail("光线太强，请避开强光后重试"),
    Cause.BLURRED: _fail("画面模糊，请保持不动后重试"),
    Cause.DEPTH_POOR: _fail("深度数据不足，请摘下墨镜口罩、避开阳光后重试"),
    Cause.MOVED: _fail("请保持不动后重试"),
    Cause.BAD_REQUEST: _fail("入参有误，请HIS核对"),
    Cause.TOO_LARGE: _fail("请求内容过大，请检查HIS传入的数据"),
    Cause.BUSY: _fail("正在为另一位核验，请稍候重试"),
    Cause.CALLER_GONE: _fail("HIS已断开，本次核验取消"),
    Cause.DEADLINE: _fail("核验超时，请重新发起"),
    Cause.STOPPING: _fail("核验服务正在停止，请稍后重试"),
    Cause.CAMERA_MISSING: _fail("未找到摄像头，请检查连接后重试"),
    Cause.CAMERA_BUSY: _fail("摄像头被其他程序占用，请关闭后重试"),
    Cause.CAMERA_LOST: _fail("摄像头已断开，请重新插好后重试"),
    Cause.CAMERA_SILENT: _fail("摄像头没有画面，请重新插拔后重试"),
    Cause.CAMERA_FAULT: _fail("摄像头故障，请联系工程师"),
    Cause.CAMERA_CONFIG: _fail("摄像头配置有误，请联系工程师"),
    Cause.CLIP_BROKEN: _fail("录像文件损坏，请重新生成"),
    Cause.MODEL_MISSING: _fail("算法模型未安装，请联系工程师"),
    Cause.MODEL_ALTERED: _fail("算法模型文件被改动，已停用，请联系工程师重新安装"),
    Cause.MODEL_FAULT: _fail("算法运行失败，请重试或联系工程师"),
    Cause.GALLERY_FAULT: _fail("人脸库无法读取，请联系工程师"),
    Cause.STORE_FAILED: _fail("结果无法保存，请检查磁盘空间后重试"),
    Cause.INTERNAL: _fail("系统内部错误，请联系工程师"),
}

# Every error of ours, by its nearest listed ancestor. Tests walk all subclasses.
ERRORS: dict[type[Exception], Cause] = {
    BusyError: Cause.BUSY,
    TooLargeError: Cause.TOO_LARGE,
    BadRequestError: Cause.BAD_REQUEST,
    CallerGoneError: Cause.CALLER_GONE,
    DeadlineError: Cause.DEADLINE,
    StoppingError: Cause.STOPPING,
    CameraSilentError: Cause.CAMERA_SILENT,
    EncounterEndedError: Cause.INTERNAL,
    CounterSilentError: Cause.COUNTER_SILENT,
    DeviceMissingError: Cause.CAMERA_MISSING,
    DeviceBusyError: Cause.CAMERA_BUSY,
    DeviceLostError: Cause.CAMERA_LOST,
    DeviceConfigError: Cause.CAMERA_CONFIG,
    ClipError: Cause.CLIP_BROKEN,
    DeviceError: Cause.CAMERA_FAULT,
    ModelMissingError: Cause.MODEL_MISSING,
    ModelSourceError: Cause.MODEL_MISSING,
    ModelAlteredError: Cause.MODEL_ALTERED,
    ModelRunError: Cause.MODEL_FAULT,
    ModelError: Cause.MODEL_FAULT,
    NumbersConflictError: Cause.NUMBERS_CONFLICT,
    PersonExistsError: Cause.GALLERY_FAULT,
    UnknownPersonError: Cause.NOT_ENROLLED,
    GalleryError: Cause.GALLERY_FAULT,
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
