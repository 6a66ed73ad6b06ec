/* The daemon proves itself: Ed25519 (RFC 8032) over nonce, call and reply. */
#include "hcf.h"
#include "monocypher.c"

/* This file is compiled as a whole program: what is not kept here is left out (build.py). */
#define KEPT __attribute__((externally_visible))

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
