/* Fuzz target: the daemon's answer, from its first byte to what lands in outJson; charsets. */
#include "fuzz.h"

static size_t blanks(const char *s, size_t i, size_t n) {
    while (i < n && memchr(" \t\r\n", s[i], 4) != NULL) i++;
    return i;
}

/* Whether `"code":1` stands anywhere in s: written again, so as not to ask the reader itself. */
static int says_pass(const char *s, size_t n) {
    size_t i, k;
    for (i = 0; i + 6 < n; i++) {
        if (!hcf_same(s + i, 6, "\"code\"")) continue;
        k = blanks(s, i + 6, n);
        if (k == n || s[k] != ':') continue;
        k = blanks(s, k + 1, n);
        if (k < n && s[k] == '"') k++;
        while (k < n && s[k] == '0') k++;
        if (k < n && s[k] == '1' && (k + 1 == n || s[k + 1] < '0' || s[k + 1] > '9')) return 1;
    }
    return 0;
}

/* out is body with at most one piece left out, and no character of it is cut in two. */
static void whole(const struct hcf_reply *reply, const char *out, size_t length) {
    size_t same = 0, end = reply->length, i, k;
    for (i = 0; i < length; i += k)
        check((k = hcf_char(out + i, length - i, reply->charset)) > 0 && i + k <= length);
    while (same < length && same < end && out[same] == reply->body[same]) same++;
    while (blanks(reply->body, end - 1, end) == end) end--;
    for (i = length; i > same; i--) check(out[i - 1] == reply->body[--end]);
    check(end >= same);
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
    check(code != 1 || (says_pass(reply->body, reply->length) && !hcf_planted));
    second.body = out;
    second.length = strlen(out);
    whole(reply, out, second.length);
    check(hcf_reply_fit(&second, attendance, again, &repeated));
    check(repeated == code && strcmp(out, again) == 0);
}

static void read_whole(const char *data, size_t size, int ended) {
    struct hcf_reply reply;
    if (hcf_reply_read(data, size, ended, &reply) != 1) return;
    check(reply.body > data && reply.body <= data + size);
    check(reply.length <= (size_t)(data + size - reply.body));
    check(reply.status >= 100 && reply.status <= 599);
    fit(&reply, 0);
    fit(&reply, 1);
}

static void charset(const char *text, size_t length) {
    enum hcf_charset found = hcf_charset_of(text, length, HCF_ASCII);
    size_t i, k;
    check(found == hcf_charset_of(text, length, HCF_ASCII));
    for (i = 0; i < length && (uint8_t)text[i] < 0x80;) i++;
    check((found == HCF_ASCII) == (i == length));
    for (i = 0; found == HCF_UTF8 && i < length; i += k)
        check((k = hcf_char(text + i, length - i, HCF_UTF8)) > 0 && i + k <= length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct hcf_reply bare;
    if (size == 0) return 0;
    read_whole((const char *)data, size, 0);
    read_whole((const char *)data, size, 1);
    charset((const char *)data, size);
    /* The body alone: without a head to get right the fuzzer is deep in it at once. */
    memset(&bare, 0, sizeof bare);
    bare.charset = data[0] & 1 ? HCF_GBK : HCF_UTF8;
    bare.body = (const char *)data + 1;
    bare.length = size - 1;
    fit(&bare, data[0] >> 1 & 1);
    return 0;
}
