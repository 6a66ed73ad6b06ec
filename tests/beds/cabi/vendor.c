/* A vendor's camera of 64x48 at 30 frames a second, directed by files in the folder that is its
 * device name: `unplugged`, `stalled` and `fault`, which holds the name of one misdeed. */
#include "yibao_camera.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#ifndef VENDOR_ABI
#define VENDOR_ABI YIBAO_CAMERA_ABI
#endif

enum { WIDTH = 64, HEIGHT = 48, PAD = 13, PERIOD_MS = 33 };
enum { COLOUR_STRIDE = 3 * WIDTH + PAD, DEPTH_STRIDE = 2 * WIDTH + PAD, IR_STRIDE = WIDTH + PAD };

struct yibao_camera {
    char folder[512];
    int owner;
    int64_t started_ms;
    uint64_t number;
    /* No padding behind the last row. */
    uint8_t colour[COLOUR_STRIDE * HEIGHT - PAD];
    uint8_t depth[DEPTH_STRIDE * HEIGHT - PAD];
    uint8_t infrared[IR_STRIDE * HEIGHT - PAD];
};

static char said[256];

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int exists(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

/* Whether the folder asks for this misdeed. */
static int does(const char *folder, const char *fault)
{
    char path[1024], text[64] = "";
    snprintf(path, sizeof path, "%s/fault", folder);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof text, file) == NULL)
        text[0] = 0;
    fclose(file);
    return strcmp(text, fault) == 0;
}

static int32_t fail(int32_t code, const char *why)
{
    snprintf(said, sizeof said, "%s", why);
    return code;
}

uint32_t yibao_camera_abi_version(void)
{
    return VENDOR_ABI;
}

static void describe(const char *folder, const yibao_camera_request *request,
                     yibao_camera_info *info)
{
    info->size = sizeof *info;
    info->planes = YIBAO_CAMERA_COLOUR | YIBAO_CAMERA_DEPTH | YIBAO_CAMERA_INFRARED;
    snprintf(info->model, sizeof info->model, "Vendor 3D %u", request->mains_hz);
    snprintf(info->serial, sizeof info->serial, "V-0001");
    snprintf(info->usb_id, sizeof info->usb_id, "2bc5:0401");
    info->lens = (yibao_camera_lens){WIDTH, HEIGHT, 70.5, 71.25, 31.5, 23.5};
    if (does(folder, "info-too-large"))
        info->size += 8;
    if (does(folder, "info-too-small"))
        info->size = 8;
    if (does(folder, "info-overrun"))
        memset((char *)info + sizeof *info, 7, 16);
    if (does(folder, "no-model"))
        info->model[0] = 0;
    if (does(folder, "endless-serial"))
        memset(info->serial, 'x', sizeof info->serial);
    if (does(folder, "latin-model"))
        memcpy(info->model, "\xe9t\xe9", 4);
    if (does(folder, "nan-lens"))
        info->lens.fx = NAN;
    if (does(folder, "flat-lens"))
        info->lens.height = 0;
    if (does(folder, "no-colour"))
        info->planes = YIBAO_CAMERA_DEPTH;
    if (does(folder, "unknown-planes"))
        info->planes |= 1u << 9;
    if (does(folder, "unturned-pair"))
        info->planes |= YIBAO_CAMERA_PAIRED;
}

/* Another process, or another camera of this one. */
static int hold(const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/owner", folder);
    int owner = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (owner >= 0 && flock(owner, LOCK_EX | LOCK_NB) != 0) {
        close(owner);
        return -1;
    }
    return owner;
}

int32_t yibao_camera_open(const yibao_camera_request *request, yibao_camera_info *info,
                          yibao_camera **camera)
{
    const char *folder = request->device;
    printf("vendor SDK: opening %s\n", folder);
    fflush(stdout);
    if (access(folder, F_OK) != 0 || exists(folder, "unplugged"))
        return fail(YIBAO_CAMERA_MISSING, "no device");
    if (does(folder, "hang-open"))
        pause_ms(60000);
    if (does(folder, "crash-open"))
        raise(SIGSEGV);
    if (does(folder, "code-17"))
        return 17;
    if (does(folder, "code-6"))
        return fail(YIBAO_CAMERA_UNSUPPORTED, "firmware\n 1.0 \xff");
    if (does(folder, "code-3"))
        return YIBAO_CAMERA_PERMISSION;
    if (does(folder, "code-7"))
        return fail(YIBAO_CAMERA_CONFIG, "no such mode");
    int owner = hold(folder);
    if (owner < 0)
        return fail(YIBAO_CAMERA_BUSY, "his.exe");
    yibao_camera *made = calloc(1, sizeof *made);
    snprintf(made->folder, sizeof made->folder, "%s", folder);
    made->owner = owner;
    made->started_ms = now_ms();
    describe(folder, request, info);
    *camera = does(folder, "no-camera") ? NULL : made;
    return YIBAO_CAMERA_OK;
}

static void expose(yibao_camera *camera)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint64_t n = camera->number;
            uint16_t depth_mm = (uint16_t)(500 + n + (uint64_t)(x + y));
            for (int c = 0; c < 3; c++)
                camera->colour[y * COLOUR_STRIDE + 3 * x + c] = (uint8_t)(n + (uint64_t)(x + c));
            memcpy(camera->depth + y * DEPTH_STRIDE + 2 * x, &depth_mm, 2);
            camera->infrared[y * IR_STRIDE + x] = (uint8_t)(n * 3 + (uint64_t)y);
        }
}

static void distort(const yibao_camera *camera, yibao_camera_frame *frame)
{
    const char *folder = camera->folder;
    if (does(folder, "frame-size"))
        frame->size = 4;
    if (does(folder, "frame-overrun"))
        memset((char *)frame + sizeof *frame, 7, 1);
    if (does(folder, "short-buffer"))
        frame->depth.bytes -= 1;
    if (does(folder, "narrow-stride"))
        frame->infrared.stride = WIDTH - 1;
    if (does(folder, "wide-stride"))
        frame->colour.stride = UINT32_MAX;
    if (does(folder, "no-plane"))
        frame->depth.data = NULL;
    if (does(folder, "other-width"))
        frame->colour.width = 65;
    if (does(folder, "before-time"))
        frame->device_us = -1;
    if (does(folder, "lamp-9"))
        frame->lamp = 9;
    if (does(folder, "skew"))
        frame->skew_us = UINT32_MAX;
    if (does(folder, "repeat"))
        frame->number = 1;
    if (does(folder, "repeat-time"))
        frame->device_us = 1;
    if (does(folder, "wild-pointer"))
        frame->colour.data = (const void *)8;
}

static void fill(const yibao_camera *camera, yibao_camera_frame *frame)
{
    frame->size = sizeof *frame;
    frame->lamp = camera->number % 2 ? YIBAO_CAMERA_LAMP_ON : YIBAO_CAMERA_LAMP_OFF;
    frame->number = camera->number;
    frame->device_us = (int64_t)camera->number * PERIOD_MS * 1000;
    frame->skew_us = 1234;
    frame->colour = (yibao_camera_plane){camera->colour, sizeof camera->colour, WIDTH, HEIGHT,
                                         COLOUR_STRIDE, 0};
    frame->depth = (yibao_camera_plane){camera->depth, sizeof camera->depth, WIDTH, HEIGHT,
                                        DEPTH_STRIDE, 0};
    frame->infrared = (yibao_camera_plane){camera->infrared, sizeof camera->infrared, WIDTH,
                                           HEIGHT, IR_STRIDE, 0};
    distort(camera, frame);
}

int32_t yibao_camera_grab(yibao_camera *camera, uint32_t timeout_ms, yibao_camera_frame *frame)
{
    const char *folder = camera->folder;
    int64_t until = now_ms() + timeout_ms;
    if (does(folder, "hang-grab"))
        pause_ms(60000);
    if (does(folder, "crash-grab"))
        raise(SIGSEGV);
    if (does(folder, "grab-17"))
        return 17;
    if (does(folder, "grab-5"))
        return fail(YIBAO_CAMERA_STALLED, "no data");
    if (does(folder, "impatient"))
        return YIBAO_CAMERA_NO_FRAME;
    for (;;) {
        if (exists(folder, "unplugged"))
            return fail(does(folder, "missing") ? YIBAO_CAMERA_MISSING : YIBAO_CAMERA_LOST,
                        "USB device removed");
        uint64_t due = (uint64_t)(now_ms() - camera->started_ms) / PERIOD_MS + 1;
        if (due > camera->number && !exists(folder, "stalled")) {
            camera->number = due;
            expose(camera);
            fill(camera, frame);
            return YIBAO_CAMERA_OK;
        }
        if (now_ms() >= until)
            return YIBAO_CAMERA_NO_FRAME;
        pause_ms(2);
    }
}

#ifndef VENDOR_WITHOUT_CLOSE
void yibao_camera_close(yibao_camera *camera)
{
    close(camera->owner);
    free(camera);
}
#endif

void yibao_camera_last_error(yibao_camera *camera, char *text, uint32_t size)
{
    (void)camera;
    snprintf(text, size, "%s", said);
    said[0] = 0;
}
