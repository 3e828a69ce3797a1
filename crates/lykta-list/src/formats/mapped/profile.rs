//! A mapping as a small file in TOML.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parse::{numbered, separator};
use super::{Mapping, MappingError, Source};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    separator: Option<String>,
    header: Option<bool>,
    columns: BTreeMap<String, Column>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
}

/// A column by name or by number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Column {
    Name(String),
    Number(usize),
}

impl Mapping {
    /// Reads a profile: a mapping in TOML. Columns are given by name, or by number from 1.
    ///
    /// ```
    /// let mapping = lykta_list::Mapping::from_toml(
    ///     r#"
    ///     separator = ";"
    ///     header = true
    ///     [columns]
    ///     "sha1/base32" = "Hash"
    ///     label_code = 3
    ///     [constants]
    ///     label_scheme = "IWF"
    ///     "#,
    /// )?;
    /// assert_eq!(Ok(mapping), r#"label_code=#3,sha1/base32=Hash,label_scheme:="IWF",separator=;,header=yes"#.parse());
    /// # Ok::<(), lykta_list::MappingError>(())
    /// ```
    ///
    /// # Errors
    /// [`MappingError`]: no TOML, keys that are not known, or what a mapping as text is refused for.
    pub fn from_toml(text: &str) -> Result<Self, MappingError> {
        let profile: Profile = toml::from_str(text).map_err(|error| {
            let line = 1 + text[..error.span().unwrap_or_default().start].matches('\n').count();
            MappingError::Profile { detail: format!("line {line}: {}", error.message()) }
        })?;
        let mut mapping = Self {
            columns: Vec::new(),
            constants: Vec::new(),
            separator: profile.separator.as_deref().map(separator).transpose()?,
            header: profile.header,
        };
        for (key, column) in profile.columns {
            mapping.add_column(&key, |target| match column {
                Column::Number(number) => numbered(target, number),
                Column::Name(name) if name.trim().is_empty() => Err(MappingError::Source { name: target }),
                Column::Name(name) => Ok(Source::Name(name)),
            })?;
        }
        for (key, text) in profile.constants {
            mapping.add_constant(&key, text)?;
        }
        mapping.check()
    }
}
