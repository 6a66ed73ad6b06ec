; What both setups share. ${VERSION} and ${NUMBERS} (four numbers) come from the command line.
Unicode true
ManifestDPIAware true
RequestExecutionLevel admin
ShowInstDetails nevershow
BrandingText "yibao-face ${VERSION}"
!include LogicLib.nsh
!include FileFunc.nsh
!include TextFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include MUI2.nsh

!define DONE 0
!define ABORTED 2
!define UNFIT 3
!define USAGE 64
; As the updater and the launcher have it.
!define POINTER "current.txt"
!define TASK "yibao-face update"
!define ROOT_KEY "Software\yibao-face"
!define LIBRARY_KEY "Software\yibao-face\library"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall"
!define ADMINS "*S-1-5-32-544"
!define SYSTEM "*S-1-5-18"
!define USERS "*S-1-5-32-545"

VIProductVersion "${NUMBERS}"
VIAddVersionKey /LANG=2052 "ProductName" "医保实人认证"
VIAddVersionKey /LANG=2052 "FileDescription" "医保实人认证 安装程序 / yibao-face setup"
VIAddVersionKey /LANG=2052 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=2052 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=2052 "LegalCopyright" "Apache-2.0"

; Say why, and end with a code. Nobody reads a box of a silent setup: it is answered at once.
!macro Refuse CODE TEXT
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel ${CODE}
  Quit
!macroend
!define Refuse "!insertmacro Refuse"

!macro DemandAdmin
  UserInfo::GetAccountType
  Pop $0
  ${If} $0 != "Admin"
    ${Refuse} ${ABORTED} "$(TextAdmin)"
  ${EndIf}
!macroend

; Lay the library $1 (a folder of $INSTDIR\shim) into the HIS folder $0. A library in use cannot be
; written over, but be renamed. The clerk may run it, only an administrator may change it.
!macro GiveLibrary
  ClearErrors
  ${If} ${FileExists} "$0\HisCallFace.dll"
    Delete "$0\HisCallFace.dll.old"
    Rename "$0\HisCallFace.dll" "$0\HisCallFace.dll.old"
    Delete /REBOOTOK "$0\HisCallFace.dll.old"
  ${EndIf}
  ClearErrors
  CopyFiles /SILENT "$INSTDIR\shim\$1\HisCallFace.dll" "$0\HisCallFace.dll"
  ${IfNot} ${Errors}
    nsExec::Exec 'icacls "$0\HisCallFace.dll" /inheritance:r /grant ${ADMINS}:F ${SYSTEM}:F ${USERS}:RX'
    Pop $2
    WriteRegStr HKLM "${ROOT_KEY}" "HisFolder" "$0"
    WriteRegStr HKLM "${ROOT_KEY}" "HisLibrary" "$1"
    ClearErrors
  ${EndIf}
!macroend

!macro TakeLibrary
  ReadRegStr $0 HKLM "${ROOT_KEY}" "HisFolder"
  ${If} $0 != ""
    Rename "$0\HisCallFace.dll" "$0\HisCallFace.dll.old"
    Delete /REBOOTOK "$0\HisCallFace.dll.old"
    Delete /REBOOTOK "$0\HisCallFace.dll"
  ${EndIf}
!macroend

; $Before: version that runs, empty for none; it may be the updater's.
!macro ReadCurrent
  StrCpy $Before ""
  ClearErrors
  FileOpen $1 "$INSTDIR\${POINTER}" r
  ${IfNot} ${Errors}
    FileRead $1 $0
    FileClose $1
    ${TrimNewLines} "$0" $0
    StrCpy $1 $0 4
    ${If} $1 == "app-"
      StrCpy $Before $0 "" 4
    ${EndIf}
  ${EndIf}
  ClearErrors
!macroend

!macro SweepOf END
  FindFirst $0 $1 "$INSTDIR\app-*.${END}"
  ${DoUntil} $1 == ""
    RMDir /r "$INSTDIR\$1"
    FindNext $0 $1
  ${Loop}
  FindClose $0
!macroend

; Chrome and Edge read lists by numbers, which others may have, too: ours have these. They ask for
; the local network since 139 and 140, and, apart from it, for this computer since 146.
!define FIRST_PAGE 51518
!define LAST_PAGE 51549
!define EVERY_NETWORK "LocalNetworkAccessAllowedForUrls"
!define THIS_COMPUTER "LoopbackNetworkAllowedForUrls"

; Page $1 as number $2.
!macro LetPage BROWSER
  WriteRegStr HKLM "Software\Policies\${BROWSER}\${EVERY_NETWORK}" $2 $1
  WriteRegStr HKLM "Software\Policies\${BROWSER}\${THIS_COMPUTER}" $2 $1
!macroend

!macro ForgetPagesOf LIST
  ${ForEach} $2 ${FIRST_PAGE} ${LAST_PAGE} + 1
    DeleteRegValue HKLM "Software\Policies\${LIST}" $2
  ${Next}
  DeleteRegKey /ifempty HKLM "Software\Policies\${LIST}"
!macroend

!macro ForgetPages
  !insertmacro ForgetPagesOf "Google\Chrome\${EVERY_NETWORK}"
  !insertmacro ForgetPagesOf "Google\Chrome\${THIS_COMPUTER}"
  !insertmacro ForgetPagesOf "Microsoft\Edge\${EVERY_NETWORK}"
  !insertmacro ForgetPagesOf "Microsoft\Edge\${THIS_COMPUTER}"
!macroend
