/* One call a line, for the conformance kit: it stands in a process of the library's own kind.
 * `auth|attendance plain|same|null-in|null-out LENGTH`, a line end and LENGTH bytes are answered by
 * `VALUE LENGTH FAULT…`, a line end and LENGTH bytes; `auth|attendance load THREADS CALLS`, where
 * each call must come back with its own number in it, by `WRONG MICROSECONDS KIB KIB`. */
#include "system.h"
#include <stdio.h>
#include <string.h>

enum { MOST_IN = 16 << 20, GUARD = 64, FILL = 0xa5 };

struct rooms {
    char *in, *out; /* ends: the byte behind is forbidden */
};

static int same(const char *a, const char *b) { return strcmp(a, b) == 0; }

static void say(int value, const char *out, size_t room, int before, int changed) {
    const char *end = memchr(out, '\0', room);
    size_t length = end != NULL ? (size_t)(end - out) : room;
    printf("%d %lu%s%s%s\n", value, (unsigned long)length, before ? " before" : "",
           end == NULL ? " unended" : "", changed ? " input" : "");
    fwrite(out, 1, length, stdout);
    fflush(stdout);
}

static int touched(const char *from) {
    int i;
    for (i = 0; i < GUARD; i++)
        if ((unsigned char)from[i] != FILL) return 1;
    return 0;
}

static uint32_t sum(const char *bytes, size_t length) {
    uint32_t found = 2166136261u; /* FNV-1a: enough to see a change */
    while (length-- > 0) found = (found ^ (unsigned char)*bytes++) * 16777619u;
    return found;
}

/* The input ends right before forbidden memory, and so does the answer's room. */
static void call(hcf_function function, const char *how, struct rooms *rooms, size_t length) {
    char *in = rooms->in - length - 1, *out = rooms->out - HCF_OUT_BYTES;
    uint32_t before = sum(in, length);
    int both = same(how, "same"), value;
    if (both && length < HCF_OUT_BYTES) in = memcpy(out, in, length + 1);
    else if (both) out = in;
    memset(out - GUARD, FILL, GUARD);
    if (!both) memset(out, FILL, HCF_OUT_BYTES);
    value = function(same(how, "null-in") ? NULL : in, same(how, "null-out") ? NULL : out);
    /* Nothing may be written where no room was named: then the answer is empty. */
    if (same(how, "null-out") && (unsigned char)out[0] == FILL) out[0] = '\0';
    say(value, out, HCF_OUT_BYTES, touched(out - GUARD), !both && sum(in, length) != before);
}

static struct {
    hcf_function function;
    unsigned calls;
    unsigned wrong[64];
} load;

static void many(unsigned thread) {
    char in[64], want[32], out[HCF_OUT_BYTES];
    unsigned i;
    load.wrong[thread] = 0;
    for (i = 0; i < load.calls; i++) {
        snprintf(want, sizeof want, "n%u-%uz", thread, i);
        snprintf(in, sizeof in, "{\"id\":\"%s\"}", want);
        out[0] = '\0';
        load.function(in, out);
        load.wrong[thread] += strstr(out, want) == NULL;
    }
}

static int together(hcf_function function, unsigned threads, unsigned calls) {
    unsigned long before, wrong = 0;
    uint64_t began;
    unsigned i;
    load.function = function;
    load.calls = 10; /* what the system keeps for a thread it keeps from the first calls on */
    if (threads > 64 || !system_threads(threads, many)) return 0;
    load.calls = calls;
    before = system_resident_kib();
    began = system_now_us();
    if (!system_threads(threads, many)) return 0;
    for (i = 0; i < threads; i++) wrong += load.wrong[i];
    printf("%lu %lu %lu %lu\n", wrong, (unsigned long)(system_now_us() - began), before,
           system_resident_kib());
    fflush(stdout);
    return 1;
}

int pipe_serve(const struct library *library) {
    struct rooms rooms = {system_room(MOST_IN + 1), system_room(GUARD + HCF_OUT_BYTES)};
    char line[80], which[16], how[16];
    unsigned long length, calls;
    if (rooms.in == NULL || rooms.out == NULL) return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        int known = sscanf(line, "%15s %15s %lu %lu", which, how, &length, &calls);
        hcf_function function = known > 0 && same(which, "auth") ? library->auth : library->attendance;
        if (known == 4 && same(how, "load")) {
            if (!together(function, (unsigned)length, (unsigned)calls)) return 1;
            continue;
        }
        if (known != 3 || length > MOST_IN - GUARD) return 1;
        if (fread(rooms.in - length - 1, 1, length, stdin) != length) return 1;
        rooms.in[-1] = '\0';
        call(function, how, &rooms, length);
    }
    return 0;
}
