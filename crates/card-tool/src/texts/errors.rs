//! What goes wrong between the tool, the card and the reader: what happened, what was kept, what to do next.

use super::texts;

texts! {
    wrong_pin(tries) {
        "The PIN is wrong. Tries left: {tries}. Nothing was changed; look at the PIN letter and try again.",
        "密碼錯誤，尚可嘗試 {tries} 次。未作任何變更，請核對密碼單後再試。"
    }
    wrong_puk(tries) {
        "The PUK is wrong. Tries left: {tries}. The PIN is unchanged; ask the registration desk for the PUK of this very card.",
        "解鎖碼錯誤，尚可嘗試 {tries} 次。密碼未變更，請向註冊中心確認此卡的解鎖碼。"
    }
    locked(serial) {
        "The card is locked: the PIN has no tries left. Keys and certificates are kept. The way out: the registration desk runs `cardlab ca puk --card {serial}`, then you run `cardlab card pin unblock`.",
        "晶片卡已被鎖卡: 密碼已無可嘗試次數，金鑰與憑證仍保留。解決方式: 請註冊中心執行 `cardlab ca puk --card {serial}` 取得解鎖碼，再執行 `cardlab card pin unblock`。"
    }
    puk_locked(serial) {
        "The PUK of the card {serial} has no tries left, so the card cannot be unlocked any more. Ask the registration desk for a new card (`cardlab ca replace`).",
        "晶片卡 {serial} 的解鎖碼已無可嘗試次數，此卡無法再解鎖。請向註冊中心申請換發新卡 (`cardlab ca replace`)。"
    }
    last_try_refused(serial) {
        "Only one try is left, and it was not spent: a wrong PIN would lock the card {serial}. If you are sure of the PIN, call again with --spend-last-try.",
        "密碼只剩最後一次機會，未予使用: 若再錯誤，晶片卡 {serial} 將被鎖卡。確定密碼無誤時，請加上 --spend-last-try 再執行一次。"
    }
    pin_length(len) {
        "A PIN has 6 to 16 characters; this one has {len}. It was not sent to the card and no try was spent.",
        "密碼須為 6 至 16 個字元，輸入的有 {len} 個。未送至晶片卡，不計次數。"
    }
    pin_not_ascii() {
        "A PIN may hold only letters, digits and signs of the ASCII set. It was not sent to the card and no try was spent.",
        "密碼只能使用 ASCII 的字母、數字與符號。未送至晶片卡，不計次數。"
    }
    puk_length(len) {
        "A PUK has 16 characters; this one has {len}. It was not sent to the card and no try was spent.",
        "解鎖碼須為 16 個字元，輸入的有 {len} 個。未送至晶片卡，不計次數。"
    }
    same_pin() {
        "The new PIN is the old one. Nothing was changed; choose another.",
        "新密碼與舊密碼相同。未作任何變更，請另選密碼。"
    }
    batch_needs_pin() {
        "With --batch nothing is asked: give the PIN with --pin-fd N. Nothing was sent to the card.",
        "使用 --batch 時不會詢問: 請以 --pin-fd N 提供密碼。未送出任何資料至晶片卡。"
    }
    batch_needs(option) {
        "With --batch nothing is asked: {option} is needed.",
        "使用 --batch 時不會詢問: 需要 {option}。"
    }
    batch_needs_agreement() {
        "The subscriber agreement must be accepted: read it, and with --batch give its text with --accept-agreement FILE. Nothing was sent.",
        "須先接受用戶約定條款: 請閱讀後，於 --batch 時以 --accept-agreement FILE 提供其內容。未送出任何資料。"
    }
    agreement_differs(path) {
        "The file {path} is not the authority's present agreement. Read the present one (agreement.txt in the channel) and accept that. Nothing was sent.",
        "檔案 {path} 的內容並非憑證中心目前的用戶約定條款。請閱讀目前的條款 (交換目錄中的 agreement.txt) 後再接受。未送出任何資料。"
    }
    not_a_terminal() {
        "There is no terminal to ask at. Use --batch and give PINs with --pin-fd N.",
        "沒有終端機可供詢問。請使用 --batch，並以 --pin-fd N 提供密碼。"
    }
    no_secret_on_fd(fd) {
        "Nothing could be read from file descriptor {fd}: it must hold the PIN or PUK as one line.",
        "無法自檔案描述符 {fd} 讀取: 該處須有一行密碼或解鎖碼。"
    }
    cancelled() {
        "Cancelled. Nothing was changed.",
        "已取消，未作任何變更。"
    }
    cancelled_key_kept() {
        "Cancelled. The new key stays on the card; call the same command again to go on with it.",
        "已取消。新金鑰保留在晶片卡上，再執行同一指令即可繼續。"
    }
    cancelled_sent() {
        "Stopped. The request has been sent and the key stays on the card; go on with `cardlab card install`.",
        "已停止。申請資料已送出，金鑰保留在晶片卡上，請以 `cardlab card install` 繼續。"
    }
    cancelled_writing() {
        "Stopped while writing to the card. Nothing is lost; call the same command again to finish.",
        "寫入晶片卡時停止。資料並未遺失，再執行同一指令即可完成。"
    }
    stopping() {
        "Stopping after the present step; the card must stay in the reader.",
        "將於目前步驟完成後停止，請勿拔卡。"
    }
    card_gone() {
        "The card is not in the reader, or it was pulled out or fell silent. What was written is kept; insert the card and call the same command again.",
        "讀卡機內沒有晶片卡，或作業中被拔出、無回應。已寫入的資料仍保留，請插入晶片卡後再執行同一指令。"
    }
    card_reset() {
        "Another program reset the card. What was written is kept; close that program and call the same command again.",
        "晶片卡被其他程式重設。已寫入的資料仍保留，請關閉該程式後再執行同一指令。"
    }
    card_mute() {
        "The card does not respond. Take it out, clean its contacts, insert it the right way round and try again.",
        "晶片卡沒有回應。請取出並清潔接點，以正確方向插入後再試。"
    }
    card_timeout() {
        "The card did not answer in time. What was written is kept; insert the card again and call the same command again.",
        "晶片卡未及時回應。已寫入的資料仍保留，請重新插入晶片卡後再執行同一指令。"
    }
    no_service() {
        "The reader service does not run. Install and start pcscd (`cardlab card env` says how), then try again.",
        "讀卡機服務未執行。請安裝並啟動 pcscd (可執行 `cardlab card env` 查看方法) 後再試。"
    }
    no_reader() {
        "There is no reader. Connect one and try again.",
        "沒有讀卡機。請連接讀卡機後再試。"
    }
    no_such_reader(name) {
        "There is no reader called {name}. `cardlab readers` lists them.",
        "沒有名為 {name} 的讀卡機。可執行 `cardlab readers` 列出。"
    }
    many_readers(names) {
        "More than one reader fits: {names}. Choose one with --reader.",
        "有多台讀卡機符合: {names}。請以 --reader 指定。"
    }
    same_reader(name) {
        "The card in {name} is the one that is being renewed. Name the reader of the new card with --reader and that of the old one with --other-reader.",
        "{name} 內的晶片卡即為要展期的卡。請以 --reader 指定新卡所在的讀卡機，以 --other-reader 指定舊卡所在的讀卡機。"
    }
    many_cards(names) {
        "There is a card in more than one reader: {names}. Choose one with --reader.",
        "有多台讀卡機內有晶片卡: {names}。請以 --reader 指定。"
    }
    card_busy() {
        "Another program has the card for itself. Close that program and try again.",
        "晶片卡正被其他程式獨占使用。請關閉該程式後再試。"
    }
    connection_failed(detail) {
        "The connection to the card failed: {detail}. What was written is kept; connect again and call the same command again.",
        "與晶片卡的連線失敗: {detail}。已寫入的資料仍保留，請重新連接後再執行同一指令。"
    }
    foreign_card() {
        "The card is of another kind: it has no certificate application of this service. Insert the card that the registration desk gave out.",
        "這不是本服務的晶片卡: 卡上沒有憑證應用程式。請插入註冊中心核發的晶片卡。"
    }
    answer_malformed() {
        "The card answers something that makes no sense. Nothing more was sent; take the card out, insert it and try again, and show it to the registration desk if that does not help.",
        "晶片卡的回應不合規定，已停止送出資料。請取出後重新插入再試，若仍無法使用請洽註冊中心。"
    }
    not_permitted(word) {
        "The card demands the PIN first ({word}). Another program may have come between; call the same command again.",
        "晶片卡要求先輸入密碼 ({word})。可能受其他程式干擾，請再執行同一指令。"
    }
    card_full(word) {
        "The card has no room ({word}). Nothing that was there is lost; make room with `cardlab card retire` and call the same command again.",
        "晶片卡空間不足 ({word})。原有資料並未遺失，請以 `cardlab card retire` 騰出空間後再執行同一指令。"
    }
    card_memory_failed(word) {
        "The card's memory failed ({word}). What was there before is kept; try again, and ask for a new card if it happens again.",
        "晶片卡記憶體寫入失敗 ({word})。原有資料仍保留，請再試一次，若再發生請申請換發新卡。"
    }
    not_supported(word) {
        "The card does not know this command ({word}). It is a card of another kind or of an older version.",
        "晶片卡不支援此指令 ({word})。可能是其他種類或較舊版本的卡。"
    }
    file_missing(word) {
        "A file that should be on the card is not there ({word}). If the card was just personalised elsewhere, insert it again; otherwise show it to the registration desk.",
        "晶片卡上缺少應有的檔案 ({word})。若剛於他處初始化請重新插入，否則請洽註冊中心。"
    }
    wrong_state(word) {
        "The card is in a state in which it does not do this ({word}). Insert it again and call the same command again.",
        "晶片卡目前的狀態不允許此動作 ({word})。請重新插入後再執行同一指令。"
    }
    wrong_length(word) {
        "The card refuses the length of the data ({word}). The PIN must have 6 to 16 characters; no try was spent.",
        "晶片卡不接受資料長度 ({word})。密碼須為 6 至 16 個字元，不計次數。"
    }
    card_refused(word) {
        "The card refused with the status word {word}. What was on it is kept; insert it again and call the same command again.",
        "晶片卡以狀態碼 {word} 拒絕。原有資料仍保留，請重新插入後再執行同一指令。"
    }
    too_long(len, max) {
        "{len} bytes are too long for the card; at most {max} fit. Nothing was sent.",
        "資料有 {len} 位元組，超過晶片卡上限 {max}。未送出任何資料。"
    }
    not_personalised() {
        "The card is blank. The registration desk prepares it with `cardlab card init`.",
        "這是空白卡，須由註冊中心以 `cardlab card init` 初始化。"
    }
    already_personalised() {
        "The card is personalised already and was left as it is. A used card cannot be prepared again.",
        "晶片卡已初始化過，未作任何變更。使用過的卡不能再次初始化。"
    }
    damaged(detail) {
        "What is on the card is damaged: {detail}. Nothing was changed; show the card to the registration desk.",
        "晶片卡上的資料已損壞: {detail}。未作任何變更，請洽註冊中心。"
    }
    no_room(detail) {
        "The card is full: {detail}. Nothing was changed; make room with `cardlab card retire` and call the same command again.",
        "晶片卡已滿: {detail}。未作任何變更，請以 `cardlab card retire` 騰出空間後再執行同一指令。"
    }
    read_back_differs() {
        "What was written to the card reads back differently. The old certificate is kept; call the same command again, and ask for a new card if it happens again.",
        "寫入晶片卡的資料讀回後不一致。舊憑證仍保留，請再執行同一指令，若再發生請申請換發新卡。"
    }
    authority_unreachable(detail) {
        "The authority cannot be reached: {detail}. What is on the card is kept; check --channel and call the same command again later.",
        "無法連線至憑證中心: {detail}。晶片卡上的資料仍保留，請檢查 --channel，稍後再執行同一指令。"
    }
    authority_malformed(detail) {
        "The authority's answer makes no sense: {detail}. The card was not changed; tell the authority.",
        "憑證中心的回覆不合規定: {detail}。晶片卡未變更，請通知憑證中心。"
    }
    authority_missing(what) {
        "The authority has not published {what}. Nothing was changed; the registration desk must do that first.",
        "憑證中心尚未提供 {what}。未作任何變更，須先由註冊中心處理。"
    }
    no_channel() {
        "This needs the authority: give its directory with --channel DIR or CARDLAB_CHANNEL.",
        "此作業需要憑證中心: 請以 --channel DIR 或 CARDLAB_CHANNEL 指定交換目錄。"
    }
    refused_because(reason) {
        "The authority refused: {reason}",
        "憑證中心拒絕: {reason}"
    }
    wrong_certificate(reason) {
        "The certificate that came is not for this card: {reason}. It was not written; tell the authority.",
        "收到的憑證不適用於此卡: {reason}。未寫入，請通知憑證中心。"
    }
    no_certificate() {
        "There is no certificate on the card that could sign. Apply for one with `cardlab card apply`, or fetch a lost one with `cardlab card download`.",
        "晶片卡上沒有可用來簽章的憑證。請以 `cardlab card apply` 申請，或以 `cardlab card download` 重新下載。"
    }
    card_changed() {
        "Another program has changed the card in the meantime. Nothing was overwritten; call the same command again.",
        "其他程式剛變更了晶片卡的內容。未覆寫任何資料，請再執行一次相同的指令。"
    }
    nothing_pending() {
        "Nothing is waiting to be installed on this card. Start with `cardlab card apply` or `cardlab card renew`.",
        "此卡沒有等待安裝的憑證。請先執行 `cardlab card apply` 或 `cardlab card renew`。"
    }
    other_key(serial) {
        "The certificate {serial} belongs to another key than this card's. It was not written; tell the authority.",
        "憑證 {serial} 不屬於此卡的金鑰。未寫入，請通知憑證中心。"
    }
    still_valid(until) {
        "The card has a certificate that is valid until {until} (Taipei time). It is not applied for again but renewed in its last month, with `cardlab card renew`.",
        "晶片卡已有憑證，有效至 {until} (臺北時間)。請於到期前一個月內以 `cardlab card renew` 展期，無須重新申請。"
    }
    not_superseded() {
        "The certificate is the newest on the card and was not retired; renew it first.",
        "此為卡上最新的憑證，未予停用，請先展期。"
    }
    card_signed_wrongly() {
        "What the card signed does not fit the key that it lists. Nothing was sent; show the card to the registration desk.",
        "晶片卡的簽章與所列金鑰不符。未送出任何資料，請洽註冊中心。"
    }
    full_slots(slots) { "all {slots} key slots are in use", "{slots} 個金鑰位置均已使用" }
    full_files(files) { "all {files} file places are in use", "{files} 個檔案位置均已使用" }
    full_directory(file, free, needed) {
        "the directory {file} has {free} bytes left where {needed} are needed",
        "目錄 {file} 剩餘 {free} 位元組，需要 {needed}"
    }
    full_memory(needed) { "there is no memory for {needed} more bytes", "記憶體不足，還需要 {needed} 位元組" }
    other_failure(detail) {
        "It did not work: {detail}.",
        "作業失敗: {detail}。"
    }
    cannot_read(path, detail) { "Cannot read {path}: {detail}.", "無法讀取 {path}: {detail}。" }
    cannot_write(path, detail) { "Cannot write {path}: {detail}.", "無法寫入 {path}: {detail}。" }
    file_exists(path) {
        "The file {path} is there already and was left as it is. Choose another name.",
        "檔案 {path} 已存在，未予變更，請另選檔名。"
    }
    home_unknown() {
        "It is not known where to keep data: give a directory with --home DIR or CARDLAB_HOME.",
        "不知道資料應存放於何處: 請以 --home DIR 或 CARDLAB_HOME 指定目錄。"
    }
    home_garbage(path) {
        "The file {path} is not one that this tool wrote. It was left as it is; move it away and register again.",
        "檔案 {path} 並非本工具所寫，未予變更。請移走後重新註冊。"
    }
    program_missing(name) {
        "The program {name} is not installed.",
        "未安裝程式 {name}。"
    }
    program_failed(name, detail) {
        "The program {name} failed: {detail}",
        "程式 {name} 執行失敗: {detail}"
    }
    not_a_certificate(path, detail) {
        "{path} is not a certificate: {detail}.",
        "{path} 不是憑證: {detail}。"
    }
    no_such_certificate(serial) {
        "There is no certificate with the serial number {serial} to choose from.",
        "沒有序號為 {serial} 的憑證可供選擇。"
    }
    bad_serial(serial) {
        "{serial} cannot be a card's serial number: 1 to 64 of A-Z a-z 0-9 . _ - are possible.",
        "{serial} 不能作為晶片卡序號: 限 1 至 64 個 A-Z a-z 0-9 . _ - 字元。"
    }
    puk_exists(serial) {
        "The authority's channel already holds a PUK for a card {serial}. Nothing was changed: each card needs a serial number of its own.",
        "憑證中心的交換目錄已有晶片卡 {serial} 的解鎖碼。未作任何變更: 每張卡須有自己的序號。"
    }
    init_needs_puk_place() {
        "Nobody would know the PUK: give --channel DIR (it is sealed for the authority) or --puk-fd N. Nothing was changed.",
        "將無人知道解鎖碼: 請以 --channel DIR 將其密封交給憑證中心，或以 --puk-fd N 提供。未作任何變更。"
    }
    puk_not_sealed(detail) {
        "The PUK could not be sealed for the authority: {detail}. The card was not changed.",
        "無法將解鎖碼密封交給憑證中心: {detail}。晶片卡未變更。"
    }
    no_randomness() {
        "The operating system gives no random numbers. Nothing was changed.",
        "作業系統無法提供亂數。未作任何變更。"
    }
}
