/* Fuzz target: the settings file, on which it hangs whom the library believes. */
#include "fuzz.h"
#include <stdio.h>

/* Whether a word `off` ends somewhere in text: nothing longer may be taken for it. */
static int holds_off(const char *text, size_t length) {
    size_t i;
    for (i = 0; i + 3 <= length; i++)
        if (hcf_same(text + i, 3, "off")
            && (i + 3 == length || memchr(" \t\r\n", text[i + 3], 4) != NULL))
            return 1;
    return 0;
}

/* Whether text holds these bytes as hex digits. */
static int holds(const char *text, size_t length, const uint8_t *bytes, size_t n) {
    uint8_t found[32];
    size_t i;
    for (i = 0; i + 2 * n <= length; i++)
        if (hcf_hex(text + i, n, found) && memcmp(found, bytes, n) == 0) return 1;
    return 0;
}

static int is_same(const struct hcf_setting *a, const struct hcf_setting *b) {
    return a->port == b->port && a->verify == b->verify && memcmp(a->host, b->host, 4) == 0
        && (!a->verify || memcmp(a->key, b->key, 32) == 0) && a->lan == b->lan
        && (!a->lan || memcmp(a->caller, b->caller, 8) == 0)
        && (!a->lan || memcmp(a->secret, b->secret, 32) == 0);
}

static int hex(char *to, const char *name, const uint8_t *bytes, int length) {
    int i, n = sprintf(to, "\n%s = ", name);
    for (i = 0; i < length; i++) n += sprintf(to + n, "%02x", bytes[i]);
    return n;
}

/* What was read, written down as the installer writes it, is read as the same. */
static void written_again(const struct hcf_setting *setting) {
    char text[512];
    struct hcf_setting second;
    const uint8_t *h = setting->host;
    int n = snprintf(text, sizeof text, "daemon = %u.%u.%u.%u:%u\nverify = %s", h[0], h[1],
                     h[2], h[3], setting->port, setting->verify ? "on" : "off");
    n += hex(text + n, "key", setting->key, 32);
    if (setting->lan) n += hex(text + n, "caller", setting->caller, 8);
    if (setting->lan) n += hex(text + n, "secret", setting->secret, 32);
    check(hcf_setting_read(text, (size_t)n, &second) && is_same(setting, &second));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    struct hcf_setting setting;
    memset(&setting, 0, sizeof setting);
    if (!hcf_setting_read(text, size, &setting)) return 0;
    check(setting.port != 0 && !hcf_planted);
    check(setting.verify == 1 || (setting.verify == 0 && setting.host[0] == 127));
    check(setting.verify || holds_off(text, size));
    check(!setting.verify || holds(text, size, setting.key, 32));
    check(setting.host[0] == 127 || setting.lan);
    check(!setting.lan || (setting.verify && holds(text, size, setting.caller, 8)));
    check(!setting.lan || holds(text, size, setting.secret, 32));
    written_again(&setting);
    return 0;
}
