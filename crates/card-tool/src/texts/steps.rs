//! The steps of the manual, in its words: login, a to j, download, registration; and the questions at a terminal.

use super::texts;

texts! {
    /// The login page's title.
    member_login() { "Member login", "會員登入" }
    card_login() { "Card login", "晶片卡登入" }
    certificate_id(value) { "Certificate ID: {value}", "憑證識別碼: {value}" }
    ra_unit(value) { "RA unit: {value}", "RA 單位: {value}" }
    account_notice() {
        "Holders of a software certificate log in with their account on the website.",
        "軟體憑證用戶選擇用網站帳號登入!!"
    }
    log_in() { "Log in", "登入" }
    pin_title() { "Card PIN", "IC卡密碼驗證" }
    pin_prompt() { "PIN (6-16 characters): ", "密碼(6-16)位元: " }
    pin_for_login() { "To log in to the card", "登入卡片" }
    pin_for_generate() { "To generate the certificate's key", "產生憑證金鑰" }
    pin_for_sign() { "To sign with the card", "以晶片卡簽章" }
    pin_for_write() { "To write to the card", "寫入晶片卡" }
    pin_of_card(card) { "For the further card number {card}", "第 {card} 張其他晶片卡" }
    pin_wrong_ask() { "The PIN is wrong.", "密碼錯誤。" }
    pin_tries(tries) { "Tries left: {tries}", "尚可嘗試次數: {tries}" }
    pin_cancel_hint() { "An empty line cancels.", "直接按 Enter 即取消。" }
    last_try_ask() {
        "Only one try is left. If the PIN is wrong again, the card is locked. Spend the last try? [y/N] ",
        "只剩最後一次機會，若再輸入錯誤將被鎖卡。是否使用最後一次機會? [y/N] "
    }
    old_pin() { "Old PIN: ", "舊密碼: " }
    new_pin() { "New PIN (6-16 characters): ", "新密碼(6-16)位元: " }
    new_pin_again() { "New PIN again: ", "再確認: " }
    new_pins_differ() { "The two new PINs differ. Try again.", "兩次輸入的新密碼不同，請重新輸入。" }
    puk_prompt() { "PUK (16 characters): ", "解鎖碼(16)位元: " }
    press_enter() { "[Enter] OK, [q] cancel: ", "[Enter] 確定，[q] 取消: " }
    confirm_data() { "Please confirm the registered data:", "請確認憑證註冊資料是否正確:" }
    subject_is(subject) { "  Subject: {subject}", "  憑證主體: {subject}" }
    agreement_follows() { "Subscriber agreement:", "用戶約定條款:" }
    accept_agreement_ask() {
        "I have read and accept the subscriber agreement [y/N] ",
        "我已讀過並接受用戶約定條款 [y/N] "
    }
    agreement_accepted() { "The subscriber agreement is accepted.", "我已讀過並接受用戶約定條款" }
    do_not_remove() {
        "Do not leave and do not remove the card until the work is finished.",
        "作業完成前請勿離開，並切勿拔卡。"
    }
    insert_card() { "Insert the card into the reader.", "請將晶片卡插入讀卡機。" }
    insert_other_card(card) {
        "Insert the further card number {card} into its reader.",
        "請將第 {card} 張其他晶片卡插入讀卡機。"
    }
    waiting_for_card() { "Waiting for the card (Ctrl-C cancels).", "等待插入晶片卡 (按 Ctrl-C 取消)。" }
    choose_reader() { "Choose the reader:", "請選擇讀卡機:" }
    reader_used(name) { "Reader: {name}", "讀卡機: {name}" }
    choose_number(count) { "Number (1-{count}, empty cancels): ", "編號 (1-{count}，空白取消): " }
    choose_number_default(count) {
        "Number (1-{count}, empty takes 1, q cancels): ",
        "編號 (1-{count}，空白為 1，q 取消): "
    }
    will_generate() {
        "The certificate's key will be generated; you will be asked for the card's PIN.",
        "產生憑證金鑰，將要求您輸入晶片卡密碼"
    }
    generating() { "Generating the key on the card; this may take a minute.", "正於晶片卡產生金鑰，可能需要一分鐘。" }
    will_sign_with(serial, until) {
        "The key is generated. The request will be signed with the original card certificate {serial}, valid until {until}.",
        "金鑰產生完成。將以原晶片卡憑證 {serial} (有效至 {until}) 簽署申請資料。"
    }
    will_sign_first() {
        "The key is generated. The request will be signed with it.",
        "金鑰產生完成。將以新金鑰簽署申請資料。"
    }
    request_sent() { "The request has been sent to the authority.", "申請資料已送出。" }
    no_answer_yet() { "The authority has not answered yet.", "憑證中心尚未回覆。" }
    waiting_for_answer(seconds) {
        "Waiting for the authority's answer, up to {seconds} s more.",
        "等待憑證中心回覆，最多再等 {seconds} 秒。"
    }
    writing() { "Writing the certificate to the card.", "正將憑證寫入晶片卡。" }
    updated() { "The certificate has been renewed.", "憑證更新完成" }
    completed() { "You have completed the renewal of the certificate.", "您已完成憑證更新作業" }
    applied_updated() { "The certificate is on the card.", "憑證申請完成，已寫入晶片卡" }
    applied_completed() { "You have completed the application.", "您已完成憑證申請作業" }
    certificate_line(serial, until) { "  Certificate {serial}, valid until {until}", "  憑證 {serial}，有效至 {until}" }
    resuming_generation() {
        "An interrupted key generation was found; it is done again.",
        "發現中斷的金鑰產生作業，將重新產生。"
    }
    resuming_keyed() {
        "A key from an interrupted attempt was found; it is used.",
        "發現上次中斷所留下的金鑰，將繼續使用。"
    }
    resuming_installation() {
        "An interrupted installation was found; it is finished.",
        "發現中斷的憑證寫入作業，將繼續完成。"
    }
    resuming_retirement() {
        "An interrupted retirement was found; it is finished.",
        "發現中斷的憑證停用作業，將繼續完成。"
    }
    choose_certificate() {
        "Choose the certificate that signs; the one that is valid longest comes first:",
        "請選擇用來簽章的憑證，到期日最晚者列於第一項:"
    }
    candidate(number, serial, until, subject) {
        "  {number}. {serial}, valid until {until}, {subject}",
        "  {number}. {serial}，有效至 {until}，{subject}"
    }
    candidate_expired(number, serial, until, subject) {
        "  {number}. {serial}, expired on {until}, {subject}",
        "  {number}. {serial}，已於 {until} 到期，{subject}"
    }
    candidate_is_expired() {
        "That certificate has expired and cannot sign. Choose another.",
        "該憑證已到期，不能用來簽章，請另選一張。"
    }
    candidate_not_newest_ask() {
        "That is not the certificate that is valid longest. Use it all the same? [y/N] ",
        "這不是到期日最晚的憑證，是否仍要使用? [y/N] "
    }
    download_title() { "Certificate download", "憑證下載" }
    download_tick(count) {
        "Which ones? Numbers (1-{count}) with commas, empty takes all, q cancels: ",
        "請勾選: 編號 (1-{count}) 以逗號分隔，空白為全部，q 取消: "
    }
    download_confirm() { "Download them now? [y/N] ", "確定下載? [y/N] " }
    download_done() { "The download is finished.", "憑證下載完成" }
    bad_number() { "That is not one of the numbers.", "沒有這個編號。" }
    register_done() { "The certificates are registered.", "憑證註冊成功" }
    login_done(serial) { "Logged in to the card {serial}.", "登入卡片成功: {serial}" }
    pin_changed() { "The PIN has been changed.", "密碼更改成功" }
    pin_unblocked() { "The card is unlocked and has its new PIN.", "晶片卡已解鎖，新密碼已生效。" }
    pin_right() { "The PIN is right.", "密碼正確。" }
}
