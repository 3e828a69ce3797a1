//! From the port to the router: connections, TLS, and the limits that apply before there is a request.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::app::App;
use crate::config::Limits;
use crate::stall::Stall;
use crate::tls::Acceptor;

/// After accepting failed, for want of file descriptors mostly.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` says so, and then as long as requests under way need, within a limit.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Acceptor>,
    router: Router,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    let limits = app.config.limits;
    let places = Arc::new(Semaphore::new(limits.connections));
    let addresses = Arc::new(Addresses::default());
    let graceful = GracefulShutdown::new();
    loop {
        // Whoever is one too many waits in the system's queue.
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = %error, "a connection cannot be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(share) = addresses.enter(peer.ip(), limits.connections_per_address) else {
            app.metrics.refused_connections.fetch_add(1, Relaxed);
            continue;
        };
        let counted = Counted::new(&app.metrics.connections);
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _held = (place, share, counted);
            let _ = stream.set_nodelay(true);
            connection(stream, peer, tls, router, limits, watcher).await;
        });
    }
    drop(listener);
    let drained = tokio::time::timeout(Duration::from_secs(limits.drain_seconds), graceful.shutdown());
    if drained.await.is_err() {
        tracing::warn!("requests under way were cut off: they took longer than limits.drain_seconds");
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Acceptor>,
    router: Router,
    limits: Limits,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let stream = Stall::new(stream, limits.write_time());
    match tls {
        None => http(stream, peer, router, limits, watcher).await,
        Some(tls) => {
            // Whoever does not speak TLS, or not in time, gets no answer.
            if let Ok(Ok(stream)) = tokio::time::timeout(limits.header_time(), tls.accept(stream)).await {
                http(stream, peer, router, limits, watcher).await;
            }
        }
    }
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time())
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = pin!(watcher.watch(connection)).await {
        tracing::debug!(peer = %peer.ip(), error = %error, "a connection ended badly");
    }
}

/// Connections of each address.
#[derive(Default)]
struct Addresses {
    counts: Mutex<HashMap<IpAddr, usize>>,
}

/// One of them.
struct Share {
    addresses: Arc<Addresses>,
    address: Option<IpAddr>,
}

impl Addresses {
    /// None when the address has its share already.
    fn enter(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Share> {
        let address = (!address.to_canonical().is_loopback()).then(|| site(address));
        if let Some(address) = address {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(address).or_default();
            if *count >= most {
                return None;
            }
            *count += 1;
        }
        Some(Share { addresses: Arc::clone(self), address })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

/// Whom an address belongs to: of IPv6, whoever has one has all that begin with the same 64 bits.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// A connection in the metrics.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share_and_loopback_as_much_as_there_is() {
        let addresses = Arc::new(Addresses::default());
        let [one, other, here] = ["192.0.2.1", "192.0.2.2", "127.0.0.1"].map(|text| text.parse().unwrap());
        let held = [addresses.enter(one, 2), addresses.enter(one, 2)];
        assert!(held.iter().all(Option::is_some) && addresses.enter(one, 2).is_none());
        assert!(addresses.enter(other, 2).is_some() && addresses.enter(here, 0).is_some());
        drop(held);
        assert!(addresses.counts.lock().unwrap().is_empty());
        assert!(addresses.enter(one, 2).is_some());
    }

    #[test]
    fn many_addresses_of_one_site_are_one() {
        let of = |text: &str| site(text.parse().unwrap());
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8:0:1::2"), of("2001:db8:0:1:ffff::3"));
        assert_ne!(of("2001:db8:0:1::2"), of("2001:db8:0:2::2"));
        let addresses = Arc::new(Addresses::default());
        assert!(addresses.enter("::ffff:127.0.0.1".parse().unwrap(), 0).is_some());
    }
}
