/* Sockets, clock, random numbers and the installer's file on Linux. */
#include "hcf.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef HCF_SETTING_FILE
#define HCF_SETTING_FILE "/etc/yibao-face/library.conf"
#endif

uint32_t hcf_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static size_t read_file(const char *path, void *to, size_t room) {
    size_t got = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file < 0) return 0;
    while (got < room) {
        ssize_t n = read(file, (char *)to + got, room - got);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        got += (size_t)n;
    }
    close(file);
    return got;
}

int hcf_random(uint8_t *bytes, size_t length) {
    return read_file("/dev/urandom", bytes, length) == length;
}

size_t hcf_setting_text(char *text, size_t room) {
    size_t got = read_file(HCF_SETTING_FILE, text, room);
    return got < room ? got : 0;
}

enum hcf_charset hcf_machine_charset(void) { return HCF_UTF8; }
unsigned hcf_code_page(void) { return 0; }

int hcf_open(struct hcf_socket *s, const struct hcf_setting *at) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(at->port)};
    uint8_t *host = (uint8_t *)&to.sin_addr;
    int i, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return 0;
    for (i = 0; i < 4; i++) host[i] = at->host[i];
    s->handle = fd;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS) return 1;
    close(fd);
    return 0;
}

void hcf_close(struct hcf_socket *s) { close((int)s->handle); }

int hcf_connected(struct hcf_socket *s) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt((int)s->handle, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

int hcf_wait(struct hcf_socket *s, int to_write, uint32_t ms) {
    struct pollfd one = {.fd = (int)s->handle, .events = to_write ? POLLOUT : POLLIN};
    uint32_t began = hcf_now_ms(), gone = 0;
    int n;
    while ((n = poll(&one, 1, (int)(ms - gone))) < 0) {
        if (errno != EINTR) return -1;
        gone = hcf_now_ms() - began;
        if (gone >= ms) return 0;
    }
    return n > 0;
}

static long moved(ssize_t n) {
    if (n >= 0) return (long)n;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -1 : -2;
}

long hcf_send(struct hcf_socket *s, const char *bytes, size_t length) {
    return moved(send((int)s->handle, bytes, length, MSG_NOSIGNAL));
}

long hcf_receive(struct hcf_socket *s, char *bytes, size_t room) {
    return moved(recv((int)s->handle, bytes, room, 0));
}
