//! What the service may do and cost, as `lykta.toml` says it.
//!
//! Everything has a default, so an index alone is enough. A key that is not known is an error: a limit that was
//! misspelt would be no limit.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lykta::scan::Band;
use lykta::source::Locator;
use serde::Deserialize;

use crate::error::StartError;
use crate::scope::Scope;

/// The file with every key at its default, for a reader to begin from.
pub const EXAMPLE: &str = include_str!("../lykta.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. Loopback by default: whoever opens it to others does so on purpose.
    pub bind: SocketAddr,
    /// Index files, the base first: what a later one retracts does not match.
    pub index: Vec<PathBuf>,
    /// A CSV file (header: list,entry) of entries whose matches are marked as disputed.
    pub dispute: Option<PathBuf>,
    /// Whether indexes are read into memory of their own before they are used.
    pub preload: bool,
    /// How a new index file is checked before it is used.
    pub verify: Verify,
    /// Threads that hash and look up; all processors when not given.
    pub workers: Option<NonZeroUsize>,
    /// Whether pictures are decoded in processes that can do nothing else, one for each worker. Only on Unix, and only
    /// where [`Config::is_worker`] says that there is a program for them.
    pub isolate: bool,
    /// A file for the chained log of who asked how many.
    pub audit: Option<PathBuf>,
    /// How pictures and hashes are compared.
    #[serde(rename = "match")]
    pub matching: Matching,
    /// What a request may cost.
    pub limits: Limits,
    /// How often a client may ask, where its token says nothing else. Not for everybody where no token is needed.
    pub rate: Rate,
    /// From where files are fetched that clients of HMA name by a URL.
    pub fetch: Fetch,
    /// Certificate and key; without, the service speaks plain HTTP.
    pub tls: Option<Tls>,
    /// How the log is written.
    pub log: Log,
    /// The check that SCARt calls.
    pub scart: Scart,
    /// Who may ask.
    #[serde(rename = "token")]
    pub tokens: Vec<Token>,
    /// Whether everybody may ask who reaches the port: on loopback only.
    #[serde(skip)]
    pub no_auth: bool,
    /// Whether this very program, started with the argument `worker`, calls `lykta::scan::worker_main` and nothing else.
    #[serde(skip)]
    pub is_worker: bool,
}

/// How much of a new index file is checked before it is used.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Whether these are the bytes that were written.
    #[default]
    Checksums,
    /// Every rule of the format; takes many times as long.
    Full,
}

/// How pictures and hashes are compared: the settings of `lykta scan`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Matching {
    /// Whether pictures are compared by likeness.
    pub near: bool,
    /// Largest distance of PDQ hashes, in bits, 0..=256, for any list.
    pub radius: Option<u32>,
    /// The same of pHashes, 0..=64, which are else not compared.
    pub phash_radius: Option<u32>,
    /// The same of dHashes.
    pub dhash_radius: Option<u32>,
    /// Least quality of pictures and entries, 0..=100.
    pub min_quality: u8,
    /// The weakest band that counts as found: `strong`, `medium` or `weak`.
    pub band: WeakestBand,
}

/// A band, as the file names it.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum WeakestBand {
    /// Nothing unrelated came as near in measurements.
    Strong,
    /// No unrelated photograph did.
    Medium,
    /// Any within the radius.
    #[default]
    Weak,
}

impl From<WeakestBand> for Band {
    fn from(band: WeakestBand) -> Self {
        match band {
            WeakestBand::Strong => Self::Strong,
            WeakestBand::Medium => Self::Medium,
            WeakestBand::Weak => Self::Weak,
        }
    }
}

/// What requests may cost, each and together.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of an uploaded file.
    pub body_bytes: u64,
    /// Bytes of all bodies that are held at once, but for short ones, which have 16 MiB of their own.
    pub bodies_bytes: u64,
    /// Bytes of all headers of a request; at least 8192.
    pub header_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Hashes in one batch.
    pub hashes: usize,
    /// Matches in the answer to one hash or file.
    pub matches: usize,
    /// Seconds in which a request's headers must have come, and that a connection may be idle.
    pub header_seconds: u64,
    /// Seconds in which a request must have come and be answered.
    pub request_seconds: u64,
    /// Seconds that a client may leave an answer unread, or read it at less than 64 KiB a second.
    pub write_seconds: u64,
    /// Seconds that requests may go on when the service ends.
    pub drain_seconds: u64,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once from one address; loopback is not counted, since a proxy may be there.
    pub connections_per_address: usize,
    /// Requests of a client that wait for a worker: when there are as many, more of them get 503.
    pub queue: usize,
    /// Milliseconds that a client's first request may wait for a worker before more of them get 503.
    pub queue_milliseconds: u64,
    /// Bytes that decoding one picture may take. Each worker decodes one at a time.
    pub picture_bytes: u64,
    /// Pixels of a picture.
    pub pixels: u64,
}

/// A bucket that fills with so many lookups a second: a hash is one, and a file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Lookups a second in the long run.
    pub per_second: f64,
    /// Lookups at once; must not be below `limits.hashes`, or no full batch could ever pass.
    pub burst: f64,
}

/// From where files are fetched that clients of HMA name by a URL.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Fetch {
    /// Hosts as URLs have them, each with its port if that is not the usual one of the scheme. None by default: nothing is
    /// fetched then.
    pub hosts: Vec<String>,
}

/// Files for TLS, in PEM.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that it stands on.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How the log is written, to standard error.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A JSON object a line instead of text.
    pub json: bool,
    /// Whether every request is told, instead of those only that failed.
    pub requests: bool,
}

/// The check that SCARt calls.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Scart {
    /// Digests (`md5:...` or `sha1:...`) for which the test path answers `true`.
    pub test: Vec<String>,
}

/// Somebody who may ask. `lykta serve token` makes these lines.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The client's name in logs, metrics and the audit log.
    pub name: String,
    /// The second part of the token, by which its line is found.
    pub id: String,
    /// The token by argon2id.
    pub hash: String,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// Its own rate.
    #[serde(default)]
    pub rate: Option<Rate>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            index: Vec::new(),
            dispute: None,
            preload: false,
            verify: Verify::Checksums,
            workers: None,
            isolate: true,
            audit: None,
            matching: Matching::default(),
            limits: Limits::default(),
            rate: Rate::default(),
            fetch: Fetch::default(),
            tls: None,
            log: Log::default(),
            scart: Scart::default(),
            tokens: Vec::new(),
            no_auth: false,
            is_worker: false,
        }
    }
}

impl Default for Matching {
    fn default() -> Self {
        Self {
            near: true,
            radius: None,
            phash_radius: None,
            dhash_radius: None,
            min_quality: 50,
            band: WeakestBand::Weak,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 32 << 20,
            bodies_bytes: 256 << 20,
            header_bytes: 16 << 10,
            headers: 64,
            hashes: 1000,
            matches: 100,
            header_seconds: 10,
            request_seconds: 30,
            write_seconds: 10,
            drain_seconds: 20,
            connections: 512,
            connections_per_address: 128,
            queue: 256,
            queue_milliseconds: 1000,
            picture_bytes: lykta::scan::DEFAULT_MEMORY,
            pixels: 250_000_000,
        }
    }
}

impl Rate {
    /// None at all: for whoever runs the service and asks it from the same computer.
    pub const UNLIMITED: Self = Self { per_second: f64::MAX, burst: f64::MAX };
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 1000.0, burst: 2000.0 }
    }
}

/// The least that hyper takes as a buffer for headers.
const LEAST_HEADER_BYTES: usize = 8192;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, is no TOML, or has a key or value that is not known.
    pub fn read(path: &Path) -> Result<Self, StartError> {
        let shown = || Locator::from_path(path).to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|source| StartError::ConfigUnread { path: shown(), source })?;
        Self::parse(&text).map_err(|detail| StartError::ConfigWrong { path: shown(), detail })
    }

    /// Reads the text of a file; an error is the sentence that says where it is wrong.
    ///
    /// # Errors
    /// When it is no TOML, or has a key or value that is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("line {line}: {}", error.message().trim())
        })
    }

    /// Whether it can be served by at all.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        let wrong = |detail: &str| Err(StartError::Setting(detail.to_owned()));
        if self.index.is_empty() {
            return wrong("no index is given: name one with --index or `index` in the configuration");
        }
        if self.no_auth {
            if !self.tokens.is_empty() {
                return wrong(
                    "--no-auth lets everybody in, and there are tokens: leave out --no-auth, or take the tokens out of the \
                     configuration",
                );
            }
            if !self.bind.ip().is_loopback() {
                return wrong(
                    "--no-auth is for loopback only: bind to 127.0.0.1, or make tokens with `lykta serve token`",
                );
            }
        } else if self.tokens.is_empty() {
            return wrong(
                "no token is configured: make one with `lykta serve token`, or serve on loopback with --no-auth",
            );
        }
        if self.isolate && !self.is_worker {
            return wrong(
                "pictures are to be decoded in other processes, and this program says of none that it can be one: set \
                 `Config::is_worker`, or `isolate = false`",
            );
        }
        let limits = &self.limits;
        if limits.header_bytes < LEAST_HEADER_BYTES {
            return wrong("limits.header_bytes is below 8192, the least that can be kept");
        }
        let counts = [
            limits.body_bytes,
            limits.headers as u64,
            limits.hashes as u64,
            limits.matches as u64,
            limits.header_seconds,
            limits.request_seconds,
            limits.write_seconds,
            limits.connections as u64,
            limits.connections_per_address as u64,
            limits.queue as u64,
            limits.queue_milliseconds,
            limits.picture_bytes,
            limits.pixels,
        ];
        if counts.contains(&0) {
            return wrong("a limit is 0, which would refuse everything; leave it out for the default");
        }
        if limits.bodies_bytes < limits.body_bytes {
            return wrong(
                "limits.bodies_bytes is below limits.body_bytes: no file of that size could ever be taken",
            );
        }
        if limits.bodies_bytes > MOST_BODIES_BYTES {
            return wrong("limits.bodies_bytes is above 1 TiB");
        }
        let rates = self.tokens.iter().filter_map(|token| token.rate).chain([self.rate]);
        for rate in rates {
            let sound = rate.per_second.is_finite() && rate.per_second > 0.0 && rate.burst.is_finite();
            if !sound || rate.burst < limits.hashes as f64 {
                return wrong(
                    "a rate must be above 0 and its burst not below limits.hashes, or no full batch could ever pass",
                );
            }
        }
        let radii =
            [(self.matching.radius, 256), (self.matching.phash_radius, 64), (self.matching.dhash_radius, 64)];
        if radii.iter().any(|(radius, most)| radius.is_some_and(|radius| radius > *most)) {
            return wrong(
                "a radius in [match] is above its kind's bits: 256 for PDQ, 64 for pHash and dHash",
            );
        }
        if self.matching.min_quality > 100 {
            return wrong("match.min_quality is above 100");
        }
        Ok(())
    }
}

const MOST_BODIES_BYTES: u64 = 1 << 40;

impl Limits {
    pub(crate) fn header_time(&self) -> Duration {
        Duration::from_secs(self.header_seconds)
    }

    pub(crate) fn request_time(&self) -> Duration {
        Duration::from_secs(self.request_seconds)
    }

    pub(crate) fn write_time(&self) -> Duration {
        Duration::from_secs(self.write_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_says_the_defaults() {
        assert_eq!(Config::parse(EXAMPLE).unwrap(), Config::default());
        // What is commented out there is right, too.
        let uncommented: Vec<&str> =
            EXAMPLE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
        let config = Config::parse(&uncommented.join("\n")).unwrap();
        assert_eq!((config.tokens.len(), config.tls.is_some()), (1, true));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let error = Config::parse("preload = true\nbody_limit = 3\n").unwrap_err();
        assert!(error.starts_with("line 2: unknown field `body_limit`"), "{error}");
        assert!(Config::parse("[limits]\nbodybytes = 3").is_err());
        assert!(Config::parse("[[token]]\nname = 'a'\nid='b'\nhash = 'c'\nscopes = ['everything']").is_err());
    }

    #[test]
    fn without_a_token_nobody_but_loopback_is_served() {
        let config = Config { index: vec!["a".into()], is_worker: true, ..Config::default() };
        assert!(config.check().is_err());
        let open = Config { no_auth: true, ..config };
        assert!(Config { is_worker: false, ..open.clone() }.check().is_err(), "nobody decodes");
        assert!(open.check().is_ok());
        let bind = "0.0.0.0:80".parse().unwrap();
        assert!(Config { bind, ..open.clone() }.check().is_err());
        let (name, id, hash) = ("a".to_owned(), "b".to_owned(), "c".to_owned());
        let tokens = vec![Token { name, id, hash, scopes: vec![Scope::Match], rate: None }];
        assert!(
            Config { tokens, ..open.clone() }.check().is_err(),
            "who relies on tokens is not open to all"
        );
        let rate = Rate { burst: 10.0, ..Rate::default() };
        assert!(Config { rate, ..open.clone() }.check().is_err(), "a batch could never pass");
        assert!(Config { index: vec![], ..open }.check().is_err());
    }
}
