/* A stand-in for HisCallFace: posts what it is given to the daemon and copies the answer.
 * Only what the kit needs to be tried on; the library that is shipped lives in shim/.
 * Faults on purpose, by -DFAULT=1 (wrong value returned) or 2 (writes beyond 1024 bytes). */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef FAULT
#define FAULT 0
#endif
#define OUT_BYTES 1024
#define ROOM 65536

static int connected(void) {
    struct sockaddr_in at;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    memset(&at, 0, sizeof at);
    at.sin_family = AF_INET;
    at.sin_port = htons(PORT);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (s >= 0 && connect(s, (struct sockaddr *)&at, sizeof at) != 0) {
        close(s);
        return -1;
    }
    return s;
}

static int sent(int s, const char *data, size_t left) {
    while (left > 0) {
        ssize_t n = send(s, data, left, MSG_NOSIGNAL);
        if (n <= 0)
            return 0;
        data += n;
        left -= (size_t)n;
    }
    return 1;
}

static int call(const char *path, const char *in, char *out) {
    char head[256], *answer = malloc(ROOM), *body, *code;
    size_t got = 0;
    ssize_t n;
    int s = connected(), value = 0;
    strcpy(out, "{\"code\":0,\"msg\":\"no daemon\",\"cp_no\":\"\",\"type\":0}");
    if (s < 0 || answer == NULL) {
        free(answer);
        return 0;
    }
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
             "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
             path, strlen(in));
    if (sent(s, head, strlen(head)) && sent(s, in, strlen(in)))
        while (got < ROOM - 1 && (n = recv(s, answer + got, ROOM - 1 - got, 0)) > 0)
            got += (size_t)n;
    answer[got] = '\0';
    body = strstr(answer, "\r\n\r\n");
    if (body != NULL && strlen(body + 4) < OUT_BYTES) {
        strcpy(out, body + 4);
        code = strstr(out, "\"code\":");
        value = code != NULL ? atoi(code + 7) : 0;
    }
    if (FAULT == 2)
        out[OUT_BYTES] = 'x';
    close(s);
    free(answer);
    return FAULT == 1 ? value + 1 : value;
}

int zjHisFunCall(char *inputJson, char *outJson) { return call("/stdcashFaceAuth", inputJson, outJson); }

int HisCallAtten(char *hisMsg, char *outMsg) { return call("/hisCallAtten", hisMsg, outMsg); }
