; The page that asks for what an answer file would say; its answers become one.
!include nsDialogs.nsh

Var Org
Var Centre
Var Code
Var Ca
Var Camera
Var His
Var HisKind
Var WebPages
Var AtLogon
Var LanHost

!macro Row TOP LABEL FIELD
  ${NSD_CreateLabel} 0 ${TOP}u 48% 10u "${LABEL}"
  Pop $0
  ${NSD_CreateText} 50% ${TOP}u 50% 11u ""
  Pop ${FIELD}
!macroend

Function SitePage
  ${If} $Before != ""
    Abort ; what was answered once stays
  ${EndIf}
  !insertmacro MUI_HEADER_TEXT "$(TextSite)" "$(TextSiteMore)"
  nsDialogs::Create 1018
  Pop $0
  !insertmacro Row 0 "$(TextOrg)" $Org
  !insertmacro Row 14 "$(TextCentre)" $Centre
  !insertmacro Row 28 "$(TextCode)" $Code
  !insertmacro Row 42 "$(TextCa)" $Ca
  !insertmacro Row 56 "$(TextCamera)" $Camera
  !insertmacro Row 70 "$(TextHis)" $His
  ${NSD_CreateDropList} 50% 84u 50% 40u ""
  Pop $HisKind
  ${NSD_CB_AddString} $HisKind "x86-stdcall"
  ${NSD_CB_AddString} $HisKind "x86-cdecl"
  ${NSD_CB_AddString} $HisKind "x64"
  ${NSD_CB_SelectString} $HisKind "x86-stdcall"
  !insertmacro Row 100 "$(TextPages)" $WebPages
  !insertmacro Row 127 "$(TextLan)" $LanHost
  ${NSD_CreateCheckbox} 0 114u 48% 11u "$(TextStart)"
  Pop $AtLogon
  ${NSD_Check} $AtLogon
  nsDialogs::Show
FunctionEnd

!macro Answered KEY FIELD
  ${NSD_GetText} ${FIELD} $0
  WriteINIStr $Answer "install" "${KEY}" "$0"
!macroend

Function SiteLeave
  ${NSD_GetText} $Org $0
  StrLen $1 $0
  StrCpy $2 $0 1
  ${If} $1 != 12
  ${OrIfNot} $2 == "H"
  ${AndIfNot} $2 == "P"
    MessageBox MB_OK|MB_ICONEXCLAMATION "$(TextOrgWrong)"
    Abort
  ${EndIf}
  StrCpy $Answer "$PLUGINSDIR\answer.ini"
  FileOpen $1 $Answer w
  FileWriteUTF16LE /BOM $1 "[install]$\r$\n"
  FileClose $1
  !insertmacro Answered "org_code" $Org
  !insertmacro Answered "centre_url" $Centre
  !insertmacro Answered "enrol_code" $Code
  !insertmacro Answered "ca_file" $Ca
  !insertmacro Answered "camera" $Camera
  !insertmacro Answered "his_folder" $His
  !insertmacro Answered "his_library" $HisKind
  !insertmacro Answered "browser_policy" $WebPages
  ${NSD_GetText} $LanHost $0
  ${If} $0 != ""
    WriteINIStr $Answer "install" "lan" "1"
    WriteINIStr $Answer "install" "lan_host" "$0"
    WriteINIStr $Answer "install" "firewall" "1"
  ${EndIf}
  ${NSD_GetState} $AtLogon $0
  WriteINIStr $Answer "install" "autostart" $0
FunctionEnd
