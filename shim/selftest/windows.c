#include "system.h"
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <string.h>
#define PSAPI_VERSION 2
#include <psapi.h>

#define MOST_THREADS 64

void system_start(void) {
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
}

static int beside(char *path, size_t room) {
    DWORD n = GetModuleFileNameA(NULL, path, (DWORD)room);
    char *name;
    if (n == 0 || n >= room) return 0;
    name = strrchr(path, '\\');
    if (name == NULL || (size_t)(name - path) + sizeof "\\HisCallFace.dll" > room) return 0;
    strcpy(name, "\\HisCallFace.dll");
    return 1;
}

int system_load(const char *path, struct library *library) {
    char own[4096];
    HMODULE loaded;
    if (path == NULL && !beside(own, sizeof own)) return 0;
    loaded = LoadLibraryA(path != NULL ? path : own);
    if (loaded == NULL) {
        /* 193: of the other word width, 126: not there */
        fprintf(stderr, "LoadLibrary: %lu\n", GetLastError());
        return 0;
    }
    library->auth = (hcf_function)(void *)GetProcAddress(loaded, "zjHisFunCall");
    library->attendance = (hcf_function)(void *)GetProcAddress(loaded, "HisCallAtten");
    return library->auth != NULL && library->attendance != NULL;
}

char *system_room(size_t size) {
    size_t page = 4096, whole = (size + page - 1) / page * page;
    DWORD before;
    char *made = VirtualAlloc(NULL, whole + page, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (made == NULL || !VirtualProtect(made + whole, page, PAGE_NOACCESS, &before)) return NULL;
    return made + whole;
}

struct task {
    unsigned number;
    void (*work)(unsigned);
};

static DWORD WINAPI run(void *given) {
    struct task *task = given;
    task->work(task->number);
    return 0;
}

int system_threads(unsigned number, void (*work)(unsigned)) {
    HANDLE threads[MOST_THREADS];
    struct task tasks[MOST_THREADS];
    unsigned i, started = 0;
    if (number > MOST_THREADS) return 0;
    for (; started < number; started++) {
        tasks[started] = (struct task){started, work};
        threads[started] = CreateThread(NULL, 0, run, &tasks[started], 0, NULL);
        if (threads[started] == NULL) break;
    }
    for (i = 0; i < started; i++) {
        WaitForSingleObject(threads[i], INFINITE);
        CloseHandle(threads[i]);
    }
    return started == number;
}

uint64_t system_now_us(void) {
    LARGE_INTEGER now, second;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    return (uint64_t)(now.QuadPart / second.QuadPart) * 1000000u
         + (uint64_t)(now.QuadPart % second.QuadPart) * 1000000u / (uint64_t)second.QuadPart;
}

unsigned long system_resident_kib(void) {
    PROCESS_MEMORY_COUNTERS found = {.cb = sizeof found};
    if (!GetProcessMemoryInfo(GetCurrentProcess(), &found, sizeof found)) return 0;
    return (unsigned long)(found.WorkingSetSize / 1024);
}

const char *system_text(const struct selftest_message *message) {
    UINT page = GetConsoleOutputCP();
    return page == 936 ? message->gbk : page == 65001 ? message->utf8 : message->ascii;
}
