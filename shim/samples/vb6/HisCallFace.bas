Attribute VB_Name = "HisCallFace"
' Written from documentation, never compiled. What it says in Chinese is in README.md beside it.
' VB6 always calls stdcall: use the library of x86-stdcall.
Option Explicit

Private Const OUT_BYTES As Long = 1024
Private Const CHINESE As Long = &H804

' Arrays of bytes: As String would go through the code page of Windows, which may not be Chinese.
Private Declare Function zjHisFunCall Lib "HisCallFace.dll" _
    (ByRef inputJson As Byte, ByRef outJson As Byte) As Long
Private Declare Function HisCallAtten Lib "HisCallFace.dll" _
    (ByRef hisMsg As Byte, ByRef outMsg As Byte) As Long

' True: the payment may go on. Only 1 (passed) and 2 (no check needed) say so.
' Blocks for up to five minutes; the service shows a window of its own.
Public Function FaceLetsPay(ByVal request As String, ByRef answer As String) As Boolean
    Dim given() As Byte, out(OUT_BYTES - 1) As Byte, value As Long
    given = Bytes(request)
    value = zjHisFunCall(given(0), out(0))
    answer = Text(out)
    FaceLetsPay = (value = 1 Or value = 2)
End Function

' True: signed in or out (0).
Public Function Attended(ByVal request As String, ByRef answer As String) As Boolean
    Dim given() As Byte, out(OUT_BYTES - 1) As Byte
    given = Bytes(request)
    Attended = (HisCallAtten(given(0), out(0)) = 0)
    answer = Text(out)
End Function

' GBK, ended by NUL; the answer is in GBK too.
Private Function Bytes(ByVal value As String) As Byte()
    Bytes = StrConv(value & vbNullChar, vbFromUnicode, CHINESE)
End Function

Private Function Text(ByRef out() As Byte) As String
    Dim whole As String
    whole = StrConv(out, vbUnicode, CHINESE)
    Text = Left$(whole, InStr(whole & vbNullChar, vbNullChar) - 1)
End Function
