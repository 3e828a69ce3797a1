//! TLS by rustls, with ring, which needs a C compiler and nothing else.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::config::Config;
use crate::error::StartError;

#[cfg(feature = "tls")]
mod with {
    use std::path::Path;
    use std::sync::Arc;

    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

    use super::StartError;
    use crate::config::Tls;

    pub(super) fn settings(tls: &Tls) -> Result<Arc<ServerConfig>, StartError> {
        let unread = |path: &Path, error: &dyn std::fmt::Display| {
            StartError::Tls(format!("{}: {error}", lykta::source::Locator::from_path(path)))
        };
        let certificates = CertificateDer::pem_file_iter(&tls.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unread(&tls.certificate, &error))?;
        let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| unread(&tls.key, &error))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let settings = builder
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key));
        let mut settings = settings.map_err(|error| StartError::Tls(error.to_string()))?;
        settings.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(settings))
    }

    /// Trusts whom the system trusts.
    pub(super) fn client_settings() -> Result<Arc<ClientConfig>, StartError> {
        let mut roots = RootCertStore::empty();
        // What cannot be read there is as if it were not there: then a host is not trusted, and that is told.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::System(error.to_string()))?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

/// Makes TLS of a connection.
#[derive(Clone)]
pub(crate) struct Acceptor {
    #[cfg(feature = "tls")]
    inner: tokio_rustls::TlsAcceptor,
    #[cfg(not(feature = "tls"))]
    never: std::convert::Infallible,
}

impl Acceptor {
    /// None where the configuration has no certificate.
    pub(crate) fn new(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(tls) = &config.tls else { return Ok(None) };
        #[cfg(feature = "tls")]
        return Ok(Some(Self { inner: with::settings(tls)?.into() }));
        #[cfg(not(feature = "tls"))]
        {
            let _ = tls;
            Err(StartError::Tls("this program was built without it".to_owned()))
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        stream: S,
    ) -> io::Result<tokio_rustls::server::TlsStream<S>> {
        self.inner.accept(stream).await
    }

    #[cfg(not(feature = "tls"))]
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(self, _: S) -> io::Result<S> {
        match self.never {}
    }
}

/// Makes TLS of a connection to another.
pub(crate) struct Connector {
    #[cfg(feature = "tls")]
    inner: tokio_rustls::TlsConnector,
}

impl Connector {
    pub(crate) fn new() -> Result<Self, StartError> {
        Ok(Self {
            #[cfg(feature = "tls")]
            inner: with::client_settings()?.into(),
        })
    }

    #[cfg(feature = "tls")]
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> io::Result<tokio_rustls::client::TlsStream<S>> {
        let name = host.to_owned().try_into().map_err(io::Error::other)?;
        self.inner.connect(name, stream).await
    }

    #[cfg(not(feature = "tls"))]
    pub(crate) async fn connect<S: AsyncRead + AsyncWrite + Unpin>(&self, _: &str, _: S) -> io::Result<S> {
        Err(io::Error::other("this program was built without TLS"))
    }
}
