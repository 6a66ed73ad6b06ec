/* Generated from abi.py: do not edit. 32-bit Windows: stdcall, undecorated names; with
 * HCF_CDECL the cdecl twin. Everywhere else there is one convention. */
#ifndef HIS_CALL_FACE_H
#define HIS_CALL_FACE_H
/* What the caller allocates for the answer at least, NUL included. */
#define HCF_OUT_BYTES 1024
#if defined(_WIN32) && defined(HCF_CDECL)
#define HCF_CALL __cdecl
#elif defined(_WIN32)
#define HCF_CALL __stdcall
#else
#define HCF_CALL
#endif
#if defined(HCF_BUILD) && !defined(_WIN32)
#define HCF_API __attribute__((visibility("default")))
#else
#define HCF_API
#endif
#ifdef __cplusplus
extern "C" {
#endif
HCF_API int HCF_CALL zjHisFunCall(char *, char *);
HCF_API int HCF_CALL HisCallAtten(char *, char *);
#ifdef __cplusplus
}
#endif
#endif
