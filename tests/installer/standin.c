/* Takes the place of the program in a setup under test: it answers what the setup asks, and says
 * in C:\ProgramData\yibao-face\calls.txt what it was asked. `unfit` beside it: it fails its test. */
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>

static int contains(const wchar_t *path, const char *text) {
    static char held[65536];
    FILE *file = _wfopen(path, L"rb");
    size_t length;
    if (file == NULL) return 0;
    length = fread(held, 1, sizeof held - 1, file);
    held[length] = 0;
    fclose(file);
    return strstr(held, text) != NULL;
}

static int beside(const wchar_t *name) {
    wchar_t path[MAX_PATH + 32];
    DWORD length = GetModuleFileNameW(NULL, path, MAX_PATH);
    while (length > 0 && path[length] != L'\\') length--;
    wcscpy(path + length + 1, name);
    return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

/* Says the version beside the one that is this program's own. */
static int other(const wchar_t *root) {
    wchar_t pattern[MAX_PATH + 16];
    WIN32_FIND_DATAW found;
    HANDLE all;
    swprintf(pattern, MAX_PATH + 16, L"%ls\\app-*", root);
    if ((all = FindFirstFileW(pattern, &found)) == INVALID_HANDLE_VALUE) return 1;
    do
        if (wcscmp(found.cFileName + 4, L"" VERSION) != 0) {
            /* As a library may. */
            fputs("a library has its say\n", stderr);
            wprintf(L"%ls\n", found.cFileName + 4);
            fflush(stdout);
            fputs("and once more\n", stderr);
            FindClose(all);
            return 0;
        }
    while (FindNextFileW(all, &found));
    FindClose(all);
    return 1;
}

static int is(wchar_t **words, int count, int at, const wchar_t *word) {
    return at < count && wcscmp(words[at], word) == 0;
}

int wmain(int count, wchar_t **words) {
    FILE *file = _wfopen(L"C:\\ProgramData\\yibao-face\\calls.txt", L"a");
    if (file != NULL) {
        for (int i = 1; i < count; i++) {
            char word[1024];
            WideCharToMultiByte(CP_UTF8, 0, words[i], -1, word, sizeof word, NULL, NULL);
            fprintf(file, "%s ", word);
        }
        fprintf(file, "[%s]\n", VERSION);
        fclose(file);
    }
    if (is(words, count, 1, L"agent") && DeleteFileW(L"C:\\ProgramData\\yibao-face\\again")) return 75;
    if (is(words, count, 1, L"agent")) return Sleep(beside(L"slow") ? 60000 : 0), 0;
    if (is(words, count, 2, L"test")) {
        const wchar_t *hold = L"C:\\ProgramData\\yibao-face\\hold";
        while (GetFileAttributesW(hold) != INVALID_FILE_ATTRIBUTES) Sleep(20);
        return beside(L"unfit");
    }
    if (is(words, count, 2, L"check")) {
        if (count > 3 && contains(words[3], "org_code = wrong")) return puts("org_code"), 64;
        if (is(words, count, 4, L"--plain")) {
            static const wchar_t plain[] = L"\xfeff[install]\r\nautostart=1\r\nfirewall=1\r\n"
                                           L"his_folder=C:\\his 程序\r\nhis_library=x64\r\n"
                                           L"browser_policy=https://a.example https://b.example:8443\r\n";
            file = _wfopen(words[5], L"wb");
            fwrite(plain, sizeof(wchar_t), wcslen(plain), file);
            fclose(file);
        }
    }
    if (is(words, count, 2, L"enrol")) return beside(L"offline") ? (puts("no answer"), 1) : 0;
    if (is(words, count, 2, L"library")) return beside(L"bare") ? (puts("no registry"), 1) : 0;
    if (is(words, count, 2, L"previous")) return other(words[3]);
    if (is(words, count, 2, L"updater") && is(words, count, 6, L"--task")) {
        static const wchar_t task[] =
            L"\xfeff<?xml version=\"1.0\" encoding=\"UTF-16\"?><Task version=\"1.2\" "
            L"xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\"><Actions><Exec>"
            L"<Command>x</Command></Exec></Actions></Task>";
        if ((file = _wfopen(words[7], L"wb")) == NULL) return 1;
        fwrite(task, sizeof(wchar_t), wcslen(task), file);
        fclose(file);
    }
    if (is(words, count, 2, L"apply") && beside(L"barred")) return puts("no settings"), 1;
    if (is(words, count, 2, L"apply")) {
        const wchar_t *config = L"C:\\ProgramData\\yibao-face\\config.toml";
        if (GetFileAttributesW(config) == INVALID_FILE_ATTRIBUTES) {
            file = _wfopen(config, L"w");
            fputs("[desk]\n", file);
            fclose(file);
        }
    }
    return 0;
}
