/* One call: what the HIS gave, to the daemon, its proven answer back. The rest is code 0 or -2. */
#include "hcf.h"
#include "gen/message.h"

struct caller {
    const char *path, *in;
    size_t length;
    uint32_t began_ms;
    struct hcf_setting at;
    uint8_t nonce[32], digest[64];
};

static size_t put(char *to, size_t at, const char *text) {
    while (*text != '\0') to[at++] = *text++;
    return at;
}

static size_t put_number(char *to, size_t at, size_t value) {
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0) to[at++] = digits[--n];
    return at;
}

static size_t put_hex(char *to, size_t at, const uint8_t *bytes, size_t length) {
    size_t i;
    for (i = 0; i < 2 * length; i++)
        to[at++] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return at;
}

static int refuse(int attendance, char *out, const struct hcf_message *why,
                  enum hcf_charset charset) {
    size_t n = put(out, 0, attendance ? "{\"code\":-2,\"msg\":\"[library] " : "{\"code\":0,\"msg\":\"");
    n = put(out, n, charset == HCF_UTF8 ? why->utf8 : charset == HCF_GBK ? why->gbk : why->ascii);
    n = put(out, n, attendance ? "\"}" : "\",\"cp_no\":\"\",\"type\":0}");
    out[n] = '\0';
    return attendance ? -2 : 0;
}

/* Milliseconds left of this call, 0 when its time is up; the clock may wrap. */
static uint32_t left_ms(const struct caller *c, uint32_t limit) {
    uint32_t gone = hcf_now_ms() - c->began_ms;
    return gone < limit ? limit - gone : 0;
}

static size_t head(const struct caller *c, char *to) {
    size_t n = put(to, put(to, 0, "POST "), c->path);
    int i;
    n = put(to, n, " HTTP/1.0\r\nHost: ");
    for (i = 0; i < 4; i++) n = put(to, put_number(to, n, c->at.host[i]), i < 3 ? "." : ":");
    n = put(to, put_number(to, n, c->at.port), "\r\nContent-Type: application/json\r\nX-HCF: 1");
    n = put_hex(to, put(to, n, "\r\nX-HCF-Nonce: "), c->nonce, 32);
    if (hcf_code_page() != 0) n = put_number(to, put(to, n, "\r\nX-HCF-ACP: "), hcf_code_page());
    n = put_number(to, put(to, n, "\r\nContent-Length: "), c->length);
    return put(to, n, "\r\nConnection: close\r\n\r\n");
}

static const struct hcf_message *send_all(struct caller *c, struct hcf_socket *s, const char *bytes,
                                          size_t length) {
    while (length > 0) {
        long moved = hcf_send(s, bytes, length);
        if (moved == -2 || moved == 0) return &hcf_broke_off;
        if (moved == -1 && hcf_wait(s, 1, left_ms(c, HCF_CALL_MS)) <= 0) return &hcf_broke_off;
        if (moved > 0) bytes += moved, length -= (size_t)moved;
        if (left_ms(c, HCF_CALL_MS) == 0) return &hcf_timed_out;
    }
    return NULL;
}

static const struct hcf_message *receive(struct caller *c, struct hcf_socket *s, char *bytes,
                                         struct hcf_reply *reply) {
    size_t got = 0;
    for (;;) {
        long moved;
        int whole;
        if (left_ms(c, HCF_CALL_MS) == 0) return &hcf_timed_out;
        if (got == HCF_REPLY_BYTES) return &hcf_bad_reply;
        moved = hcf_receive(s, bytes + got, HCF_REPLY_BYTES - got);
        if (moved == -2) return &hcf_broke_off;
        if (moved == -1) {
            if (hcf_wait(s, 0, left_ms(c, HCF_CALL_MS)) < 0) return &hcf_broke_off;
            continue;
        }
        got += (size_t)moved;
        whole = hcf_reply_read(bytes, got, moved == 0, reply);
        if (whole < 0) return moved == 0 ? &hcf_broke_off : &hcf_bad_reply;
        if (whole > 0) return NULL;
    }
}

static const struct hcf_message *ask(struct caller *c, struct hcf_socket *s, char *bytes,
                                     struct hcf_reply *reply) {
    char top[HCF_HEAD_BYTES];
    const struct hcf_message *why;
    if ((why = send_all(c, s, top, head(c, top))) != NULL) return why;
    if ((why = send_all(c, s, c->in, c->length)) != NULL) return why;
    return receive(c, s, bytes, reply);
}

/* Exactly `length` bytes. */
static const struct hcf_message *take(struct caller *c, struct hcf_socket *s, void *to,
                                      size_t length, uint32_t limit_ms) {
    char *at = to;
    while (length > 0) {
        long moved = hcf_receive(s, at, length);
        if (moved == -2 || moved == 0) return &hcf_broke_off;
        if (moved == -1 && hcf_wait(s, 0, left_ms(c, limit_ms)) < 0) return &hcf_broke_off;
        if (moved > 0) at += moved, length -= (size_t)moved;
        if (length > 0 && left_ms(c, limit_ms) == 0) return &hcf_timed_out;
    }
    return NULL;
}

/* Who does not take us closes without a word. */
static const struct hcf_message *greet(struct caller *c, struct hcf_socket *s, uint8_t keys[64]) {
    uint8_t seed[32], hello[HCF_HELLO_BYTES], welcome[HCF_WELCOME_BYTES];
    const struct hcf_message *why;
    if (!hcf_random(seed, sizeof seed)) return &hcf_no_random;
    hcf_lan_hello(&c->at, seed, hello);
    why = send_all(c, s, (const char *)hello, sizeof hello);
    if (why == NULL) why = take(c, s, welcome, sizeof welcome, HCF_GREET_MS);
    if (why == &hcf_broke_off) why = &hcf_unpaired;
    if (why == NULL && !hcf_lan_keys(&c->at, seed, hello, welcome, keys)) why = &hcf_stranger;
    hcf_wipe(seed, sizeof seed);
    return why;
}

/* The same two messages as `ask`, each sealed in a frame. */
__attribute__((noinline)) /* its room is not taken from the stack of a local call */
static const struct hcf_message *ask_sealed(struct caller *c, struct hcf_socket *s, char *bytes,
                                            struct hcf_reply *reply) {
    uint8_t keys[64], frame[HCF_LENGTH_BYTES + HCF_HEAD_BYTES + HCF_IN_BYTES + HCF_TAG_BYTES];
    char *text = (char *)frame + HCF_LENGTH_BYTES;
    const struct hcf_message *why = greet(c, s, keys);
    size_t n, i;
    if (why == NULL) {
        for (n = head(c, text), i = 0; i < c->length; i++) text[n++] = c->in[i];
        hcf_lan_seal(keys, (uint8_t *)text, n);
        for (n += HCF_TAG_BYTES, i = 0; i < 4; i++) frame[i] = (uint8_t)(n >> (24 - 8 * i));
        why = send_all(c, s, (const char *)frame, HCF_LENGTH_BYTES + n);
    }
    if (why == NULL) why = take(c, s, frame, HCF_LENGTH_BYTES, HCF_CALL_MS);
    if (why == NULL && (n = hcf_lan_length(frame, HCF_REPLY_BYTES)) == 0) why = &hcf_stranger;
    if (why == NULL) why = take(c, s, bytes, n, HCF_CALL_MS);
    if (why == NULL && !hcf_lan_open(keys + 32, (uint8_t *)bytes, n)) why = &hcf_stranger;
    if (why == NULL && hcf_reply_read(bytes, n - HCF_TAG_BYTES, 1, reply) != 1) why = &hcf_bad_reply;
    hcf_wipe(keys, sizeof keys);
    return why;
}

static const struct hcf_message *talk(struct caller *c, struct hcf_socket *s, char *bytes,
                                      struct hcf_reply *reply) {
    const struct hcf_message *why;
    if (hcf_wait(s, 1, left_ms(c, HCF_CONNECT_MS)) <= 0 || !hcf_connected(s)) return &hcf_absent;
    why = c->at.lan ? ask_sealed(c, s, bytes, reply) : ask(c, s, bytes, reply);
    if (why != NULL) return why;
    if (reply->status != 200) return &hcf_refused;
    if (c->at.verify && !hcf_proven(&c->at, c->nonce, c->digest, reply)) return &hcf_impostor;
    return NULL;
}

static const struct hcf_message *prepare(struct caller *c) {
    char text[HCF_TEXT_BYTES];
    hcf_sha512 hash;
    size_t n = 0, length = hcf_setting_text(text, sizeof text);
    int good = length > 0 && hcf_setting_read(text, length, &c->at);
    hcf_wipe(text, sizeof text);
    if (!good) return &hcf_not_installed;
    if (!hcf_random(c->nonce, sizeof c->nonce)) return &hcf_no_random;
    while (c->path[n] != '\0') n++;
    hcf_sha512_start(&hash);
    hcf_sha512_add(&hash, c->path, n);
    hcf_sha512_add(&hash, "\n", 1);
    hcf_sha512_add(&hash, c->in, c->length);
    hcf_sha512_end(&hash, c->digest);
    return NULL;
}

int hcf_call(const char *path, int attendance, const char *in, char *out) {
    char bytes[HCF_REPLY_BYTES];
    struct caller c;
    struct hcf_socket s;
    struct hcf_reply reply;
    const struct hcf_message *why;
    enum hcf_charset charset = hcf_machine_charset();
    int code;
    if (out == NULL) return attendance ? -2 : 0;
    if (in == NULL) return refuse(attendance, out, &hcf_null_input, charset);
    c.path = path;
    c.in = in;
    c.began_ms = hcf_now_ms();
    for (c.length = 0; c.length < HCF_IN_BYTES && in[c.length] != '\0';) c.length++;
    /* UTF-16 text is one character and a NUL to us. */
    if (c.length == 1) return refuse(attendance, out, &hcf_wide_input, charset);
    charset = hcf_charset_of(in, c.length, charset);
    why = prepare(&c);
    if (why == NULL && !hcf_open(&s, &c.at)) why = &hcf_absent;
    else if (why == NULL) {
        why = talk(&c, &s, bytes, &reply);
        hcf_close(&s);
    }
    hcf_wipe(&c.at, sizeof c.at);
    if (why == NULL && hcf_reply_fit(&reply, attendance, out, &code)) return code;
    return refuse(attendance, out, why != NULL ? why : &hcf_bad_reply, charset);
}

HCF_API int HCF_CALL zjHisFunCall(char *inputJson, char *outJson) {
    return hcf_call("/stdcashFaceAuth", 0, inputJson, outJson);
}

HCF_API int HCF_CALL HisCallAtten(char *hisMsg, char *outMsg) {
    return hcf_call("/hisCallAtten", 1, hisMsg, outMsg);
}
