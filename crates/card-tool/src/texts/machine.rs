//! The rows of the environment check: purposes, findings, advice.

use super::texts;

texts! {
    env_title() { "Environment check", "憑證作業環境檢查" }
    env_ok() { "ok", "正常" }
    env_failed() { "failed", "異常" }
    env_fixed() { "fixed", "已修正" }
    env_skipped() { "not checked", "未檢查" }
    env_all_good() { "Everything is as it should be.", "環境設定均正常。" }
    env_fix_hint() { "`cardlab card env --fix` repairs what it can.", "可執行 `cardlab card env --fix` 變更設定。" }
    row_system() { "Operating system", "作業系統" }
    row_service() { "Reader service", "讀卡機服務" }
    row_readers() { "Readers", "讀卡機" }
    row_card() { "Card", "晶片卡" }
    row_module() { "PKCS#11 module", "PKCS#11 模組" }
    row_p11kit() { "p11-kit registration", "p11-kit 註冊" }
    row_nss() { "NSS registration", "NSS 註冊" }
    row_clock() { "Clock", "系統時間" }
    row_permissions() { "Permissions", "存取權限" }
    row_channel() { "Authority's channel", "憑證中心交換目錄" }
    service_running(version, socket) { "pcscd {version} answers at {socket}", "pcscd {version} 於 {socket} 執行中" }
    service_down(socket) { "no service answers at {socket}", "{socket} 沒有服務回應" }
    service_not_installed() { "pcscd is not installed", "未安裝 pcscd" }
    service_advice_install() { "Install it: apt-get install pcscd", "請安裝: apt-get install pcscd" }
    service_advice_start() { "Start it: systemctl start pcscd.socket", "請啟動: systemctl start pcscd.socket" }
    readers_none() { "no reader is connected", "未連接讀卡機" }
    readers_advice() { "Connect a reader and install its driver (libccid)", "請連接讀卡機並安裝驅動程式 (libccid)" }
    card_ours(reader) { "a card of this service is in {reader}", "{reader} 內有本服務的晶片卡" }
    card_foreign(reader) { "the card in {reader} is of another kind", "{reader} 內的卡不是本服務的晶片卡" }
    card_none() { "no card is inserted", "未插入晶片卡" }
    card_advice() { "Insert your card; `cardlab readers` shows the readers", "請插入晶片卡，可執行 `cardlab readers` 查看讀卡機" }
    module_sees(module, count) { "{module} loads and sees {count} reader(s)", "{module} 可載入，偵測到 {count} 台讀卡機" }
    module_loads_only(module) { "{module} is there, but sees no reader", "已有 {module}，但未偵測到讀卡機" }
    module_broken(module, detail) { "{module} does not load: {detail}", "{module} 無法載入: {detail}" }
    module_untested(module) { "{module} is there; no program to try it with", "已有 {module}，沒有可用來測試的程式" }
    module_none() { "no PKCS#11 module was found", "找不到 PKCS#11 模組" }
    module_advice() { "Install OpenSC: apt-get install opensc-pkcs11 opensc", "請安裝 OpenSC: apt-get install opensc-pkcs11 opensc" }
    registered_in(path) { "registered in {path}", "已註冊於 {path}" }
    registered_system(path) { "registered for all users in {path}", "已為所有使用者註冊於 {path}" }
    not_registered() { "the module is not registered", "模組尚未註冊" }
    registration_dangling(path) { "{path} names a module that is not there", "{path} 指向不存在的模組" }
    install_advice() { "Run `cardlab card install-csp`", "請執行 `cardlab card install-csp`" }
    nss_no_tool() { "modutil is not installed", "未安裝 modutil" }
    nss_tool_advice() { "Only needed for Firefox and Chromium: apt-get install libnss3-tools", "Firefox 與 Chromium 才需要: apt-get install libnss3-tools" }
    clock_fits(now, at) { "{now}; fits the revocation list of {at}", "{now}，與 {at} 的廢止清冊相符" }
    clock_unchecked(now) { "{now}; nothing to compare it with", "{now}，沒有可比對的時間" }
    clock_behind(now, at) { "{now} is before the revocation list of {at}", "{now} 早於廢止清冊的時間 {at}" }
    clock_ahead(now, until) { "{now} is after {until}, when a new revocation list was due", "{now} 已晚於廢止清冊應更新的時間 {until}" }
    clock_advice() { "Set the clock (timedatectl set-ntp true), or ask the authority for a new list", "請校正時間 (timedatectl set-ntp true)，或請憑證中心更新廢止清冊" }
    permissions_good(home) { "{home} belongs to you alone; the reader service may be used", "{home} 僅供本人存取，可使用讀卡機服務" }
    home_missing(home) { "{home} is not there yet", "{home} 尚不存在" }
    home_mode(home, mode) { "others may enter {home} (mode {mode})", "他人可存取 {home} (權限 {mode})" }
    home_not_writable(home) { "{home} cannot be written", "{home} 無法寫入" }
    socket_denied(socket) { "the reader service's socket {socket} may not be used", "無權使用讀卡機服務 {socket}" }
    home_advice() { "Make it your own: mkdir -p and chmod 700", "請設為本人專用: mkdir -p 與 chmod 700" }
    socket_advice() { "Ask the administrator for the right to use the reader (polkit rule for org.debian.pcsc-lite)", "請管理者授權使用讀卡機 (polkit 的 org.debian.pcsc-lite 規則)" }
    channel_good(path) { "{path} can be read and written", "{path} 可讀寫" }
    channel_not_set() { "no channel is given", "未指定交換目錄" }
    channel_bad(detail) { "not usable: {detail}", "無法使用: {detail}" }
    channel_advice() { "Give it with --channel DIR or CARDLAB_CHANNEL", "請以 --channel DIR 或 CARDLAB_CHANNEL 指定" }
}
