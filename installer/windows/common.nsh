; What both setups share. ${VERSION} and ${NUMBERS} (four numbers) come from the command line.
Unicode true
ManifestDPIAware true
RequestExecutionLevel admin
ShowInstDetails nevershow
BrandingText "yibao-face ${VERSION}"
!include LogicLib.nsh
!include FileFunc.nsh
!include WinVer.nsh
!include x64.nsh
!include MUI2.nsh

!define DONE 0
!define ABORTED 2
!define UNFIT 3
!define USAGE 64
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
