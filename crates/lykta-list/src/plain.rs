//! Plain text: one hash a line, all of one kind. Blanks around a hash are not part of it.

use lykta_hash::{Hash, Kind};

use crate::entry::{Entry, Rejection, Row};
use crate::lines::trim;
use crate::reason::{Cause, Problem};

/// The kind that digits without a header mean by their number: 64 are SHA-256.
pub(crate) fn kind_of(line: &[u8]) -> Option<Kind> {
    let text = trim(line);
    let kind = match text.len() {
        32 => Kind::Md5,
        40 => Kind::Sha1,
        64 => Kind::Sha256,
        _ => return None,
    };
    text.iter().all(u8::is_ascii_hexdigit).then_some(kind)
}

/// Whether a line is a 64-bit hash: of which kind, 16 digits do not tell.
pub(crate) fn is_of_64_bits(line: &[u8]) -> bool {
    let text = trim(line);
    text.len() == 16 && text.iter().all(u8::is_ascii_hexdigit)
}

pub(crate) fn row(kind: Kind, text: &[u8], row: u64, line: u64) -> Row {
    match usable(kind, text) {
        Ok(hash) => Row::Accepted(Entry { row, line, hashes: vec![hash], ..Entry::default() }),
        Err(cause) => Row::Rejected(Rejection {
            row,
            line,
            reason: cause.reason(),
            problems: vec![Problem::cell(kind.name(), cause)],
        }),
    }
}

/// Reads a hash and refuses the ones that would match what nobody listed.
pub(crate) fn usable(kind: Kind, text: &[u8]) -> Result<Hash, Cause> {
    match Hash::from_hex(kind, trim(text)) {
        Ok(Hash::Digest(digest)) if digest.is_of_empty_file() => Err(Cause::EmptyFileHash),
        Ok(Hash::Pdq(pdq)) if pdq.is_blank() => Err(Cause::BlankPdq),
        Ok(hash) if hash.is_blank() => Err(Cause::BlankHash),
        Ok(hash) => Ok(hash),
        Err(error) => Err(Cause::Hash(error)),
    }
}
