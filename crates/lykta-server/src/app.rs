//! What all requests share.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lykta::{Hash, Index};

use crate::audit::Audit;
use crate::auth::Auth;
use crate::body::Room;
use crate::config::Config;
use crate::error::StartError;
use crate::fetch::Fetcher;
use crate::generation::Generation;
use crate::metrics::{Metrics, Now};
use crate::pool::Pool;

/// The service, as its handlers see it.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) pool: Pool,
    pub(crate) auth: Auth,
    pub(crate) bodies: Room,
    pub(crate) metrics: Metrics,
    pub(crate) fetcher: Option<Fetcher>,
    /// Digests for which SCARt's test path says `true`.
    pub(crate) scart_test: Vec<Hash>,
    /// Why the newest files are not in use.
    refused: Mutex<Option<String>>,
    audit: Mutex<Option<Audit>>,
    /// When a failed request was last told of.
    warned: Mutex<Option<Instant>>,
}

/// Between two warnings of failed requests: a service that is busy has other things to do.
const WARN_EVERY: Duration = Duration::from_secs(1);

impl App {
    pub(crate) fn new(config: Config) -> Result<Arc<Self>, StartError> {
        let wrong =
            |text: &String| StartError::Setting(format!("scart.test: {text} is not md5:... or sha1:..."));
        let scart_test = config.scart.test.iter().map(|text| text.parse().map_err(|_| wrong(text)));
        let scart_test = scart_test.collect::<Result<_, _>>()?;
        let (auth, fetcher) = (Auth::start(&config)?, Fetcher::new(&config)?);
        // Last what leaves something behind if there is no service after all.
        let audit = config.audit.as_deref().map(Audit::open).transpose()?;
        let pool = Pool::start(&config).map_err(|error| StartError::System(error.to_string()))?;
        Ok(Arc::new(Self {
            auth,
            bodies: Room::of_all(&config.limits),
            metrics: Metrics::default(),
            fetcher,
            refused: Mutex::default(),
            audit: Mutex::new(audit),
            warned: Mutex::default(),
            pool,
            scart_test,
            config,
        }))
    }

    /// Takes newer files into use.
    pub(crate) fn swap(&self, generation: Generation) {
        let (digest, entries) = (generation.digest.clone(), generation.entry_count());
        tracing::info!(index = digest, entries, generation = generation.number, "index in use");
        Self::tell_unknown_lists(&generation);
        if generation.number > 1 {
            self.metrics.swaps.fetch_add(1, Relaxed);
        }
        self.pool.set_generation(Arc::new(generation));
        *lock(&self.refused) = None;
        self.audited(|audit| audit.index(&digest, entries));
    }

    /// Disputes that nothing can be marked by are misspelt, or of another day.
    fn tell_unknown_lists(generation: &Generation) {
        let known =
            |list: &str| generation.indexes.iter().flat_map(Index::sources).any(|source| source.name == list);
        for list in generation.disputed.lists().filter(|list| !known(list)) {
            tracing::warn!(list, "no index holds this list: disputed entries of it cannot be marked");
        }
    }

    /// Remembers, and says, that newer files are not used.
    pub(crate) fn refuse(&self, error: String) {
        tracing::error!(error, "the new files are refused; those in use stay");
        self.metrics.refused_swaps.fetch_add(1, Relaxed);
        *lock(&self.refused) = Some(error);
    }

    pub(crate) fn is_stale(&self) -> bool {
        lock(&self.refused).is_some()
    }

    /// Writes to the audit log, if there is one.
    pub(crate) fn audited(&self, tell: impl FnOnce(&mut Audit) -> std::io::Result<()>) {
        if let Some(audit) = &mut *lock(&self.audit)
            && let Err(error) = tell(audit)
        {
            tracing::error!(error = %error, "the audit log cannot be written");
            self.metrics.audit_failures.fetch_add(1, Relaxed);
        }
    }

    /// Writes the last lines of the audit log: nothing follows.
    pub(crate) fn end_audit(&self) {
        self.audited(|audit| audit.stop(self.auth.clients()));
        *lock(&self.audit) = None;
    }

    /// Whether it is time for a warning.
    pub(crate) fn may_warn(&self) -> bool {
        let mut warned = lock(&self.warned);
        let may = warned.is_none_or(|at| at.elapsed() >= WARN_EVERY);
        if may {
            *warned = Some(Instant::now());
        }
        may
    }

    pub(crate) fn metrics_text(&self) -> String {
        let generation = self.pool.generation();
        self.metrics.text(&Now {
            ready: generation.is_some(),
            stale: self.is_stale(),
            entries: generation.map_or(0, |generation| generation.entry_count()),
            waiting: self.pool.waiting(),
            workers_down: self.pool.down(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
