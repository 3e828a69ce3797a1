//! Who asks: tokens, what each may do, and how often.
//!
//! A token is `lykta_ID_SECRET`. The configuration holds ID and the argon2id hash of the whole token, so a copy of
//! it opens nothing. Argon2 is slow on purpose; so it runs in threads of its own, and what it said is remembered
//! under a keyed digest of the token. Whoever floods the service with wrong tokens keeps that thread busy, and
//! nothing else: clients that were admitted before do not wait for it.
//!
//! Missing, unknown and wrong tokens get the same answer. An unknown ID costs as much time as a wrong secret: some
//! configured hash is computed all the same. Tokens with an ID that is configured have a thread of their own, so that a
//! flood of others does not keep out clients that come for the first time: an ID is 64 random bits, and only the token has
//! it.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use lykta::hash::text::to_hex;
use tokio::sync::oneshot;

use crate::body::Room;
use crate::config::{Config, Rate, Token};
use crate::error::StartError;
use crate::scope::Scope;

/// Somebody who may ask, and what they asked.
pub(crate) struct Client {
    /// Which one.
    pub(crate) number: usize,
    pub(crate) name: String,
    /// Memory for its bodies.
    pub(crate) room: Room,
    scopes: Vec<Scope>,
    rate: Rate,
    bucket: Mutex<Bucket>,
    pub(crate) asked: Asked,
}

/// Since the audit log was last written.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) requests: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) hashes: AtomicU64,
    pub(crate) files: AtomicU64,
    pub(crate) hashed: AtomicU64,
    pub(crate) matched: AtomicU64,
}

struct Bucket {
    lookups: f64,
    at: Instant,
}

impl Client {
    fn new(number: usize, name: String, scopes: Vec<Scope>, rate: Rate, room: Room) -> Self {
        let bucket = Mutex::new(Bucket { lookups: rate.burst, at: Instant::now() });
        Self { number, name, room, scopes, rate, bucket, asked: Asked::default() }
    }

    pub(crate) fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Takes so many lookups from the bucket.
    ///
    /// # Errors
    /// The seconds after which there are enough.
    pub(crate) fn take(&self, lookups: usize) -> Result<(), u64> {
        self.take_at(lookups, Instant::now())
    }

    fn take_at(&self, lookups: usize, now: Instant) -> Result<(), u64> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate.per_second;
        bucket.lookups = (bucket.lookups + filled).min(self.rate.burst);
        bucket.at = now;
        let wanted = lookups as f64;
        if bucket.lookups < wanted {
            return Err(((wanted - bucket.lookups) / self.rate.per_second).ceil() as u64);
        }
        bucket.lookups -= wanted;
        Ok(())
    }
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Missing, unknown, wrong: all the same.
    Unknown,
    /// Too many tokens wait to be looked at.
    Busy,
}

/// Tokens that were looked at and are wrong, remembered at most.
const MOST_WRONG: usize = 4096;

/// Tokens that wait to be looked at.
const MOST_WAITING: usize = 32;

/// Bytes of a token that is looked at.
const LONGEST: usize = 256;

/// Lets clients in.
pub(crate) struct Auth {
    /// For digests of tokens and of what is asked, in memory and in logs; made anew at every start.
    key: [u8; 32],
    clients: Vec<Arc<Client>>,
    everybody: Option<Arc<Client>>,
    seen: RwLock<HashMap<[u8; 32], Option<usize>>>,
    ids: HashSet<String>,
    checks: Mutex<Option<Checks>>,
}

/// The threads that look at tokens: at those whose ID is configured, and at the rest.
struct Checks {
    known: SyncSender<Check>,
    unknown: SyncSender<Check>,
}

/// A token to be looked at.
struct Check {
    token: String,
    answer: oneshot::Sender<Option<usize>>,
}

impl Auth {
    pub(crate) fn start(config: &Config) -> Result<Self, StartError> {
        let client = |number, name: &str, scopes: &[Scope], rate| {
            let room = Room::of_one(&config.limits, config.tokens.len());
            Arc::new(Client::new(number, name.to_owned(), scopes.to_vec(), rate, room))
        };
        let of_token = |(number, token): (usize, &Token)| {
            client(number, &token.name, &token.scopes, token.rate.unwrap_or(config.rate))
        };
        let everybody = config.no_auth.then(|| client(0, "everybody", &Scope::ALL, Rate::UNLIMITED));
        let mut clients: Vec<_> = config.tokens.iter().enumerate().map(of_token).collect();
        let keys = config.tokens.iter().map(Key::new).collect::<Result<Vec<_>, _>>()?;
        clients.extend(everybody.clone());
        let keys = Arc::new(keys);
        let thread = |name: &str| {
            let ((sender, receiver), keys) = (sync_channel(MOST_WAITING), Arc::clone(&keys));
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || look_at(&receiver, &keys))
                .map_err(|error| StartError::System(error.to_string()))?;
            Ok::<_, StartError>(sender)
        };
        let checks = Checks { known: thread("tokens")?, unknown: thread("other-tokens")? };
        let (seen, checks) = (RwLock::default(), Mutex::new(Some(checks)));
        let ids = config.tokens.iter().map(|token| token.id.clone()).collect();
        Ok(Self { key: random()?, clients, everybody, seen, ids, checks })
    }

    /// All who may ask.
    pub(crate) fn clients(&self) -> &[Arc<Client>] {
        &self.clients
    }

    /// A digest by which things can be told apart in a log, and which nobody can compute elsewhere.
    pub(crate) fn digest(&self, bytes: &[u8]) -> String {
        to_hex(&blake3::keyed_hash(&self.key, bytes).as_bytes()[..8])
    }

    /// Who sent these headers.
    pub(crate) async fn client(&self, headers: &HeaderMap) -> Result<Arc<Client>, Refused> {
        if let Some(everybody) = &self.everybody {
            return Ok(Arc::clone(everybody));
        }
        let token = token(headers).ok_or(Refused::Unknown)?;
        let digest = *blake3::keyed_hash(&self.key, token.as_bytes()).as_bytes();
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&digest).copied();
        let number = match seen {
            Some(number) => number,
            None => {
                let number = self.check(token).await?;
                self.remember(digest, number);
                number
            }
        };
        number.and_then(|number| self.clients.get(number)).cloned().ok_or(Refused::Unknown)
    }

    async fn check(&self, token: String) -> Result<Option<usize>, Refused> {
        let (answer, answered) = oneshot::channel();
        {
            let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
            let checks = checks.as_ref().ok_or(Refused::Busy)?;
            let is_known = id(&token).is_some_and(|id| self.ids.contains(id));
            let thread = if is_known { &checks.known } else { &checks.unknown };
            thread.try_send(Check { token, answer }).map_err(|_| Refused::Busy)?;
        }
        answered.await.map_err(|_| Refused::Busy)
    }

    fn remember(&self, digest: [u8; 32], number: Option<usize>) {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if number.is_none() && seen.len() >= MOST_WRONG + self.clients.len() {
            seen.retain(|_, number| number.is_some());
        }
        seen.insert(digest, number);
    }

    /// Ends the threads.
    pub(crate) fn close(&self) {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// The token in the headers: of Bearer, or the password of Basic.
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let pair = String::from_utf8(Base64::decode_vec(rest.trim()).ok()?).ok()?;
        pair.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!token.is_empty() && token.len() <= LONGEST).then_some(token)
}

/// A configured token, by which others are checked.
struct Key {
    id: String,
    hash: PasswordHash,
}

impl Key {
    fn new(token: &Token) -> Result<Self, StartError> {
        let wrong = |what: &str| {
            let name = &token.name;
            StartError::Setting(format!("token {name}: {what}; make its lines with `lykta serve token`"))
        };
        let hash = PasswordHash::new(&token.hash).map_err(|_| wrong("its hash is none of argon2id"))?;
        if hash.algorithm.as_str() != "argon2id" {
            return Err(wrong("its hash is none of argon2id"));
        }
        if token.scopes.is_empty() {
            return Err(wrong("it has no scopes"));
        }
        Ok(Self { id: token.id.clone(), hash })
    }
}

/// A thread that looks at tokens.
fn look_at(checks: &Receiver<Check>, keys: &[Key]) {
    while let Ok(Check { token, answer }) = checks.recv() {
        if !answer.is_closed() {
            let _ = answer.send(verify(&token, keys));
        }
    }
}

/// Whose token it is. Takes as long where there is no such ID.
fn verify(token: &str, keys: &[Key]) -> Option<usize> {
    let place = id(token).and_then(|id| keys.iter().position(|key| key.id == id));
    let key = keys.get(place.unwrap_or_default())?;
    let fits = Argon2::default().verify_password(token.as_bytes(), &key.hash).is_ok();
    place.filter(|_| fits)
}

fn id(token: &str) -> Option<&str> {
    token.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).map(|(id, _)| id)
}

const PREFIX: &str = "lykta_";

/// A token just made, and the lines of the configuration for it.
pub struct NewToken {
    /// The token: shown once, kept nowhere.
    pub token: String,
    /// What the configuration needs.
    pub lines: String,
}

/// Hides the token.
impl fmt::Debug for NewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken").finish_non_exhaustive()
    }
}

impl NewToken {
    /// Makes a token of 256 random bits.
    ///
    /// # Errors
    /// When the system has no randomness, or `name` is empty.
    pub fn new(name: &str, scopes: &[Scope]) -> Result<Self, StartError> {
        if name.is_empty() || scopes.is_empty() {
            return Err(StartError::Setting("a token needs a name and at least one scope".to_owned()));
        }
        let (secret, salt, id): ([u8; 32], [u8; 16], [u8; 8]) = (random()?, random()?, random()?);
        let id = to_hex(&id);
        let token = format!("{PREFIX}{id}_{}", Base64UrlUnpadded::encode_string(&secret));
        let hash = Argon2::default().hash_password_with_salt(token.as_bytes(), &salt);
        let hash = hash.map_err(|error| StartError::System(error.to_string()))?;
        let scopes: Vec<String> = scopes.iter().map(|scope| format!("\"{}\"", scope.name())).collect();
        // A name in JSON is one in TOML.
        let name = serde_json::Value::from(name);
        let lines = format!(
            "[[token]]\nname = {name}\nid = \"{id}\"\nhash = \"{hash}\"\nscopes = [{}]\n",
            scopes.join(", ")
        );
        Ok(Self { token, lines })
    }
}

fn random<const N: usize>() -> Result<[u8; N], StartError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StartError::System(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Limits;
    use std::time::Duration;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_token_comes_as_bearer_or_as_a_password() {
        assert_eq!(token(&headers("Bearer abc")).as_deref(), Some("abc"));
        assert_eq!(token(&headers("bearer  abc ")).as_deref(), Some("abc"));
        let basic = format!("Basic {}", Base64::encode_string(b"scart:a:b"));
        assert_eq!(token(&headers(&basic)).as_deref(), Some("a:b"));
        for wrong in ["", "abc", "Bearer ", "Basic abc", "Basic !", "Digest a"] {
            assert_eq!(token(&headers(wrong)), None, "{wrong}");
        }
        assert_eq!(token(&headers(&format!("Bearer {}", "a".repeat(LONGEST + 1)))), None);
    }

    #[test]
    fn a_new_token_is_known_by_its_lines_and_no_other_is() {
        let new = NewToken::new("a \"b\"", &[Scope::Match, Scope::Hash]).unwrap();
        let config = Config::parse(&new.lines).unwrap();
        assert_eq!(config.tokens[0].name, "a \"b\"");
        assert!(!new.lines.contains(&new.token));
        let keys = [Key::new(&config.tokens[0]).unwrap()];
        assert_eq!(verify(&new.token, &keys), Some(0));
        let mut other = new.token.clone();
        other.pop();
        for wrong in [other.as_str(), "lykta_00_x", "", "x"] {
            assert_eq!(verify(wrong, &keys), None, "{wrong}");
        }
        assert!(!format!("{new:?}").contains("lykta_"));
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let (rate, room) = (Rate { per_second: 10.0, burst: 20.0 }, Room::of_all(&Limits::default()));
        let client = Client::new(0, "a".into(), vec![], rate, room);
        let now = Instant::now();
        assert_eq!(client.take_at(20, now), Ok(()));
        assert_eq!(client.take_at(1, now), Err(1));
        assert_eq!(client.take_at(20, now), Err(2));
        assert_eq!(client.take_at(5, now + Duration::from_millis(500)), Ok(()));
        assert_eq!(client.take_at(1, now + Duration::from_millis(500)), Err(1));
        assert_eq!(client.take_at(21, now + Duration::from_secs(99)), Err(1), "never more than the burst");
        let room = Room::of_all(&Limits::default());
        let client = Client::new(0, "a".into(), vec![], Rate::UNLIMITED, room);
        assert!((0..9).all(|second| client.take_at(usize::MAX, now + Duration::from_secs(second)).is_ok()));
    }
}
