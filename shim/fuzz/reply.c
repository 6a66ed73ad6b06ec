/* libFuzzer over both readers of bytes from outside: the daemon's answer and the settings file.
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Ishim/src \
 *     shim/fuzz/reply.c shim/src/reply.c shim/src/text.c shim/src/setting.c -o fuzz-reply */
#include "hcf.h"
#include <stdlib.h>
#include <string.h>

static void check(int holds) {
    if (!holds) abort();
}

static void fit(const struct hcf_reply *reply, int attendance) {
    char out[HCF_OUT_BYTES + 1], again[HCF_OUT_BYTES + 1];
    struct hcf_reply second = *reply;
    int code = 99, repeated = 99;
    memset(out, 0x5a, sizeof out);
    if (!hcf_reply_fit(reply, attendance, out, &code)) {
        check(out[0] == 0x5a && code == 99);
        return;
    }
    check(out[HCF_OUT_BYTES] == 0x5a && memchr(out, 0, HCF_OUT_BYTES) != NULL);
    second.body = out;
    second.length = strlen(out);
    check(hcf_reply_fit(&second, attendance, again, &repeated));
    check(repeated == code && strcmp(out, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct hcf_reply reply;
    struct hcf_setting setting;
    int ended;
    if (size == 0) return 0;
    for (ended = 0; ended < 2; ended++)
        if (hcf_reply_read((const char *)data, size, ended, &reply) == 1) {
            check(reply.body + reply.length <= (const char *)data + size);
            fit(&reply, 0);
        }
    reply.charset = data[0] & 1 ? HCF_GBK : HCF_UTF8;
    reply.body = (const char *)data + 1;
    reply.length = size - 1;
    fit(&reply, data[0] >> 1 & 1);
    if (hcf_setting_read((const char *)data, size, &setting)) check(setting.port != 0);
    return 0;
}
