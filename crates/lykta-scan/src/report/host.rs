//! The computer that a scan ran on.

use serde::Serialize;

/// Its name, system and what decides which kernels run.
#[derive(Serialize)]
pub(crate) struct Host {
    name: Option<String>,
    os: &'static str,
    os_version: Option<String>,
    arch: &'static str,
    cpu_features: Vec<&'static str>,
    threads: usize,
}

impl Host {
    pub(crate) fn new() -> Self {
        let first_line = |path: &str| {
            let text = std::fs::read_to_string(path).ok()?;
            text.lines().next().map(str::to_owned)
        };
        let name = first_line("/proc/sys/kernel/hostname")
            .or_else(|| first_line("/etc/hostname"))
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok());
        Self {
            name,
            os: std::env::consts::OS,
            os_version: first_line("/proc/version"),
            arch: std::env::consts::ARCH,
            cpu_features: cpu_features(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// Those that decide which of the vectorised kernels run.
#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<&'static str> {
    let features = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vpopcntdq", is_x86_feature_detected!("avx512vpopcntdq")),
        ("popcnt", is_x86_feature_detected!("popcnt")),
        ("sha", is_x86_feature_detected!("sha")),
    ];
    features.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_features() -> Vec<&'static str> {
    Vec::new()
}
