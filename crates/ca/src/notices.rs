//! Renewal notices: one mail for each certificate whose month has come, put into `outbox/`.

use std::path::PathBuf;

use card_pki::certificate::Certificate;
use card_pki::time::{Timestamp, Window, months_before, shown, whole};

use crate::audit::Event;
use crate::authority::Authority;
use crate::error::CaError;
use crate::mail::Mail;
use crate::records::read_certificate;
use crate::state::{Issued, Policy};

const SUBJECT: &str = "憑證展期通知 (certificate renewal notice)";

/// A notice that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The certificate's serial number.
    pub serial: String,
    /// The subscriber.
    pub subscriber: String,
    /// The mail address; none where the notice must go on paper.
    pub to: Option<String>,
    /// From when on the certificate may be renewed.
    pub opens: Timestamp,
    /// Until when.
    pub closes: Timestamp,
    /// The mail.
    pub file: PathBuf,
}

impl Authority {
    /// Writes the notices that are due: for certificates that end within so many months, were not renewed or revoked, and
    /// have had none yet. A notice is on the disk before it is noted as written; stopped between the two, the next run
    /// writes the same file with the same Message-ID again.
    ///
    /// # Errors
    /// Where a mail or the note cannot be written.
    pub fn due(&mut self, now: Timestamp, months: u16) -> Result<Vec<Notice>, CaError> {
        self.usable()?;
        let now = whole(now);
        let mut notices = Vec::new();
        let mut next = self.state.clone();
        let mut events = Vec::new();
        for (serial, issued) in &self.state.certificates {
            let due = issued.is_valid(now) && months_before(issued.not_after, months) <= now;
            if !due || issued.noticed.is_some() || self.state.successor(serial, now).is_some() {
                continue;
            }
            notices.push(self.write_notice(serial, issued, now)?);
            events.push(Event::NoticeWritten { serial: serial.clone() });
            if let Some(issued) = next.certificates.get_mut(serial) {
                issued.noticed = Some(now);
            }
        }
        if !notices.is_empty() {
            self.commit(next, events, now)?;
        }
        Ok(notices)
    }

    fn write_notice(&self, serial: &str, issued: &Issued, now: Timestamp) -> Result<Notice, CaError> {
        let certificate = read_certificate(serial, issued)?;
        let email = self.state.subscribers.get(&issued.subscriber).and_then(|record| record.email.clone());
        let window = Window::before(issued.not_after);
        let policy = &self.state.policy;
        let holder = certificate.common_name().unwrap_or_else(|| issued.subscriber.clone());
        let host = host(&policy.site);
        let mail = Mail {
            from: (&policy.name, &format!("ra@{host}")),
            to: (&holder, email.as_deref()),
            subject: SUBJECT,
            date: now,
            id: &format!("renewal.{serial}@{host}"),
            body: &body(policy, &certificate, &holder, window),
        };
        let name = format!("outbox/{serial}.eml");
        self.disk.replace(&name, mail.text().as_bytes()).map_err(CaError::io(format!("writing {name}")))?;
        Ok(Notice {
            serial: serial.to_owned(),
            subscriber: issued.subscriber.clone(),
            to: email,
            opens: window.opens,
            closes: window.closes,
            file: self.disk.path(&name),
        })
    }
}

fn host(site: &str) -> &str {
    let rest = site.split_once("://").map_or(site, |(_, rest)| rest);
    rest.split(['/', ':', '?', '#', '@']).next().filter(|host| !host.is_empty()).unwrap_or("example.invalid")
}

fn body(policy: &Policy, certificate: &Certificate, holder: &str, window: Window) -> String {
    let (opens, closes) = (shown(window.opens), shown(window.closes));
    let (name, site, serial) = (&policy.name, &policy.site, certificate.serial());
    format!(
        "{holder} 您好：

您的憑證（序號 {serial}）將於 {closes}（台北時間）到期。
請於 {opens} 至 {closes} 之間辦理憑證展期；逾期須重新註冊及申請。

網站：{site}

步驟：
1. 備妥您的 IC 卡、讀卡機與卡片密碼。
2. 執行 cardlab card renew，或登入上述網站選擇憑證展期。
3. 確認註冊資料，閱讀並接受用戶約定條款。
4. 依畫面指示輸入卡片密碼；完成之前請勿拔卡。
5. 看到「您已完成憑證更新作業」即完成。

Dear {holder},

your certificate (serial number {serial}) ends on {closes} (Taipei time).
Please renew it between {opens} and {closes}. After that you must register
and apply again.

Site: {site}

Steps:
1. Have your card, the reader and the card PIN ready.
2. Run `cardlab card renew`, or log in at the site above and choose renewal.
3. Confirm your data; read and accept the subscriber agreement.
4. Enter the card PIN when asked; leave the card in until it is done.
5. It is done when you read that the renewal is complete.

{name}
"
    )
}
