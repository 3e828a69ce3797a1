//! Counters for Prometheus, in its text format: a few lines need no library.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of answering times, in seconds.
const BOUNDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.06, 0.1, 0.25, 1.0, 10.0];

#[derive(Default)]
pub(crate) struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    times: Mutex<BTreeMap<&'static str, Times>>,
    pub(crate) hashes: AtomicU64,
    pub(crate) files: AtomicU64,
    pub(crate) matched: AtomicU64,
    pub(crate) unexamined: AtomicU64,
    pub(crate) swaps: AtomicU64,
    pub(crate) refused_swaps: AtomicU64,
    pub(crate) audit_failures: AtomicU64,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) refused_connections: AtomicU64,
    pub(crate) generations: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Times {
    buckets: [u64; BOUNDS.len()],
    seconds: f64,
    count: u64,
}

/// What is known elsewhere and told with the counters.
pub(crate) struct Now {
    pub(crate) ready: bool,
    pub(crate) stale: bool,
    pub(crate) entries: u64,
    pub(crate) waiting: usize,
    pub(crate) workers_down: usize,
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(&self, route: &'static str, status: u16, time: Duration) {
        *lock(&self.requests).entry((route, status)).or_default() += 1;
        let seconds = time.as_secs_f64();
        let mut times = lock(&self.times);
        let times = times.entry(route).or_default();
        times.count += 1;
        times.seconds += seconds;
        if let Some(place) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            times.buckets[place] += 1;
        }
    }

    /// The page.
    pub(crate) fn text(&self, now: &Now) -> String {
        let mut text = String::new();
        let get = |counter: &AtomicU64| counter.load(Relaxed).to_string();
        let flag = |is: bool| u8::from(is).to_string();
        let single = [
            ("lykta_hashes_total", "counter", "Hashes looked up", get(&self.hashes)),
            ("lykta_files_total", "counter", "Files compared", get(&self.files)),
            ("lykta_matched_total", "counter", "Hashes and files that matched", get(&self.matched)),
            ("lykta_unexamined_total", "counter", "Files that could not be examined", get(&self.unexamined)),
            ("lykta_swaps_total", "counter", "Newer indexes taken into use", get(&self.swaps)),
            ("lykta_swaps_refused_total", "counter", "Newer files refused", get(&self.refused_swaps)),
            ("lykta_audit_failures_total", "counter", "Lines the audit log lacks", get(&self.audit_failures)),
            (
                "lykta_connections_refused_total",
                "counter",
                "Connections above an address's share",
                get(&self.refused_connections),
            ),
            ("lykta_connections", "gauge", "Connections", self.connections.load(Relaxed).to_string()),
            (
                "lykta_generations",
                "gauge",
                "Generations of indexes in memory",
                self.generations.load(Relaxed).to_string(),
            ),
            ("lykta_ready", "gauge", "Whether an index is in use", flag(now.ready)),
            ("lykta_stale", "gauge", "Whether the newest files were refused", flag(now.stale)),
            ("lykta_entries", "gauge", "Entries of the indexes in use", now.entries.to_string()),
            ("lykta_waiting", "gauge", "Requests that wait for a worker", now.waiting.to_string()),
            ("lykta_workers_down", "gauge", "Workers that cannot work", now.workers_down.to_string()),
        ];
        for (name, kind, help, value) in single {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        }
        text +=
            "# HELP lykta_requests_total Answers by route and status\n# TYPE lykta_requests_total counter\n";
        for ((route, status), count) in lock(&self.requests).iter() {
            let _ = writeln!(text, "lykta_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
        }
        let name = "lykta_request_seconds";
        let _ = writeln!(text, "# HELP {name} Time to an answer\n# TYPE {name} histogram");
        for (route, times) in lock(&self.times).iter() {
            let mut sum = 0;
            for (bound, count) in BOUNDS.iter().zip(times.buckets) {
                sum += count;
                let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {sum}");
            }
            let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"+Inf\"}} {}", times.count);
            let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {}", times.seconds);
            let _ = writeln!(text, "{name}_count{{route=\"{route}\"}} {}", times.count);
        }
        text
    }
}

// Numbers are whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
