//! One record from its bytes.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::reason::Cause;

/// A record, and what had to be left out of its text.
pub(crate) struct Parsed<T> {
    pub(crate) value: T,
    /// Where the first character is that is none: bytes that are not UTF-8, or half of a pair of surrogates. A
    /// replacement character stands in its place.
    pub(crate) not_utf8: Option<usize>,
}

/// Why a record could not be read.
pub(crate) enum Flaw {
    /// It is no JSON: what follows cannot be relied on either.
    Syntax(String),
    /// It is JSON, and not what the format has: only this record is lost.
    Content(Cause),
}

/// Reads `bytes` as one value. Text that cannot be read is replaced in `mended`: tools cut names in the middle
/// of a character, and a hash beside such a name is still a hash.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    mended: &'a mut String,
) -> Result<Parsed<T>, Flaw> {
    let (text, not_utf8) = match str::from_utf8(bytes) {
        Ok(text) => match serde_json::from_str(text) {
            Ok(value) => return Ok(Parsed { value, not_utf8: None }),
            Err(error) => match without_lone_surrogates(text) {
                Some((text, at)) => (text, Some(at)),
                None => return Err(flaw(text, &error)),
            },
        },
        Err(error) => {
            let text = String::from_utf8_lossy(bytes);
            let text = without_lone_surrogates(&text).map(|(text, _)| text).unwrap_or(text.into_owned());
            (text, Some(error.valid_up_to()))
        }
    };
    *mended = text;
    match serde_json::from_str(mended) {
        Ok(value) => Ok(Parsed { value, not_utf8 }),
        Err(error) => Err(flaw(mended, &error)),
    }
}

/// Reads `bytes` as an object; anything else is a flaw of content.
pub(crate) fn object<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    mended: &'a mut String,
) -> Result<Parsed<T>, Flaw> {
    if bytes.starts_with(b"{") {
        return parse(bytes, mended);
    }
    match parse::<IgnoredAny>(bytes, mended) {
        Ok(_) => Err(Flaw::Content(Cause::Type { expected: "an object" })),
        Err(flaw) => Err(flaw),
    }
}

fn flaw(text: &str, error: &serde_json::Error) -> Flaw {
    // An error of content stops in the middle: what is behind it has not been looked at.
    match serde_json::from_str::<IgnoredAny>(text) {
        // The fields take any value, so what is wrong is a key that is there twice.
        Ok(_) if error.is_data() => Flaw::Content(Cause::Type { expected: "an object with each key once" }),
        Ok(_) => Flaw::Syntax(error.to_string()),
        Err(error) => Flaw::Syntax(error.to_string()),
    }
}

/// The text with `\ufffd` for every half of a pair, and where the first one was; `None` when there is none.
fn without_lone_surrogates(text: &str) -> Option<(String, usize)> {
    let mut bytes = Cow::Borrowed(text.as_bytes());
    let (mut at, mut first) = (0, None);
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        at += found;
        let unit = |at: usize| {
            let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 12,
            (Some(0xd800..0xe000), _) => {
                first.get_or_insert(at);
                bytes.to_mut()[at + 2..at + 6].copy_from_slice(b"fffd");
                at += 6;
            }
            _ => at += 2,
        }
        if at > text.len() {
            break;
        }
    }
    Some((String::from_utf8(bytes.into_owned()).ok()?, first?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_are_none_are_replaced_and_told() {
        let read = |bytes: &[u8]| {
            let mut mended = String::new();
            parse::<String>(bytes, &mut mended).ok().map(|parsed| (parsed.value, parsed.not_utf8))
        };
        assert_eq!(read(br#""a""#), Some(("a".into(), None)));
        assert_eq!(read(br#""a\ud83d\ude00""#), Some(("a\u{1f600}".into(), None)));
        assert_eq!(read(br#""a\ud83d""#), Some(("a\u{fffd}".into(), Some(2))));
        assert_eq!(
            read(br#""\\\ude00\ud83d\ud83d\ude00""#),
            Some(("\\\u{fffd}\u{fffd}\u{1f600}".into(), Some(3)))
        );
        assert_eq!(read(b"\"a\xe9\""), Some(("a\u{fffd}".into(), Some(2))));
        assert_eq!(read(b"\"a\xe9\\ud83d\""), Some(("a\u{fffd}\u{fffd}".into(), Some(2))));
        assert_eq!(read(b"\"\\"), None);
        assert_eq!(read(b"\"\\u\""), None);
    }

    #[test]
    fn what_is_no_json_is_told_from_what_is_another_type() {
        let flaw = |text: &str| match parse::<String>(text.as_bytes(), &mut String::new()) {
            Ok(_) => "none",
            Err(Flaw::Syntax(_)) => "syntax",
            Err(Flaw::Content(_)) => "content",
        };
        assert_eq!(
            ["\"a\"", "12", "[1]", "[1 2]", "nul", "1.", "[,]"].map(flaw),
            ["none", "content", "content", "syntax", "syntax", "syntax", "syntax"]
        );
    }
}
