// C++ 示例，动态加载。 A sample that loads the library itself.
// 先打印返回值，再打印答复。 call FILE [attendance] prints the value, then the answer.
// x86-cdecl 的库另加 -DHCF_CDECL（MSVC: /D）。 With the library of x86-cdecl add -DHCF_CDECL.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>
#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include "HisCallFace.h"

// 调用约定来自头文件，不要自己写。 The convention comes from the header: do not write your own.
using Call = decltype(&zjHisFunCall);

// 正式使用请写完整路径，防止加载到别的文件。 In production give the full path of the library.
static Call find(const char *name) {
#ifdef _WIN32
    HMODULE library = LoadLibraryA("HisCallFace.dll");
    auto found = library ? reinterpret_cast<void *>(GetProcAddress(library, name)) : nullptr;
#else
    void *library = dlopen("libHisCallFace.so", RTLD_NOW);
    auto found = library ? dlsym(library, name) : nullptr;
#endif
    return reinterpret_cast<Call>(found);
}

int main(int count, char **words) {
    const bool attendance = count > 2 && std::string(words[2]) == "attendance";
    std::ifstream file(count > 1 ? words[1] : "", std::ios::binary);
    const Call call = find(attendance ? "HisCallAtten" : "zjHisFunCall");
    if (!file || !call) {
        std::cerr << "usage: call FILE [attendance], with the library beside it\n";
        return 2;
    }
    // 原样字节，UTF-8 或 GBK，不要 wstring。 The bytes as they are: UTF-8 or GBK, no wstring.
    // 答复编码相同，入参以 NUL 结尾。 The answer is in the same; what is given ends in NUL.
    std::string request((std::istreambuf_iterator<char>(file)), {});
    request.push_back('\0');
    std::vector<char> answer(HCF_OUT_BYTES);  // 至少 1024 字节。 1024 bytes at least.
    // 最长约五分钟：放到工作线程。 Up to five minutes: a window calls from std::async.
    const int value = call(&request[0], answer.data());
    std::cout << value << '\n' << answer.data() << '\n';
    // 只有 1、2 可以继续结算。 Only 1 and 2 let the payment go on.
    // 考勤 0 为成功。 Attendance: 0 is done.
    std::cerr << ((attendance ? value == 0 : value == 1 || value == 2) ? "go on\n" : "stop\n");
    return 0;
}
