/* The same on Windows 7 and later: KERNEL32, WS2_32, ADVAPI32, no C run-time. */
#include "hcf.h"
#define WIN32_LEAN_AND_MEAN
#include <winsock2.h>
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(void *bytes, ULONG length); /* RtlGenRandom */
BOOL WINAPI DllMain(HINSTANCE library, DWORD why, LPVOID reserved);

BOOL WINAPI DllMain(HINSTANCE library, DWORD why, LPVOID reserved) {
    (void)reserved;
    if (why == DLL_PROCESS_ATTACH) DisableThreadLibraryCalls(library);
    return TRUE;
}

uint32_t hcf_now_ms(void) { return GetTickCount(); }

int hcf_random(uint8_t *bytes, size_t length) {
    return SystemFunction036(bytes, (ULONG)length) != 0;
}

static size_t put(char *to, size_t at, size_t room, const char *text) {
    while (*text != '\0' && at < room) to[at++] = *text++;
    return at;
}

/* HKLM is the administrator's; the values become lines, so that one reader knows them all. */
size_t hcf_setting_text(char *text, size_t room) {
    static const char *const names[] = {"daemon", "key", "verify", "caller", "secret"};
    HKEY key;
    size_t at = 0;
    int i;
    if (RegOpenKeyExA(HKEY_LOCAL_MACHINE, "SOFTWARE\\yibao-face\\library", 0,
                      KEY_QUERY_VALUE | KEY_WOW64_64KEY, &key) != ERROR_SUCCESS)
        return 0;
    for (i = 0; i < 5; i++) {
        char value[128];
        DWORD kind = 0, size = sizeof value - 1;
        if (RegQueryValueExA(key, names[i], NULL, &kind, (BYTE *)value, &size) != ERROR_SUCCESS)
            continue;
        value[kind == REG_SZ ? size : 0] = '\0';
        at = put(text, put(text, put(text, at, room, names[i]), room, "="), room, value);
        at = put(text, at, room, "\n");
    }
    RegCloseKey(key);
    return at < room ? at : 0;
}

unsigned hcf_code_page(void) { return GetACP(); }

enum hcf_charset hcf_machine_charset(void) {
    unsigned page = GetACP();
    return page == 936 || page == 54936 ? HCF_GBK : page == 65001 ? HCF_UTF8 : HCF_ASCII;
}

int hcf_open(struct hcf_socket *s, const struct hcf_setting *at) {
    struct sockaddr_in to;
    WSADATA about;
    SOCKET made;
    u_long on = 1;
    int i;
    if (WSAStartup(0x0202, &about) != 0) return 0;
    for (i = 0; i < (int)sizeof to; i++) ((char *)&to)[i] = 0;
    to.sin_family = AF_INET;
    to.sin_port = (u_short)(at->port >> 8 | at->port << 8);
    for (i = 0; i < 4; i++) ((uint8_t *)&to.sin_addr)[i] = at->host[i];
    made = socket(AF_INET, SOCK_STREAM, 0);
    s->handle = (intptr_t)made;
    if (made != INVALID_SOCKET) {
        SetHandleInformation((HANDLE)made, HANDLE_FLAG_INHERIT, 0);
        if (ioctlsocket(made, FIONBIO, &on) == 0
            && (connect(made, (struct sockaddr *)&to, sizeof to) == 0
                || WSAGetLastError() == WSAEWOULDBLOCK))
            return 1;
        closesocket(made);
    }
    return 0;
}

/* No WSACleanup: it only counts down, and where another thread's count is lost on the way (Wine does
 * not lock it) the last one closes the sockets of every call under way. */
void hcf_close(struct hcf_socket *s) { closesocket((SOCKET)s->handle); }

int hcf_connected(struct hcf_socket *s) {
    int error = 0, size = sizeof error;
    return getsockopt((SOCKET)s->handle, SOL_SOCKET, SO_ERROR, (char *)&error, &size) == 0
        && error == 0;
}

int hcf_wait(struct hcf_socket *s, int to_write, uint32_t ms) {
    fd_set ready, broken;
    struct timeval time;
    int n;
    ready.fd_count = broken.fd_count = 1;
    ready.fd_array[0] = broken.fd_array[0] = (SOCKET)s->handle;
    time.tv_sec = (long)(ms / 1000);
    time.tv_usec = (long)(ms % 1000) * 1000;
    n = select(0, to_write ? NULL : &ready, to_write ? &ready : NULL, &broken, &time);
    if (n <= 0) return n < 0 ? -1 : 0;
    return ready.fd_count > 0 ? 1 : -1;
}

static long moved(int n) {
    if (n >= 0) return n;
    return WSAGetLastError() == WSAEWOULDBLOCK ? -1 : -2;
}

long hcf_send(struct hcf_socket *s, const char *bytes, size_t length) {
    return moved(send((SOCKET)s->handle, bytes, (int)length, 0));
}

long hcf_receive(struct hcf_socket *s, char *bytes, size_t room) {
    return moved(recv((SOCKET)s->handle, bytes, (int)room, 0));
}

/* The compiler writes calls of these by itself. */
void *memset(void *to, int value, size_t length) {
    volatile char *at = to;
    while (length-- > 0) *at++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t length) {
    volatile char *at = to;
    const char *source = from;
    while (length-- > 0) *at++ = *source++;
    return to;
}
