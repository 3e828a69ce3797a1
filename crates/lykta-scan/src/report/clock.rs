//! When something happened, by the clock of the computer, and what the system says of that clock.

use std::path::Path;

use jiff::Zoned;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// Where systemd-timesyncd keeps what it knows; anybody may look.
const TIMESYNC: &str = "/run/systemd/timesync";

/// A moment, in RFC 3339 with milliseconds: both by local time with its offset and by UTC, since
/// people compare the one and programs the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Moment {
    pub(crate) local: String,
    pub(crate) utc: String,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self::of(&Zoned::now())
    }

    fn of(time: &Zoned) -> Self {
        let text = |time: &Zoned| time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string();
        Self { local: text(time), utc: text(&time.with_time_zone(TimeZone::UTC)) }
    }
}

/// The clock that the times of a report are by.
#[derive(Serialize)]
pub(crate) struct Clock<'r> {
    utc_started: &'r str,
    utc_ended: String,
    /// Of local time from UTC at the end, `+01:00`.
    offset: String,
    synchronised: Option<bool>,
}

impl<'r> Clock<'r> {
    pub(crate) fn new(started: &'r Moment, ended: &Moment) -> Self {
        let offset = ended.local.len().saturating_sub("+00:00".len());
        Self {
            utc_started: &started.utc,
            utc_ended: ended.utc.clone(),
            offset: ended.local[offset..].to_owned(),
            synchronised: synchronised(),
        }
    }
}

/// Whether the system says that its clock was set by a time server since it was started; none where
/// it says nothing that can be read without privileges.
pub(crate) fn synchronised() -> Option<bool> {
    synchronised_by(Path::new(TIMESYNC))
}

fn synchronised_by(folder: &Path) -> Option<bool> {
    // Without the folder another program keeps the time, or none.
    folder.is_dir().then(|| folder.join("synchronized").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_offset_and_by_utc() {
        let zone = TimeZone::fixed(jiff::tz::offset(-5));
        let then = jiff::civil::date(2024, 2, 29).at(23, 59, 58, 7_999_999).to_zoned(zone).unwrap();
        let moment = Moment::of(&then);
        assert_eq!(moment.local, "2024-02-29T23:59:58.007-05:00");
        assert_eq!(moment.utc, "2024-03-01T04:59:58.007+00:00");
        assert_eq!(Clock::new(&moment, &moment).offset, "-05:00");
    }

    #[test]
    fn what_the_system_does_not_say_is_not_known() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(synchronised_by(&dir.path().join("none")), None);
        assert_eq!(synchronised_by(dir.path()), Some(false));
        std::fs::write(dir.path().join("synchronized"), b"").unwrap();
        assert_eq!(synchronised_by(dir.path()), Some(true));
    }
}
