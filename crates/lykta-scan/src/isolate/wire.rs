//! The messages, and records as they are sent: everything that comes from a worker is checked when it is turned back.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use lykta_hash::{Hash, Pdq};
use lykta_index::Role;
use lykta_media::pdq::{FileHash, Part, PdqHash, Variant, View, Views};
use lykta_media::{Dimensions, Limits, Rectangle};
use lykta_source::HandedOver;
use lykta_source::container::{self, Capture, Container, ContainerError, Exceeded, MemberSkip};
use serde::{Deserialize, Serialize};

use super::Confinement;
use crate::bands::Band;
use crate::caution::Caution;
use crate::death::Death;
use crate::options::Options;
use crate::outcome::{ExactOnly, Failure, Outcome, Problem, Skip};
use crate::record::{Label, Match, Opened, PICTURE, Record, Unit};

/// Differs where two programs would not understand each other.
pub(crate) const PROTOCOL: &str = concat!("lykta-worker 2 ", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToWorker {
    Setup(Box<Setup>),
    /// The file comes with it.
    File(Box<FileJob>),
    /// The bytes come with it.
    Item(Box<WirePlace>, Option<WireCaution>),
    /// To be hashed only; the bytes come with it.
    Picture,
    /// What was asked for.
    Granted,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromWorker {
    Ready(Confinement),
    Refused(String),
    Begin(Box<WirePlace>),
    /// The bytes come with it.
    Later(Box<WirePlace>),
    Record(Box<WireRecord>),
    /// The hash of a picture, or why there is none.
    Picture(Result<WirePicture, String>),
    /// So many bytes of the file were read: a sign of life, too.
    Read(u64),
    Memory(u64),
    KeepMemory(u64),
    Heavy,
    GiveHeavy,
    /// A fault of this program, with what it says: that is all that comes of the file.
    Panicked(String),
    /// All that there was to do. With the group of the profile.
    Done(String),
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct WirePicture {
    pub(crate) pdq: [u8; 32],
    pub(crate) quality: u8,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl From<&FileHash<Views>> for WirePicture {
    fn from(picture: &FileHash<Views>) -> Self {
        let PdqHash { pdq, quality } = picture.hash.whole.original();
        let Dimensions { width, height } = picture.dimensions;
        Self { pdq: pdq.0, quality, width, height }
    }
}

impl WirePicture {
    /// The hash, if it can be one.
    pub(crate) fn into_hash(self) -> Option<(PdqHash, Dimensions)> {
        let Self { pdq, quality, width, height } = self;
        let hash = PdqHash { pdq: Pdq(pdq), quality };
        (quality <= 100).then_some((hash, Dimensions { width, height }))
    }
}

/// What a worker is to be.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) protocol: String,
    /// Paths of the indexes, and their checksums.
    pub(crate) indexes: Vec<(PathBuf, [u8; 32])>,
    pub(crate) jobs: std::num::NonZeroUsize,
    pub(crate) near: bool,
    pub(crate) radius: Option<u32>,
    pub(crate) min_quality: u8,
    pub(crate) band: usize,
    pub(crate) max_item_bytes: Option<u64>,
    pub(crate) memory: u64,
    pub(crate) max_pixels: u64,
    pub(crate) max_memory: u64,
    pub(crate) containers: Option<[u64; 5]>,
    /// Bytes of memory that the worker may have.
    pub(crate) data: u64,
    /// Seconds of processor time for an item.
    pub(crate) cpu: u64,
}

const BANDS: [Band; 3] = [Band::Strong, Band::Medium, Band::Weak];

impl Setup {
    pub(crate) fn new(indexes: Vec<(PathBuf, [u8; 32])>, options: &Options, data: u64, cpu: u64) -> Self {
        Self {
            protocol: PROTOCOL.to_owned(),
            indexes,
            jobs: options.jobs,
            near: options.near,
            radius: options.radius,
            min_quality: options.min_quality,
            band: options.band as usize,
            max_item_bytes: options.max_item_bytes,
            memory: options.memory,
            max_pixels: options.limits.max_pixels,
            max_memory: options.limits.max_memory,
            containers: options.containers.map(|limits| {
                let container::Limits { nesting, members, bytes, ratio, memory } = limits;
                [u64::from(nesting), members, bytes, ratio, memory]
            }),
            data,
            cpu,
        }
    }

    /// The options of the scan, without what the scan itself looks after.
    pub(crate) fn options(&self) -> Options {
        Options {
            jobs: self.jobs,
            near: self.near,
            radius: self.radius,
            min_quality: self.min_quality,
            band: BANDS.get(self.band).copied().unwrap_or_default(),
            max_item_bytes: self.max_item_bytes,
            memory: self.memory,
            limits: Limits { max_pixels: self.max_pixels, max_memory: self.max_memory },
            containers: self.containers.map(|[nesting, members, bytes, ratio, memory]| container::Limits {
                nesting: nesting.try_into().unwrap_or(u32::MAX),
                members,
                bytes,
                ratio,
                memory,
            }),
            ..Options::default()
        }
    }
}

/// A file to be examined.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FileJob {
    pub(crate) place: WirePlace,
    pub(crate) file: WireFile,
    /// Numbers of the items in it that have their records: first and last of each run of them.
    pub(crate) done: Vec<(u64, u64)>,
    /// Of those that hold items, how many these are.
    pub(crate) items: Vec<(u64, u64)>,
    pub(crate) cautions: Vec<(u64, WireCaution)>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct WireFile {
    size: u64,
    /// Whether it lies before 1970, and how far from there.
    modified: Option<(bool, Duration)>,
    changed: Option<(i64, i64)>,
    access_time_kept: bool,
}

impl From<HandedOver> for WireFile {
    fn from(state: HandedOver) -> Self {
        let HandedOver { size, modified, changed, access_time_kept } = state;
        let modified = modified.map(|modified| match modified.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (false, after),
            Err(before) => (true, before.duration()),
        });
        Self { size, modified, changed, access_time_kept }
    }
}

impl From<WireFile> for HandedOver {
    fn from(state: WireFile) -> Self {
        let WireFile { size, modified, changed, access_time_kept } = state;
        let modified = modified.and_then(|(is_before, distance)| match is_before {
            false => SystemTime::UNIX_EPOCH.checked_add(distance),
            true => SystemTime::UNIX_EPOCH.checked_sub(distance),
        });
        Self { size, modified, changed, access_time_kept }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WireCaution {
    death: usize,
    detail: String,
    only_bytes: bool,
    is_left: bool,
    next: u64,
    members: u64,
    items: u64,
}

impl From<&Caution> for WireCaution {
    fn from(caution: &Caution) -> Self {
        let Caution { death, ref detail, only_bytes, is_left, next, members, items } = *caution;
        let detail = detail.clone();
        Self { death: death as usize, detail, only_bytes, is_left, next, members, items }
    }
}

impl From<WireCaution> for Caution {
    fn from(caution: WireCaution) -> Self {
        let WireCaution { death, detail, only_bytes, is_left, next, members, items } = caution;
        let death = Death::ALL.get(death).copied().unwrap_or(Death::Crashed);
        Self { death, detail, only_bytes, is_left, next, members, items }
    }
}

/// Where an item is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WirePlace {
    pub(crate) locator: Vec<String>,
    pub(crate) unit: Unit,
    pub(crate) size: Option<u64>,
    pub(crate) offset: Option<u64>,
    pub(crate) capture: Option<[String; 5]>,
    /// Pictures within a picture: members and items.
    pub(crate) within: Option<(u64, u64)>,
}

impl From<&Record> for WirePlace {
    fn from(record: &Record) -> Self {
        let capture = record.capture.as_deref().map(|capture| {
            let Capture { target_uri, date, ip, payload_digest, record_id } = capture.clone();
            [target_uri, date, ip, payload_digest, record_id]
        });
        let Record { locator, unit, size, offset, .. } = record;
        let within = record.opened.filter(|opened| opened.kind == PICTURE);
        let within = within.map(|Opened { members, items, .. }| (members, items));
        Self { locator: locator.clone(), unit: *unit, size: *size, offset: *offset, capture, within }
    }
}

impl From<WirePlace> for Record {
    fn from(place: WirePlace) -> Self {
        let WirePlace { locator, unit, size, offset, capture, within } = place;
        let capture = capture.map(|[target_uri, date, ip, payload_digest, record_id]| {
            Arc::new(Capture { target_uri, date, ip, payload_digest, record_id })
        });
        let mut record = Record::new(locator, size);
        (record.unit, record.offset, record.capture) = (unit, offset, capture);
        record.opened = within.map(|(members, items)| Opened { kind: PICTURE, members, items });
        record
    }
}

/// A record on its way. What has few values is sent as its place among them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WireRecord {
    pub(crate) place: WirePlace,
    opened: Option<(usize, u64, u64)>,
    digests: Vec<String>,
    pdq: Option<[u8; 32]>,
    pdq_quality: Option<u8>,
    unread_scans: usize,
    matches: Vec<WireMatch>,
    retracted: u64,
    outcome: usize,
    access_time_at_risk: bool,
    problem: Option<(usize, String)>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WireMatch {
    kind: String,
    distance: u32,
    view: Option<(u8, [u32; 4], usize)>,
    entry_view: Option<String>,
    coarse_distance: Option<u32>,
    band: Option<usize>,
    plain: bool,
    below_band: bool,
    list: String,
    list_version: String,
    list_sha256: [u8; 32],
    entry: String,
    row: u64,
    label: Option<Label>,
    role: usize,
    weak: bool,
}

/// Every outcome that an item in a worker can have.
static OUTCOMES: LazyLock<Vec<Outcome>> = LazyLock::new(|| {
    use Outcome::{Failed, Skipped, UnmatchedExactOnly};
    let mut outcomes = vec![
        Outcome::MatchedExact,
        Outcome::MatchedNearOnly,
        Outcome::Noted,
        Outcome::Ignored,
        Outcome::UnmatchedExactAndNear,
        UnmatchedExactOnly(ExactOnly::NotAPicture),
        UnmatchedExactOnly(ExactOnly::LowQuality),
        UnmatchedExactOnly(ExactOnly::NearOff),
        UnmatchedExactOnly(ExactOnly::NoPdqInLists),
        Failed(Failure::Changed),
        Failed(Failure::PictureDamaged),
        Failed(Failure::PictureUnsupported),
        Failed(Failure::PictureOverLimit),
        Failed(Failure::Internal),
        Skipped(Skip::Encrypted),
        Skipped(Skip::ItemTooLarge),
        Skipped(Skip::Stopped),
    ];
    outcomes.extend(Death::ALL.map(|death| Failed(Failure::Worker(death))));
    let error = || std::io::Error::other("");
    let read = [
        lykta_source::Error::Stat(error()),
        lykta_source::Error::Read(error()),
        lykta_source::Error::NotReadToEnd { read: 0, size: 0 },
    ];
    outcomes.extend(read.iter().map(|error| Failed(Failure::from(error))));
    let containers = [
        ContainerError::Damaged(String::new()),
        ContainerError::CutShort,
        ContainerError::Encrypted,
        ContainerError::Unsupported(String::new()),
        ContainerError::Exceeded(Exceeded::Bytes(0)),
        ContainerError::Read(error()),
    ];
    outcomes.extend(containers.iter().map(|error| Failed(Failure::from(error))));
    let members = [MemberSkip::Link(Vec::new()), MemberSkip::Special, MemberSkip::Elsewhere(String::new())];
    outcomes.extend(members.iter().map(|skip| Skipped(Skip::from(skip))));
    outcomes
});

/// Every reason of a problem.
static REASONS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| OUTCOMES.iter().filter_map(|outcome| outcome.reason()).collect());

fn opened_kinds() -> impl Iterator<Item = &'static str> {
    Container::ALL.into_iter().map(Container::name).chain(Container::unread()).chain([PICTURE])
}

impl From<&Record> for WireRecord {
    fn from(record: &Record) -> Self {
        let internal = || OUTCOMES.iter().position(|one| *one == Outcome::Failed(Failure::Internal));
        let outcome = OUTCOMES.iter().position(|one| *one == record.outcome).or_else(internal).unwrap_or(0);
        let reason = |reason: &str| REASONS.iter().position(|one| *one == reason).unwrap_or(0);
        Self {
            place: WirePlace::from(record),
            opened: record.opened.map(|Opened { kind, members, items }| {
                // Of a kind that is not in the table the scan makes nothing, and says so.
                (opened_kinds().position(|one| one == kind).unwrap_or(usize::MAX), members, items)
            }),
            digests: record.digests.iter().map(|digest| Hash::from(digest).to_string()).collect(),
            pdq: record.pdq.map(|Pdq(bits)| bits),
            pdq_quality: record.pdq_quality,
            unread_scans: record.unread_scans,
            matches: record.matches.iter().map(WireMatch::from).collect(),
            retracted: record.retracted,
            outcome,
            access_time_at_risk: record.access_time_at_risk,
            problem: record.problem.as_ref().map(|problem| (reason(problem.reason), problem.detail.clone())),
        }
    }
}

impl WireRecord {
    /// The record, if it can be one.
    pub(crate) fn into_record(self) -> Option<Record> {
        let mut record = Record::from(self.place);
        record.opened = match self.opened {
            None => None,
            Some((kind, members, items)) => Some(Opened { kind: opened_kinds().nth(kind)?, members, items }),
        };
        for digest in &self.digests {
            match digest.parse() {
                Ok(Hash::Digest(digest)) => record.digests.insert(digest),
                _ => return None,
            }
        }
        record.pdq = self.pdq.map(Pdq);
        record.pdq_quality = self.pdq_quality.filter(|quality| *quality <= 100);
        record.unread_scans = self.unread_scans;
        record.matches = self.matches.into_iter().map(WireMatch::into_match).collect::<Option<_>>()?;
        record.retracted = self.retracted;
        record.outcome = *OUTCOMES.get(self.outcome)?;
        record.access_time_at_risk = self.access_time_at_risk;
        record.problem = match self.problem {
            None => None,
            Some((reason, detail)) => Some(Problem { reason: REASONS.get(reason)?, detail }),
        };
        Some(record)
    }
}

impl From<&Match> for WireMatch {
    fn from(found: &Match) -> Self {
        let found = found.clone();
        Self {
            kind: found.kind.name().to_owned(),
            distance: found.distance,
            view: found.view.map(|View { part, variant }| {
                let tag = match part {
                    Part::Whole => 0,
                    Part::Unbordered(_) => 1,
                    Part::Upper(_) => 2,
                    Part::Lower(_) => 3,
                };
                let at = part.rectangle();
                let at =
                    at.map_or([0; 4], |Rectangle { left, top, width, height }| [left, top, width, height]);
                (tag, at, Variant::ALL.iter().position(|one| *one == variant).unwrap_or(0))
            }),
            entry_view: found.entry_view,
            coarse_distance: found.coarse_distance,
            band: found.band.map(|band| band as usize),
            plain: found.plain,
            below_band: found.below_band,
            list: found.list,
            list_version: found.list_version,
            list_sha256: found.list_sha256,
            entry: found.entry,
            row: found.row,
            label: found.label,
            role: found.role as usize,
            weak: found.weak,
        }
    }
}

impl WireMatch {
    fn into_match(self) -> Option<Match> {
        let view = match self.view {
            None => None,
            Some((tag, [left, top, width, height], variant)) => {
                let at = Rectangle { left, top, width, height };
                let part = match tag {
                    0 => Part::Whole,
                    1 => Part::Unbordered(at),
                    2 => Part::Upper(at),
                    3 => Part::Lower(at),
                    _ => return None,
                };
                Some(View { part, variant: *Variant::ALL.get(variant)? })
            }
        };
        Some(Match {
            kind: self.kind.parse().ok()?,
            distance: self.distance,
            view,
            entry_view: self.entry_view,
            coarse_distance: self.coarse_distance,
            band: match self.band {
                None => None,
                Some(band) => Some(*BANDS.get(band)?),
            },
            plain: self.plain,
            below_band: self.below_band,
            list: self.list,
            list_version: self.list_version,
            list_sha256: self.list_sha256,
            entry: self.entry,
            row: self.row,
            label: self.label,
            role: *Role::ALL.get(self.role)?,
            weak: self.weak,
            disputed: false,
        })
    }
}
