//! A running service with an index of its own, and a client of a few lines.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use lykta::{BuildOptions, Builder, ListOptions, add_list};
use lykta_server::{Config, NewToken, Scope, Server};
use serde_json::Value;

/// A list of this project, of pictures of this project.
pub(crate) const LIST: &[u8] = include_bytes!("../../../../testdata/demo/list.csv");
/// One that the list has, as it is there.
pub(crate) const KNOWN: &[u8] = include_bytes!("../../../../testdata/demo/dump/downloads/chat/mirrored.jpg");
/// One that it has not.
pub(crate) const UNKNOWN: &[u8] = include_bytes!("../../../../testdata/demo/dump/camera/IMG_0002.jpg");

pub(crate) const MD5: &str = "900150983cd24fb0d6963f7d28e17f72";
pub(crate) const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
pub(crate) const PDQ: &str = "3f5c0e5a1d2b7c8899aabbccddeeff00112233445566778899aabbccddeeff01";

/// Digests of `abc`, and a hash.
pub(crate) fn small_list() -> String {
    format!("id,md5,sha1,pdq\nabc,{MD5},{SHA1},\nfirst,,,{PDQ}\n{SHA1},,,{PDQ}\n")
}

pub(crate) fn build(path: &Path, lists: &[(&str, &[u8])]) {
    let mut builder = Builder::new(BuildOptions::default());
    for (name, list) in lists {
        let options = ListOptions { name: (*name).to_owned(), ..ListOptions::default() };
        add_list(&mut builder, &options, *list).unwrap();
    }
    builder.write(path).unwrap();
}

pub(crate) struct Place {
    server: Option<Server>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) index: PathBuf,
    /// May do everything.
    pub(crate) all: String,
    /// May only ask.
    pub(crate) matching: String,
    /// May only have files hashed.
    pub(crate) hashing: String,
}

pub(crate) fn tokens(config: &mut Config) -> [String; 3] {
    let clients = [("all", &Scope::ALL[..]), ("matching", &[Scope::Match]), ("hashing", &[Scope::Hash])];
    clients.map(|(name, scopes)| {
        let new = NewToken::new(name, scopes).unwrap();
        config.tokens.extend(Config::parse(&new.lines).unwrap().tokens);
        new.token
    })
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let index = folder.path().join("list.lykta");
        build(&index, &[("demo.csv", LIST), ("small list.csv", small_list().as_bytes())]);
        let mut config = Config {
            bind: "127.0.0.1:0".parse().unwrap(),
            index: vec![index.clone()],
            // The tests of the program have workers; this program is none.
            isolate: false,
            ..Config::default()
        };
        config.scart.test = vec![format!("md5:{}", "ab".repeat(16))];
        let [all, matching, hashing] = tokens(&mut config);
        change(&mut config);
        let server = Server::start(config).unwrap();
        server.wait_until_ready(&AtomicBool::new(false)).unwrap();
        let address = server.address();
        Self { server: Some(server), address, folder, index, all, matching, hashing }
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Ends the service, and waits.
    pub(crate) fn end(&mut self) {
        self.server.take();
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Reply {
        self.ask("GET", path, &bearer(token), b"")
    }

    pub(crate) fn post(&self, token: &str, path: &str, body: &[u8]) -> Reply {
        self.ask("POST", path, &bearer(token), body)
    }

    pub(crate) fn batch(&self, token: &str, hashes: &[&str]) -> Reply {
        let body = serde_json::json!({"hashes": hashes}).to_string();
        let headers = format!("{}Content-Type: application/json\r\n", bearer(token));
        self.ask("POST", "/v1/match/hashes", &headers, body.as_bytes())
    }

    pub(crate) fn upload(&self, token: &str, path: &str, field: &str, content: &[u8]) -> Reply {
        let headers = format!("{}Content-Type: multipart/form-data; boundary=XyZ\r\n", bearer(token));
        self.ask("POST", path, &headers, &form(&[(field, content)]))
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Reply {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.send(&[head.as_bytes(), body].concat()).expect("an answer")
    }

    /// Sends bytes as they are; none where the connection ends without an answer.
    pub(crate) fn send(&self, bytes: &[u8]) -> Option<Reply> {
        let mut stream = self.connect();
        // A server that has seen enough closes while we still write.
        let _ = stream.write_all(bytes);
        read_reply(&mut stream)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

pub(crate) fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, content) in files {
        let head = format!(
            "--XyZ\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"a.jpg\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XyZ--\r\n");
    body
}

pub(crate) fn bearer(token: &str) -> String {
    if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn read_reply(stream: &mut TcpStream) -> Option<Reply> {
    let mut bytes = Vec::new();
    // What came before a reset counts.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, head, body: bytes[end + 4..].to_vec() })
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{}", self.head, self.text());
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.starts_with(&format!("{header}:")))
    }
}
