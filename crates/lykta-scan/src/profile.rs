//! Where the time of a scan goes: a stopwatch for each thread, added up at the end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::record::{FORMAT_VERSION, Record};
use crate::summary::Count;

/// What a thread does with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    List,
    Wait,
    Open,
    Read,
    Digest,
    Picture,
    Match,
    Report,
}

/// By [`Part`], in that order.
const PARTS: [&str; 8] = [
    "list items",
    "wait for memory",
    "open and close",
    "read",
    "digest",
    "decode and hash",
    "match",
    "report",
];

/// The group of items that are not pictures.
pub(crate) const NOT_A_PICTURE: &str = "not a picture";
/// The group of what containers hold. The time of those that the thread examined that walked their container is with
/// the container's.
pub(crate) const MEMBER: &str = "in a container";
/// The group of items of which nothing was read.
const NOT_READ: &str = "not read";

/// Measures one item. Every moment from its start on is in one part, so they add up to no more than
/// the time of the thread. Switched off it looks at no clock.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    last: Option<Instant>,
    spent: [Duration; PARTS.len()],
    group: &'static str,
}

impl Stopwatch {
    pub(crate) fn off() -> Self {
        Self { last: None, spent: Default::default(), group: NOT_READ }
    }

    fn started() -> Self {
        Self { last: Some(Instant::now()), ..Self::off() }
    }

    /// What was done since the last lap was `part`.
    #[inline]
    pub(crate) fn lap(&mut self, part: Part) {
        if let Some(last) = &mut self.last {
            let now = Instant::now();
            self.spent[part as usize] += now - *last;
            *last = now;
        }
    }

    /// What the item is, as far as is known.
    pub(crate) fn group_name(&self) -> &'static str {
        self.group
    }

    /// What the item is.
    pub(crate) fn group(&mut self, name: &'static str) {
        self.group = name;
    }
}

/// Where the time of a scan went. Times are summed over its threads.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    threads: usize,
    wall: Duration,
    spent: [Duration; PARTS.len()],
    groups: BTreeMap<&'static str, ProfileGroup>,
}

/// Items of one kind in a [`Profile`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ProfileGroup {
    /// How many, and their bytes.
    pub count: Count,
    /// The time that threads spent on them, waiting for memory included.
    pub time: Duration,
}

impl ProfileGroup {
    /// How much of something was done in a second of one thread.
    pub fn per_second(&self, amount: u64) -> f64 {
        if self.time.is_zero() { 0.0 } else { amount as f64 / self.time.as_secs_f64() }
    }
}

impl Profile {
    /// Threads that examined items.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Time from the start of the scan to its end.
    pub fn wall(&self) -> Duration {
        self.wall
    }

    /// The time of all threads together.
    pub fn total(&self) -> Duration {
        self.wall.saturating_mul(u32::try_from(self.threads).unwrap_or(u32::MAX))
    }

    /// The parts by name, which add up to [`Profile::total`]; the last is what is in no other.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let idle = self.total().saturating_sub(self.spent.iter().sum());
        PARTS.into_iter().zip(self.spent).chain([("idle, other", idle)])
    }

    /// How much of all the time that is, in percent.
    pub fn percent(&self, time: Duration) -> f64 {
        if self.total().is_zero() { 0.0 } else { 100.0 * time.as_secs_f64() / self.total().as_secs_f64() }
    }

    /// Items by the format of their pictures or the kind of container, "not a picture", "in a container" and "not
    /// read", sorted by name. They
    /// add up to what was seen.
    pub fn groups(&self) -> impl Iterator<Item = (&'static str, ProfileGroup)> {
        self.groups.iter().map(|(name, group)| (*name, *group))
    }

    /// All items together.
    pub fn all(&self) -> Count {
        self.groups.values().fold(Count::default(), |sum, group| Count {
            items: sum.items + group.count.items,
            bytes: sum.bytes.saturating_add(group.count.bytes),
        })
    }

    /// The content of `profile.json`, with a line end.
    #[expect(clippy::unwrap_used, reason = "numbers and names always serialise")]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap() + "\n"
    }

    fn merge(&mut self, other: &Self) {
        self.spent.iter_mut().zip(other.spent).for_each(|(sum, spent)| *sum += spent);
        for (name, other) in &other.groups {
            let group = self.groups.entry(name).or_default();
            group.count.items += other.count.items;
            group.count.bytes = group.count.bytes.saturating_add(other.count.bytes);
            group.time += other.time;
        }
    }
}

/// What one thread measures. Switched off it does nothing.
#[derive(Debug, Default)]
pub(crate) struct ThreadProfile(Option<Profile>);

impl ThreadProfile {
    pub(crate) fn new(wanted: bool) -> Self {
        Self(wanted.then(Profile::default))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A stopwatch for the next item.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        if self.0.is_some() { Stopwatch::started() } else { Stopwatch::off() }
    }

    /// Takes the times of an item that is done with.
    pub(crate) fn add(&mut self, clock: &Stopwatch, record: &Record) {
        let Some(profile) = &mut self.0 else { return };
        profile.spent.iter_mut().zip(clock.spent).for_each(|(sum, spent)| *sum += spent);
        let group = profile.groups.entry(clock.group).or_default();
        group.count.add(record.size.unwrap_or(0));
        group.time += clock.spent.iter().sum::<Duration>();
    }

    /// Counts an item whose time is another's.
    pub(crate) fn count(&mut self, group: &'static str, record: &Record) {
        if let Some(profile) = &mut self.0 {
            profile.groups.entry(group).or_default().count.add(record.size.unwrap_or(0));
        }
    }

    /// Takes what a thread measured.
    pub(crate) fn merge(&mut self, other: Self) {
        if let (Some(profile), Some(other)) = (&mut self.0, other.0) {
            profile.merge(&other);
        }
    }

    /// The whole, of as many threads.
    pub(crate) fn finish(self, threads: usize, wall: Duration) -> Option<Profile> {
        self.0.map(|profile| Profile { threads, wall, ..profile })
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = self.parts().map(|(name, time)| {
            let value = serde_json::json!({ "seconds": time.as_secs_f64(), "percent": self.percent(time) });
            (name.to_owned(), value)
        });
        let groups = self.groups().map(|(name, group)| {
            let value = serde_json::json!({
                "items": group.count.items,
                "bytes": group.count.bytes,
                "seconds": group.time.as_secs_f64(),
                "items_per_second": group.per_second(group.count.items),
                "bytes_per_second": group.per_second(group.count.bytes),
            });
            (name.to_owned(), value)
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("v", &FORMAT_VERSION)?;
        map.serialize_entry("note", "seconds of parts and formats are summed over threads")?;
        map.serialize_entry("threads", &self.threads)?;
        map.serialize_entry("wall_seconds", &self.wall.as_secs_f64())?;
        map.serialize_entry("items", &self.all().items)?;
        map.serialize_entry("bytes", &self.all().bytes)?;
        map.serialize_entry("parts", &parts.collect::<serde_json::Map<_, _>>())?;
        map.serialize_entry("formats", &groups.collect::<serde_json::Map<_, _>>())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_in_one_part() {
        let mut clock = Stopwatch::started();
        let begin = clock.last.unwrap();
        for part in [Part::Read, Part::Digest, Part::Read, Part::Report] {
            std::thread::sleep(Duration::from_millis(1));
            clock.lap(part);
        }
        assert_eq!(clock.spent.iter().sum::<Duration>(), clock.last.unwrap() - begin);
        assert!(clock.spent[Part::Read as usize] >= Duration::from_millis(2));
        assert_eq!(clock.spent[Part::Match as usize], Duration::ZERO);
    }

    #[test]
    fn switched_off_it_measures_nothing() {
        let mut clock = ThreadProfile::new(false).stopwatch();
        clock.lap(Part::Read);
        assert_eq!(clock.spent, <[Duration; PARTS.len()]>::default());
        assert!(ThreadProfile::new(false).finish(1, Duration::ZERO).is_none());
    }
}
