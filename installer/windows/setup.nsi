; Setup of the whole program: see nsis.py for what is defined on the command line.
; /S silently, /ANSWER=file or /ORG=code /CENTRE=url, /ROLLBACK, /REMOVE, /NOSTART; of the
; uninstaller /S and /PURGE.
; Exit codes: 0 done, 2 aborted (nothing changed), 3 self-test failed (nothing changed),
; 64 wrong use or answers (nothing changed).
Target amd64-unicode
!include common.nsh
!ifdef ICON
  !define MUI_ICON "${ICON}"
  !define MUI_UNICON "${ICON}"
!endif
Name "$(TextName)"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\YibaoFace"

Var Answer
Var Data
Var Before
Var Program
Var Told
Var Sub

!define MUI_ABORTWARNING
!define MUI_LANGDLL_REGISTRY_ROOT HKLM
!define MUI_LANGDLL_REGISTRY_KEY "${ROOT_KEY}"
!define MUI_LANGDLL_REGISTRY_VALUENAME "Language"
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENCE}"
Page custom SitePage SiteLeave
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!include text.nsh
!include page.nsh

Function .onInit
  SetRegView 64
  SetShellVarContext all
  ${IfNot} ${Silent}
    !insertmacro MUI_LANGDLL_DISPLAY
  ${EndIf}
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
    ${Refuse} ${ABORTED} "$(TextSystem)"
  ${EndIf}
  !insertmacro DemandAdmin
  System::Call 'kernel32::CreateMutexW(p 0, i 0, w "Global\yibao-face-setup") p .r1 ?e'
  Pop $0
  ${If} $0 = 183
    ${Refuse} ${ABORTED} "$(TextTwice)"
  ${EndIf}
  StrCpy $Data "$APPDATA\yibao-face"
  ReadRegStr $Before HKLM "${ROOT_KEY}" "Version"
  ReadRegStr $0 HKLM "${ROOT_KEY}" "InstallDir"
  ${If} $0 != ""
    StrCpy $INSTDIR $0
  ${EndIf}
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/REMOVE" $1
  ${IfNot} ${Errors}
    ${If} ${FileExists} "$INSTDIR\uninstall.exe"
      ExecWait '"$INSTDIR\uninstall.exe" /S _?=$INSTDIR'
      ; A program cannot take itself away.
      StrCpy $3 0
      ${DoWhile} ${FileExists} "$INSTDIR\uninstall.exe"
        Sleep 500
        Delete "$INSTDIR\uninstall.exe"
        IntOp $3 $3 + 1
        ${If} $3 = 20
          ${ExitDo}
        ${EndIf}
      ${Loop}
      RMDir "$INSTDIR"
    ${EndIf}
    SetErrorLevel ${DONE}
    Quit
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/ROLLBACK" $1
  ${IfNot} ${Errors}
    Call GoBack
  ${EndIf}
  ; What a software centre hands over: the code alone.
  ClearErrors
  ${GetOptions} $0 "/ORG=" $1
  ${IfNot} ${Errors}
    ${If} $1 == ""
    ${AndIf} $Before != ""
      Return
    ${EndIf}
    InitPluginsDir
    StrCpy $Answer "$PLUGINSDIR\answer.ini"
    FileOpen $2 $Answer w
    FileWriteUTF16LE /BOM $2 "[install]$\r$\norg_code=$1$\r$\n"
    ${GetOptions} $0 "/CENTRE=" $1
    FileWriteUTF16LE $2 "centre_url=$1$\r$\n"
    FileClose $2
    Return
  ${EndIf}
  ClearErrors
  ${GetOptions} $0 "/ANSWER=" $Answer
  ${If} ${Errors}
    StrCpy $Answer ""
    ${If} ${Silent}
    ${AndIf} $Before == ""
      ${Refuse} ${USAGE} "$(TextAnswer)"
    ${EndIf}
  ${Else}
    GetFullPathName $1 $Answer
    ${If} $1 == ""
    ${OrIfNot} ${FileExists} $1
      ${Refuse} ${USAGE} "$(TextNoAnswer)"
    ${EndIf}
    StrCpy $Answer $1
  ${EndIf}
  InitPluginsDir
FunctionEnd

; $Program's words are on the stack: its exit code in $0, what it said in $Told.
!macro Ask WORDS
  nsExec::ExecToStack /TIMEOUT=180000 '"$Program" ${WORDS}'
  Pop $0
  Pop $Told
!macroend
!define Ask "!insertmacro Ask"

!macro Drop CODE TEXT
  SetOutPath $TEMP
  RMDir /r "$INSTDIR\app-${VERSION}.new"
  ${If} $Before == ""
    RMDir "$INSTDIR"
  ${EndIf}
  ${Refuse} ${CODE} "${TEXT}"
!macroend
!define Drop "!insertmacro Drop"

Section
  SetOutPath "$INSTDIR"
  RMDir /r "$INSTDIR\app-${VERSION}.new"
  ClearErrors
  SetOverwrite try
  SetOutPath "$INSTDIR\app-${VERSION}.new"
  File /r "${PAYLOAD}/*.*"
  ${If} ${Errors}
    ${Drop} ${ABORTED} "$(TextCopy)"
  ${EndIf}
  SetOverwrite on
  StrCpy $Program "$INSTDIR\app-${VERSION}.new\yibao-face.exe"
  Call Check
  Call SelfTest
  Call Switch
  Call Registry
  Call Choices
  Call Prune
  Call Start
SectionEnd

; Whether the answers are right; what was understood of them lies in plain.ini.
Function Check
  ${If} $Answer == ""
    Return
  ${EndIf}
  ${Ask} 'setup check "$Answer" --plain "$PLUGINSDIR\plain.ini"'
  ${If} $0 == 64
    ${Drop} ${USAGE} "$(TextWrong)$\r$\n$Told"
  ${ElseIf} $0 != 0
    ${Drop} ${ABORTED} "$(TextWrong)$\r$\n$Told"
  ${EndIf}
FunctionEnd

; The new version, before anything of the old one is touched.
Function SelfTest
  ${Ask} 'setup test'
  CreateDirectory "$Data\logs"
  FileOpen $1 "$Data\logs\install-report.txt" w
  FileWriteUTF16LE /BOM $1 "version=${VERSION}$\r$\nbefore=$Before$\r$\nself_test=$0$\r$\n$Told$\r$\n"
  FileClose $1
  ${If} $0 != 0
    ${Drop} ${UNFIT} "$(TextUnfit)$\r$\n$Data\logs\install-report.txt"
  ${EndIf}
FunctionEnd

Function Switch
  ${Ask} 'setup halt "$INSTDIR"'
  SetOutPath "$INSTDIR"
  ${If} ${FileExists} "$INSTDIR\app-${VERSION}\*.*"
    RMDir /r "$INSTDIR\app-${VERSION}.old"
    StrCpy $1 "$INSTDIR\app-${VERSION}"
    StrCpy $2 "$INSTDIR\app-${VERSION}.old"
    Call Move
  ${EndIf}
  ${IfNot} ${FileExists} "$INSTDIR\app-${VERSION}\*.*"
    StrCpy $1 "$INSTDIR\app-${VERSION}.new"
    StrCpy $2 "$INSTDIR\app-${VERSION}"
    Call Move
  ${EndIf}
  ${If} ${FileExists} "$INSTDIR\app-${VERSION}.new\*.*"
    Rename "$INSTDIR\app-${VERSION}.old" "$INSTDIR\app-${VERSION}"
    Call Start
    ${Drop} ${ABORTED} "$(TextSwitch)"
  ${EndIf}
  RMDir /r "$INSTDIR\app-${VERSION}.old"
  StrCpy $Program "$INSTDIR\app-${VERSION}\yibao-face.exe"
  nsExec::Exec 'icacls "$Data" /grant ${USERS}:(OI)(CI)M'
  Pop $0
  ${If} $Answer != ""
    ${Ask} 'setup apply "$Answer"'
    Call Report
    ${If} $0 != 0
      MessageBox MB_OK|MB_ICONEXCLAMATION "$Told" /SD IDOK
    ${EndIf}
  ${EndIf}
  File "${LAUNCHERS}/yibao-face.exe"
  File "${LAUNCHERS}/yibao-face-agent.exe"
  SetOutPath "$INSTDIR\shim"
  File /r "${SHIMS}/*.*"
  SetOutPath "$INSTDIR"
  StrCpy $0 "app-${VERSION}"
  Call Current
FunctionEnd

; Folder $1 becomes $2. What just ended, or a virus scanner, may hold a file for a while.
Function Move
  StrCpy $3 0
  ${Do}
    ClearErrors
    Rename $1 $2
    ${IfNot} ${Errors}
    ${OrIf} $3 = 30
      Return
    ${EndIf}
    IntOp $3 $3 + 1
    Sleep 500
  ${Loop}
FunctionEnd

; One more line in the report: exit code $0 and $Told.
Function Report
  FileOpen $1 "$Data\logs\install-report.txt" a
  FileSeek $1 0 END
  FileWriteUTF16LE $1 "$0 $Told$\r$\n"
  FileClose $1
FunctionEnd

; Folder $0 is in use from now on: the whole line or the one before.
Function Current
  FileOpen $1 "$INSTDIR\current.new" w
  FileWrite $1 "$0$\n"
  FileClose $1
  System::Call 'kernel32::MoveFileExW(w "$INSTDIR\current.new", w "$INSTDIR\current", i 9)'
FunctionEnd

Function Registry
  WriteRegStr HKLM "${ROOT_KEY}" "InstallDir" "$INSTDIR"
  WriteRegStr HKLM "${ROOT_KEY}" "Version" "${VERSION}"
  ${If} $Before != "${VERSION}"
    WriteRegStr HKLM "${ROOT_KEY}" "PreviousVersion" "$Before"
  ${EndIf}
  WriteUninstaller "$INSTDIR\uninstall.exe"
  StrCpy $1 "${UNINSTALL_KEY}\yibao-face"
  WriteRegStr HKLM $1 "DisplayName" "$(TextName)"
  WriteRegStr HKLM $1 "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM $1 "DisplayIcon" "$INSTDIR\yibao-face-agent.exe"
  WriteRegStr HKLM $1 "InstallLocation" "$INSTDIR"
  WriteRegStr HKLM $1 "Publisher" "yibao-face"
  WriteRegStr HKLM $1 "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM $1 "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKLM $1 "EstimatedSize" "${SIZE_KB}"
  WriteRegDWORD HKLM $1 "NoModify" 1
  CreateShortcut "$SMPROGRAMS\$(TextName).lnk" "$INSTDIR\yibao-face-agent.exe" "agent"
  ${Ask} 'setup library'
  Call Report
FunctionEnd

; What the answers ask of Windows itself; an upgrade without answers leaves it as it is.
Function Choices
  ${If} $Answer == ""
    ReadRegStr $0 HKLM "${ROOT_KEY}" "HisFolder"
    ReadRegStr $1 HKLM "${ROOT_KEY}" "HisLibrary"
    ${If} $0 != ""
      !insertmacro GiveLibrary
    ${EndIf}
    Return
  ${EndIf}
  StrCpy $3 "$PLUGINSDIR\plain.ini"
  ReadINIStr $0 $3 "install" "autostart"
  ${If} $0 == 1
    WriteRegStr HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "yibao-face" '"$INSTDIR\yibao-face-agent.exe" agent --wait'
  ${Else}
    DeleteRegValue HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "yibao-face"
  ${EndIf}
  ReadINIStr $0 $3 "install" "his_folder"
  ReadINIStr $1 $3 "install" "his_library"
  ${If} $0 != ""
    !insertmacro GiveLibrary
    ${If} ${Errors}
      StrCpy $Told "his_folder: $0: the library could not be copied"
      StrCpy $0 1
      Call Report
    ${EndIf}
  ${EndIf}
  nsExec::Exec 'netsh advfirewall firewall delete rule name="yibao-face"'
  Pop $0
  ReadINIStr $0 $3 "install" "firewall"
  ReadINIStr $1 $3 "install" "lan_port"
  ${If} $0 == 1
    nsExec::Exec 'netsh advfirewall firewall add rule name="yibao-face" dir=in action=allow protocol=TCP localport=$1 remoteip=localsubnet profile=domain,private'
    Pop $0
  ${EndIf}
  ReadINIStr $0 $3 "install" "browser_policy"
  Call Pages
FunctionEnd

; The pages in $0, with blanks between, may call this machine without the browser's question.
Function Pages
  DeleteRegKey HKLM "Software\Policies\Google\Chrome\LocalNetworkAccessAllowedForUrls"
  DeleteRegKey HKLM "Software\Policies\Microsoft\Edge\LocalNetworkAccessAllowedForUrls"
  StrCpy $2 0
  ${DoUntil} $0 == ""
    IntOp $2 $2 + 1
    StrCpy $1 ""
    ${Do}
      StrCpy $4 $0 1
      StrCpy $0 $0 "" 1
      ${If} $4 == " "
      ${OrIf} $4 == ""
        ${ExitDo}
      ${EndIf}
      StrCpy $1 "$1$4"
    ${Loop}
    WriteRegStr HKLM "Software\Policies\Google\Chrome\LocalNetworkAccessAllowedForUrls" $2 $1
    WriteRegStr HKLM "Software\Policies\Microsoft\Edge\LocalNetworkAccessAllowedForUrls" $2 $1
  ${Loop}
FunctionEnd

; This version and the one before are kept; half a version never is.
Function Prune
  ReadRegStr $3 HKLM "${ROOT_KEY}" "PreviousVersion"
  FindFirst $0 $1 "$INSTDIR\app-*"
  ${DoUntil} $1 == ""
    ${If} $1 != "app-${VERSION}"
    ${AndIf} $1 != "app-$3"
      RMDir /r "$INSTDIR\$1"
    ${EndIf}
    FindNext $0 $1
  ${Loop}
  FindClose $0
FunctionEnd

; Not for the account of the system: nobody would see its windows. The user's logon starts it.
Function Start
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/NOSTART" $1
  ${IfNot} ${Errors}
    Return
  ${EndIf}
  System::Call 'advapi32::GetUserNameW(w .r0, *i ${NSIS_MAX_STRLEN} r1)'
  ReadRegStr $1 HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "yibao-face"
  ${If} $0 != "SYSTEM"
  ${AndIf} $1 != ""
    ; Explorer starts it without this setup's rights.
    ${If} ${Silent}
      Exec '"$INSTDIR\yibao-face-agent.exe" agent --wait'
    ${Else}
      Exec '"$WINDIR\explorer.exe" "$INSTDIR\yibao-face-agent.exe"'
    ${EndIf}
  ${EndIf}
FunctionEnd

; /ROLLBACK: the version before this one, and this one is then the one before.
Function GoBack
  ReadRegStr $2 HKLM "${ROOT_KEY}" "PreviousVersion"
  ${If} $2 == ""
  ${OrIfNot} ${FileExists} "$INSTDIR\app-$2\yibao-face.exe"
    ${Refuse} ${ABORTED} "$(TextNoOlder)"
  ${EndIf}
  StrCpy $Program "$INSTDIR\app-$2\yibao-face.exe"
  ${Ask} 'setup halt "$INSTDIR"'
  StrCpy $0 "app-$2"
  Call Current
  WriteRegStr HKLM "${ROOT_KEY}" "Version" $2
  WriteRegStr HKLM "${ROOT_KEY}" "PreviousVersion" $Before
  WriteRegStr HKLM "${UNINSTALL_KEY}\yibao-face" "DisplayVersion" $2
  Call Start
  ${Refuse} ${DONE} "$(TextRolled)"
FunctionEnd

; A copy that was broken off leaves no half version.
Function .onInstFailed
  SetOutPath $TEMP
  RMDir /r "$INSTDIR\app-${VERSION}.new"
FunctionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
  StrCpy $Data "$APPDATA\yibao-face"
  !insertmacro DemandAdmin
FunctionEnd

Section Uninstall
  FileOpen $1 "$INSTDIR\current" r
  FileRead $1 $0
  FileClose $1
  StrCpy $0 $0 -1
  StrCpy $Program "$INSTDIR\$0\yibao-face.exe"
  ${Ask} 'setup halt "$INSTDIR"'
  !insertmacro TakeLibrary
  FindFirst $0 $1 "$INSTDIR\app-*"
  ${DoUntil} $1 == ""
    RMDir /r "$INSTDIR\$1"
    FindNext $0 $1
  ${Loop}
  FindClose $0
  RMDir /r "$INSTDIR\shim"
  Delete "$INSTDIR\yibao-face.exe"
  Delete "$INSTDIR\yibao-face-agent.exe"
  Delete "$INSTDIR\current"
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath $TEMP
  RMDir "$INSTDIR"
  nsExec::Exec 'netsh advfirewall firewall delete rule name="yibao-face"'
  Pop $0
  Delete "$SMPROGRAMS\$(TextName).lnk"
  DeleteRegValue HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "yibao-face"
  DeleteRegKey HKLM "Software\Policies\Google\Chrome\LocalNetworkAccessAllowedForUrls"
  DeleteRegKey HKLM "Software\Policies\Microsoft\Edge\LocalNetworkAccessAllowedForUrls"
  DeleteRegKey HKLM "${UNINSTALL_KEY}\yibao-face"
  DeleteRegKey HKLM "${ROOT_KEY}"
  ; Records nobody has sent yet are the only proof of what was settled: they stay unless told.
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${IfNot} ${Errors}
    RMDir /r "$Data"
  ${EndIf}
SectionEnd
