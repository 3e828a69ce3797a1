//! The service as a whole: started, ready, ended.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::app::App;
use crate::config::Config;
use crate::error::StartError;
use crate::tls::Acceptor;
use crate::watch::{First, Stop, watch as watch_files};
use crate::{listen, routes};

/// Threads that speak HTTP; what takes time is done by others.
const REACTORS: usize = 2;

/// Between two looks at a flag.
const LOOK: Duration = Duration::from_millis(50);

/// For jobs under way when nobody waits for their answers any more.
const LAST_JOBS: Duration = Duration::from_secs(2);

/// Between two lines of a client in the audit log.
const AUDIT_EVERY: Duration = Duration::from_secs(60);

/// A service that runs, until it is dropped or stopped.
pub struct Server {
    address: SocketAddr,
    app: Arc<App>,
    runtime: Option<Runtime>,
    stop: watch::Sender<bool>,
    served: Option<tokio::task::JoinHandle<()>>,
    stop_watching: Arc<Stop>,
    watcher: Mutex<Option<JoinHandle<()>>>,
    first: watch::Receiver<First>,
}

impl Server {
    /// Listens, and begins to open the indexes: until that is done questions are answered with 503.
    ///
    /// # Errors
    /// When the configuration makes no sense, the address cannot be listened on, or the system refuses threads.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let tls = Acceptor::new(&config)?;
        config.check()?;
        let system = |error: std::io::Error| StartError::System(error.to_string());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(REACTORS)
            .thread_name("http")
            .enable_all()
            .build()
            .map_err(system)?;
        let bind = config.bind;
        let listener = runtime
            .block_on(TcpListener::bind(bind))
            .map_err(|source| StartError::Listen { address: bind, source })?;
        let address = listener.local_addr().map_err(system)?;
        // Whoever starts it twice by mistake gets no further than to here, and not to the audit log.
        let app = App::new(config)?;
        tracing::info!(address = %address, tls = app.config.tls.is_some(), "listening");
        let (stop, stopped) = watch::channel(false);
        let router = routes::router(&app);
        let served = runtime.spawn(listen::serve(listener, tls, router, Arc::clone(&app), stopped));
        let (first_sender, first) = watch::channel(First::Opening);
        let stop_watching = Arc::new(Stop::default());
        let watcher = {
            let (app, stop) = (Arc::clone(&app), Arc::clone(&stop_watching));
            std::thread::Builder::new()
                .name("watch".to_owned())
                .spawn(move || watch_files(&app, &stop, &first_sender))
                .map_err(system)?
        };
        Ok(Self {
            address,
            app,
            runtime: Some(runtime),
            stop,
            served: Some(served),
            stop_watching,
            watcher: Mutex::new(Some(watcher)),
            first,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until the indexes are open, or `stop` is set.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn wait_until_ready(&self, stop: &AtomicBool) -> Result<(), StartError> {
        loop {
            match &*self.first.borrow() {
                First::Done => return Ok(()),
                First::Failed(error) => return Err(StartError::Known(error.clone())),
                First::Opening if stop.load(SeqCst) => return Ok(()),
                First::Opening => {}
            }
            std::thread::sleep(LOOK / 5);
        }
    }

    /// Serves until `stop` is set, and then as long as requests under way need, within the limit for that.
    pub fn run(mut self, stop: &AtomicBool) {
        let mut told = Instant::now();
        while !stop.load(SeqCst) {
            std::thread::sleep(LOOK);
            if told.elapsed() >= AUDIT_EVERY {
                told = Instant::now();
                self.app.audited(|audit| audit.asked(self.app.auth.clients()));
            }
        }
        self.end();
    }

    /// The text of `/metrics`.
    pub fn metrics(&self) -> String {
        self.app.metrics_text()
    }

    fn end(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        tracing::info!("stopping: requests under way are finished");
        self.stop.send_replace(true);
        if let Some(served) = self.served.take() {
            let _ = runtime.block_on(served);
        }
        self.app.auth.close();
        runtime.shutdown_timeout(Duration::from_secs(1));
        // First what must be kept: whoever waits for the end may lose patience while an index is checked, or a picture
        // decoded that nobody asks for any more.
        self.app.end_audit();
        self.stop_watching.stop();
        self.app.pool.close(LAST_JOBS);
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        watcher.into_iter().for_each(|watcher| _ = watcher.join());
        tracing::info!("stopped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
