/* Stands in for libFuzzer where there is no clang: mutate SEEDS RUNS RANDOM_SEED.
 * Every input is in a block of its own size, so that ASan sees one byte read too many. */
#include "fuzz.h"
#include <stdio.h>

enum { MOST_SEEDS = 64, MOST_BYTES = 4096 };

static struct { size_t length; char bytes[MOST_BYTES]; } seeds[MOST_SEEDS];
static uint64_t state;

/* xorshift64*: the same numbers on every machine. */
static size_t random_below(size_t bound) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)((state * 0x2545f4914f6cdd1d) >> 33) % bound;
}

/* SEEDS: each a line with its length, then its bytes. */
static size_t read_seeds(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t n = 0;
    check(file != NULL);
    while (n < MOST_SEEDS && fscanf(file, "%zu", &seeds[n].length) == 1) {
        check(fgetc(file) == '\n' && seeds[n].length <= MOST_BYTES);
        check(fread(seeds[n].bytes, 1, seeds[n].length, file) == seeds[n].length);
        n++;
    }
    fclose(file);
    return n;
}

static size_t splice(char *text, size_t length, size_t count) {
    size_t other = random_below(count), n = seeds[other].length, from, to, k;
    if (n == 0) return length;
    from = random_below(n);
    k = 1 + random_below(n - from);
    to = random_below(length + 1);
    if (k > MOST_BYTES - to) k = MOST_BYTES - to;
    memcpy(text + to, seeds[other].bytes + from, k);
    return to + k > length ? to + k : length;
}

static size_t drop(char *text, size_t length) {
    size_t from = random_below(length), k = 1 + random_below(length - from);
    memmove(text + from, text + from + k, length - from - k);
    return length - k;
}

/* A piece of the text once more: how texts too long for outJson come about. */
static size_t repeat(char *text, size_t length) {
    size_t from = random_below(length), k = 1 + random_below(length - from);
    if (k > MOST_BYTES - length) k = MOST_BYTES - length;
    memmove(text + from + k, text + from, length - from);
    return length + k;
}

static size_t mutate(char *text, size_t length, size_t count) {
    static const char odd[] = "\"\\{}[]:,\r\n =0129-uU\x7f\x80\x81\xc2\xe0\xed\xf4\xff\0";
    switch (length == 0 ? 0 : random_below(6)) {
        case 0: return splice(text, length, count);
        case 1: return drop(text, length);
        case 2: return repeat(text, length);
        case 3: text[random_below(length)] ^= (char)(1 << random_below(8)); return length;
        case 4: text[random_below(length)] = odd[random_below(sizeof odd)]; return length;
        default: text[random_below(length)] = (char)random_below(256); return length;
    }
}

int main(int count, char **words) {
    char text[MOST_BYTES];
    long run, runs;
    size_t length, known, i;
    if (count != 4) return 2;
    known = read_seeds(words[1]);
    runs = atol(words[2]);
    state = strtoull(words[3], NULL, 10) + 1;
    check(known > 0);
    for (run = 0; run < runs; run++) {
        size_t seed = random_below(known);
        uint8_t *block;
        length = seeds[seed].length;
        memcpy(text, seeds[seed].bytes, length);
        for (i = random_below(6); i > 0; i--) length = mutate(text, length, known);
        block = malloc(length + !length);
        check(block != NULL);
        memcpy(block, text, length);
        LLVMFuzzerTestOneInput(block, length);
        free(block);
    }
    printf("%ld executions from %zu seeds\n", runs, known);
    return 0;
}
