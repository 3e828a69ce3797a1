//! What an entry says, as bytes: the same bytes for the same words, and back.
//!
//! Name and label are kept beside it, since the one is asked for and the other shared by many entries.

use lykta_hash::{Bits64, Digest, Hash, Kind, Pdq, PhotoDna};
use lykta_list::{Entry, Label, Position};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

const QUALITY: u8 = 1;
const SIZE: u8 = 2;
const VIEW: u8 = 4;
const PHOTODNA: u8 = 8;
const CATEGORISED: u8 = 16;

/// Appends the hashes, quality, size, view and PhotoDNA of an entry, and whether it is of a list of several
/// meanings.
pub(crate) fn encode(entry: &Entry, bytes: &mut Vec<u8>) {
    let mut flags = 0;
    for (flag, is_there) in [
        (QUALITY, entry.pdq_quality.is_some()),
        (SIZE, entry.size.is_some()),
        (VIEW, entry.view.is_some()),
        (PHOTODNA, entry.photodna.is_some()),
        (CATEGORISED, entry.categorised),
    ] {
        flags |= if is_there { flag } else { 0 };
    }
    bytes.push(flags);
    bytes.push(entry.hashes.len() as u8);
    for hash in &entry.hashes {
        bytes.push(tag(hash.kind()));
        match hash {
            Hash::Digest(digest) => bytes.extend_from_slice(digest.as_bytes()),
            Hash::Pdq(pdq) => bytes.extend_from_slice(&pdq.0),
            Hash::Phash(bits) | Hash::Dhash(bits) => bytes.extend_from_slice(&bits.0),
        }
    }
    bytes.extend(entry.pdq_quality);
    if let Some(size) = entry.size {
        bytes.extend_from_slice(&size.to_le_bytes());
    }
    if let Some(view) = &entry.view {
        push_text(bytes, view);
    }
    if let Some(photodna) = &entry.photodna {
        bytes.extend_from_slice(photodna.as_bytes());
    }
}

/// Fills an entry with what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8], entry: &mut Entry) -> Result<(), Error> {
    read(bytes, entry).ok_or_else(|| Error::damaged("an entry cannot be read"))
}

fn read(mut bytes: &[u8], entry: &mut Entry) -> Option<()> {
    let [flags, count] = take(&mut bytes)?;
    for _ in 0..count {
        let [tag] = take(&mut bytes)?;
        let kind = Kind::ALL.into_iter().find(|kind| self::tag(*kind) == tag)?;
        let (value, rest) = bytes.split_at_checked(kind.byte_len())?;
        bytes = rest;
        entry.hashes.push(match kind {
            Kind::Pdq => Hash::Pdq(Pdq(value.try_into().ok()?)),
            Kind::Phash => Hash::Phash(Bits64(value.try_into().ok()?)),
            Kind::Dhash => Hash::Dhash(Bits64(value.try_into().ok()?)),
            kind => Hash::Digest(Digest::from_bytes(kind, value)?),
        });
    }
    let has = |flag| flags & flag != 0;
    if has(QUALITY) {
        let [quality] = take(&mut bytes)?;
        entry.pdq_quality = Some(quality);
    }
    if has(SIZE) {
        entry.size = Some(u64::from_le_bytes(take(&mut bytes)?));
    }
    if has(VIEW) {
        let length = u32::from_le_bytes(take(&mut bytes)?);
        let (view, rest) = bytes.split_at_checked(length as usize)?;
        bytes = rest;
        entry.view = Some(std::str::from_utf8(view).ok()?.to_owned());
    }
    if has(PHOTODNA) {
        entry.photodna = Some(PhotoDna::from(take::<{ PhotoDna::BYTES }>(&mut bytes)?));
    }
    entry.categorised = has(CATEGORISED);
    bytes.is_empty().then_some(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// The number of a kind in stores; it never changes.
const fn tag(kind: Kind) -> u8 {
    match kind {
        Kind::Md5 => 1,
        Kind::Sha1 => 2,
        Kind::Sha256 => 3,
        Kind::Blake3 => 4,
        Kind::Pdq => 5,
        Kind::Phash => 6,
        Kind::Dhash => 7,
    }
}

/// A text with its length before it, so that texts in a row cannot be cut in another way.
fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// What an entry is known by: the digest of its key, when it has one.
pub(crate) fn identity_of_key(key: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(b"key");
    digest.update(key.as_bytes());
    digest.finalize().into()
}

/// What an entry without a key is known by: the digest of all that it says. `content` is of [`encode`], and
/// `scratch` is a buffer.
pub(crate) fn identity_of_content(
    content: &[u8],
    name: Option<&str>,
    label: Option<&Label>,
    scratch: &mut Vec<u8>,
) -> [u8; 32] {
    scratch.clear();
    scratch.extend_from_slice(b"all");
    scratch.extend_from_slice(&(content.len() as u32).to_le_bytes());
    scratch.extend_from_slice(content);
    scratch.push(u8::from(name.is_some()));
    push_text(scratch, name.unwrap_or_default());
    if let Some(label) = label {
        let Label { scheme, version, code, series, victim_identified } = label;
        for text in [scheme, version, code, series, victim_identified] {
            push_text(scratch, text);
        }
    }
    Sha256::digest(&scratch).into()
}

/// A number that another entry, or one damaged on the disk, hardly has: SQLite keeps none for its pages. It is of
/// everything that is kept of the entry; `number` is its own in the store.
pub(crate) fn checksum(number: i64, entry: &Entry, content: &[u8]) -> i64 {
    let (unit, position) = position_parts(entry.position);
    let mut sum = Checksum(0xcbf2_9ce4_8422_2325);
    for value in [number, unit, position, i64::from(entry.changed.is_some()), entry.changed.unwrap_or(0)] {
        sum.add(value.cast_unsigned());
    }
    sum.add_bytes(content);
    sum.add(u64::from(entry.name.is_some()) | u64::from(entry.label.is_some()) << 1);
    sum.add_bytes(entry.name.as_deref().unwrap_or_default().as_bytes());
    if let Some(Label { scheme, version, code, series, victim_identified }) = entry.label.as_deref() {
        for text in [scheme, version, code, series, victim_identified] {
            sum.add_bytes(text.as_bytes());
        }
    }
    sum.0.cast_signed()
}

/// FNV-1a, of words in place of bytes, with the upper half mixed into the lower.
struct Checksum(u64);

impl Checksum {
    fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 ^= self.0 >> 29;
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
        self.add(bytes.len() as u64);
    }
}

/// The numbers of a position in stores.
pub(crate) fn position_parts(position: Position) -> (i64, i64) {
    match position {
        Position::Line(number) => (0, number.cast_signed()),
        Position::Byte(number) => (1, number.cast_signed()),
        Position::Record(number) => (2, number),
    }
}

/// The position of these numbers.
pub(crate) fn position(unit: i64, number: i64) -> Result<Position, Error> {
    match unit {
        0 => Ok(Position::Line(number.cast_unsigned())),
        1 => Ok(Position::Byte(number.cast_unsigned())),
        2 => Ok(Position::Record(number)),
        _ => Err(Error::damaged("a position of no known unit")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_nothing_shorter() {
        let entry = Entry {
            hashes: vec![
                Hash::Digest(Digest::Md5([1; 16])),
                Hash::Digest(Digest::Sha1([2; 20])),
                Hash::Digest(Digest::Sha256([3; 32])),
                Hash::Digest(Digest::Blake3([4; 32])),
                Hash::Pdq(Pdq([5; 32])),
                Hash::Phash(Bits64([6; 8])),
                Hash::Dhash(Bits64([7; 8])),
            ],
            photodna: Some(PhotoDna::from([8; 144])),
            pdq_quality: Some(99),
            size: Some(u64::MAX),
            view: Some("rot90".to_owned()),
            categorised: true,
            ..Entry::default()
        };
        let mut bytes = Vec::new();
        encode(&entry, &mut bytes);
        let mut back = Entry::default();
        decode(&bytes, &mut back).unwrap();
        assert_eq!(back, entry);
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length], &mut Entry::default()).is_err(), "{length}");
        }
    }
}
