//! A mapping as text, read and written.

use std::fmt;
use std::str::FromStr;

use super::{Mapped, Mapping, MappingError, SEPARATORS, Source, Target};
use crate::formats::fields::{Encoding, Field};

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut mapping = Self { columns: Vec::new(), constants: Vec::new(), separator: None, header: None };
        for part in parts(text)? {
            let bad = || MappingError::Part { part: part.to_owned() };
            let (key, value) = part.split_once('=').ok_or_else(bad)?;
            let (key, is_constant) = match key.strip_suffix(':') {
                Some(key) => (key.trim(), true),
                None => (key.trim(), false),
            };
            match key {
                "separator" if !is_constant => mapping.separator = Some(separator(&unquoted(value).0)?),
                "header" if !is_constant => mapping.header = Some(yes_or_no(value.trim())?),
                _ if is_constant => mapping.add_constant(key, unquoted(value).0)?,
                _ => {
                    let (name, is_quoted) = unquoted(value);
                    mapping.add_column(key, |target| source(target, name, is_quoted))?;
                }
            }
        }
        mapping.check()
    }
}

impl Mapping {
    /// Adds a column; `key` is its target, perhaps with an encoding.
    pub(super) fn add_column(
        &mut self,
        key: &str,
        source: impl FnOnce(&'static str) -> Result<Source, MappingError>,
    ) -> Result<(), MappingError> {
        let (name, encoding) = key.split_once('/').map_or((key, None), |(name, word)| (name, Some(word)));
        let target = target(name)?;
        let encoding = match (encoding, target.field) {
            (None, _) | (Some("hex"), Field::Hash(..)) => Encoding::Hex,
            (Some("base32"), Field::Hash(..)) => Encoding::Base32,
            (Some("base64"), Field::Hash(..)) => Encoding::Base64,
            (Some(word), _) => {
                return Err(MappingError::Encoding { name: target.name, encoding: word.to_owned() });
            }
        };
        self.columns.push(Mapped { target, encoding, source: source(target.name)? });
        Ok(())
    }

    pub(super) fn add_constant(&mut self, key: &str, text: String) -> Result<(), MappingError> {
        let target = target(key)?;
        if !target.can_be_constant() {
            return Err(MappingError::Constant { name: target.name });
        }
        self.constants.push((target, text));
        Ok(())
    }
}

fn target(name: &str) -> Result<Target, MappingError> {
    Target::of(name).ok_or_else(|| MappingError::Target { name: name.to_owned() })
}

/// The parts between commas that are not in quotation marks. The comma as separator need not be quoted.
fn parts(text: &str) -> Result<Vec<&str>, MappingError> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    if is_quoted { Err(MappingError::OpenQuote) } else { Ok(parts) }
}

/// The text without quotation marks, and whether it had them.
fn unquoted(text: &str) -> (String, bool) {
    let bare = text.trim_matches(' ');
    match bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => (inner.replace("\"\"", "\""), true),
        None => (bare.to_owned(), false),
    }
}

/// A column by name or, unless quoted, by number.
fn source(target: &'static str, name: String, is_quoted: bool) -> Result<Source, MappingError> {
    match name.strip_prefix('#').and_then(|number| number.parse().ok()) {
        Some(number) if !is_quoted => numbered(target, number),
        _ if name.trim().is_empty() => Err(MappingError::Source { name: target }),
        _ => Ok(Source::Name(name)),
    }
}

pub(super) fn numbered(target: &'static str, number: usize) -> Result<Source, MappingError> {
    if number == 0 { Err(MappingError::Source { name: target }) } else { Ok(Source::Number(number)) }
}

pub(super) fn separator(given: &str) -> Result<u8, MappingError> {
    let is_meant = |(byte, word): &(u8, &str)| given == *word || given.as_bytes() == [*byte];
    match (SEPARATORS.iter().find(|known| is_meant(known)), given.as_bytes()) {
        (Some((byte, _)), _) => Ok(*byte),
        (None, [byte]) if byte.is_ascii_punctuation() && *byte != b'"' => Ok(*byte),
        _ => Err(MappingError::Separator { given: given.to_owned() }),
    }
}

fn yes_or_no(given: &str) -> Result<bool, MappingError> {
    match given {
        "yes" | "true" => Ok(true),
        "no" | "false" => Ok(false),
        _ => Err(MappingError::Header { given: given.to_owned() }),
    }
}

impl fmt::Display for Mapping {
    /// As it can be read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut between = "";
        for column in &self.columns {
            let encoding = match column.encoding {
                Encoding::Hex => "",
                Encoding::Base32 => "/base32",
                Encoding::Base64 => "/base64",
            };
            write!(f, "{between}{}{encoding}=", column.target.name)?;
            match &column.source {
                Source::Number(number) => write!(f, "#{number}")?,
                Source::Name(name) if is_plain(name) => f.write_str(name)?,
                Source::Name(name) => f.write_str(&quoted(name))?,
            }
            between = ",";
        }
        for (target, text) in &self.constants {
            write!(f, "{between}{}:={}", target.name, quoted(text))?;
            between = ",";
        }
        if let Some(separator) = self.separator {
            match SEPARATORS.iter().find(|(byte, _)| *byte == separator) {
                Some((_, word)) => write!(f, "{between}separator={word}")?,
                None => write!(f, "{between}separator={}", char::from(separator))?,
            }
        }
        match self.header {
            Some(header) => write!(f, ",header={}", if header { "yes" } else { "no" }),
            None => Ok(()),
        }
    }
}

/// Whether a name can stand without quotation marks.
fn is_plain(name: &str) -> bool {
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '(' | ')');
    name.trim() == name && !name.is_empty() && name.chars().all(is_inner)
}
