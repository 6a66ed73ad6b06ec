/* hcf-selftest [--call FILE | --pipe] [LIBRARY]: is this library the right one, does it reach the
 * face service of this site, and does the service prove itself? No camera is touched. */
#include "system.h"
#include <stdio.h>
#include <string.h>

enum { MOST_FILE = 65536 };

#ifdef __i386__
#ifdef HCF_CDECL
enum { LEFT = 8 };
#else
enum { LEFT = 0 };
#endif
/* Bytes of arguments the function leaves on the stack: 8 in cdecl, 0 in stdcall. Safe with both:
 * the stack pointer is put back. NULL arguments end before anything is done. */
static int fits(hcf_function function) {
    int left;
    __asm__ volatile("movl %%esp, %%edi\n\tpushl $0\n\tpushl $0\n\tcall *%1\n\t"
                     "movl %%edi, %0\n\tsubl %%esp, %0\n\tmovl %%edi, %%esp"
                     : "=&S"(left)
                     : "b"(function)
                     : "eax", "ecx", "edx", "edi", "memory", "cc");
    return left == LEFT;
}
#else
/* Everywhere else there is one convention. */
static int fits(hcf_function function) { return function != NULL; }
#endif

static int told(int good, const struct selftest_message *what, const char *more) {
    printf("%s  %s%s%s\n", good ? "[ OK ]" : "[FAIL]", system_text(what), *more ? ": " : "", more);
    return good;
}

static int bad(const struct selftest_message *what) {
    told(0, what, "");
    return 1;
}

/* Attendance is asked: there the library marks its own words, and -2 is no answer to `{}`. */
static int answers(const struct library *library) {
    char in[] = "{}", out[HCF_OUT_BYTES] = "";
    int value = library->attendance(in, out);
    int good = told(value != -2 && strstr(out, "[library]") == NULL, &selftest_service, out);
    out[0] = '\0';
    value = library->auth(in, out);
    return told(value == 0 && out[0] == '{', &selftest_refusal, out) && good;
}

static int call_with(const struct library *library, const char *path) {
    static char in[MOST_FILE + 1];
    char out[HCF_OUT_BYTES] = "";
    FILE *file = fopen(path, "rb");
    size_t length;
    if (file == NULL) return bad(&selftest_file);
    length = fread(in, 1, MOST_FILE, file);
    in[length] = '\0';
    fclose(file);
    printf("%d\n", library->auth(in, out));
    printf("%s\n", out);
    return 0;
}

int main(int count, char **given) {
    struct library library;
    int piped = count > 1 && strcmp(given[1], "--pipe") == 0;
    const char *file = count > 2 && strcmp(given[1], "--call") == 0 ? given[2] : NULL;
    int used = piped ? 2 : file != NULL ? 3 : 1;
    const char *path = count > used ? given[used] : NULL;
    system_start();
    if (count > used + 1 || (path != NULL && strncmp(path, "--", 2) == 0)) return bad(&selftest_usage);
    if (!system_load(path, &library)) return bad(&selftest_load);
    if (!fits(library.auth) || !fits(library.attendance)) return bad(&selftest_convention);
    if (piped) return pipe_serve(&library);
    if (file != NULL) return call_with(&library, file);
    told(1, &selftest_loaded, path != NULL ? path : "");
    if (!answers(&library)) return bad(&selftest_failed);
    told(1, &selftest_passed, "");
    return 0;
}
