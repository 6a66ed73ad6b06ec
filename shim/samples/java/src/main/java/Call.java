import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Platform;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/**
 * Java 示例（JNA）：java Call 请求文件 [attendance]，先打印返回值，再打印答复。
 * Sample: java -Djna.library.path=FOLDER Call FILE [attendance] prints the value, the answer.
 */
public final class Call {
    /** 至少 1024 字节。 1024 bytes at least. */
    private static final int OUT_BYTES = 1024;

    /** 用 byte[]，不用 String：编码由 HIS 决定。 byte[], no String: the charset is yours. */
    public interface HisCallFace extends Library {
        int zjHisFunCall(byte[] inputJson, byte[] outJson);

        int HisCallAtten(byte[] hisMsg, byte[] outMsg);
    }

    private Call() {}

    /**
     * 32 位 Windows 默认 x86-stdcall（等同 StdCallLibrary）；x86-cdecl 请去掉选项。
     * 32-bit Windows: x86-stdcall, as StdCallLibrary has it; with x86-cdecl pass no options.
     */
    private static HisCallFace load() {
        boolean stdcall = Platform.isWindows() && !Platform.is64Bit();
        Map<String, Object> options = stdcall
            ? Collections.<String, Object>singletonMap(
                Library.OPTION_CALLING_CONVENTION, Function.ALT_CONVENTION)
            : Collections.<String, Object>emptyMap();
        return Native.load("HisCallFace", HisCallFace.class, options);
    }

    public static void main(String[] words) throws Exception {
        boolean attendance = words.length > 1 && words[1].equals("attendance");
        byte[] bytes = Files.readAllBytes(Paths.get(words[0]));
        // UTF-8 或 GBK，末尾加 NUL；答复编码相同。 UTF-8 or GBK, NUL-ended; the answer alike.
        byte[] request = Arrays.copyOf(bytes, bytes.length + 1);
        byte[] answer = new byte[OUT_BYTES];
        HisCallFace library = load();
        // 最长约五分钟：不要在界面线程调用。 Up to five minutes: never on the window's thread.
        int value = CompletableFuture.supplyAsync(() -> attendance
            ? library.HisCallAtten(request, answer)
            : library.zjHisFunCall(request, answer)).get();
        int length = 0;
        while (length < answer.length && answer[length] != 0) length++;
        System.out.println(value);
        System.out.write(answer, 0, length);
        System.out.println();
        // 只有 1、2 可以继续结算；考勤 0 为成功。
        // Only 1 and 2 let the payment go on; attendance: 0 is done.
        boolean goesOn = attendance ? value == 0 : value == 1 || value == 2;
        System.err.println(goesOn ? "go on" : "stop");
    }
}
