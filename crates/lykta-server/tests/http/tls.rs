//! The same over TLS. Certificate and key in tests/tls are for tests alone.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use lykta_server::Tls;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

use crate::place::{Place, bearer};

#[test]
fn tls_is_spoken_where_there_is_a_certificate() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificate = folder.join("certificate.pem");
    let tls = Tls { certificate: certificate.clone(), key: folder.join("key.pem") };
    let place = Place::with(|config| {
        config.tls = Some(tls);
        config.limits.header_seconds = 1;
    });
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut socket = place.connect();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let request = format!(
        "GET /v1/index HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
        bearer(&place.all)
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200 OK"));
    // Whoever does not speak it, or says nothing, is closed without an answer.
    assert!(place.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").is_none());
    assert!(place.send(b"").is_none());
}
