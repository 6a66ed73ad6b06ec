/* The whole library at work: threads PORT KEY THREADS CALLS, against server.py on PORT.
 * Many threads first, then every fault that is quick. Anything wrong is said, and the exit code. */
#include "hcf.h"
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_THREADS = 64, ROOM = HCF_OUT_BYTES + 64, HUGE_BYTES = 200 * 1024 };

/* A thread counts its own: with nothing shared here, a race TSan reports is the library's. */
struct worker {
    pthread_t thread;
    int number, calls, wrong;
};

static const char *port, *key;
static int wrong, asked;
/* LAN mode: server.py knows this secret; the last digit of a caller is how it greets. */
#define SECRET "5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"
#define PAIRED "caller = 000000000000000%d\nsecret = " SECRET "\n"

#ifdef PLANT
/* A race, and lost memory: a run that does not report them could report nothing. */
static char *volatile planted; /* or the compiler leaves it out */
#endif

static void set(const char *to_port, const char *verify, const char *more) {
    FILE *file = fopen(HCF_SETTING_FILE, "w");
    if (file == NULL) abort();
    fprintf(file, "daemon = 127.0.0.1:%s\nkey = %s\nverify = %s\n%s", to_port, key, verify, more);
    fclose(file);
}

/* One call with canaries; whether value and answer are whole and agree. */
static int call(int attendance, char *in, char *out, int *code) {
    char told[24];
    int i;
    memset(out, 0x5a, ROOM);
    *code = attendance ? HisCallAtten(in, out) : zjHisFunCall(in, out);
    for (i = HCF_OUT_BYTES; i < ROOM; i++)
        if (out[i] != 0x5a) return 0;
    snprintf(told, sizeof told, "{\"code\":%d,", *code);
    return memchr(out, 0, HCF_OUT_BYTES) != NULL && strncmp(out, told, strlen(told)) == 0;
}

static void *work(void *given) {
    struct worker *own = given;
    char in[64], out[ROOM], expected[128];
    int i, code;
    for (i = 0; i < own->calls; i++) {
#ifdef PLANT
        planted = malloc(1);
#endif
        snprintf(in, sizeof in, "{\"id\":\"%d-%d\"}", own->number, i);
        snprintf(expected, sizeof expected, "{\"code\":1,\"msg\":\"%d-%d\",\"cp_no\":\"\",\"type\":1}",
                 own->number, i);
        own->wrong += !call(i & 1, in, out, &code) || code != 1 || strcmp(out, expected) != 0;
    }
    return NULL;
}

static int all_at_once(int threads, int calls) {
    struct worker workers[MOST_THREADS];
    int i, bad = 0;
    for (i = 0; i < threads; i++) {
        workers[i].number = i;
        workers[i].calls = calls;
        workers[i].wrong = 0;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) abort();
    }
    for (i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        bad += workers[i].wrong;
    }
    return bad;
}

static void expect(const char *what, int holds) {
    asked++;
    wrong += !holds;
    if (!holds) printf("wrong: %s\n", what);
}

/* Both functions; a refusal is 0 of the first and -2 of attendance. */
static void both(const char *what, char *in, int passes) {
    char out[ROOM];
    int code;
    expect(what, call(0, in, out, &code) && code == (passes ? 1 : 0));
    expect(what, call(1, in, out, &code) && code == (passes ? 1 : -2));
}

static void ask(const char *name, int passes) {
    char in[64];
    snprintf(in, sizeof in, "{\"id\":\"%s\"}", name);
    both(name, in, passes);
}

static void bad_answers(void) {
    static const char *const names[] = {"silent", "cut", "headless", "garbage", "flood",
                                        "chunked", "unsigned", "stranger", "changed"};
    size_t i;
    for (i = 0; i < sizeof names / sizeof *names; i++) ask(names[i], 0);
    ask("long", 1);
}

static void odd_buffers(void) {
    char shared[ROOM] = "{\"id\":\"shared\"}", one[] = "{", none[] = "", *huge = malloc(HUGE_BYTES);
    if (huge == NULL) abort();
    memset(huge, ' ', HUGE_BYTES);
    huge[HUGE_BYTES - 1] = '\0';
    both("huge", huge, 1);
    free(huge);
    both("NULL in", NULL, 0);
    both("UTF-16", one, 0);
    both("nothing", none, 1);
    expect("NULL out", zjHisFunCall(none, NULL) == 0 && HisCallAtten(none, NULL) == -2);
    expect("NULL both", zjHisFunCall(NULL, NULL) == 0 && HisCallAtten(NULL, NULL) == -2);
    expect("in is out", zjHisFunCall(shared, shared) == 1 && strstr(shared, "shared") != NULL);
}

static void odd_settings(void) {
    set(port, "off", "");
    ask("unsigned", 1);
    set(port, "on", "surprise = 1\n");
    ask("unknown word", 0);
    set("1", "on", "");
    ask("no daemon", 0);
    unlink(HCF_SETTING_FILE);
    ask("no settings", 0);
}

static void pair(int greeting) {
    char more[256];
    snprintf(more, sizeof more, PAIRED, greeting);
    set(port, "on", more);
}

static void bad_neighbours(void) {
    static const char *const names[] = {"open", "other-key", "huge-frame", "no-frame", "half-frame"};
    size_t i;
    int greeting;
    pair(0);
    for (i = 0; i < sizeof names / sizeof *names; i++) ask(names[i], 0);
    for (greeting = 1; greeting < 6; greeting++) {
        pair(greeting);
        ask("greeted badly", 0);
    }
}

static int open_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    int n = 0;
    if (folder == NULL) abort();
    while (readdir(folder) != NULL) n++;
    closedir(folder);
    return n;
}

int main(int count, char **words) {
    int threads, calls, files, bad;
    if (count != 5 || (threads = atoi(words[3])) > MOST_THREADS) return 2;
    port = words[1];
    key = words[2];
    calls = atoi(words[4]);
    set(port, "on", "");
    files = open_files();
    bad = all_at_once(threads, calls);
    bad_answers();
    odd_buffers();
    odd_settings();
    pair(0);
    bad += all_at_once(threads, calls / 5 + 1);
    bad_answers();
    odd_buffers();
    bad_neighbours();
    expect("every file is closed again", open_files() == files);
    printf("%d threads x %d calls, %d wrong; %d odd calls, %d wrong\n", threads, calls, bad, asked, wrong);
    return bad != 0 || wrong != 0;
}
