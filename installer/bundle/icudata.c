/* The empty tables of ICU ("stubdata" in its sources), for the Qt of a bundle: a table of contents
 * with nothing in it. What needs no tables works; what asks for one is told that there is none. */
#include <stdint.h>

const struct {
    uint16_t header_bytes;
    uint8_t magic[2];
    struct {
        uint16_t bytes, reserved;
        uint8_t big_endian, charset, char_bytes, reserved2;
        uint8_t format[4], format_version[4], data_version[4];
    } about;
    char end[8];
    uint32_t count, reserved;
    int32_t filler[4];
} ICU __attribute__((aligned(16))) = {
    32, {0xda, 0x27},
    {20, 0, 0, 0, 2, 0, {'T', 'o', 'C', 'P'}, {1, 0, 0, 0}, {0, 0, 0, 0}},
    "empty", 0, 0, {0, 0, 0, 0},
};
