/* What the installer wrote: lines of `name = value`; a word unknown or twice makes all of it void. */
#include "hcf.h"

static int number(const char **at, const char *end, unsigned most, unsigned *value) {
    const char *first = *at;
    for (*value = 0; *at < end && **at >= '0' && **at <= '9' && *at - first < 5; (*at)++)
        *value = *value * 10 + (unsigned)(**at - '0');
    return *at > first && *value <= most;
}

static int address(const char *at, const char *end, struct hcf_setting *s) {
    unsigned part, i;
    for (i = 0; i < 4; i++) {
        if (!number(&at, end, 255, &part) || at == end || *at++ != (i < 3 ? '.' : ':')) return 0;
        s->host[i] = (uint8_t)part;
    }
    if (!number(&at, end, 65535, &part) || part == 0) return 0;
    s->port = (uint16_t)part;
    return at == end;
}

static int blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static int word(const char *at, const char *end, const char *text) {
    size_t length = 0;
    while (text[length] != '\0') length++;
    return (size_t)(end - at) == length && hcf_same(at, length, text);
}

static int line(const char *at, const char *end, struct hcf_setting *s, unsigned *seen) {
    const char *name = at, *stop;
    unsigned bit;
    int good;
    while (at < end && *at != '=' && !blank(*at)) at++;
    stop = at;
    while (at < end && blank(*at)) at++;
    if (at == end || *at++ != '=') return 0;
    while (at < end && blank(*at)) at++;
    if (word(name, stop, "daemon")) bit = 1, good = address(at, end, s);
    else if (word(name, stop, "key")) bit = 2, good = end - at == 64 && hcf_hex(at, 32, s->key);
    else if (word(name, stop, "caller")) bit = 8, good = end - at == 16 && hcf_hex(at, 8, s->caller);
    else if (word(name, stop, "secret")) bit = 16, good = end - at == 64 && hcf_hex(at, 32, s->secret);
    else if (word(name, stop, "verify"))
        bit = 4, s->verify = word(at, end, "on"), good = s->verify || word(at, end, "off");
    else return 0;
    good = good && !(*seen & bit);
    *seen |= bit;
    return good;
}

int hcf_setting_read(const char *text, size_t length, struct hcf_setting *s) {
    const char *at = text, *end = text + length, *last;
    unsigned seen = 0;
    s->verify = 1;
    for (; at < end; at = last + 1) {
        const char *stop;
        for (last = at; last < end && *last != '\n';) last++;
        for (stop = last; stop > at && blank(stop[-1]);) stop--;
        while (at < stop && blank(*at)) at++;
        if (at < stop && *at != '#' && !line(at, stop, s, &seen)) return 0;
        if (last == end) break;
    }
    if (!(seen & 1) || (s->verify && !(seen & 2))) return 0;
    s->lan = (seen & 24) == 24;
    if ((seen & 24) != 0 && !(s->lan && s->verify)) return 0;
    return s->lan || s->host[0] == 127; /* over a network both prove themselves, and all is sealed */
}
