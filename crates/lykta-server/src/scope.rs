//! What tokens may be used for.

use std::str::FromStr;

use serde::Deserialize;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Having files hashed.
    Hash,
    /// Asking whether files and hashes are known.
    Match,
    /// Seeing distances and views in matches.
    Distance,
    /// Metrics.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Hash, Self::Match, Self::Distance, Self::Admin];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Match => "match",
            Self::Distance => "distance",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == word);
        found.ok_or_else(|| format!("a scope is one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
