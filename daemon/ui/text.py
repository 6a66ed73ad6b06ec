"""Every text of the windows, Chinese and English, by its key.

Why an encounter ended and what to do next is not here: ``daemon/codes.py`` owns those sentences.
"""

from __future__ import annotations

ZH, EN = "zh", "en"
LANGUAGES = (ZH, EN)

# key -> (Chinese, English)
TEXTS: dict[str, tuple[str, str]] = {
    "app.name": ("医保人脸核验", "Insurance face check"),
    # the capture window
    "title.settlement": ("医保本人核验", "Insured person check"),
    "title.attendance": ("医师药师签到签退", "Staff sign-in and sign-out"),
    "title.test": ("摄像头测试", "Camera test"),
    "who.expected": ("核验对象：{who}", "To be checked: {who}"),
    "who.anybody": ("请本人正对摄像头", "Please face the camera"),
    "hint.start": ("请正对摄像头", "Please face the camera"),
    "hint.hold": ("很好，请保持不动", "Good, please hold still"),
    "hint.judged": ("请稍候", "One moment"),
    "hint.test": ("能看清自己即为正常", "All is well if you see yourself"),
    "left.seconds": ("剩余 {seconds} 秒", "{seconds} s left"),
    "progress": ("采集进度 {percent}%", "Captured {percent}%"),
    "consent.line": (
        "人脸仅用于本次医保核验，屏幕画面不保存",
        "Your face is used for this check only; this picture is not kept",
    ),
    "button.cancel": ("取消核验（Esc）", "Cancel (Esc)"),
    "button.clerk": ("工作人员取消（F8）", "Clerk cancels (F8)"),
    "button.close": ("关闭", "Close"),
    "button.agree": ("同意", "I agree"),
    "button.disagree": ("不同意", "I do not agree"),
    "button.confirm": ("确认是本人", "It is this person"),
    "button.card": ("刷身份证确认", "Confirm by ID card"),
    "button.deny": ("不是本人", "It is not"),
    "prompt.consent": ("请本人阅读并选择", "Please read and choose"),
    "prompt.confirm": ("请工作人员核对", "For the clerk"),
    "prompt.person": ("证件号码：{person}", "Number: {person}"),
    "prompt.staff": ("工号", "Staff number"),
    "prompt.staff.empty": ("请先填写工号", "Please enter your staff number first"),
    "result.good": ("通过", "Passed"),
    "result.bad": ("未通过", "Not passed"),
    "result.closing": ("{seconds} 秒后自动关闭", "Closes in {seconds} s"),
    # for those who hear the window
    "access.window": ("人脸核验窗口", "Face check window"),
    "access.picture": ("摄像头画面，已镜像", "Camera picture, mirrored"),
    "access.hint": ("操作提示", "What to do"),
    "access.progress": ("采集进度", "Progress"),
    "access.cancel": ("取消本次核验", "Cancel this check"),
    # signing in and out
    "sign.in": ("签到", "Sign in"),
    "sign.out": ("签退", "Sign out"),
    "sign.day": ("今日记录", "Today"),
    "sign.entry": ("{time} {sign}", "{time} {sign}"),
    # the tray
    "tray.ready": ("正常，可以核验", "Ready"),
    "tray.busy": ("正在核验", "Check under way"),
    "tray.offline": ("与医保中心断开，{count} 条待上传", "Centre offline, {count} waiting"),
    "tray.camera": ("摄像头异常", "Camera fault"),
    "tray.update": ("新版本 {version} 待安装", "Update {version} is waiting"),
    "tray.starting": ("正在启动", "Starting"),
    "menu.mine": ("我的签到记录", "My records"),
    "menu.special": ("特殊情况登记", "Special registration"),
    "menu.agent": ("代购登记", "Agent registration"),
    "menu.console": ("打开控制台", "Open the console"),
    "menu.test": ("测试摄像头", "Test the camera"),
    "menu.about": ("关于", "About"),
    "menu.quit": ("退出", "Quit"),
    "quit.ask": (
        "退出后本机不能核验，医院程序会提示失败。确定退出？",
        "No check can be made after that; the hospital program will report failures. Quit?",
    ),
    "quit.yes": ("退出", "Quit"),
    "quit.no": ("不退出", "Stay"),
    "mine.title": ("我的签到记录", "My records"),
    "mine.who": ("{name} 近七天", "{name}, last seven days"),
    "mine.nobody": (
        "请先从托盘签到或签退一次，或在控制台查询",
        "Please sign in or out by the tray once, or look in the console",
    ),
    "mine.none": ("无记录", "no record"),
    "mine.line": ("{day}　{signs}", "{day}  {signs}"),
    "about.text": (
        "医保人脸核验 {version}\n服务地址 {address}\n界面使用 Qt（LGPL v3，动态链接）",
        "Insurance face check {version}\nServes at {address}\nWindows by Qt (LGPL v3, dynamic)",
    ),
    "note.again": ("程序已在运行", "The program is already running"),
    "note.camera": ("摄像头异常，暂时不能核验", "Camera fault: no check can be made now"),
    "note.camera.back": ("摄像头已恢复", "The camera works again"),
    "note.offline": (
        "与医保中心断开，结果保存在本机，恢复后自动上传",
        "Centre offline: results are kept here and sent later",
    ),
    "note.update": ("有新版本，空闲时将自动安装", "An update will be installed when idle"),
}


class Catalogue:
    """The texts in ``language``; of an unknown language, in English."""

    def __init__(self, language: str) -> None:
        self._at = 0 if language == ZH else 1

    def __call__(self, key: str, **filled: object) -> str:
        """The text of ``key``, its ``{names}`` filled in. ``KeyError``: there is none."""
        return TEXTS[key][self._at].format(**filled)
