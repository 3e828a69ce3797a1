//! Fetching what clients of HMA name by a URL: from the hosts that the configuration lists, and from no other.
//!
//! Whoever may name a URL could else have this service ask whatever it can reach. So a host must be listed, redirects are
//! not followed, and nothing but the file of a plain answer is taken.

use std::io;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::body::is_as_it_is;
use crate::config::Config;
use crate::error::StartError;
use crate::problem::Problem;
use crate::tls::Connector;

/// Fetches from listed hosts.
pub(crate) struct Fetcher {
    hosts: Vec<String>,
    connector: Connector,
}

/// What a host answered.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// A URL that may be fetched.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    is_tls: bool,
    host: String,
    port: u16,
    /// The host as the header says it, and what is asked of it.
    authority: String,
    path: String,
}

impl Fetcher {
    /// None where no host is listed.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, StartError> {
        if config.fetch.hosts.is_empty() {
            return Ok(None);
        }
        let hosts = config.fetch.hosts.iter().map(|host| listed(host)).collect::<Result<_, _>>()?;
        Ok(Some(Self { hosts, connector: Connector::new()? }))
    }

    /// Begins to fetch. The time for it is that of the request.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Fetched, Problem> {
        let place = self.place(url)?;
        let failed =
            |error: &dyn std::fmt::Display| Problem::not_fetched(format!("cannot be fetched: {error}"));
        let stream =
            TcpStream::connect((place.host.as_str(), place.port)).await.map_err(|error| failed(&error))?;
        let answer = match place.is_tls {
            false => ask(stream, &place).await,
            true => {
                let stream =
                    self.connector.connect(&place.host, stream).await.map_err(|error| failed(&error))?;
                ask(stream, &place).await
            }
        };
        let (parts, body) = answer.map_err(|error| failed(&error))?.into_parts();
        if parts.status != StatusCode::OK {
            let status = parts.status.as_u16();
            return Err(Problem::not_fetched(format!(
                "the host answered {status}, and nothing but 200 is taken"
            )));
        }
        let headers = &parts.headers;
        if !is_as_it_is(headers) {
            return Err(Problem::not_fetched("the host answered with an encoding, which is not undone"));
        }
        if !headers.contains_key(CONTENT_LENGTH) && !headers.contains_key(TRANSFER_ENCODING) {
            let detail =
                "the host does not say how long the file is, so one that is cut short would be taken for it";
            return Err(Problem::not_fetched(detail));
        }
        Ok(Fetched { headers: parts.headers, body: Body::new(body) })
    }

    /// # Errors
    /// When it is no URL of HTTP, or its host is not listed.
    fn place(&self, url: &str) -> Result<Place, Problem> {
        let wrong = || Problem::bad_request("url is not one of http or https");
        let url: Uri = url.parse().map_err(|_| wrong())?;
        let is_tls = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong()),
        };
        let authority = url.authority().ok_or_else(wrong)?;
        let usual = if is_tls { 443 } else { 80 };
        // A name and password in front are part of no listed host.
        let behind = authority.as_str().strip_prefix(authority.host()).ok_or_else(Problem::no_fetching)?;
        let port = match behind.strip_prefix(':') {
            None => usual,
            Some(port) => port.parse().map_err(|_| wrong())?,
        };
        let host = authority.host().to_ascii_lowercase();
        let authority = if port == usual { host.clone() } else { format!("{host}:{port}") };
        if !self.hosts.contains(&authority) {
            return Err(Problem::no_fetching());
        }
        let path = url.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Place { is_tls, host, port, authority, path })
    }
}

/// A host as it is compared, with its port if that is not the usual one.
fn listed(host: &str) -> Result<String, StartError> {
    let is_host = host
        .parse::<axum::http::uri::Authority>()
        .is_ok_and(|authority| !host.contains('@') && !authority.host().is_empty() && !host.ends_with(':'));
    match is_host {
        true => Ok(host.to_ascii_lowercase()),
        false => Err(StartError::Setting(format!(
            "fetch.hosts: {host} is no host: give a name as URLs have it, with a port if it is not the usual one"
        ))),
    }
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    place: &Place,
) -> io::Result<axum::http::Response<hyper::body::Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // Ends with the answer, or when nobody waits for it any more.
    tokio::spawn(connection);
    let request = Request::get(place.path.as_str())
        .header(HOST, &place.authority)
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .header(USER_AGENT, concat!("lykta/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<axum::body::Bytes>::new())
        .map_err(io::Error::other)?;
    sender.send_request(request).await.map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetcher(hosts: &[&str]) -> Fetcher {
        let hosts = hosts.iter().map(|host| listed(host).unwrap()).collect();
        Fetcher { hosts, connector: Connector::new().unwrap() }
    }

    #[test]
    fn only_listed_hosts_are_asked() {
        let fetcher = fetcher(&["images.example.org", "cdn.example.org:8443", "[2001:db8::1]"]);
        let place = |url: &str| fetcher.place(url).map_err(|problem| format!("{problem:?}"));
        for url in [
            "http://images.example.org/a.jpg?b=c",
            "https://IMAGES.example.org:443/a",
            "https://cdn.example.org:8443",
            "http://[2001:db8::1]/x",
        ] {
            assert!(place(url).is_ok(), "{url}");
        }
        let of = place("https://images.example.org/a.jpg?b=c").unwrap();
        assert_eq!((of.is_tls, of.host.as_str(), of.port), (true, "images.example.org", 443));
        assert_eq!((of.authority.as_str(), of.path.as_str()), ("images.example.org", "/a.jpg?b=c"));
        for url in [
            "http://other.example.org/",
            "http://images.example.org.example.net/",
            "http://images.example.org:81/",
            "https://images.example.org:80/",
            "https://cdn.example.org/",
            "http://a@images.example.org/",
            "http://images.example.org@127.0.0.1/",
            "http://127.0.0.1\\@images.example.org/",
            "http://images.example.org./",
            "http://images.example.org:/",
            "http://images.example.org:99999/",
            "ftp://images.example.org/",
            "file:///etc/passwd",
            "//images.example.org/",
            "images.example.org",
            "",
        ] {
            assert!(place(url).is_err(), "{url}");
        }
        for wrong in ["", "a@b", "http://a", "a/b", "a:", "a b"] {
            assert!(listed(wrong).is_err(), "{wrong}");
        }
    }
}
