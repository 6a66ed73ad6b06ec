/* The daemon's answer: one HTTP message, one flat JSON object. Anything else is refused. */
#include "hcf.h"

struct object {
    int coded, code;
    size_t from, to; /* the longest string value, quotes included */
    size_t end;
};

static int is_hex(const char *s, size_t n) {
    uint8_t two[2];
    return n >= 4 && hcf_hex(s, 2, two);
}

/* Whether four hex digits are the first half of a pair. */
static int is_high(const char *s) {
    uint8_t first = 0;
    return hcf_hex(s, 1, &first) && first >= 0xd8 && first <= 0xdb;
}

/* One character or escape of a JSON string; 0: none. */
static size_t unit(const char *s, size_t left, enum hcf_charset charset) {
    const char *plain = "\"\\/bfnrt";
    if (left == 0 || (uint8_t)s[0] < 0x20 || s[0] == '"') return 0;
    if (s[0] != '\\') return hcf_char(s, left, charset);
    if (left < 2) return 0;
    if (s[1] == 'u') {
        if (!is_hex(s + 2, left - 2)) return 0;
        if (!is_high(s + 2)) return 6;
        return left >= 12 && s[6] == '\\' && s[7] == 'u' && is_hex(s + 8, left - 8) ? 12 : 0;
    }
    while (*plain != '\0' && *plain != s[1]) plain++;
    return *plain != '\0' ? 2 : 0;
}

static size_t blanks(const char *s, size_t i, size_t n) {
    while (i < n && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n')) i++;
    return i;
}

/* Behind the closing quote of the string at i; 0: no string. */
static size_t string(const char *s, size_t i, size_t n, enum hcf_charset charset) {
    size_t k;
    if (i >= n || s[i] != '"') return 0;
    for (i++; i < n && s[i] != '"'; i += k)
        if ((k = unit(s + i, n - i, charset)) == 0) return 0;
    return i < n ? i + 1 : 0;
}

static size_t bare(const char *s, size_t i, size_t n) {
    size_t from = i;
    while (i < n && ((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'z') || s[i] == '-'
                     || s[i] == '+' || s[i] == '.' || s[i] == 'E'))
        i++;
    return i > from ? i : 0;
}

/* All of 1 to `most` digits. */
static int digits(const char *s, size_t n, size_t most, size_t *value) {
    size_t i;
    for (*value = i = 0; i < n && i < most && s[i] >= '0' && s[i] <= '9'; i++)
        *value = *value * 10 + (size_t)(s[i] - '0');
    return n > 0 && i == n;
}

static int take_code(const char *s, size_t from, size_t to, struct object *o) {
    int sign = 1;
    size_t value;
    if (s[from] == '"') from++, to--;
    if (from < to && s[from] == '-') sign = -1, from++;
    if (o->coded || !digits(s + from, to - from, 6, &value)) return 0;
    o->coded = 1;
    o->code = sign * (int)value;
    return 1;
}

/* Flat: nested values are refused, our daemon never sends them. */
static int walk(const char *s, size_t n, enum hcf_charset charset, struct object *o) {
    size_t i = blanks(s, 0, n), key, from;
    o->coded = o->code = 0;
    o->from = o->to = 0;
    if (i >= n || s[i] != '{') return 0;
    for (;;) {
        key = blanks(s, i + 1, n);
        if ((i = string(s, key, n, charset)) == 0) return 0;
        key = i - key == 6 && hcf_same(s + key, 6, "\"code\"");
        i = blanks(s, i, n);
        if (i >= n || s[i] != ':') return 0;
        from = blanks(s, i + 1, n);
        if (from >= n) return 0;
        i = s[from] == '"' ? string(s, from, n, charset) : bare(s, from, n);
        if (i == 0 || (key && !take_code(s, from, i, o))) return 0;
        if (s[from] == '"' && i - from > o->to - o->from) o->from = from, o->to = i;
        i = blanks(s, i, n);
        if (i >= n || (s[i] != ',' && s[i] != '}')) return 0;
        if (s[i] == '}') break;
    }
    o->end = i + 1;
    return blanks(s, o->end, n) == n;
}

/* 0, 1, 2 of the first interface; 0, 1, -1, -2, -4 of attendance (S0-07, S0-44). */
static int is_code(int code, int attendance) {
    if (code == 0 || code == 1) return 1;
    return attendance ? code == -1 || code == -2 || code == -4 : code == 2;
}

int hcf_reply_fit(const struct hcf_reply *reply, int attendance, char *out, int *code) {
    const char *s = reply->body;
    struct object o;
    size_t cut, keep, stop, k, i, n = 0;
    if (!walk(s, reply->length, reply->charset, &o) || !o.coded || !is_code(o.code, attendance))
        return 0;
    if (o.end >= HCF_OUT_BYTES) { /* the longest text gives way, at a border of characters */
        cut = o.end + 1 - HCF_OUT_BYTES;
        if (o.to - o.from < 2 + cut) return 0;
        keep = o.to - 1 - cut;
        for (stop = o.from + 1; stop < o.to - 1; stop += k) {
            k = unit(s + stop, o.to - 1 - stop, reply->charset);
            if (stop + k > keep) break;
        }
        for (i = 0; i < stop; i++) out[n++] = s[i];
        for (i = o.to - 1; i < o.end; i++) out[n++] = s[i];
    } else {
        while (n < o.end) out[n] = s[n], n++;
    }
    out[n] = '\0';
    *code = o.code;
    return 1;
}

static int take_length(const char *s, size_t n, size_t *length) {
    while (n > 0 && *s == ' ') s++, n--;
    return digits(s, n, 7, length);
}

static void take_charset(const char *s, size_t n, struct hcf_reply *reply) {
    size_t i;
    for (i = 0; i + 10 <= n; i++)
        if (hcf_same(s + i, n - i, "charset=gb")) reply->charset = HCF_GBK;
}

static int take_signature(const char *s, size_t n, struct hcf_reply *reply) {
    while (n > 0 && *s == ' ') s++, n--;
    if (reply->signed_ || n != 128) return 0;
    return reply->signed_ = hcf_hex(s, 64, reply->signature);
}

static int header(const char *s, size_t n, struct hcf_reply *reply, int *sized) {
    if (hcf_same(s, n, "transfer-encoding:")) return 0;
    if (hcf_same(s, n, "content-type:")) take_charset(s + 13, n - 13, reply);
    if (hcf_same(s, n, "x-hcf-signature:")) return take_signature(s + 16, n - 16, reply);
    if (hcf_same(s, n, "content-length:"))
        return !(*sized)++ && take_length(s + 15, n - 15, &reply->length);
    return 1;
}

static size_t line_end(const char *b, size_t i, size_t n) {
    while (i + 1 < n && !(b[i] == '\r' && b[i + 1] == '\n')) i++;
    return i;
}

static int is_status(const char *b, size_t n) {
    return n >= 12 && hcf_same(b, n, "http/1.") && b[8] == ' ' && b[9] >= '1' && b[9] <= '5'
        && b[10] >= '0' && b[10] <= '9' && b[11] >= '0' && b[11] <= '9';
}

int hcf_reply_read(const char *b, size_t got, int ended, struct hcf_reply *reply) {
    size_t head = 0, i, stop;
    int sized = 0;
    while (head + 3 < got && !(b[head] == '\r' && b[head + 1] == '\n' && b[head + 2] == '\r'
                               && b[head + 3] == '\n'))
        head++;
    if (head + 3 >= got) return ended ? -1 : 0;
    head += 4;
    if (!is_status(b, head)) return -1;
    reply->status = (b[9] - '0') * 100 + (b[10] - '0') * 10 + (b[11] - '0');
    reply->charset = HCF_UTF8;
    reply->signed_ = 0;
    reply->length = 0;
    for (i = line_end(b, 0, head) + 2; i + 2 < head; i = stop + 2) {
        stop = line_end(b, i, head);
        if (!header(b + i, stop - i, reply, &sized)) return -1;
    }
    reply->body = b + head;
    if (!sized) reply->length = got - head;
    if (sized && got - head < reply->length) return ended ? -1 : 0;
    return sized || ended;
}

size_t hcf_lan_length(const uint8_t b[HCF_LENGTH_BYTES], size_t most) {
    size_t length = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    return length > HCF_TAG_BYTES && length <= most ? length : 0;
}
