// JavaScript 示例（不经动态库，直接HTTP）：node call.js 请求文件 [attendance] [地址]
// Sample by HTTP, without the library: node call.js FILE [attendance] [ADDRESS]
//
// 在 Node、Electron 主进程中使用。 For Node and Electron's main process.
// 网页：来源须先列入设置 origins，否则一律 403；之后用 fetch：
// A web page is refused (403) unless the settings list its origin; then it may
//   fetch("http://127.0.0.1:51518/stdcashFaceAuth",
//     { method: "POST", headers: { "Content-Type": "application/json" }, body: json })
// HTTP 不核对答复签名，能用动态库请用动态库。
// By HTTP nothing checks the signature of the answer: prefer the library where you can.
"use strict";
const fs = require("node:fs");
const http = require("node:http");

// Node 的 fetch 等 300 秒即放弃，一次调用也可能这么久，故用 http.request（不设时限）。
// Not Node's fetch: it gives up after 300 s, as long as a call may take; http.request waits.
function post(address, path, request) {
  // 原样字节，UTF-8 或 GBK，答复编码相同。 The bytes as they are; the answer in the same.
  const headers = { "Content-Type": "application/json", "Content-Length": request.length };
  return new Promise((resolve, reject) => {
    const call = http.request(address + path, { method: "POST", headers }, async (response) => {
      try {
        const parts = [];
        for await (const part of response) parts.push(part);
        const type = response.headers["content-type"] ?? "";
        resolve({ status: response.statusCode, type, answer: Buffer.concat(parts) });
      } catch (broken) {
        reject(broken);
      }
    });
    call.on("error", reject);
    call.end(request);
  });
}

function valueOf({ status, type, answer }) {
  if (status !== 200) throw new Error(`HTTP ${status}`);
  const charset = /charset=([\w-]+)/i.exec(type)?.[1] ?? "utf-8";
  return JSON.parse(new TextDecoder(charset).decode(answer)).code;
}

async function main([file, ...rest]) {
  const attendance = rest[0] === "attendance";
  const address = rest[attendance ? 1 : 0] ?? "http://127.0.0.1:51518";
  const path = attendance ? "/hisCallAtten" : "/stdcashFaceAuth";
  const reply = await post(address, path, fs.readFileSync(file));
  const value = valueOf(reply);
  process.stdout.write(Buffer.concat([Buffer.from(`${value}\n`), reply.answer, Buffer.from("\n")]));
  // 只有 1、2 可以继续结算；出错一律不通过；考勤 0 为成功。
  // Only 1 and 2 let the payment go on, an error never does; attendance: 0 is done.
  const goesOn = attendance ? value === 0 : value === 1 || value === 2;
  process.stderr.write(goesOn ? "go on\n" : "stop\n");
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`stop: ${error.message}\n`);
  process.exitCode = 1;
});
