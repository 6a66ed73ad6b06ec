; The library alone, for a HIS on a computer whose daemon is another one: Windows 7 SP1 and later,
; of 32 or 64 bits. /S /PAIR=line /HIS=folder /LIBRARY=x86-stdcall|x86-cdecl|x64
; The line is what `yibao-face lan add` says on the other computer: IP:port,key,caller,secret; or
; /DAEMON=IP:port /KEY=hex /CALLER=hex /SECRET=hex. Exit codes as of setup.nsi.
Target ${TARGET}
!include common.nsh
!ifdef ICON
  !define MUI_ICON "${ICON}"
  !define MUI_UNICON "${ICON}"
!endif
Name "$(TextName) HisCallFace"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES\YibaoFaceLibrary"

Var Pair
Var Daemon
Var Key
Var Caller
Var Secret
Var His
Var Kind
Var Field

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
Page custom AskPage AskLeave
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!include text.nsh
!include nsDialogs.nsh

!macro View
  SetShellVarContext all
  ${If} ${RunningX64}
    SetRegView 64
    StrCpy $INSTDIR "$PROGRAMFILES64\YibaoFaceLibrary"
  ${EndIf}
!macroend

Function .onInit
  !insertmacro View
  ${IfNot} ${AtLeastWin7}
    ${Refuse} ${ABORTED} "Windows 7 SP1"
  ${EndIf}
  !insertmacro DemandAdmin
  ${GetParameters} $0
  ${GetOptions} $0 "/DAEMON=" $Daemon
  ${GetOptions} $0 "/KEY=" $Key
  ${GetOptions} $0 "/CALLER=" $Caller
  ${GetOptions} $0 "/SECRET=" $Secret
  ClearErrors
  ${GetOptions} $0 "/PAIR=" $Pair
  ${IfNot} ${Errors}
    Call TakeApart
  ${EndIf}
  ${GetOptions} $0 "/HIS=" $His
  ClearErrors
  ${GetOptions} $0 "/LIBRARY=" $Kind
  ${If} ${Errors}
    StrCpy $Kind "x86-stdcall"
  ${EndIf}
  ${If} ${Silent}
    Call Judge
    ${If} $0 != "ok"
      ${Refuse} ${USAGE} "$(TextDaemonWrong)"
    ${EndIf}
  ${EndIf}
FunctionEnd

; $Pair, four parts between commas, one more only makes the last one wrong.
Function TakeApart
  StrCpy $2 $Pair
  Call Part
  StrCpy $Daemon $1
  Call Part
  StrCpy $Key $1
  Call Part
  StrCpy $Caller $1
  StrCpy $Secret $2
FunctionEnd

; $1: what stands in $2 before its first comma; $2: what stands behind it.
Function Part
  StrCpy $1 ""
  ${DoUntil} $2 == ""
    StrCpy $5 $2 1
    StrCpy $2 $2 "" 1
    ${If} $5 == ","
      ${ExitDo}
    ${EndIf}
    StrCpy $1 "$1$5"
  ${Loop}
FunctionEnd

; $0: ok where all four look right: digits and dots, a colon, digits; 64, 16, 64 hexadecimal.
; A name is not taken: the library asks no name server. The library itself refuses the rest.
Function Judge
  StrCpy $0 "wrong"
  ${If} $Kind != "x86-stdcall"
  ${AndIf} $Kind != "x86-cdecl"
  ${AndIf} $Kind != "x64"
    Return
  ${EndIf}
  StrLen $1 $Key
  StrLen $2 $Caller
  StrLen $4 $Secret
  ${If} $1 != 64
  ${OrIf} $2 != 16
  ${OrIf} $4 != 64
    Return
  ${EndIf}
  StrCpy $2 "$Key$Caller$Secret"
  StrCpy $3 "0123456789abcdef"
  Call Only
  ${If} $2 != ""
    Return
  ${EndIf}
  StrCpy $2 $Daemon
  StrCpy $3 "0123456789.:"
  Call Only
  ${If} $2 != ""
    Return
  ${EndIf}
  StrCpy $1 0
  StrCpy $4 0
  StrCpy $2 $Daemon
  ${DoUntil} $2 == ""
    StrCpy $5 $2 1
    StrCpy $2 $2 "" 1
    ${If} $5 == "."
      IntOp $1 $1 + 1
    ${ElseIf} $5 == ":"
      IntOp $4 $4 + 1
    ${EndIf}
  ${Loop}
  ${If} $1 == 3
  ${AndIf} $4 == 1
    StrCpy $0 "ok"
  ${EndIf}
FunctionEnd

; $2 without its first characters that are in $3: empty when all are.
Function Only
  StrLen $6 $3
  ${DoUntil} $2 == ""
    StrCpy $5 $2 1
    StrCpy $7 0
    ${DoWhile} $7 < $6
      StrCpy $8 $3 1 $7
      ${If} $8 S== $5
        ${ExitDo}
      ${EndIf}
      IntOp $7 $7 + 1
    ${Loop}
    ${If} $7 = $6
      Return
    ${EndIf}
    StrCpy $2 $2 "" 1
  ${Loop}
FunctionEnd

Section
  SetOutPath "$INSTDIR\shim"
  ClearErrors
  File /r "${SHIMS}/*.*"
  ${If} ${Errors}
    ${Refuse} ${ABORTED} "$(TextCopy)"
  ${EndIf}
  WriteRegStr HKLM "${LIBRARY_KEY}" "daemon" $Daemon
  WriteRegStr HKLM "${LIBRARY_KEY}" "key" $Key
  WriteRegStr HKLM "${LIBRARY_KEY}" "verify" "on"
  WriteRegStr HKLM "${LIBRARY_KEY}" "caller" $Caller
  WriteRegStr HKLM "${LIBRARY_KEY}" "secret" $Secret
  ${If} $His != ""
    StrCpy $0 $His
    StrCpy $1 $Kind
    !insertmacro GiveLibrary
    ${If} ${Errors}
      ${Refuse} ${ABORTED} "$(TextSwitch)"
    ${EndIf}
  ${EndIf}
  WriteUninstaller "$INSTDIR\uninstall.exe"
  StrCpy $1 "${UNINSTALL_KEY}\yibao-face-library"
  WriteRegStr HKLM $1 "DisplayName" "$(TextName) HisCallFace"
  WriteRegStr HKLM $1 "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM $1 "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM $1 "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
SectionEnd

Function AskPage
  !insertmacro MUI_HEADER_TEXT "$(TextSite)" "$(TextDaemon)"
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateLabel} 0 0 100% 10u "$(TextDaemon)"
  Pop $0
  ${NSD_CreateText} 0 12u 100% 11u "$Pair"
  Pop $Field
  ${NSD_CreateLabel} 0 44u 100% 10u "$(TextHis)"
  Pop $0
  ${NSD_CreateText} 0 56u 100% 11u "$His"
  Pop $2
  nsDialogs::Show
FunctionEnd

Function AskLeave
  ${NSD_GetText} $Field $Pair
  ${NSD_GetText} $2 $His
  Call TakeApart
  Call Judge
  ${If} $0 != "ok"
    MessageBox MB_OK|MB_ICONEXCLAMATION "$(TextDaemonWrong)"
    Abort
  ${EndIf}
FunctionEnd

Function un.onInit
  !insertmacro View
  !insertmacro DemandAdmin
FunctionEnd

Section Uninstall
  !insertmacro TakeLibrary
  RMDir /r "$INSTDIR\shim"
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath $TEMP
  RMDir "$INSTDIR"
  DeleteRegKey HKLM "${UNINSTALL_KEY}\yibao-face-library"
  DeleteRegKey HKLM "${ROOT_KEY}"
SectionEnd
