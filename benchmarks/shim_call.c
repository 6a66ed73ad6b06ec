/* What benchmarks/shim.py times: calls of the library beside bare sockets, with nothing between.
 *   ask PORT BODY EXPECT CALLS THREADS CLIENT...   each CLIENT in turn, 50 calls at a time
 *   grow BODY EXPECT CALLS LIBRARY                 memory of this process over CALLS calls
 *   serve ANSWER                                   a bare server; prints its port
 * CLIENT: path of a library; `close`: a bare socket read until the server closes it; `length`: a
 * bare socket read until Content-Length is there. `#` in BODY and EXPECT: the number of the call. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 16384, MOST = 64, BLOCK = 50, WARM = 1000 };
#define NONCE "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

typedef int (*library)(char *, char *);

struct client {
    const char *name;
    library call;        /* NULL: a bare socket */
    int by_length;
    long wrong;
    double *us;
    size_t timed;
};

struct worker {
    pthread_t thread;
    int number;
    long calls;
    struct client own[MOST];
};

static const char *body, *expect;
static int port, clients;

static void need(int holds, const char *what) {
    if (holds) return;
    perror(what);
    exit(2);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* `pattern` with every # replaced by the number. */
static void fill(char *to, const char *pattern, long number) {
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '#') to += sprintf(to, "%ld", number);
        else *to++ = *pattern;
    }
    *to = '\0';
}

static int send_all(int fd, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
        if (n <= 0) return 0;
        bytes += n;
        length -= (size_t)n;
    }
    return 1;
}

/* Behind head and Content-Length bytes; 0: not there yet. */
static size_t whole(const char *text) {
    const char *head = strstr(text, "\r\n\r\n"), *at = strcasestr(text, "content-length:");
    return head == NULL || at == NULL ? 0 : (size_t)(head + 4 - text) + (size_t)atol(at + 15);
}

static size_t receive(int fd, char *bytes, int by_length) {
    size_t got = 0, end;
    ssize_t n;
    while (got < ROOM - 1 && (n = recv(fd, bytes + got, ROOM - 1 - got, 0)) > 0) {
        got += (size_t)n;
        bytes[got] = '\0';
        if (by_length && (end = whole(bytes)) > 0 && got >= end) break;
    }
    bytes[got] = '\0';
    return got;
}

/* The same request as the library's, nothing checked; answer: the body. */
static const char *bare(const char *in, char *bytes, int by_length) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), n;
    char *found;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) return "";
    n = snprintf(bytes, ROOM, "POST /stdcashFaceAuth HTTP/1.0\r\nHost: 127.0.0.1:%d\r\n"
                 "Content-Type: application/json\r\nX-HCF: 1\r\nX-HCF-Nonce: " NONCE "\r\n"
                 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s", port, strlen(in), in);
    if (send_all(fd, bytes, (size_t)n)) receive(fd, bytes, by_length);
    close(fd);
    found = strstr(bytes, "\r\n\r\n");
    return found != NULL ? found + 4 : "";
}

/* `expected` ends in * where only the beginning is known. */
static int is_expected(const char *answer, const char *expected) {
    size_t n = strlen(expected);
    if (n > 0 && expected[n - 1] == '*') return strncmp(answer, expected, n - 1) == 0;
    return strcmp(answer, expected) == 0;
}

static void one(struct client *c, long number) {
    char in[ROOM], expected[ROOM], bytes[ROOM];
    const char *answer = bytes;
    double began;
    fill(in, body, number);
    fill(expected, expect, number);
    began = now_us();
    if (c->call != NULL) c->call(in, bytes);
    else answer = bare(in, bytes, c->by_length);
    if (c->us != NULL) c->us[c->timed++] = now_us() - began;
    c->wrong += !is_expected(answer, expected);
}

static void open_client(struct client *c, const char *name) {
    void *handle;
    memset(c, 0, sizeof *c);
    c->name = name;
    c->by_length = strcmp(name, "length") == 0;
    if (c->by_length || strcmp(name, "close") == 0) return;
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    need(handle != NULL, name);
    *(void **)&c->call = dlsym(handle, "zjHisFunCall");
    need(c->call != NULL, "zjHisFunCall");
}

static void *work(void *given) {
    struct worker *w = given;
    long done = 0, block, i;
    int k;
    for (; done < w->calls; done += block) {
        block = w->calls - done < BLOCK ? w->calls - done : BLOCK;
        for (k = 0; k < clients; k++)
            for (i = 0; i < block; i++) one(&w->own[k], (w->number * clients + k) * w->calls + done + i);
    }
    return NULL;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Name, calls, wrong, then mean, p50 and p99 in microseconds. */
static void report(const struct worker *workers, int threads, int k) {
    size_t n = 0, room = (size_t)workers->calls * (size_t)threads;
    double *all = malloc(room * sizeof *all), sum = 0;
    long wrong = 0;
    int t;
    need(all != NULL, "malloc");
    for (t = 0; t < threads; t++) {
        const struct client *c = &workers[t].own[k];
        size_t i;
        for (i = 0; i < c->timed; i++) sum += all[n++] = c->us[i];
        wrong += c->wrong;
    }
    qsort(all, n, sizeof *all, by_size);
    printf("%s %zu %ld %.1f %.1f %.1f\n", workers->own[k].name, n, wrong, sum / (double)n, all[n / 2],
           all[n * 99 / 100]);
    free(all);
}

static int ask(char **words, int count) {
    static struct worker workers[MOST];
    int threads = atoi(words[4]), t, k;
    long calls = atol(words[3]);
    port = atoi(words[0]);
    body = words[1];
    expect = words[2];
    clients = count - 5;
    need(threads > 0 && threads <= MOST && clients > 0 && clients <= MOST && calls > 0, "ask");
    for (t = 0; t < threads; t++) {
        workers[t].number = t;
        workers[t].calls = calls;
        for (k = 0; k < clients; k++) {
            open_client(&workers[t].own[k], words[5 + k]);
            if (t == 0) one(&workers[0].own[k], 0);
            workers[t].own[k].wrong = 0; /* the warm-up is in no figure */
            workers[t].own[k].us = malloc((size_t)calls * sizeof(double));
            need(workers[t].own[k].us != NULL, "malloc");
        }
    }
    for (t = 1; t < threads; t++) pthread_create(&workers[t].thread, NULL, work, &workers[t]);
    work(&workers[0]);
    for (t = 1; t < threads; t++) pthread_join(workers[t].thread, NULL);
    for (k = 0; k < clients; k++) report(workers, threads, k);
    return 0;
}

static long resident_kib(void) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    need(file != NULL, "/proc/self/status");
    while (fgets(line, sizeof line, file) != NULL) sscanf(line, "VmRSS: %ld", &kib);
    fclose(file);
    return kib;
}

static int grow(char **words) {
    long calls = atol(words[2]), i, before;
    struct client c;
    body = words[0];
    expect = words[1];
    open_client(&c, words[3]);
    resident_kib();
    for (i = 0; i < WARM; i++) one(&c, i);
    before = resident_kib();
    for (i = 0; i < calls; i++) one(&c, i);
    printf("%ld %ld %ld\n", before, resident_kib(), c.wrong);
    return 0;
}

static void answer_one(int fd) {
    char bytes[ROOM];
    receive(fd, bytes, 1);
    send_all(fd, body, strlen(body));
    close(fd);
}

static int serve(void) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    int server = socket(AF_INET, SOCK_STREAM, 0), fd;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(bind(server, (struct sockaddr *)&at, sizeof at) == 0 && listen(server, 1024) == 0, "serve");
    need(getsockname(server, (struct sockaddr *)&at, &size) == 0, "getsockname");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    while ((fd = accept(server, NULL, NULL)) >= 0) answer_one(fd);
    return 1;
}

int main(int count, char **words) {
    if (count >= 8 && strcmp(words[1], "ask") == 0) return ask(words + 2, count - 2);
    if (count == 6 && strcmp(words[1], "grow") == 0) return grow(words + 2);
    if (count != 3 || strcmp(words[1], "serve") != 0) return 2;
    body = words[2];
    return serve();
}
