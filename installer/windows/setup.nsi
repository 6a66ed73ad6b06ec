; Setup of the whole program: see nsis.py for what is defined on the command line.
; /S silently, /ANSWER=file or /ORG=code /CENTRE=url, /ROLLBACK, /REMOVE, /NOSTART; of the
; uninstaller /S and /PURGE.
; Exit codes: 0 done, 2 aborted (nothing changed), 3 self-test failed (nothing changed),
; 64 wrong use or answers (nothing changed). What is installed and yet to be mended by hand is told
; at the end and in the report.
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
Var Notes

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
  ReadRegStr $0 HKLM "${ROOT_KEY}" "InstallDir"
  ${If} $0 != ""
    StrCpy $INSTDIR $0
  ${EndIf}
  !insertmacro ReadCurrent
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

; Nothing was changed yet: away with what was laid down, an account of why, the end.
!macro Drop CODE TEXT
  SetOutPath $TEMP
  Call TakeNew
  ${If} $Before == ""
    RMDir "$INSTDIR"
  ${EndIf}
  ${Refuse} ${CODE} "${TEXT}"
!macroend
!define Drop "!insertmacro Drop"

; The new folder, and that it is gone: what was just tried in it may hold a file for a while.
Function TakeNew
  StrCpy $3 0
  ${Do}
    RMDir /r "$INSTDIR\app-${VERSION}.new"
    ${IfNot} ${FileExists} "$INSTDIR\app-${VERSION}.new\*.*"
    ${OrIf} $3 = 20
      Return
    ${EndIf}
    IntOp $3 $3 + 1
    Sleep 250
  ${Loop}
FunctionEnd

Section
  Call Sweep
  SetOutPath "$INSTDIR"
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
  Call Bind
  Call Updater
  Call Tell
  Call Start
SectionEnd

; What a setup that was broken off left; programs that run are elsewhere.
Function Sweep
  !insertmacro SweepOf "new"
  !insertmacro SweepOf "old"
FunctionEnd

; Whether the answers are right; what was understood of them lies in plain.ini.
Function Check
  ${If} $Answer == ""
    Return
  ${EndIf}
  DetailPrint "$(TextChecking)"
  ${Ask} 'setup check "$Answer" --plain "$PLUGINSDIR\plain.ini"'
  ${If} $0 == 64
    ${Drop} ${USAGE} "$(TextWrong)$\r$\n$Told"
  ${ElseIf} $0 != 0
    ${Drop} ${ABORTED} "$(TextWrong)$\r$\n$Told"
  ${EndIf}
FunctionEnd

; The new version, before anything of the old one is touched.
Function SelfTest
  DetailPrint "$(TextTesting)"
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
  DetailPrint "$(TextHalting)"
  ; No update begins from here on, and one under way is over.
  nsExec::Exec 'schtasks /Delete /F /TN "${TASK}"'
  Pop $0
  ${Ask} 'setup halt "$INSTDIR"'
  Call Report
  !insertmacro ReadCurrent
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
    Call Schedule
    Call Start
    ${Drop} ${ABORTED} "$(TextSwitch)"
  ${EndIf}
  RMDir /r "$INSTDIR\app-${VERSION}.old"
  StrCpy $Program "$INSTDIR\app-${VERSION}\yibao-face.exe"
  nsExec::Exec 'icacls "$Data" /grant ${USERS}:(OI)(CI)M'
  Pop $0
  ; Programs that administrators and the system run: nobody else may change them, wherever they lie.
  nsExec::Exec 'icacls "$INSTDIR" /inheritance:r /grant:r ${ADMINS}:(OI)(CI)F ${SYSTEM}:(OI)(CI)F ${USERS}:(OI)(CI)RX'
  Pop $0
  ${If} $Answer != ""
    ${Ask} 'setup apply "$Answer"'
    Call Report
    ${If} $0 != 0
      StrCpy $1 "$(TextApply)"
      Call Note
    ${EndIf}
  ${EndIf}
  File "${LAUNCHERS}/yibao-face.exe"
  File "${LAUNCHERS}/yibao-face-agent.exe"
  SetOutPath "$INSTDIR\shim"
  File /r "${SHIMS}/*.*"
  SetOutPath "$INSTDIR\update"
!ifdef TRUST
  File "/oname=root.json" "${TRUST}"
!endif
  ; What an update that was cut off would have put right, this puts right.
  Delete "$INSTDIR\update\keeper"
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

; What somebody must mend: $1 and what was $Told of it.
Function Note
  StrCpy $Notes "$Notes$\r$\n- $1 $Told"
FunctionEnd

; Installed, and all that is yet to be mended, on the screen; silently, it is in the report.
Function Tell
  ${If} $Notes != ""
    StrCpy $0 "note"
    StrCpy $Told "$(TextNotes)$Notes"
    Call Report
    DetailPrint "$Told"
    MessageBox MB_OK|MB_ICONEXCLAMATION "$Told$\r$\n$Data\logs\install-report.txt" /SD IDOK
  ${EndIf}
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
  System::Call 'kernel32::MoveFileExW(w "$INSTDIR\current.new", w "$INSTDIR\${POINTER}", i 9)'
FunctionEnd

Function Registry
  WriteRegStr HKLM "${ROOT_KEY}" "InstallDir" "$INSTDIR"
  WriteRegStr HKLM "${ROOT_KEY}" "Version" "${VERSION}"
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
  ${If} $0 != 0
    StrCpy $1 "$(TextLibrary)"
    Call Note
  ${EndIf}
FunctionEnd

; What the answers ask of Windows itself; an upgrade without answers leaves it as it is.
Function Choices
  ${If} $Answer == ""
    ReadRegStr $0 HKLM "${ROOT_KEY}" "HisFolder"
    ReadRegStr $1 HKLM "${ROOT_KEY}" "HisLibrary"
    ${If} $0 != ""
      Call Give
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
    Call Give
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

; The library $1 into the HIS folder $0; one that could not be copied is told.
Function Give
  !insertmacro GiveLibrary
  ${If} ${Errors}
    StrCpy $1 "$(TextGive)"
    StrCpy $Told "his_folder: $0"
    Call Note
    ClearErrors
  ${EndIf}
FunctionEnd

; Needs the network: what fails is told, and can be repeated by hand.
Function Bind
  ${If} $Answer == ""
    Return
  ${EndIf}
  ${Ask} 'setup enrol "$Answer"'
  Call Report
  ${If} $0 != 0
    StrCpy $1 "$(TextBind)"
    Call Note
  ${EndIf}
FunctionEnd

; The updater's settings, what it is to know of this setup, and when it runs.
Function Updater
  DetailPrint "$(TextUpdater)"
  ${Ask} 'setup updater "$INSTDIR" --before "$Before" --task "$INSTDIR\update\task.xml"'
  Call Report
  ${If} $0 != 0
    StrCpy $1 "$(TextNoUpdater)"
    Call Note
  ${EndIf}
  ${IfNot} ${FileExists} "$INSTDIR\update\root.json"
    StrCpy $1 "$(TextNoTrust)"
    StrCpy $Told ""
    Call Note
    Return
  ${EndIf}
  Call Schedule
  ${If} $0 != 0
    StrCpy $1 "$(TextNoTask)"
    Call Note
  ${EndIf}
FunctionEnd

; Every hour as SYSTEM, where the vendor's key is here: exit code in $0.
Function Schedule
  StrCpy $0 0
  ${If} ${FileExists} "$INSTDIR\update\root.json"
  ${AndIf} ${FileExists} "$INSTDIR\update\task.xml"
    nsExec::ExecToStack 'schtasks /Create /F /RU SYSTEM /TN "${TASK}" /XML "$INSTDIR\update\task.xml"'
    Pop $0
    Pop $Told
  ${EndIf}
FunctionEnd

; The pages in $0, with blanks between, may call this machine without the browser's question.
Function Pages
  !insertmacro ForgetPages
  StrCpy $2 ${FIRST_PAGE}
  ${DoUntil} $0 == ""
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
    !insertmacro LetPage Google\Chrome
    !insertmacro LetPage Microsoft\Edge
    IntOp $2 $2 + 1
    ${If} $2 > ${LAST_PAGE}
      ${ExitDo}
    ${EndIf}
  ${Loop}
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

; $2: the version that $Told names in a line of its own, among what libraries say; it is installed.
Function Older
  StrCpy $2 ""
  StrCpy $3 ""
  ${DoUntil} $Told == ""
    StrCpy $1 $Told 1
    StrCpy $Told $Told "" 1
    ${If} $1 == "$\r"
    ${OrIf} $1 == "$\n"
      ${If} $3 != ""
      ${AndIf} ${FileExists} "$INSTDIR\app-$3\yibao-face.exe"
        StrCpy $2 $3
      ${EndIf}
      StrCpy $3 ""
    ${Else}
      StrCpy $3 "$3$1"
    ${EndIf}
  ${Loop}
FunctionEnd

; /ROLLBACK: the version before this one, and this one is then the one before.
Function GoBack
  StrCpy $Program "$INSTDIR\app-$Before\yibao-face.exe"
  ${Ask} 'setup previous "$INSTDIR"'
  Call Older
  ${If} $0 != 0
  ${OrIf} $2 == ""
  ${OrIfNot} ${FileExists} "$INSTDIR\app-$2\yibao-face.exe"
    ${Refuse} ${ABORTED} "$(TextNoOlder)"
  ${EndIf}
  StrCpy $Program "$INSTDIR\app-$2\yibao-face.exe"
  ${Ask} 'setup halt "$INSTDIR"'
  Delete "$INSTDIR\update\keeper"
  StrCpy $0 "app-$2"
  Call Current
  WriteRegStr HKLM "${ROOT_KEY}" "Version" $2
  WriteRegStr HKLM "${UNINSTALL_KEY}\yibao-face" "DisplayVersion" $2
  ${Ask} 'setup updater "$INSTDIR" --before "$Before"'
  Call Report
  Call Start
  ${Refuse} ${DONE} "$(TextRolled)"
FunctionEnd

; A copy that was broken off leaves no half version.
Function .onInstFailed
  SetOutPath $TEMP
  RMDir /r "$INSTDIR\app-${VERSION}.new"
  ${If} $Before == ""
    RMDir "$INSTDIR"
  ${EndIf}
FunctionEnd

Function un.onInit
  SetRegView 64
  SetShellVarContext all
  StrCpy $Data "$APPDATA\yibao-face"
  !insertmacro DemandAdmin
FunctionEnd

Section Uninstall
  DetailPrint "$(TextHalting)"
  nsExec::Exec 'schtasks /Delete /F /TN "${TASK}"'
  Pop $0
  !insertmacro ReadCurrent
  StrCpy $Program "$INSTDIR\app-$Before\yibao-face.exe"
  ${Ask} 'setup halt "$INSTDIR"'
  !insertmacro TakeLibrary
  FindFirst $0 $1 "$INSTDIR\app-*"
  ${DoUntil} $1 == ""
    RMDir /r "$INSTDIR\$1"
    FindNext $0 $1
  ${Loop}
  FindClose $0
  RMDir /r "$INSTDIR\shim"
  RMDir /r "$INSTDIR\update"
  Delete "$INSTDIR\yibao-face.exe"
  Delete "$INSTDIR\yibao-face-agent.exe"
  Delete "$INSTDIR\${POINTER}"
  Delete "$INSTDIR\uninstall.exe"
  SetOutPath $TEMP
  RMDir "$INSTDIR"
  nsExec::Exec 'netsh advfirewall firewall delete rule name="yibao-face"'
  Pop $0
  Delete "$SMPROGRAMS\$(TextName).lnk"
  DeleteRegValue HKLM "Software\Microsoft\Windows\CurrentVersion\Run" "yibao-face"
  !insertmacro ForgetPages
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
