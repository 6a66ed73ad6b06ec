/* Fuzz target: what another machine says in LAN mode, from its greeting to what lands in outJson. */
#include "fuzz.h"

enum { MOST = 4096, RARELY = 64 };

/* Nobody signs for this key here: no welcome may be taken. */
static void welcome(const uint8_t *data) {
    struct hcf_setting setting;
    uint8_t seed[32], hello[HCF_HELLO_BYTES], keys[64];
    memset(&setting, 7, sizeof setting);
    memset(seed, 9, sizeof seed);
    hcf_lan_hello(&setting, seed, hello);
    check(!hcf_lan_keys(&setting, seed, hello, data, keys));
}

/* What opens is what was sealed: sealed again it is the same, to the last byte. */
static void sealed(const uint8_t *data, size_t size) {
    static const uint8_t key[32];
    uint8_t text[MOST];
    char out[HCF_OUT_BYTES];
    struct hcf_reply reply;
    int code;
    memcpy(text, data, size);
    if (!hcf_lan_open(key, text, size)) return;
    check(size >= HCF_TAG_BYTES && !hcf_planted);
    if (hcf_reply_read((char *)text, size - HCF_TAG_BYTES, 1, &reply) == 1)
        hcf_reply_fit(&reply, 0, out, &code);
    hcf_lan_seal(key, text, size - HCF_TAG_BYTES);
    check(memcmp(text, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t length;
    if (size > MOST) return 0;
    sealed(data, size);
    if (size < HCF_LENGTH_BYTES) return 0;
    length = hcf_lan_length(data, HCF_REPLY_BYTES);
    check(length == 0 || (length > HCF_TAG_BYTES && length <= HCF_REPLY_BYTES));
    /* A verification costs a thousand times what the rest does. */
    if (size == HCF_WELCOME_BYTES && data[size - 1] % RARELY == 0) welcome(data);
    return 0;
}
