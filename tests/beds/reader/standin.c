/* A stand-in for a card reader's library: speaks the common interface, obeys files.
 *
 * In the folder $READER_STANDIN: `mode` says how it behaves, `text` and `packed` are what the
 * chip holds, `photo.bmp` and `pixels` what the picture unpacks to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#ifndef PREFIX
#define PREFIX SDT_
#endif
#define CALL(name) JOIN(PREFIX, name)

static size_t file(const char *name, void *into, size_t size)
{
    char path[4096];
    const char *folder = getenv("READER_STANDIN");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    FILE *opened = fopen(path, "rb");
    if (opened == NULL)
        return 0;
    size_t got = fread(into, 1, size, opened);
    fclose(opened);
    return got;
}

static int is(const char *mode)
{
    char now[32] = {0};
    file("mode", now, sizeof now - 1);
    return strcmp(now, mode) == 0;
}

int CALL(OpenPort)(int port)
{
    if (is("absent") || port != 1003)
        return 0x01;
    return is("taken") ? 0x04 : 0x90;
}

int CALL(ClosePort)(int port) { return port == 1003 ? 0x90 : 0x01; }

int CALL(StartFindIDCard)(int port, unsigned char *iin, int if_open)
{
    (void)if_open;
    if (port != 1003)
        return 0x01;
    puts("noise that must not get between the frames");
    fflush(stdout);
    memset(iin, 0x11, 8);
    if (is("hang"))
        pause();
    if (is("crash"))
        abort();
    if (is("unlicensed"))
        return 0x66;
    if (is("unplugged"))
        return 0x01;
    if (is("bank-card"))
        return 0x40;
    return is("nothing") ? 0x80 : 0x9F;
}

int CALL(SelectIDCard)(int port, unsigned char *sn, int if_open)
{
    (void)port, (void)if_open;
    memset(sn, 0x22, 8);
    return is("taken-away") ? 0x81 : 0x90;
}

int CALL(ReadBaseMsg)(int port, unsigned char *text, unsigned int *text_length, unsigned char *photo,
                      unsigned int *photo_length, int if_open)
{
    (void)port, (void)if_open;
    if (is("shifted"))
        return 0x41;
    *text_length = (unsigned int)file("text", text, 256);
    *photo_length = (unsigned int)file("packed", photo, 1024);
    if (is("overlong"))
        memset(text + 256, 0x33, 2048);
    return 0x90;
}

#ifdef DECODER
int DECODER(char *path, int interface)
{
    static unsigned char bmp[100000];
    char target[4096];
    unsigned char packed[8] = {0};
    FILE *given = fopen(path, "rb");
    if (given == NULL || interface != 2)
        return -1;
    size_t got = fread(packed, 1, 4, given);
    fclose(given);
    if (got != 4 || memcmp(packed, "WLf", 3) != 0)
        return -2;
    snprintf(target, sizeof target, "%s", path);
    strcpy(target + strlen(target) - 3, "bmp");
    size_t size = file("photo.bmp", bmp, sizeof bmp);
    FILE *made = fopen(target, "wb");
    if (made == NULL)
        return -3;
    fwrite(bmp, 1, size, made);
    fclose(made);
    return 1;
}
#endif

#ifdef IN_MEMORY
int unpack(unsigned char *packed, unsigned char *bgr, int save)
{
    (void)save;
    if (memcmp(packed, "WLf", 3) != 0)
        return -22;
    return file("pixels", bgr, 102 * 126 * 3) == 102 * 126 * 3;
}
#endif
