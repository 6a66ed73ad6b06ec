/* What the self test needs of its system; posix.c or windows.c. */
#ifndef HCF_SYSTEM_H
#define HCF_SYSTEM_H
#include <stddef.h>
#include <stdint.h>
#include "../src/gen/HisCallFace.h"
#include "../src/gen/selftest.h"

typedef int(HCF_CALL *hcf_function)(char *, char *);
struct library {
    hcf_function auth, attendance;
};

/* Bytes go through standard input and output unchanged. */
void system_start(void);
/* 1 and both functions; path NULL: of the library beside this program. */
int system_load(const char *path, struct library *library);
/* End of `size` bytes: whoever touches the byte behind them dies. NULL: no memory. */
char *system_room(size_t size);
/* `work(0)` to `work(number - 1)`, each in a thread; returns when all are done. */
int system_threads(unsigned number, void (*work)(unsigned));
uint64_t system_now_us(void);
/* Memory of this process now. */
unsigned long system_resident_kib(void);
/* What the console shows. */
const char *system_text(const struct selftest_message *message);

/* pipe.c: calls as lines on standard input, answers on standard output, until it ends. */
int pipe_serve(const struct library *library);
#endif
