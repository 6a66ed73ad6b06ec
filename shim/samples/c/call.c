/* C 示例：先打印返回值，再打印答复。 Sample: call FILE [attendance] prints value and answer.
 * Linux: cc -I. call.c -L. -lHisCallFace; MinGW: gcc -I. call.c HisCallFace.dll (stdcall).
 * x86-cdecl 的库另加 -DHCF_CDECL。 With the library of x86-cdecl add -DHCF_CDECL.
 * MSVC 没有导入库，请照 cpp/call.cpp 动态加载。 MSVC: load it as cpp/call.cpp does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "HisCallFace.h"

/* 原样字节，UTF-8 或 GBK，不要 UTF-16；末尾加 NUL。 The bytes as they are, NUL-ended: UTF-8 or
 * GBK, never UTF-16. 答复用同一编码。 The answer is in the same charset. */
static char *read_text(const char *name) {
    char *text = NULL;
    long length;
    FILE *file = fopen(name, "rb");
    if (file == NULL) return NULL;
    if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 &&
        (text = malloc((size_t)length + 1)) != NULL) {
        rewind(file);
        text[fread(text, 1, (size_t)length, file)] = '\0';
    }
    fclose(file);
    return text;
}

int main(int count, char **words) {
    char answer[HCF_OUT_BYTES] = ""; /* 至少 1024 字节。 1024 bytes at least. */
    char *request = count > 1 ? read_text(words[1]) : NULL;
    int attendance = count > 2 && strcmp(words[2], "attendance") == 0;
    int value;
    if (request == NULL) {
        fputs("usage: call FILE [attendance]\n", stderr);
        return 2;
    }
    /* 最长约五分钟：有窗口的程序请放到工作线程。 Up to five minutes: use a worker thread. */
    value = attendance ? HisCallAtten(request, answer) : zjHisFunCall(request, answer);
    free(request);
    printf("%d\n%s\n", value, answer);
    /* 只有 1 通过、2 免核验可以继续结算。 Only 1 (passed) and 2 (no check needed) let the payment
     * go on. 考勤 0 为成功。 Attendance: 0 is done. */
    fputs((attendance ? value == 0 : value == 1 || value == 2) ? "go on\n" : "stop\n", stderr);
    return 0;
}
