/* The daemon proves itself: Ed25519 (RFC 8032) over nonce, call and reply. In LAN mode both prove
 * themselves before anything is said: X25519 (RFC 7748) and a secret of both, HMAC-SHA-512
 * (RFC 2104), ChaCha20-Poly1305 (RFC 8439). docs/lan.md has the bytes. */
#include "hcf.h"
#include "monocypher.c"

/* This file is compiled as a whole program: what is not kept here is left out (build.py). */
#ifdef __clang__ /* of a fuzzer, which leaves nothing out */
#define KEPT
#else
#define KEPT __attribute__((externally_visible))
#endif

/* Monocypher gives the group equation; its own EdDSA hashes with BLAKE2b, RFC 8032 with SHA-512. */
KEPT int hcf_verified(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                 size_t length) {
    hcf_sha512 hash;
    uint8_t digest[64], h[32];
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, signature, 32);
    hcf_sha512_add(&hash, key, 32);
    hcf_sha512_add(&hash, message, length);
    hcf_sha512_end(&hash, digest);
    crypto_eddsa_reduce(h, digest);
    return crypto_eddsa_check_equation(signature, key, h) == 0;
}

KEPT int hcf_proven(const struct hcf_setting *setting, const uint8_t nonce[32], const uint8_t call[64],
               const struct hcf_reply *reply) {
    static const char purpose[20] = {'y', 'i', 'b', 'a', 'o', '-', 'f', 'a', 'c', 'e',
                                     ' ', 'r', 'e', 'p', 'l', 'y', ' ', 'v', '1', '\n'};
    uint8_t message[20 + 32 + 64 + 64];
    hcf_sha512 hash;
    int i;
    if (!reply->signed_) return 0;
    for (i = 0; i < 20; i++) message[i] = (uint8_t)purpose[i];
    for (i = 0; i < 32; i++) message[20 + i] = nonce[i];
    for (i = 0; i < 64; i++) message[52 + i] = call[i];
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, reply->body, reply->length);
    hcf_sha512_end(&hash, message + 116);
    return hcf_verified(reply->signature, setting->key, message, sizeof message);
}

static const uint8_t magic[4] = {'Y', 'B', 'L', '1'};

/* HMAC-SHA-512 with the caller's secret over `label` (a text), then a, then b. */
static void authenticate(const uint8_t secret[32], const char *label, const uint8_t *a, size_t n,
                         const uint8_t *b, size_t m, uint8_t mac[64]) {
    uint8_t pad[128];
    hcf_sha512 hash;
    size_t i, length = 0;
    while (label[length] != '\0') length++;
    for (i = 0; i < 128; i++) pad[i] = (uint8_t)((i < 32 ? secret[i] : 0) ^ 0x36);
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, pad, sizeof pad);
    hcf_sha512_add(&hash, label, length);
    hcf_sha512_add(&hash, a, n);
    hcf_sha512_add(&hash, b, m);
    hcf_sha512_end(&hash, mac);
    for (i = 0; i < 128; i++) pad[i] ^= 0x36 ^ 0x5c;
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, pad, sizeof pad);
    hcf_sha512_add(&hash, mac, 64);
    hcf_sha512_end(&hash, mac);
    crypto_wipe(pad, sizeof pad);
    crypto_wipe(&hash, sizeof hash);
}

KEPT void hcf_lan_hello(const struct hcf_setting *setting, const uint8_t seed[32],
                        uint8_t hello[HCF_HELLO_BYTES]) {
    uint8_t mac[64];
    int i;
    for (i = 0; i < 4; i++) hello[i] = magic[i];
    for (i = 0; i < 8; i++) hello[4 + i] = setting->caller[i];
    crypto_x25519_public_key(hello + 12, seed);
    authenticate(setting->secret, "yibao-face lan caller v1\n", hello, 44, NULL, 0, mac);
    for (i = 0; i < 32; i++) hello[44 + i] = mac[i];
}

KEPT int hcf_lan_keys(const struct hcf_setting *setting, const uint8_t seed[32],
                      const uint8_t hello[HCF_HELLO_BYTES],
                      const uint8_t welcome[HCF_WELCOME_BYTES], uint8_t keys[64]) {
    static const char label[] = "yibao-face lan daemon v1\n";
    enum { LABEL = sizeof label - 1 };
    uint8_t stated[LABEL + HCF_HELLO_BYTES + 36], shared[32], met[64], any = 0;
    hcf_sha512 hash;
    int i;
    for (i = 0; i < LABEL; i++) stated[i] = (uint8_t)label[i];
    for (i = 0; i < HCF_HELLO_BYTES; i++) stated[LABEL + i] = hello[i];
    for (i = 0; i < 36; i++) stated[LABEL + HCF_HELLO_BYTES + i] = welcome[i];
    for (i = 0; i < 4; i++)
        if (welcome[i] != magic[i]) return 0;
    if (!hcf_verified(welcome + 36, setting->key, stated, sizeof stated)) return 0;
    crypto_x25519(shared, seed, welcome + 4);
    for (i = 0; i < 32; i++) any |= shared[i]; /* a point of low order makes it zero */
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, hello, HCF_HELLO_BYTES);
    hcf_sha512_add(&hash, welcome, HCF_WELCOME_BYTES);
    hcf_sha512_end(&hash, met);
    authenticate(setting->secret, "yibao-face lan keys v1\n", shared, 32, met, 64, keys);
    crypto_wipe(shared, sizeof shared);
    return any != 0;
}

/* The key is of this call and this direction alone: its nonce may be zero. */
static const uint8_t once[12];

KEPT void hcf_lan_seal(const uint8_t key[32], uint8_t *text, size_t length) {
    crypto_aead_ctx context;
    crypto_aead_init_ietf(&context, key, once);
    crypto_aead_write(&context, text, text + length, NULL, 0, text, length);
    crypto_wipe(&context, sizeof context);
}

KEPT int hcf_lan_open(const uint8_t key[32], uint8_t *sealed, size_t length) {
    crypto_aead_ctx context;
    size_t text = length - HCF_TAG_BYTES;
    int opens;
    if (length < HCF_TAG_BYTES) return 0;
    crypto_aead_init_ietf(&context, key, once);
    opens = crypto_aead_read(&context, sealed, sealed + text, NULL, 0, sealed, text) == 0;
    crypto_wipe(&context, sizeof context);
    return opens;
}

KEPT void hcf_wipe(void *secret, size_t length) { crypto_wipe(secret, length); }
