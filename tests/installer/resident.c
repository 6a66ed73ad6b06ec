/* Takes the place of the program while updates are tried under Wine: it lies in app-X as
 * yibao-face.exe and yibao-face-agent.exe and is version X. `unfit` beside it: it fails its test;
 * `dies`: its agent does not live. The environment says where it answers (RESIDENT_PORT) and what
 * `update resume` is (RESIDENT_RESUME, a command line). */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <wchar.h>

#define AGAIN 75
static wchar_t here[MAX_PATH];

static int beside(const wchar_t *name) {
    wchar_t path[MAX_PATH + 32];
    swprintf(path, MAX_PATH + 32, L"%ls\\%ls", here, name);
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

static const wchar_t *version(void) {
    const wchar_t *name = wcsrchr(here, L'\\') + 1;
    return wcsncmp(name, L"app-", 4) == 0 ? name + 4 : L"?";
}

static void event_name(wchar_t *name) {
    wchar_t port[16] = L"";
    GetEnvironmentVariableW(L"RESIDENT_PORT", port, 16);
    swprintf(name, 64, L"Local\\yibao-resident-%ls", port);
}

/* As `setup restart`: the agent ends with 75, and its launcher starts what is named. */
static int restart(void) {
    wchar_t name[64];
    HANDLE again;
    event_name(name);
    for (int looks = 0; (again = OpenEventW(EVENT_MODIFY_STATE, FALSE, name)) != NULL; looks++) {
        SetEvent(again);
        CloseHandle(again);
        if (looks == 200) return 1;
        Sleep(50);
    }
    return 0;
}

static int resume(void) {
    static wchar_t line[32768];
    SECURITY_ATTRIBUTES lent = {sizeof lent, NULL, TRUE};
    HANDLE nothing = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, &lent, OPEN_EXISTING, 0, NULL);
    STARTUPINFOW start = {.cb = sizeof start, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION child;
    DWORD code = 1;
    start.hStdInput = start.hStdOutput = start.hStdError = nothing;
    if (!GetEnvironmentVariableW(L"RESIDENT_RESUME", line, 32768)) return 1;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 1;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return (int)code;
}

static int serve(void) {
    wchar_t name[64], port[16];
    char asked[4096], answer[512], body[256];
    struct sockaddr_in at = {.sin_family = AF_INET};
    HANDLE again;
    WSADATA data;
    SOCKET door;
    event_name(name);
    again = CreateEventW(NULL, TRUE, FALSE, name);
    WSAStartup(MAKEWORD(2, 2), &data);
    GetEnvironmentVariableW(L"RESIDENT_PORT", port, 16);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons((u_short)_wtoi(port));
    door = socket(AF_INET, SOCK_STREAM, 0);
    /* Wine's ports are those of Linux: one whose last caller has just gone is refused otherwise. */
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, (const char *)&(int){1}, sizeof(int));
    if (bind(door, (struct sockaddr *)&at, sizeof at) != 0 || listen(door, 8) != 0) return 1;
    sprintf(body, "{\"status\": \"ok\", \"busy\": false, \"able\": true, \"version\": \"%ls\"}",
            version());
    sprintf(answer, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", (int)strlen(body), body);
    while (WaitForSingleObject(again, 0) != WAIT_OBJECT_0) {
        struct timeval wait = {.tv_usec = 50000};
        fd_set set = {.fd_count = 1, .fd_array = {door}};
        SOCKET one;
        if (select(0, &set, NULL, NULL, &wait) != 1) continue;
        if ((one = accept(door, NULL, NULL)) == INVALID_SOCKET) continue;
        recv(one, asked, sizeof asked, 0);
        send(one, answer, (int)strlen(answer), 0);
        shutdown(one, SD_SEND);
        closesocket(one);
    }
    return AGAIN;
}

static int is(wchar_t **words, int count, int at, const wchar_t *word) {
    return at < count && wcscmp(words[at], word) == 0;
}

int wmain(int count, wchar_t **words) {
    DWORD length = GetModuleFileNameW(NULL, here, MAX_PATH);
    while (length > 0 && here[length] != L'\\') length--;
    here[length] = 0;
    if (is(words, count, 1, L"--version")) return wprintf(L"yibao-face %ls\n", version()), 0;
    if (is(words, count, 2, L"test")) return beside(L"unfit") ? 3 : 0;
    if (is(words, count, 2, L"restart")) return restart();
    if (is(words, count, 2, L"resume")) return resume();
    if (is(words, count, 1, L"agent")) return beside(L"dies") ? 3 : serve();
    return 2;
}
