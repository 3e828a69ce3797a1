//! Writers of mail.

/// A message with attachments and, forwarded with it, another.
pub(super) fn message(subject: &str, attached: &[(&str, Vec<u8>)], forwarded: Option<&[u8]>) -> Vec<u8> {
    let boundary = format!("=_{subject}");
    let mut out = format!(
        "From: A <a@example.org>\r\nTo: B <b@example.org>\r\nSubject: {subject}\r\n\
         Date: Fri, 17 May 2024 23:31:22 +0200\r\nMessage-ID: <{subject}@example.org>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee below.\r\n"
    )
    .into_bytes();
    for (name, bytes) in attached {
        let head = format!(
            "--{boundary}\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n"
        );
        out.extend(head.into_bytes());
        out.extend(base64(bytes));
    }
    if let Some(forwarded) = forwarded {
        out.extend(format!("--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n").into_bytes());
        out.extend_from_slice(forwarded);
        out.extend_from_slice(b"\r\n");
    }
    out.extend(format!("--{boundary}--\r\n").into_bytes());
    out
}

/// A mailbox, with line ends as Unix has them.
pub(super) fn mbox(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        out.extend_from_slice(b"From a@example.org Fri May 17 23:31:22 2024\n");
        out.extend(message.iter().copied().filter(|byte| *byte != b'\r'));
        out.push(b'\n');
    }
    out
}

/// In lines of 76 characters.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(bytes.len() / 3 * 4 + bytes.len() / 28 + 8);
    for line in bytes.chunks(57) {
        for group in line.chunks(3) {
            let at = |k: usize| group.get(k).copied().map_or(0, u32::from);
            let bits = at(0) << 16 | at(1) << 8 | at(2);
            let digits = [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 63) as usize]);
            out.extend_from_slice(&digits[..=group.len()]);
            out.extend_from_slice(&b"=="[..3 - group.len()]);
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}
