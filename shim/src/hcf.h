/* Inside of HisCallFace. Nothing here is global, on the heap, or loaded at run time. */
#ifndef HCF_H
#define HCF_H
#include <stddef.h>
#include <stdint.h>
#include "gen/HisCallFace.h" /* HCF_OUT_BYTES: written to outJson at most (S0-06, S0-45) */

enum {
    HCF_IN_BYTES = 65537,     /* read of the input at most: one more than the daemon takes */
    HCF_REPLY_BYTES = 16384,  /* read of an HTTP answer at most */
    HCF_TEXT_BYTES = 2048,    /* settings file at most */
    HCF_HEAD_BYTES = 512,     /* head of our own request at most */
    HCF_CONNECT_MS = 3000,
    /* LAN mode (docs/lan.md): the two greetings, a frame's length before it, the tag behind it */
    HCF_HELLO_BYTES = 76,
    HCF_WELCOME_BYTES = 100,
    HCF_LENGTH_BYTES = 4,
    HCF_TAG_BYTES = 16
};
#ifndef HCF_CALL_MS
#define HCF_CALL_MS 310000u   /* the whole call (S0-05); a test waits less */
#endif
#ifndef HCF_GREET_MS
#define HCF_GREET_MS 10000u   /* until a daemon on another machine has proven itself */
#endif
enum hcf_charset { HCF_UTF8, HCF_GBK, HCF_ASCII };

/* Where the daemon is, and the key it proves itself with; of LAN mode, what this machine proves
 * itself with. */
struct hcf_setting {
    uint8_t host[4];
    uint16_t port;
    int verify, lan;
    uint8_t key[32], caller[8], secret[32];
};

struct hcf_reply {
    int status;
    enum hcf_charset charset;
    int signed_;
    uint8_t signature[64];
    const char *body;
    size_t length;
};

typedef struct {
    uint64_t state[8], total;
    uint8_t block[128];
    size_t used;
} hcf_sha512;

void hcf_sha512_start(hcf_sha512 *hash);
void hcf_sha512_add(hcf_sha512 *hash, const void *data, size_t length);
void hcf_sha512_end(hcf_sha512 *hash, uint8_t digest[64]);

/* text.c */
size_t hcf_char(const char *at, size_t left, enum hcf_charset charset);
enum hcf_charset hcf_charset_of(const char *text, size_t length, enum hcf_charset otherwise);
int hcf_same(const char *a, size_t length, const char *lower);
int hcf_hex(const char *text, size_t length, uint8_t *bytes);

/* reply.c: 1 whole, 0 more is needed, -1 no answer of ours */
int hcf_reply_read(const char *bytes, size_t got, int ended, struct hcf_reply *reply);
/* 1 and *code: the reply, valid and fitted into HCF_OUT_BYTES, is in out; 0: out untouched */
int hcf_reply_fit(const struct hcf_reply *reply, int attendance, char *out, int *code);

/* setting.c: 1 when text says all that is needed */
int hcf_setting_read(const char *text, size_t length, struct hcf_setting *setting);

/* proof.c: 1 when the signature is the key's over this call and this reply */
int hcf_proven(const struct hcf_setting *setting, const uint8_t nonce[32], const uint8_t call[64],
               const struct hcf_reply *reply);
int hcf_verified(const uint8_t signature[64], const uint8_t key[32], const uint8_t *message,
                 size_t length);
/* LAN mode. `seed`: 32 fresh random bytes, this call's own half of the key exchange. */
void hcf_lan_hello(const struct hcf_setting *setting, const uint8_t seed[32],
                   uint8_t hello[HCF_HELLO_BYTES]);
/* 1 when the welcome is the pinned daemon's to this hello: a key for the call, one for the reply */
int hcf_lan_keys(const struct hcf_setting *setting, const uint8_t seed[32],
                 const uint8_t hello[HCF_HELLO_BYTES], const uint8_t welcome[HCF_WELCOME_BYTES],
                 uint8_t keys[64]);
/* In its place; the tag lands behind the text. A key seals one text, ever. */
void hcf_lan_seal(const uint8_t key[32], uint8_t *text, size_t length);
/* `length` with the tag; 1 when it was sealed with the key, 0: nothing of it may be believed */
int hcf_lan_open(const uint8_t key[32], uint8_t *sealed, size_t length);
/* The length of the frame; 0: none of ours, or more than `most` */
size_t hcf_lan_length(const uint8_t bytes[HCF_LENGTH_BYTES], size_t most);
void hcf_wipe(void *secret, size_t length);

/* platform: posix.c or windows.c */
struct hcf_socket { intptr_t handle; };
uint32_t hcf_now_ms(void);
int hcf_random(uint8_t *bytes, size_t length);
size_t hcf_setting_text(char *text, size_t room);       /* 0: none */
enum hcf_charset hcf_machine_charset(void);
unsigned hcf_code_page(void);                           /* 0: none */
int hcf_open(struct hcf_socket *s, const struct hcf_setting *at);  /* connecting, not yet connected */
void hcf_close(struct hcf_socket *s);
int hcf_connected(struct hcf_socket *s);
int hcf_wait(struct hcf_socket *s, int to_write, uint32_t ms);     /* 1 ready, 0 time is up, -1 broken */
/* bytes moved; 0: the other side closed; -1: not now; -2: broken */
long hcf_send(struct hcf_socket *s, const char *bytes, size_t length);
long hcf_receive(struct hcf_socket *s, char *bytes, size_t room);

/* call.c */
int hcf_call(const char *path, int attendance, const char *in, char *out);
#endif
