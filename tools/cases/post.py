"""Cases of HTTP itself: whatever is posted, however badly, a HIS gets its four keys (Q8, Q12)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from build import SPARED, Part, call, case, refused, spared

_GZIP = "1f8b0800000000000003"


def http() -> Iterator[Part]:
    """Paths, methods, versions, framings, headers; and who may not call at all."""
    yield from _served()
    yield from _refused()
    yield from _plain_text()
    yield from _browsers()
    yield from _attendance()


def _post(**asked: Any) -> Part:
    return {"http": asked}


def _served() -> Iterator[Part]:
    """Where it is plain what is meant, it is done."""
    for key, asked, title in (
        ("lower-path", {"path": "/stdcashfaceauth"}, "路径全小写"),
        ("upper-path", {"path": "/STDCASHFACEAUTH"}, "路径全大写"),
        ("slash", {"path": "/stdcashFaceAuth/"}, "路径末尾有斜线"),
        ("query", {"path": "/stdcashFaceAuth?v=1"}, "路径带参数"),
        ("http10", {"version": "1.0", "headers": {"Host": None}}, "HTTP/1.0，没有Host"),
        ("chunked", {"framing": "chunked"}, "分块传输"),
        ("no-type", {"headers": {"Content-Type": None}}, "没有Content-Type"),
        (
            "form-type",
            {"headers": {"Content-Type": "application/x-www-form-urlencoded"}},
            "类型为表单，内容为JSON",
        ),
        ("odd-type", {"headers": {"Content-Type": "json"}}, "类型不合规范"),
        ("localhost", {"headers": {"Host": "localhost:51518"}}, "Host为localhost"),
        ("keep-alive", {"headers": {"Connection": "keep-alive"}}, "保持连接"),
        ("agent", {"headers": {"User-Agent": "WinHttp.WinHttpRequest.5"}}, "老式HTTP组件"),
        (
            "old-browser",
            {"headers": {"User-Agent": "Mozilla/4.0 (compatible; MSIE 8.0)", "Content-Type": ""}},
            "User-Agent像浏览器的老式组件",
        ),
        (
            "own-referer",
            {"headers": {"Host": "localhost:51518", "Referer": "http://127.0.0.1:51518/a"}},
            "Referer为本服务自己",
        ),
        ("accept", {"headers": {"Accept": "text/html", "Accept-Charset": "gb2312"}}, "要HTML"),
        ("none-site", {"headers": {"Sec-Fetch-Site": "none"}}, "本机程序带Sec-Fetch-Site: none"),
    ):
        yield case(
            f"http-{key}",
            f"{title}，照常核验",
            "S0-04",
            call(spared(), _post(**asked)),
            stage=SPARED,
        )
    form = {
        "quoting": "form",
        **_post(headers={"Content-Type": "application/x-www-form-urlencoded"}),
    }
    yield case(
        "http-form", "真正的表单提交", "S0-04", call(spared(":lenient-form"), form), stage=SPARED
    )


def _refused() -> Iterator[Part]:
    for key, asked, says, title in (
        ("get", {"method": "GET"}, "POST", "用了GET"),
        ("put", {"method": "PUT"}, "POST", "用了PUT"),
        ("delete", {"method": "DELETE"}, "POST", "用了DELETE"),
        ("options", {"method": "OPTIONS"}, "POST", "用了OPTIONS，没有Origin"),
        ("own-method", {"method": "CALL"}, "HTTP报文", "用了不认识的方法"),
        ("wrong-path", {"path": "/faceAuth"}, "接口地址有误", "路径不对"),
        ("root", {"path": "/"}, "接口地址有误", "路径为根"),
        ("deep-path", {"path": "/api/stdcashFaceAuth"}, "接口地址有误", "路径多一层"),
        (
            "gzip",
            {"headers": {"Content-Encoding": "gzip"}},
            "HTTP报文",
            "声明gzip，内容不是",
        ),
        (
            "odd-length",
            {"headers": {"Content-Length": "abc"}},
            "HTTP报文",
            "Content-Length不是数字",
        ),
        (
            "two-framings",
            {"framing": "chunked", "headers": {"Content-Length": "5"}},
            "HTTP报文",
            "长度和分块同时声明",
        ),
        ("no-length", {"framing": "none"}, "请HIS", "没有Content-Length"),
    ):
        yield case(f"http-{key}", title, "Q8", call(refused(says), _post(**asked)))
    garbage = {"hex": _GZIP, **_post(headers={"Content-Encoding": "gzip"})}
    yield case("http-gzip-cut", "gzip内容残缺", "Q8", call(refused("请HIS"), garbage))


def _plain_text() -> Iterator[Part]:
    """The one type a program may not send unless the site lets it: a page's form can."""
    for key, more, title in (
        ("text-type", {}, "类型为text/plain"),
        ("text-type-gbk", {"charset": "gbk"}, "类型为text/plain，内容GBK"),
    ):
        sent = {**more, **_post(headers={"Content-Type": "text/plain"})}
        wanted = refused("Content-Type", charset=more.get("charset", "utf-8"))
        yield case(f"http-{key}", f"{title}：code 0", "Q8", call(wanted, sent), stage=SPARED)
    yield case(
        "http-atten-text-type",
        "考勤：类型为text/plain",
        "Q12",
        call(
            {"code": 1, "says": "Content-Type"},
            _post(headers={"Content-Type": "text/plain; charset=utf-8"}),
        ),
        interface="attendance",
        stage={},
    )


def _browsers() -> Iterator[Part]:
    """The only answer that is not HTTP 200: web pages may not drive the camera."""
    for key, headers, title in (
        ("origin", {"Origin": "https://evil.example"}, "网页带Origin"),
        ("null-origin", {"Origin": "null"}, "网页Origin为null"),
        ("host", {"Host": "evil.example"}, "Host是别的域名"),
        ("host-port", {"Host": "evil.example:51518"}, "Host是别的域名带端口"),
        ("cross-site", {"Sec-Fetch-Site": "cross-site"}, "跨站请求"),
        ("same-site", {"Sec-Fetch-Site": "same-site"}, "同站不同源请求"),
        ("referer", {"Referer": "https://evil.example/page?a=1"}, "网页只带Referer"),
        ("odd-referer", {"Referer": "about:blank"}, "Referer不是网址"),
        (
            "local-referer",
            {"Host": "127.0.0.1:51518", "Referer": "http://127.0.0.1:8080/"},
            "Referer为本机另一端口",
        ),
        (
            "browser-text",
            {"Sec-Fetch-Site": "none", "Content-Type": "text/plain"},
            "浏览器提交text/plain",
        ),
        (
            "browser-form",
            {
                "Sec-CH-UA": '"Chromium";v="142"',
                "Content-Type": "application/x-www-form-urlencoded",
            },
            "浏览器提交表单",
        ),
    ):
        wanted = {"status": 403}
        yield case(f"http-{key}", f"{title}：403", "Q8", call(wanted, _post(headers=headers)))
    origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for key, more, title in (
        ("preflight", {}, "网页的预检请求"),
        ("preflight-private", {"Private-Network": "true"}, "网页的预检请求，访问专用网络"),
    ):
        headers = {**origin, **{f"Access-Control-Request-{k}": v for k, v in more.items()}}
        asked = _post(method="OPTIONS", headers=headers)
        yield case(f"http-{key}", f"{title}：403", "Q8", call({"status": 403}, asked))


def _attendance() -> Iterator[Part]:
    for key, asked, title in (
        ("slash", {"path": "/hisCallAtten/"}, "路径末尾有斜线"),
        ("lower", {"path": "/hiscallatten"}, "路径全小写"),
        ("chunked", {"framing": "chunked"}, "分块传输"),
    ):
        yield case(
            f"http-atten-{key}",
            f"考勤：{title}",
            "Q12",
            call({"code": -4, "says": "该机构下无此医师药师"}, _post(**asked)),
            interface="attendance",
            stage={},
        )
    yield case(
        "http-atten-origin",
        "考勤：网页带Origin：403",
        "Q8",
        call({"status": 403}, _post(headers={"Origin": "https://evil.example"})),
        interface="attendance",
    )
