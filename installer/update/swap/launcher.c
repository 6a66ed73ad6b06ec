/* Starts the version of the program that ROOT/current.txt (or the link ROOT/current) names.
 *
 * Lies in ROOT under the name of the program it starts, yibao-face[.exe] or yibao-face-agent.exe,
 * and never changes with a version. Where a switch was cut off by a power failure, ROOT/update/keeper
 * names the version that began it: that one is asked to put things right first.
 *
 * With -DWINDOWED, a program without a console. It keeps the agent alive: one that ends with a
 * failure is started again, by what the pointer names then. So an update takes its place.
 *
 * ROOT/current.txt: one line, app-1.2.3. No library beside the C runtime; plain C99.
 */
#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
typedef wchar_t text;
#define T(s) L##s
#define SLASH L'\\'
#define text_len wcslen
#define text_cmp wcscmp
#define text_rchr wcsrchr
#define PROGRAM T("yibao-face.exe")
#else
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
typedef char text;
#define T(s) s
#define SLASH '/'
#define text_len strlen
#define text_cmp strcmp
#define text_rchr strrchr
#define PROGRAM T("yibao-face")
#endif

#define MAX_PATH_CHARS 4096
#define MAX_NAME 64
#define NOT_STARTED 127
/* An agent that ran so long was well: its end is the first one again. */
#define WELL_MS 60000
/* EX_TEMPFAIL: the agent was asked to make room for another version. */
#define RESTART 75

/* app- and three numbers with points between, nothing else: a name of a folder beside us. */
static int is_version(const char *name)
{
    int numbers = 0, digits = 0;
    if (strncmp(name, "app-", 4) != 0)
        return 0;
    for (name += 4; *name; name++) {
        if (*name >= '0' && *name <= '9') {
            if (++digits > 6)
                return 0;
        } else if (*name == '.' && digits > 0 && numbers < 2) {
            numbers++;
            digits = 0;
        } else {
            return 0;
        }
    }
    return numbers == 2 && digits > 0;
}

/* a + b (+ c) into out; 0 where it is too long. */
static int join(text *out, const text *a, const text *b, const text *c)
{
    size_t n = text_len(a), m = text_len(b), k = c ? text_len(c) : 0;
    if (n + m + k + 3 > MAX_PATH_CHARS)
        return 0;
    memcpy(out, a, n * sizeof(text));
    out[n++] = SLASH;
    memcpy(out + n, b, m * sizeof(text));
    n += m;
    if (c) {
        out[n++] = SLASH;
        memcpy(out + n, c, k * sizeof(text));
        n += k;
    }
    out[n] = 0;
    return 1;
}

#ifdef _WIN32
/* Shared for its replacement, too: who reads it now must not keep an update from its switch. */
static size_t read_start(const text *path, char *out, size_t most)
{
    DWORD n = 0;
    HANDLE file = CreateFileW(path, GENERIC_READ,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return 0;
    if (!ReadFile(file, out, (DWORD)most, &n, NULL))
        n = 0;
    CloseHandle(file);
    return n;
}
#else
static size_t read_start(const text *path, char *out, size_t most)
{
    size_t n;
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    n = fread(out, 1, most, file);
    fclose(file);
    return n;
}
#endif

/* The version a file of one line names; 0 where it names none. */
static int named(const text *root, const text *a, const text *b, text *version)
{
    text path[MAX_PATH_CHARS];
    char name[MAX_NAME + 1];
    size_t n, i;
    if (!join(path, root, a, b))
        return 0;
    n = read_start(path, name, MAX_NAME);
    while (n > 0 && (name[n - 1] == '\n' || name[n - 1] == '\r'))
        n--;
    name[n] = 0;
    if (strlen(name) != n || !is_version(name))
        return 0;
    for (i = 0; i <= n; i++)
        version[i] = (text)name[i];
    return 1;
}

#ifdef _WIN32

static int root_and_name(text *root, text *name)
{
    text *cut;
    DWORD n = GetModuleFileNameW(NULL, root, MAX_PATH_CHARS);
    if (n == 0 || n >= MAX_PATH_CHARS || (cut = text_rchr(root, SLASH)) == NULL)
        return 0;
    *cut = 0;
    if (text_len(cut + 1) >= MAX_NAME)
        return 0;
    wcscpy(name, cut + 1);
    return 1;
}

static int linked(const text *root, text *version)
{
    (void)root;
    (void)version;
    return 0;
}

static void say(const char *what)
{
    fprintf(stderr, "yibao-face: %s\r\n", what);
}

/* Run and wait; the child ends with us, however we end. */
static int run(const text *program, const text *words, DWORD flags)
{
    static wchar_t line[32768];
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
    STARTUPINFOW start;
    PROCESS_INFORMATION child;
    DWORD code = NOT_STARTED;
    HANDLE job = CreateJobObjectW(NULL, NULL);
    if (text_len(program) + text_len(words) + 8 > 32767)
        return NOT_STARTED;
    line[0] = 0;
    wcscat(line, L"\"");
    wcscat(line, program);
    wcscat(line, L"\" ");
    wcscat(line, words);
    memset(&limits, 0, sizeof limits);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (job)
        SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    memset(&start, 0, sizeof start);
    start.cb = sizeof start;
    start.dwFlags = STARTF_USESTDHANDLES;
    start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(program, line, NULL, NULL, TRUE, flags | CREATE_SUSPENDED, NULL, NULL,
                        &start, &child))
        return NOT_STARTED;
    if (job)
        AssignProcessToJobObject(job, child.hProcess);
    ResumeThread(child.hThread);
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    CloseHandle(child.hThread);
    CloseHandle(child.hProcess);
    /* Its own children end with it. */
    if (job)
        CloseHandle(job);
    return (int)code;
}

/* The words after our own name, as they were typed. */
static const text *rest(const text *line)
{
    int quoted = 0;
    for (; *line && (quoted || (*line != L' ' && *line != L'\t')); line++)
        if (*line == L'"')
            quoted = !quoted;
    while (*line == L' ' || *line == L'\t')
        line++;
    return line;
}

static int put_right(const text *program)
{
    return run(program, L"update resume --no-restart", CREATE_NO_WINDOW) == 0;
}

static BOOL WINAPI stay(DWORD event)
{
    /* Ctrl-C is the child's to answer; we end when it has. */
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

static const text *given(void)
{
    const text *words = rest(GetCommandLineW());
#ifdef WINDOWED
    if (!*words)
        return L"agent --wait";
#endif
    return words;
}

static int become(const text *program, char **words)
{
    (void)words;
    SetConsoleCtrlHandler(stay, TRUE);
    return run(program, given(), 0);
}

#else

static int root_and_name(text *root, text *name)
{
    char *cut;
    ssize_t n = readlink("/proc/self/exe", root, MAX_PATH_CHARS - 1);
    if (n <= 0)
        return 0;
    root[n] = 0;
    if ((cut = strrchr(root, SLASH)) == NULL || strlen(cut + 1) >= MAX_NAME)
        return 0;
    *cut = 0;
    strcpy(name, cut + 1);
    return 1;
}

static int linked(const text *root, text *version)
{
    char path[MAX_PATH_CHARS];
    ssize_t n;
    if (!join(path, root, "current", NULL))
        return 0;
    n = readlink(path, version, MAX_NAME);
    if (n <= 0 || n >= MAX_NAME)
        return 0;
    version[n] = 0;
    return is_version(version);
}

static void say(const char *what)
{
    fprintf(stderr, "yibao-face: %s\n", what);
}

static int put_right(const text *program)
{
    int status = NOT_STARTED;
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, "update", "resume", "--no-restart", (char *)NULL);
        _exit(NOT_STARTED);
    }
    if (child > 0)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            ;
    return child > 0 && status == 0;
}

static int become(const text *program, char **words)
{
    words[0] = (char *)program;
    execv(program, words);
    return NOT_STARTED;
}

#endif

static int started(const text *root, const text *version, const text *name, char **words)
{
    text program[MAX_PATH_CHARS];
    return join(program, root, version, name) ? become(program, words) : NOT_STARTED;
}

static int launch(char **words)
{
    static text root[MAX_PATH_CHARS], program[MAX_PATH_CHARS];
    text name[MAX_NAME], version[MAX_NAME + 1], keeper[MAX_NAME + 1];
    int kept, trusted = 1, code = NOT_STARTED;
    if (!root_and_name(root, name)) {
        say("this launcher's own folder cannot be told");
        return NOT_STARTED;
    }
    kept = named(root, T("update"), T("keeper"), keeper);
    if (kept && join(program, root, keeper, PROGRAM))
        trusted = put_right(program);
    /* Where it could not be put right, for want of rights perhaps, what is named is in doubt. */
    if (trusted && (named(root, T("current.txt"), NULL, version) || linked(root, version)))
        code = started(root, version, name, words);
    /* Not startable, or nothing is named: what began the update still works. */
    if (code == NOT_STARTED && kept)
        code = started(root, keeper, name, words);
    if (code == NOT_STARTED)
        say("no version can be started, install again / 程序无法启动，请重新安装");
    return code;
}

#ifdef _WIN32
#ifdef WINDOWED
static int is_agent(const text *words)
{
    return wcsncmp(words, L"agent", 5) == 0 && (words[5] == 0 || words[5] == L' ');
}

/* Until it ends well: by the tray, at log-off, or because a setup or update asked it to. */
static int keep(void)
{
    static const DWORD pauses_ms[] = {1000, 5000, 15000, 60000};
    unsigned failures = 0;
    for (;;) {
        ULONGLONG began = GetTickCount64();
        int code = launch(NULL);
        if (code == 0)
            return 0;
        /* Asked to make room for another version. */
        if (code == RESTART || GetTickCount64() - began > WELL_MS)
            failures = 0;
        Sleep(pauses_ms[failures]);
        failures += failures < 3;
    }
}

int WINAPI wWinMain(HINSTANCE a, HINSTANCE b, wchar_t *c, int d)
{
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return is_agent(given()) ? keep() : launch(NULL);
}
#else
int wmain(void)
{
    return launch(NULL);
}
#endif
#else
int main(int count, char **words)
{
    (void)count;
    return launch(words);
}
#endif
