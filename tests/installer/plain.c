/* Runs the command in %PLAIN% without the rights of an administrator; its exit code. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

int wmain(void) {
    static wchar_t line[32768];
    SID_IDENTIFIER_AUTHORITY nt = {SECURITY_NT_AUTHORITY};
    SID_AND_ATTRIBUTES admins = {NULL, 0};
    STARTUPINFOW start = {sizeof start};
    PROCESS_INFORMATION child;
    HANDLE whole, less;
    DWORD code = 99;
    if (!GetEnvironmentVariableW(L"PLAIN", line, 32768)) return 90;
    if (!AllocateAndInitializeSid(&nt, 2, SECURITY_BUILTIN_DOMAIN_RID, DOMAIN_ALIAS_RID_ADMINS, 0, 0,
                                  0, 0, 0, 0, &admins.Sid))
        return 91;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ALL_ACCESS, &whole)) return 92;
    if (!CreateRestrictedToken(whole, DISABLE_MAX_PRIVILEGE, 1, &admins, 0, NULL, 0, NULL, &less))
        return 93;
    if (!CreateProcessAsUserW(less, NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &child))
        return printf("%lu\n", GetLastError()), 94;
    WaitForSingleObject(child.hProcess, INFINITE);
    GetExitCodeProcess(child.hProcess, &code);
    return (int)code;
}
