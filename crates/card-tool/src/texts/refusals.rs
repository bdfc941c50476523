//! Why the authority, or the tool in its place, says no; with dates, and what to do.

use super::texts;

texts! {
    refusal_too_early(opens, closes) {
        "it is too early: renewal is possible from {opens} to {closes} (Taipei time); come back then.",
        "尚未到展期時間: 可展期期間為 {opens} 至 {closes} (臺北時間)，請屆時再辦理。"
    }
    refusal_expired(since) {
        "the certificate expired on {since} (Taipei time); register again at the desk and apply for a new one.",
        "憑證已於 {since} (臺北時間) 到期，請重新註冊並申請新憑證。"
    }
    refusal_revoked(since, reason) {
        "the certificate was revoked on {since} (Taipei time, {reason}); register again at the desk and apply for a new one.",
        "憑證已於 {since} (臺北時間) 廢止 ({reason})，請重新註冊並申請新憑證。"
    }
    refusal_not_der(what) {
        "{what} could not be read; make the request again with a current version of this tool.",
        "{what} 無法讀取，請以目前版本的工具重新產生申請資料。"
    }
    refusal_too_large(len, max) {
        "the request has {len} bytes and at most {max} are accepted; make it again.",
        "申請資料有 {len} 位元組，上限為 {max}，請重新產生。"
    }
    refusal_signers(count) {
        "the renewal has {count} signers where one is right; make it again.",
        "展期資料有 {count} 個簽署者，應只有一個，請重新產生。"
    }
    refusal_no_signed_attributes() {
        "the renewal lacks signed attributes; make it again.",
        "展期資料缺少簽署屬性，請重新產生。"
    }
    refusal_weak_digest() {
        "the digest of the signature is outdated; sign with RSA and SHA-256.",
        "簽章使用的雜湊演算法過舊，請使用 RSA 與 SHA-256。"
    }
    refusal_bad_signature() {
        "the signature on the renewal is not valid; make the renewal again.",
        "展期資料的簽章無效，請重新辦理展期。"
    }
    refusal_bad_request_signature() {
        "the signature on the certificate request is not valid; make the request again.",
        "憑證請求檔的簽章無效，請重新產生。"
    }
    refusal_weak_key(weakness) {
        "the new key is not acceptable ({weakness}); generate another.",
        "新金鑰強度不足 ({weakness})，請重新產生金鑰。"
    }
    refusal_key_reused() {
        "the old key was offered as the new one; generate a new key.",
        "以舊金鑰充作新金鑰，請產生新金鑰。"
    }
    refusal_key_seen() {
        "the key already has a certificate; fetch it with `cardlab card download`, or generate a new key.",
        "此金鑰已有憑證，請以 `cardlab card download` 下載，或產生新金鑰。"
    }
    refusal_subject_differs(registered, requested) {
        "the request is for {requested}, but registered is {registered}; have the registration corrected or ask for the registered name.",
        "申請的主體為 {requested}，註冊資料為 {registered}，請更正註冊資料或依註冊資料申請。"
    }
    refusal_san_differs() {
        "the e-mail address in the request is not the registered one; have the registration corrected.",
        "申請的電子郵件與註冊資料不符，請更正註冊資料。"
    }
    refusal_renewal_missing() {
        "the request does not say which certificate it renews; make the renewal again.",
        "申請資料未載明要展期的憑證，請重新辦理展期。"
    }
    refusal_renewal_differs() {
        "the request renews another certificate than the one that signed it; sign with the certificate that is renewed.",
        "要展期的憑證與簽署的憑證不同，請以要展期的憑證簽署。"
    }
    refusal_not_issued_by_us() {
        "the certificate was not issued by this authority; use the card's certificate of this authority.",
        "憑證並非本憑證中心所簽發，請使用本憑證中心簽發的憑證。"
    }
    refusal_unknown_certificate() {
        "the certificate that signed is not known to the authority; register again and apply for a new one.",
        "憑證中心沒有簽署憑證的紀錄，請重新註冊並申請新憑證。"
    }
    refusal_other_subscriber() {
        "the certificate belongs to another subscriber; use your own card.",
        "憑證屬於其他用戶，請使用您自己的晶片卡。"
    }
    refusal_nonce_unknown() {
        "the renewal's session is not known; start the renewal again (the desk gives a nonce with `cardlab ca nonce`).",
        "查無此次展期的作業階段，請重新開始展期 (註冊中心以 `cardlab ca nonce` 發給)。"
    }
    refusal_nonce_used() {
        "the renewal's session has been used already; start the renewal again.",
        "此次展期的作業階段已使用過，請重新開始展期。"
    }
    refusal_nonce_expired(since) {
        "the renewal's session expired on {since} (Taipei time); start the renewal again.",
        "此次展期的作業階段已於 {since} (臺北時間) 逾時，請重新開始展期。"
    }
    refusal_agreement_missing() {
        "the subscriber agreement was not accepted; read and accept it.",
        "尚未接受用戶約定條款，請閱讀並接受。"
    }
    refusal_agreement_outdated() {
        "the subscriber agreement has changed since it was accepted; read and accept the present one.",
        "用戶約定條款已變更，請閱讀並接受目前的條款。"
    }
    refusal_card_unknown(card) {
        "the card {card} is not registered; the desk registers it with `cardlab ca register`.",
        "晶片卡 {card} 尚未註冊，請註冊中心以 `cardlab ca register` 註冊。"
    }
    refusal_card_of_another(card) {
        "the card {card} belongs to another subscriber; use your own card.",
        "晶片卡 {card} 屬於其他用戶，請使用您自己的晶片卡。"
    }
    refusal_card_replaced(card) {
        "the card {card} has been replaced by another; use the new card.",
        "晶片卡 {card} 已換發新卡，請使用新卡。"
    }
    refusal_not_registered() {
        "the subscriber is not registered; register at the desk first.",
        "用戶尚未註冊，請先至註冊中心辦理註冊。"
    }
    refusal_already_renewed(by) {
        "the certificate has been renewed already, by {by}; fetch that one with `cardlab card download`.",
        "憑證已展期，新憑證為 {by}，請以 `cardlab card download` 下載。"
    }
    weakness_short(bits) { "{bits} bits, at least 2048 are needed", "{bits} 位元，至少須 2048 位元" }
    weakness_long(bits) { "{bits} bits, at most 4096 are accepted", "{bits} 位元，至多 4096 位元" }
    weakness_exponent() { "its public exponent is not 65537", "公開指數不是 65537" }
    weakness_factor() { "its modulus has a small factor", "模數含有小因數" }
    weakness_roca() { "it is open to the ROCA attack", "有 ROCA 弱點" }
    reason_unspecified() { "no reason given", "未說明原因" }
    reason_key_compromise() { "the key may be in other hands", "金鑰可能遭他人取得" }
    reason_affiliation_changed() { "the holder's data changed", "用戶資料變更" }
    reason_superseded() { "another certificate took its place", "已由新憑證取代" }
    reason_cessation() { "no longer needed", "不再使用" }
    fault_not_ours() { "it was not issued by this authority", "並非本憑證中心所簽發" }
    fault_signature() { "the signature on it is not valid", "憑證上的簽章無效" }
    fault_not_yet(from) { "it is valid only from {from} (Taipei time)", "自 {from} (臺北時間) 起才有效" }
    fault_expired(since) { "it expired on {since} (Taipei time)", "已於 {since} (臺北時間) 到期" }
    fault_authority_expired(since) {
        "the authority's own certificate expired on {since} (Taipei time)",
        "憑證中心本身的憑證已於 {since} (臺北時間) 到期"
    }
    fault_not_for_signing() { "it is not for signing", "不得用於簽章" }
}
