//! Links of archives whose target is their content. The mode of a member says that it is one, and says so of any bytes:
//! what is no path is given as the bytes that it is.

use std::io::Read;

use super::Container;

/// Longest target of a link, in bytes: what is longer is no link.
const LONGEST: u64 = 4096;

/// What a member holds that is said to be a link and to have `size` bytes.
pub(super) enum Said {
    /// The target of a link.
    Target(Vec<u8>),
    /// The bytes with which it begins, taken off the stream, which has the rest of them, or what is wrong with them.
    Bytes(Vec<u8>),
}

impl Said {
    pub(super) fn of(stream: &mut impl Read, size: u64) -> Self {
        let mut bytes = Vec::new();
        if !(1..=LONGEST).contains(&size) {
            return Self::Bytes(bytes);
        }
        // One byte more than it should have: it may have more than it says.
        let is_read = stream.take(size + 1).read_to_end(&mut bytes).is_ok();
        if is_read && bytes.len() as u64 == size && is_path(&bytes) {
            Self::Target(bytes)
        } else {
            Self::Bytes(bytes)
        }
    }
}

/// Whether the bytes may be a path and nothing else: text of one line, and no picture or container that is written so.
/// A path in other characters than those of UTF-8 is not told from a picture, and given as bytes.
fn is_path(bytes: &[u8]) -> bool {
    let is_text = str::from_utf8(bytes).is_ok_and(|text| !text.contains(char::is_control));
    let is_pixels = matches!(bytes, [b'P', b'1'..=b'7', b' ', ..]);
    is_text && !is_pixels && !bytes.starts_with(b"GIF8") && Container::sniff(bytes).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_paths() {
        for path in [&b"far away"[..], b"../a", "d\u{e5}lig.jpg".as_bytes(), b"P1", b"/"] {
            assert!(is_path(path), "{path:?}");
        }
        let pixels = b"P1 2 2 0 1 1 0";
        for bytes in [&b"\xff\xd8\xff\xe0"[..], b"GIF89a", b"a\0b", b"a\nb", b"PK\x05\x06", pixels] {
            assert!(!is_path(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_longer_than_it_says_is_no_path() {
        let mut stream = &b"far away"[..];
        assert!(matches!(Said::of(&mut stream, 3), Said::Bytes(bytes) if bytes == b"far "));
        assert_eq!(stream, b"away");
        assert!(matches!(Said::of(&mut &b"far away"[..], 9), Said::Bytes(bytes) if bytes == b"far away"));
        assert!(matches!(Said::of(&mut &b"far away"[..], 8), Said::Target(bytes) if bytes == b"far away"));
        assert!(matches!(Said::of(&mut &b"far away"[..], 0), Said::Bytes(bytes) if bytes.is_empty()));
    }
}
