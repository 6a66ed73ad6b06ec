/* yibao_camera.h: a camera for yibao-face as one shared library. ABI version 1.
 *
 * Export these five functions with C linkage (on 32-bit Windows: __cdecl, undecorated):
 *
 *   yibao_camera_abi_version  yibao_camera_open  yibao_camera_grab
 *   yibao_camera_close        yibao_camera_last_error
 *
 * PROCESS. The library is loaded into a child process of its own, one per open camera. It may be
 * killed there at any moment, without any call: leave nothing behind that outlives a process.
 * Standard input, output and error are the null device.
 *
 * THREADS. All calls come from one thread at a time, never two at once. Only last_error may be
 * asked right after any call that failed. Threads of your own are welcome.
 *
 * TIME. open has 10 seconds. grab must return within timeout_ms + 500 ms, close within 1000 ms;
 * whoever takes longer is killed, and the camera counts as stalled.
 *
 * STRUCTS. Every struct that is passed begins with `size`. The caller sets it to the size it has
 * room for, in bytes. Read and write no byte beyond it. Of a struct you fill, set `size` to the
 * size you know (sizeof), or leave it where yours is the larger. Structs only ever grow at their
 * end, so the caller may be older or newer than you. What you do not fill stays 0.
 * Alignment is the compiler's natural one (no #pragma pack); all integers little-endian.
 *
 * TEXT is UTF-8 and ends with a 0 byte.
 *
 * OWNERSHIP. Structs and texts given to you belong to the caller and are gone when the call
 * returns. Image memory belongs to you; it must stay readable and unchanged until the next grab or
 * close of that camera. The caller copies what it keeps.
 */
#ifndef YIBAO_CAMERA_H
#define YIBAO_CAMERA_H

#include <stdint.h>

#define YIBAO_CAMERA_ABI 1u

#if defined(_WIN32)
#define YIBAO_CAMERA_CALL __cdecl
#define YIBAO_CAMERA_API __declspec(dllexport)
#else
#define YIBAO_CAMERA_CALL
#define YIBAO_CAMERA_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What open and grab return. Any other value ends the camera. */
enum {
    YIBAO_CAMERA_OK = 0,
    YIBAO_CAMERA_NO_FRAME = 1,      /* grab alone: none came within timeout_ms */
    YIBAO_CAMERA_MISSING = -1,      /* no such device: unplugged, switched off, never there */
    YIBAO_CAMERA_BUSY = -2,         /* another process holds it */
    YIBAO_CAMERA_PERMISSION = -3,   /* the system does not let this account use it */
    YIBAO_CAMERA_LOST = -4,         /* it went away after a good open */
    YIBAO_CAMERA_STALLED = -5,      /* it is there and says nothing */
    YIBAO_CAMERA_UNSUPPORTED = -6,  /* this model, firmware or mode is not supported */
    YIBAO_CAMERA_CONFIG = -7        /* the device's name or a setting cannot be */
};

/* yibao_camera_info.planes: what every frame holds. */
enum {
    YIBAO_CAMERA_COLOUR = 1,        /* required */
    YIBAO_CAMERA_DEPTH = 2,
    YIBAO_CAMERA_INFRARED = 4,
    YIBAO_CAMERA_PAIRED = 8         /* infrared comes from a second camera, not registered to colour */
};

/* yibao_camera_frame.lamp: the infrared lamp or projector during the exposure. */
enum { YIBAO_CAMERA_LAMP_UNKNOWN = 0, YIBAO_CAMERA_LAMP_OFF = 1, YIBAO_CAMERA_LAMP_ON = 2 };

/* Yours; the caller never looks inside. */
typedef struct yibao_camera yibao_camera;

/* How the camera is to be opened. Width, height and rate are wishes: step down, never scale. */
typedef struct yibao_camera_request {
    uint32_t size;
    uint32_t width;                 /* pixels */
    uint32_t height;                /* pixels */
    uint32_t fps;                   /* frames a second */
    uint32_t mains_hz;              /* 50 or 60: lamps flicker at twice that */
    uint32_t exposure_us;           /* microseconds, 0 = automatic */
    uint32_t emitter;               /* 1: depth and infrared lamps lit, 0: dark */
    uint32_t strobe;                /* 1: lit in every second frame */
    const char *device;             /* which one, as you name them; "" = the only one. Never NULL */
} yibao_camera_request;

/* Pinhole model of an image whose lens distortion has been removed, in pixels. */
typedef struct yibao_camera_lens {
    uint32_t width;
    uint32_t height;
    double fx;
    double fy;
    double cx;
    double cy;
} yibao_camera_lens;

/* Who the camera is; must not change while it is open. Texts that are not known are empty. */
typedef struct yibao_camera_info {
    uint32_t size;
    uint32_t planes;                /* YIBAO_CAMERA_COLOUR | ... */
    char model[64];                 /* required */
    char serial[64];
    char firmware[64];
    char usb_id[16];                /* "2bc5:0401" */
    char path[256];                 /* the socket it is plugged into */
    yibao_camera_lens lens;         /* of colour, and of the planes registered to it */
    yibao_camera_lens infrared;     /* with YIBAO_CAMERA_PAIRED: of the second camera */
    double rotation[9];             /* with YIBAO_CAMERA_PAIRED: a point before the colour camera   */
    double translation_mm[3];       /* times rotation (3x3, row by row) plus this is before infrared */
} yibao_camera_info;

/* One image. All of depth and infrared without YIBAO_CAMERA_PAIRED have the size of colour. */
typedef struct yibao_camera_plane {
    const void *data;               /* first row on top; NULL where there is no such plane */
    uint64_t bytes;                 /* that may be read from data on */
    uint32_t width;                 /* pixels, as in the lens */
    uint32_t height;
    uint32_t stride;                /* bytes from row to row */
    uint32_t reserved;              /* 0 */
} yibao_camera_plane;

/* Planes of one exposure. Never deliver a plane twice: where one sensor is slower, wait for it. */
typedef struct yibao_camera_frame {
    uint32_t size;
    uint32_t lamp;                  /* YIBAO_CAMERA_LAMP_... */
    uint64_t number;                /* of the exposure; rises, may leap */
    int64_t device_us;              /* exposure on the camera's clock, microseconds; >= 0, rises */
    uint32_t skew_us;               /* largest difference of the planes' exposure times */
    uint32_t reserved;              /* 0 */
    yibao_camera_plane colour;      /* 3 bytes a pixel: blue, green, red */
    yibao_camera_plane depth;       /* uint16_t a pixel: millimetres, 0 = no reading; registered */
    yibao_camera_plane infrared;    /* 1 byte a pixel */
} yibao_camera_frame;

/* YIBAO_CAMERA_ABI of the header the library was built with. Called first; another version, and
 * nothing else is called. */
YIBAO_CAMERA_API uint32_t YIBAO_CAMERA_CALL yibao_camera_abi_version(void);

/* Open a camera and start its streams. On YIBAO_CAMERA_OK `*camera` must not be NULL and `*info` is
 * filled; after anything else nothing is held and close is not called. */
YIBAO_CAMERA_API int32_t YIBAO_CAMERA_CALL yibao_camera_open(
    const yibao_camera_request *request, yibao_camera_info *info, yibao_camera **camera);

/* Wait up to timeout_ms milliseconds (0: do not wait) for the next frame and fill `*frame`. Frames
 * nobody grabbed may be dropped, oldest first. After an error only last_error and close follow. */
YIBAO_CAMERA_API int32_t YIBAO_CAMERA_CALL yibao_camera_grab(
    yibao_camera *camera, uint32_t timeout_ms, yibao_camera_frame *frame);

/* Stop and release; called once for every camera that was opened. */
YIBAO_CAMERA_API void YIBAO_CAMERA_CALL yibao_camera_close(yibao_camera *camera);

/* Write why the last open (camera NULL) or grab failed into `text`, at most `size` bytes with the 0
 * that ends it: one line for the service engineer, without serial numbers of people or passwords.
 * After BUSY, the program that holds the camera where you know it. */
YIBAO_CAMERA_API void YIBAO_CAMERA_CALL yibao_camera_last_error(
    yibao_camera *camera, char *text, uint32_t size);

#ifdef __cplusplus
}
#endif
#endif
