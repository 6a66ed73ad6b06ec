// Delphi、Free Pascal 示例：先打印返回值，再打印答复。 Sample: call FILE [attendance] prints both.
program call;

{$IFDEF FPC}{$MODE DELPHI}{$ENDIF}
{$APPTYPE CONSOLE}

uses
  {$IFDEF UNIX}cthreads,{$ENDIF}
  Classes, SysUtils;

const
  OUT_BYTES = 1024; // 至少 1024 字节。 1024 bytes at least.
  HCF = {$IFDEF MSWINDOWS}'HisCallFace.dll'{$ELSE}'libHisCallFace.so'{$ENDIF};

// 用 PAnsiChar，不用 PChar（Delphi 2009 起是 UTF-16）。 PAnsiChar: PChar is UTF-16 since 2009.
// x86-stdcall 用 stdcall；x86-cdecl 与 Linux 用 cdecl。 stdcall for x86-stdcall, else cdecl.
function zjHisFunCall(inputJson, outJson: PAnsiChar): Integer;
  {$IFDEF MSWINDOWS}stdcall{$ELSE}cdecl{$ENDIF}; external HCF;
function HisCallAtten(hisMsg, outMsg: PAnsiChar): Integer;
  {$IFDEF MSWINDOWS}stdcall{$ELSE}cdecl{$ENDIF}; external HCF;

type
  // 最长约五分钟：放到线程，界面不停。 Up to five minutes: a thread, so that the window lives.
  TCall = class(TThread)
  public
    Request: AnsiString;
    Answer: array[0..OUT_BYTES - 1] of AnsiChar;
    Attendance: Boolean;
    Value: Integer;
    procedure Execute; override;
  end;

procedure TCall.Execute;
begin
  if Attendance then
    Value := HisCallAtten(PAnsiChar(Request), Answer)
  else
    Value := zjHisFunCall(PAnsiChar(Request), Answer);
end;

// 原样字节：UTF-8 或 GBK，答复相同。 The bytes as they are: UTF-8 or GBK, the answer in the same.
// AnsiString 自带 NUL。 An AnsiString ends in NUL.
function ReadText(const Name: string): AnsiString;
var
  Source: TFileStream;
begin
  Source := TFileStream.Create(Name, fmOpenRead or fmShareDenyWrite);
  try
    SetLength(Result, Source.Size);
    if Length(Result) > 0 then
      Source.ReadBuffer(Result[1], Length(Result));
  finally
    Source.Free;
  end;
end;

var
  Work: TCall;
  GoesOn: Boolean;
begin
  Work := TCall.Create(True);
  try
    Work.Attendance := ParamStr(2) = 'attendance';
    Work.Request := ReadText(ParamStr(1));
    {$IFDEF FPC}Work.Start{$ELSE}Work.Resume{$ENDIF};
    Work.WaitFor;
    Writeln(Work.Value);
    Writeln(PAnsiChar(@Work.Answer[0]));
    // 只有 1、2 可以继续结算。 Only 1 and 2 let the payment go on.
    // 考勤 0 为成功。 Attendance: 0 is done.
    if Work.Attendance then
      GoesOn := Work.Value = 0
    else
      GoesOn := (Work.Value = 1) or (Work.Value = 2);
    if GoesOn then
      Writeln(ErrOutput, 'go on')
    else
      Writeln(ErrOutput, 'stop');
  finally
    Work.Free;
  end;
end.
