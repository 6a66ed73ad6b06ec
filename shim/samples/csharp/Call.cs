// C# 示例：先打印返回值，再打印答复。 Sample: Call FILE [attendance] prints value and answer.
// .NET Framework 4.5 起。 Or later.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading.Tasks;

static class Call {
    const int OutBytes = 1024;  // 至少 1024 字节。 1024 bytes at least.

    // 默认约定即 x86-stdcall。 The default is right for x86-stdcall.
    // x86-cdecl 须加： For x86-cdecl add: CallingConvention = CallingConvention.Cdecl.
    // 程序的位数须与库相同（不要 AnyCPU）。 Build for the library's bits, not AnyCPU.
    [DllImport("HisCallFace")]
    static extern int zjHisFunCall(byte[] inputJson, [In, Out] byte[] outJson);

    [DllImport("HisCallFace")]
    static extern int HisCallAtten(byte[] hisMsg, [In, Out] byte[] outMsg);

    static int Main(string[] words) {
        bool attendance = words.Length > 1 && words[1] == "attendance";
        // 用 byte[]，不用 string；末尾加 NUL。 byte[], no string; NUL-ended.
        // UTF-8 或 GBK 由 HIS 决定，答复相同。 UTF-8 or GBK as you like, the answer in the same.
        byte[] request = File.ReadAllBytes(words[0]);
        Array.Resize(ref request, request.Length + 1);
        byte[] answer = new byte[OutBytes];
        // 最长约五分钟：窗口程序用 await，不要用 Result。 Up to five minutes: a window awaits it.
        int value = Task.Run(() => attendance
            ? HisCallAtten(request, answer)
            : zjHisFunCall(request, answer)).Result;
        Print(value, answer);
        // 只有 1、2 可以继续结算。 Only 1 and 2 let the payment go on.
        // 考勤 0 为成功。 Attendance: 0 is done.
        bool goesOn = attendance ? value == 0 : value == 1 || value == 2;
        Console.Error.WriteLine(goesOn ? "go on" : "stop");
        return 0;
    }

    static void Print(int value, byte[] answer) {
        int length = Array.IndexOf(answer, (byte)0);
        Console.WriteLine(value);
        Console.Out.Flush();
        using (Stream output = Console.OpenStandardOutput()) {
            output.Write(answer, 0, length < 0 ? answer.Length : length);
            output.WriteByte((byte)'\n');
        }
    }
}
