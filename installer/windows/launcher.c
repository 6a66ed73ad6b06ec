/* What the Run key, shortcuts and the HIS integrator start: the version that `current` names.
 * `current` lies beside this program and holds one line, the name of a folder (app-1.2.3).
 * With -DAGENT, a program without a console that starts the agent again when it fails. */
#include <windows.h>
#include <wchar.h>

#ifdef AGENT
#define PROGRAM L"yibao-face-agent.exe"
#else
#define PROGRAM L"yibao-face.exe"
#endif

enum { MOST = 32768, WELL_MS = 60000 };

static int current(const wchar_t *folder, wchar_t *name, DWORD most) {
    wchar_t path[MAX_PATH + 16];
    char text[64];
    DWORD got = 0, i;
    HANDLE file;
    swprintf(path, MAX_PATH + 16, L"%ls\\current", folder);
    file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                       NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    if (!ReadFile(file, text, sizeof text - 1, &got, NULL)) got = 0;
    CloseHandle(file);
    for (i = 0; i < got && i + 1 < most; i++) {
        char c = text[i];
        if (c == '\r' || c == '\n') break;
        /* A name of a folder beside this one, never a way out of here. */
        if (!(c == '-' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))) return 0;
        name[i] = (wchar_t)c;
    }
    name[i] = 0;
    return i > 4 && wcsncmp(name, L"app-", 4) == 0;
}

static const wchar_t *arguments(const wchar_t *line) {
    int quoted = 0;
    for (; *line && (quoted || (*line != L' ' && *line != L'\t')); line++)
        if (*line == L'"') quoted = !quoted;
    while (*line == L' ' || *line == L'\t') line++;
    return line;
}

static DWORD once(const wchar_t *folder, const wchar_t *rest) {
    static wchar_t line[MOST];
    wchar_t name[64], program[MAX_PATH + 96];
    STARTUPINFOW start;
    PROCESS_INFORMATION child;
    DWORD code = 1;
    if (!current(folder, name, 64)) return 3;
    swprintf(program, MAX_PATH + 96, L"%ls\\%ls\\" PROGRAM, folder, name);
    if (swprintf(line, MOST, L"\"%ls\" %ls", program, rest) < 0) return 3;
    GetStartupInfoW(&start);
    if (!CreateProcessW(program, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &child)) return 3;
    CloseHandle(child.hThread);
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hProcess);
    return code;
}

int wmain(void) {
    static wchar_t folder[MAX_PATH];
    DWORD length = GetModuleFileNameW(NULL, folder, MAX_PATH);
    const wchar_t *rest = arguments(GetCommandLineW());
    if (length == 0 || length >= MAX_PATH) return 3;
    while (length > 0 && folder[length] != L'\\') length--;
    folder[length] = 0;
#ifdef AGENT
    {
        static const DWORD pauses_ms[] = {2000, 5000, 15000, 60000};
        unsigned failures = 0;
        for (;;) {
            ULONGLONG began = GetTickCount64();
            DWORD code = once(folder, *rest ? rest : L"agent --wait");
            if (code == 0) return 0;
            failures = GetTickCount64() - began > WELL_MS ? 0 : failures + (failures < 3);
            Sleep(pauses_ms[failures]);
        }
    }
#else
    return (int)once(folder, rest);
#endif
}
