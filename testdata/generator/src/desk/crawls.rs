//! Writers of crawls.

use super::archives::gzip;

/// A WARC, record by record.
pub(super) struct Warc {
    bytes: Vec<u8>,
    is_packed: bool,
    count: u32,
}

impl Warc {
    pub(super) fn new(is_packed: bool) -> anyhow::Result<Self> {
        let mut warc = Self { bytes: Vec::new(), is_packed, count: 0 };
        warc.record("warcinfo", "Content-Type: application/warc-fields\r\n", b"software: none\r\n")?;
        Ok(warc)
    }

    /// What a server gave for an address; `fields` are those of the coding of the body.
    pub(super) fn response(&mut self, uri: &str, fields: &str, body: &[u8]) -> anyhow::Result<()> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n{fields}\r\n");
        let about = format!(
            "WARC-Target-URI: {uri}\r\nWARC-IP-Address: 192.0.2.7\r\n\
             Content-Type: application/http; msgtype=response\r\n"
        );
        self.record("response", &about, &[head.as_bytes(), body].concat())
    }

    fn record(&mut self, kind: &str, fields: &str, block: &[u8]) -> anyhow::Result<()> {
        self.count += 1;
        let head = format!(
            "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{:012}>\r\n\
             WARC-Date: 2024-05-17T23:31:22Z\r\n{fields}Content-Length: {}\r\n\r\n",
            self.count,
            block.len()
        );
        let record = [head.as_bytes(), block, b"\r\n\r\n"].concat();
        self.bytes.extend(if self.is_packed { gzip(&record)? } else { record });
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// A body in chunks.
pub(super) fn chunked(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(1000) {
        out.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

/// An ARC with what servers gave for addresses.
pub(super) fn arc(pictures: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let about = "1 0 none\nURL IP-address Archive-date Content-type Archive-length\n\n";
    let mut out = format!("filedesc://old.arc 0.0.0.0 20140216050221 text/plain {}\n{about}", about.len());
    out.push('\n');
    let mut out = out.into_bytes();
    for (uri, body) in pictures {
        let head = b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n";
        let len = head.len() + body.len();
        out.extend(format!("{uri} 192.0.2.7 20140216050221 image/jpeg {len}\n").into_bytes());
        out.extend([head.as_slice(), body, b"\n"].concat());
    }
    out
}
