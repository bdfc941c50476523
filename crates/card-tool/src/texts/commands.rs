//! What the single commands print: letters, tables, results.

use super::texts;

texts! {
    init_done(serial) { "The card {serial} is personalised.", "晶片卡 {serial} 已完成初始化。" }
    init_puk_sealed() {
        "Its PUK is sealed for the authority; nobody else has it.",
        "解鎖碼已密封交給憑證中心，其他人均無法取得。"
    }
    init_letter_in(path) {
        "The PIN letter is in {path}. Print it, hand it out and delete the file.",
        "密碼單位於 {path}，請列印交付後刪除該檔案。"
    }
    letter_title() { "CARD PIN LETTER", "晶片卡密碼單" }
    letter_serial(serial) { "Card serial number: {serial}", "晶片卡序號: {serial}" }
    letter_pin(pin) { "PIN:                {pin}", "晶片卡密碼: {pin}" }
    letter_advice() {
        "This letter is shown once. Change the PIN at once with `cardlab card pin change` (6 to 16 characters). The third wrong PIN in a row locks the card; the registration desk unlocks it.",
        "本密碼單僅顯示一次。請立即以 `cardlab card pin change` 更改密碼 (6 至 16 個字元)。連續輸入錯誤達三次將被鎖卡，須由註冊中心解鎖。"
    }
    info_serial(serial) { "Card serial number: {serial}", "晶片卡序號: {serial}" }
    info_label(label) { "Label: {label}", "標籤: {label}" }
    info_manufacturer(name) { "Manufacturer: {name}", "製造者: {name}" }
    info_atr(atr) { "ATR: {atr}", "ATR 重置回應: {atr}" }
    info_reader(name) { "Reader: {name}", "讀卡機: {name}" }
    info_pin(min, max, tries) {
        "PIN: {min} to {max} characters, tries left: {tries}",
        "密碼: {min} 至 {max} 個字元，尚可嘗試次數: {tries}"
    }
    info_pin_free(min, max) { "PIN: {min} to {max} characters", "密碼: {min} 至 {max} 個字元" }
    info_slots(free) { "Free key slots: {free}", "可用金鑰位置: {free}" }
    info_authorities(count) { "Authority certificates on the card: {count}", "卡上的憑證中心憑證: {count} 張" }
    info_open() {
        "An operation was interrupted; the next command that writes to the card finishes or undoes it.",
        "有作業中斷，下一個寫入晶片卡的指令會完成或還原。"
    }
    info_pending() {
        "A request has gone to the authority; `cardlab card install` goes on with it.",
        "申請已送交憑證中心，請以 `cardlab card install` 繼續。"
    }
    info_current(serial, until) {
        "Current certificate: {serial}, valid until {until}",
        "目前憑證: {serial}，有效至 {until}"
    }
    info_window(opens, closes) {
        "Renewal is possible from {opens} to {closes} (Taipei time).",
        "可展期期間: {opens} 至 {closes} (臺北時間)。"
    }
    info_no_certificate() { "There is no current certificate on the card.", "卡上沒有目前可用的憑證。" }
    certs_none() { "There is no certificate on the card.", "卡上沒有憑證。" }
    head_state() { "State", "狀態" }
    head_slot() { "Slot", "位置" }
    head_serial() { "Serial number", "序號" }
    head_from() { "Valid from", "生效日期" }
    head_until() { "Valid until", "到期日期" }
    head_subject() { "Subject", "主體" }
    head_issuer() { "Issuer", "簽發者" }
    state_keyed() { "key only", "僅有金鑰" }
    state_pending() { "waiting for its certificate", "等待憑證" }
    state_current() { "current", "目前使用" }
    state_superseded() { "superseded", "已被取代" }
    state_expired() { "expired", "已到期" }
    state_revoked(since) { "revoked on {since}", "已於 {since} 廢止" }
    state_retired() { "retired", "已停用" }
    state_early() { "not valid yet", "尚未生效" }
    state_unreadable() { "cannot be read", "無法讀取" }
    answer_waiting(key) {
        "The authority has not answered yet (request {key}). Everything is kept on the card; go on later with `cardlab card install`, here or on another computer.",
        "憑證中心尚未回覆 (申請編號 {key})。資料均保留在晶片卡上，稍後可於任何電腦以 `cardlab card install` 繼續。"
    }
    not_closed_yet() {
        "The certificate is on the card. The authority has not closed the case yet; `cardlab card install` asks again.",
        "憑證已在晶片卡上。憑證中心尚未結案，可以 `cardlab card install` 再次查詢。"
    }
    download_none() {
        "Every certificate for this card's keys is on the card already.",
        "此卡金鑰的憑證均已在卡上，無須下載。"
    }
    retire_ask(serial, until) {
        "Retire the certificate {serial} (valid until {until})? Its key is destroyed for good. [y/N] ",
        "是否停用憑證 {serial} (有效至 {until})? 其金鑰將永久銷毀。 [y/N] "
    }
    retire_ask_default() {
        "Retire the oldest superseded certificate? Its key is destroyed for good. [y/N] ",
        "是否停用最舊的已被取代憑證? 其金鑰將永久銷毀。 [y/N] "
    }
    retired(serial) { "The certificate {serial} is retired and its key destroyed.", "憑證 {serial} 已停用，其金鑰已銷毀。" }
    retired_none() { "No certificate is superseded; nothing was retired.", "沒有已被取代的憑證，未停用任何憑證。" }
    registered(serial, until) { "Registered: {serial}, valid until {until}", "已註冊: {serial}，有效至 {until}" }
    registered_uri(uri) { "  Key: {uri}", "  金鑰: {uri}" }
    registered_already() { "Everything was registered already; nothing was changed.", "均已註冊，未作任何變更。" }
    register_nss(dir) { "Also imported into the NSS database {dir}.", "並已匯入 NSS 資料庫 {dir}。" }
    register_removed(serial) {
        "Registration removed, because the certificate is no longer on the card: {serial}",
        "憑證已不在卡上，註冊已移除: {serial}"
    }
    stale_registration(serial) {
        "Note: the registration on this computer is out of date (the card {serial} has changed since). Run `cardlab card register`.",
        "注意: 本機的註冊資料已過時 (晶片卡 {serial} 之後已有變更)，請執行 `cardlab card register`。"
    }
    unregistered(count) { "Registrations removed: {count}", "已移除的註冊: {count} 筆" }
    unregistered_none() { "Nothing was registered.", "沒有已註冊的憑證。" }
    csp_done(module) { "The PKCS#11 module {module} is installed for this user.", "CSP 安裝完成: 已為此使用者安裝 PKCS#11 模組 {module}。" }
    csp_p11kit(path) { "  p11-kit: {path}", "  p11-kit 設定檔: {path}" }
    csp_nss(dir) { "  NSS: {dir}", "  NSS 資料庫: {dir}" }
    csp_no_nss() {
        "  NSS: left out, because modutil (package libnss3-tools) is not installed",
        "  NSS: 略過，未安裝 modutil (套件 libnss3-tools)"
    }
    csp_already(module) {
        "The PKCS#11 module {module} was installed already; nothing was changed.",
        "PKCS#11 模組 {module} 先前已安裝，未作任何變更。"
    }
    csp_root() {
        "Note: p11-kit ignores a user's configuration in programs that run as root. Use a normal user, or a file in /etc/pkcs11/modules.",
        "注意: 以 root 執行的程式，p11-kit 不讀取使用者設定。請使用一般使用者，或於 /etc/pkcs11/modules 放置設定檔。"
    }
    csp_removed() { "The PKCS#11 module is no longer installed; all is as before.", "PKCS#11 模組已移除，回復原狀。" }
    csp_changed(path) {
        "The file {path} was changed by somebody else since; it was left as it is.",
        "檔案 {path} 之後曾被他人變更，未予更動。"
    }
    csp_none() { "Nothing had been installed; nothing was changed.", "先前未安裝，未作任何變更。" }
    csp_no_module(path) {
        "There is no PKCS#11 module at {path}. Install OpenSC (package opensc-pkcs11) or give one with --module FILE.",
        "{path} 沒有 PKCS#11 模組。請安裝 OpenSC (套件 opensc-pkcs11) 或以 --module FILE 指定。"
    }
    signed(path, serial) { "The signature is in {path}, made with the certificate {serial}.", "簽章已存於 {path}，使用憑證 {serial}。" }
    verify_good(subject, serial) { "The signature is good: {subject} ({serial})", "簽章有效: {subject} ({serial})" }
    verify_chain_good() { "The certificate was issued by this authority and is within its dates.", "憑證由本憑證中心簽發，且在有效期間內。" }
    verify_no_chain() {
        "The authority's certificates are not at hand, so the certificate itself was not checked; give --channel DIR.",
        "沒有憑證中心的憑證，未能檢查憑證本身，請以 --channel DIR 提供。"
    }
    verify_not_revoked(at) { "It is not on the revocation list of {at}.", "憑證不在 {at} 的廢止清冊上。" }
    verify_no_crl() { "There is no revocation list, so revocation was not checked.", "沒有廢止清冊，未能檢查是否廢止。" }
    verify_crl_old(until) {
        "The revocation list was to be replaced by {until}; it may be out of date.",
        "廢止清冊應於 {until} 前更新，可能已過時。"
    }
    verify_bad() {
        "The signature is not valid: the file was changed, or another key signed it.",
        "簽章無效: 檔案已被變更，或由其他金鑰簽署。"
    }
    verify_certificate_bad(reason) {
        "The signature fits the file, but the certificate does not hold: {reason}.",
        "簽章與檔案相符，但憑證無效: {reason}。"
    }
    verify_nothing_registered() {
        "No certificate is registered on this computer; give one with --certificate FILE or run `cardlab card register`.",
        "本機沒有已註冊的憑證，請以 --certificate FILE 提供，或執行 `cardlab card register`。"
    }
}
