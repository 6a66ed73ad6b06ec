/* Characters: which charset a HIS speaks, and where one ends. */
#include "hcf.h"

static int between(unsigned c, unsigned low, unsigned high) { return c >= low && c <= high; }

static size_t gbk(const uint8_t *s, size_t left) {
    if (left < 2 || s[0] == 0x80 || s[0] == 0xff) return 0;
    if (between(s[1], 0x30, 0x39)) /* four bytes of GB18030 */
        return left >= 4 && between(s[2], 0x81, 0xfe) && between(s[3], 0x30, 0x39) ? 4 : 0;
    return between(s[1], 0x40, 0xfe) && s[1] != 0x7f ? 2 : 0;
}

static size_t utf8(const uint8_t *s, size_t left) {
    size_t n = between(s[0], 0xc2, 0xdf) ? 2 : between(s[0], 0xe0, 0xef) ? 3
             : between(s[0], 0xf0, 0xf4) ? 4 : 0, i;
    if (n == 0 || left < n) return 0;
    for (i = 1; i < n; i++)
        if (!between(s[i], 0x80, 0xbf)) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f)) return 0;
    if ((s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) return 0;
    return n;
}

/* Bytes of the character at `at`; 0: none of this charset. */
size_t hcf_char(const char *at, size_t left, enum hcf_charset charset) {
    const uint8_t *s = (const uint8_t *)at;
    if (left == 0) return 0;
    if (s[0] < 0x80) return 1;
    return charset == HCF_GBK ? gbk(s, left) : charset == HCF_UTF8 ? utf8(s, left) : 0;
}

/* The rule of the daemon: UTF-8 only where most letters beyond ASCII have three bytes. */
enum hcf_charset hcf_charset_of(const char *text, size_t length, enum hcf_charset otherwise) {
    size_t i = 0, wide = 0, odd = 0, n;
    int ascii = 1;
    for (; i < length; i += n) {
        n = hcf_char(text + i, length - i, HCF_UTF8);
        if (n == 0) return HCF_GBK;
        ascii &= n == 1;
        wide += n == 3;
        odd += n == 2 && !((uint8_t)text[i] == 0xc2 && (uint8_t)text[i + 1] == 0xb7);
    }
    if (ascii) return otherwise;
    return wide > odd ? HCF_UTF8 : HCF_GBK;
}

/* Whether `a` begins with `lower`, whatever the case of its letters. */
int hcf_same(const char *a, size_t length, const char *lower) {
    size_t i;
    for (i = 0; lower[i] != '\0'; i++) {
        char c = i < length ? a[i] : '\0';
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c != lower[i]) return 0;
    }
    return 1;
}

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* 2 * length hex digits into length bytes; 1 when they are all there. */
int hcf_hex(const char *text, size_t length, uint8_t *bytes) {
    size_t i;
    for (i = 0; i < length; i++) {
        int high = digit(text[2 * i]), low = high < 0 ? -1 : digit(text[2 * i + 1]);
        if (low < 0) return 0;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}
