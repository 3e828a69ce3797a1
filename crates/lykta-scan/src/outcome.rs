//! What became of an item: exactly one outcome each.

use std::fmt;

use lykta_source::container::{ContainerError, MemberSkip};

use crate::death::Death;

/// What became of an item. `Display` is [`Outcome::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A digest is that of an entry with role match. Outranks everything below, a failure to
    /// decode the picture included; [`Record::problem`](crate::Record::problem) still tells of it.
    MatchedExact,
    /// No such digest, but the picture is within the radius of an entry with role match.
    MatchedNearOnly,
    /// Only entries with role note were hit, exactly or nearly, or only by likeness in a weaker band than
    /// was asked for. Reported, never counted as found.
    Noted,
    /// Only entries with role ignore were hit. Not reported as a finding.
    Ignored,
    /// No match in the lists given, by digest and by likeness.
    UnmatchedExactAndNear,
    /// No match in the lists given by digest; likeness was not compared.
    UnmatchedExactOnly(ExactOnly),
    /// The item could not be examined, or not as it should have been.
    Failed(Failure),
    /// The item was left out on purpose.
    Skipped(Skip),
}

/// Why likeness was not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExactOnly {
    /// The content is not that of a picture.
    NotAPicture,
    /// The picture is too flat: its PDQ quality is below the gate, or its PDQ is blank. Or the only
    /// entries near to it are.
    LowQuality,
    /// Near search was switched off.
    NearOff,
    /// The index holds no perceptual hash.
    NoPdqInLists,
}

/// Why an item could not be examined, coarsely: summaries count these, so there are few.
/// [`Problem::detail`] says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// It could not be reached, opened or read: [`lykta_source::Error::name`].
    Unreadable(&'static str),
    /// It changed while it was read, so its digests may be of bytes that never were a file.
    Changed,
    /// It begins like a picture and is cut short or damaged.
    PictureDamaged,
    /// It is a picture of a format, or a variant of one, that is not decoded.
    PictureUnsupported,
    /// It is a container of which not all could be looked into: [`ContainerError::name`]. Or it is in one that could
    /// not be read where it is.
    Container(&'static str),
    /// It is a picture that is larger, or needs more memory to decode, than the limits allow.
    PictureOverLimit,
    /// A fault in this program or a decoder. Other items are not affected.
    Internal,
    /// A worker process ended that examined it.
    Worker(Death),
}

/// Why an item was left out, coarsely: summaries count these, so there are few.
/// [`Problem::detail`] says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// A link, a special file or something out of scope: [`lykta_source::Skip::name`].
    Source(&'static str),
    /// A member of a container that is encrypted.
    Encrypted,
    /// A member of a container that is a link, or without content of its own: [`MemberSkip::name`].
    Member(&'static str),
    /// A folder deeper than the walk may go.
    TooDeep,
    /// Larger than one item may be.
    ItemTooLarge,
    /// The bytes that one scan may read were used up by items before it.
    TotalUsedUp,
    /// The scan was stopped first.
    Stopped,
}

impl Outcome {
    /// The names of all outcomes, in the order in which results list them.
    pub const NAMES: [&'static str; 8] = [
        "matched_exact",
        "matched_near_only",
        "noted",
        "ignored",
        "unmatched_exact_and_near",
        "unmatched_exact_only",
        "failed",
        "skipped",
    ];

    /// The name in results.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.index()]
    }

    /// Where the name stands in [`Outcome::NAMES`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::MatchedExact => 0,
            Self::MatchedNearOnly => 1,
            Self::Noted => 2,
            Self::Ignored => 3,
            Self::UnmatchedExactAndNear => 4,
            Self::UnmatchedExactOnly(_) => 5,
            Self::Failed(_) => 6,
            Self::Skipped(_) => 7,
        }
    }

    /// Why, for the outcomes that have reasons.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::UnmatchedExactOnly(reason) => Some(reason.name()),
            Self::Failed(reason) => Some(reason.name()),
            Self::Skipped(reason) => Some(reason.name()),
            _ => None,
        }
    }

    /// Whether this item makes the result incomplete (exit codes 3 and 4).
    ///
    /// Failed items do, and skipped ones that a limit (depth, bytes, time) left out or that are encrypted: their
    /// content is of the kind that a scan examines. A link, a special file or something out of scope does
    /// not, or hardly any folder could be scanned completely; it is listed with the errors all the
    /// same.
    pub const fn is_unexamined(self) -> bool {
        match self {
            Self::Failed(_) => true,
            Self::Skipped(reason) => {
                matches!(reason, Skip::TooDeep | Skip::ItemTooLarge | Skip::TotalUsedUp | Skip::Stopped)
                    || matches!(reason, Skip::Encrypted)
            }
            _ => false,
        }
    }
}

impl ExactOnly {
    /// The words in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAPicture => "not a picture",
            Self::LowQuality => "quality below the gate",
            Self::NearOff => "near search off",
            Self::NoPdqInLists => "the lists hold no perceptual hash",
        }
    }
}

impl Failure {
    /// The words in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreadable(how) | Self::Container(how) => how,
            Self::Changed => "changed while read",
            Self::PictureDamaged => "picture is damaged",
            Self::PictureUnsupported => "picture format is not decoded",
            Self::PictureOverLimit => "picture is over the limits",
            Self::Internal => "internal error",
            Self::Worker(death) => death.name(),
        }
    }
}

impl Skip {
    /// The words in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Source(why) | Self::Member(why) => why,
            Self::Encrypted => MemberSkip::Encrypted.name(),
            Self::TooDeep => "too deep",
            Self::ItemTooLarge => "larger than an item may be",
            Self::TotalUsedUp => "the bytes of this scan are used up",
            Self::Stopped => "the scan was stopped",
        }
    }
}

impl From<&lykta_source::Error> for Failure {
    fn from(error: &lykta_source::Error) -> Self {
        match error {
            lykta_source::Error::Changed(_) => Self::Changed,
            error => Self::Unreadable(error.name()),
        }
    }
}

impl From<&lykta_source::Skip> for Skip {
    fn from(skip: &lykta_source::Skip) -> Self {
        match skip {
            lykta_source::Skip::TooDeep { .. } => Self::TooDeep,
            skip => Self::Source(skip.name()),
        }
    }
}

impl From<&ContainerError> for Failure {
    fn from(error: &ContainerError) -> Self {
        match error {
            ContainerError::Read(_) => Self::Unreadable(error.name()),
            error => Self::Container(error.name()),
        }
    }
}

impl From<&MemberSkip> for Skip {
    fn from(skip: &MemberSkip) -> Self {
        match skip {
            MemberSkip::Encrypted => Self::Encrypted,
            skip => Self::Member(skip.name()),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What went wrong with an item, or why it was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The words of [`Failure::name`] or [`Skip::name`].
    pub reason: &'static str,
    /// One sentence with the particulars, escaped where it names a file; may be empty.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_own_name() {
        let all = [
            Outcome::MatchedExact,
            Outcome::MatchedNearOnly,
            Outcome::Noted,
            Outcome::Ignored,
            Outcome::UnmatchedExactAndNear,
            Outcome::UnmatchedExactOnly(ExactOnly::NearOff),
            Outcome::Failed(Failure::Changed),
            Outcome::Skipped(Skip::Source("link not followed")),
        ];
        assert_eq!(all.map(Outcome::name), Outcome::NAMES);
    }

    #[test]
    fn limits_make_a_result_incomplete_and_links_do_not() {
        assert!(Outcome::Failed(Failure::Unreadable("not opened")).is_unexamined());
        assert!(Outcome::Skipped(Skip::ItemTooLarge).is_unexamined());
        assert!(Outcome::Skipped(Skip::TotalUsedUp).is_unexamined());
        assert!(Outcome::Skipped(Skip::from(&MemberSkip::Encrypted)).is_unexamined());
        assert!(!Outcome::Skipped(Skip::from(&MemberSkip::Special)).is_unexamined());
        assert!(!Outcome::Skipped(Skip::Source("link not followed")).is_unexamined());
        assert!(!Outcome::Skipped(Skip::Source("special file")).is_unexamined());
        assert!(!Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture).is_unexamined());
    }
}
