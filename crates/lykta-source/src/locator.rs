//! Names of items: lossless, whatever bytes a name is made of.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::path::Path;

/// Where an item is: a path, and for an item inside a container the steps into it.
///
/// Steps are bytes. As text ([`Locator::steps`]) they are [`escape`]d, and two locators are
/// ordered as the lists of these texts are, so that sorted output is sorted for its reader too.
///
/// `Display` is for people: steps joined by `!`, and characters that could move the cursor or
/// hide a part of the name escaped as well.
///
/// ```
/// use lykta_source::Locator;
///
/// let locator = Locator::from_path("/dump/a.zip".as_ref()).join(b"inner/b.jpg");
/// assert_eq!(locator.steps().collect::<Vec<_>>(), ["/dump/a.zip", "inner/b.jpg"]);
/// assert_eq!(locator.to_string(), "/dump/a.zip!inner/b.jpg");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Locator(Vec<Vec<u8>>);

impl Locator {
    /// A locator of one step. The bytes are those of the path on Unix, and elsewhere UTF-8 with
    /// lone surrogates encoded as if they were characters.
    pub fn from_path(path: &Path) -> Self {
        Self(vec![path.as_os_str().as_encoded_bytes().to_vec()])
    }

    /// The locator of an item inside this one, under the name that the container has for it.
    #[must_use]
    pub fn join(&self, step: &[u8]) -> Self {
        Self(self.0.iter().cloned().chain([step.to_vec()]).collect())
    }

    /// The steps as text, outermost first, at least one. [`unescape`] gives the bytes back.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Cow<'_, str>> {
        self.0.iter().map(|step| escape(step))
    }

    /// The steps as bytes, outermost first, at least one.
    pub fn bytes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }
}

impl Ord for Locator {
    fn cmp(&self, other: &Self) -> Ordering {
        self.steps().cmp(other.steps())
    }
}

impl PartialOrd for Locator {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps().enumerate() {
            if i > 0 {
                f.write_str("!")?;
            }
            write_visible(f, &step)?;
        }
        Ok(())
    }
}

/// Bytes as text without loss: UTF-8 stays, other bytes become `\xNN` in lower case and a
/// backslash becomes `\\`. Allocates only when there is something to escape.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&b'\\') => Cow::Borrowed(text),
        _ => {
            let mut text = String::with_capacity(bytes.len() + 8);
            for chunk in bytes.utf8_chunks() {
                text.push_str(&chunk.valid().replace('\\', r"\\"));
                for byte in chunk.invalid() {
                    text.push_str(&format!("\\x{byte:02x}"));
                }
            }
            Cow::Owned(text)
        }
    }
}

/// The bytes that [`escape`] made `text` of; `None` when a backslash begins neither `\\` nor
/// `\xNN` in lower case. Reads what `Display` of [`Locator`] writes for one step as well.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'\\', b'\\', after @ ..] => {
                bytes.push(b'\\');
                after
            }
            [b'\\', b'x', high, low, after @ ..] => {
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                after
            }
            [b'\\', ..] => return None,
            [byte, after @ ..] => {
                bytes.push(*byte);
                after
            }
        };
    }
}

/// Text as a terminal may have it: control characters, and those that change the direction of text
/// or have no width, as the bytes of their UTF-8, `\xNN`; all others as they are.
///
/// Of text that [`escape`] made this is what `Display` of [`Locator`] shows. Of other text the
/// original cannot always be told from it, since a backslash stays as it is.
///
/// ```
/// assert_eq!(lykta_source::visible("a\u{1b}[2J\u{ad}").to_string(), "a\\x1b[2J\\xc2\\xad");
/// ```
pub fn visible(text: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| write_visible(f, text))
}

/// Writes escaped text so that a terminal shows all of it, in its order.
pub(crate) fn write_visible(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for character in text.chars() {
        if is_visible(character) {
            write!(f, "{character}")?;
        } else {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
    }
    Ok(())
}

/// Not a control character, and none that changes the direction of text or has no width.
fn is_visible(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn locator(steps: &[Vec<u8>]) -> Locator {
        Locator(steps.to_vec())
    }

    /// Bytes that are likely to meet every branch: escapes, half escapes, halves of characters.
    fn name() -> impl Strategy<Value = Vec<u8>> {
        vec(prop_oneof![any::<u8>(), Just(b'\\'), Just(b'x'), Just(b'4'), Just(0xc3), Just(0xa9)], 0..12)
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing(bytes in name()) {
            prop_assert_eq!(unescape(&escape(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(unescape(&locator(std::slice::from_ref(&bytes)).to_string()), Some(bytes));
        }

        #[test]
        fn what_is_text_without_backslash_stays(text in "[^\\\\]{0,12}") {
            prop_assert_eq!(escape(text.as_bytes()), text.as_str());
        }

        #[test]
        fn order_is_that_of_the_texts(a in vec(name(), 1..4), b in vec(name(), 1..4)) {
            let text = |l: &Locator| l.steps().map(Cow::into_owned).collect::<Vec<String>>();
            let (a, b) = (locator(&a), locator(&b));
            prop_assert_eq!(a.cmp(&b), text(&a).cmp(&text(&b)));
            prop_assert_eq!(a == b, a.cmp(&b) == Ordering::Equal);
        }

        #[test]
        fn what_is_shown_moves_no_cursor(bytes in name()) {
            prop_assert!(locator(&[bytes]).to_string().chars().all(is_visible));
        }
    }

    #[test]
    fn escapes_are_as_documented() {
        assert_eq!(escape(b"caf\xe9\\\xc3\xa9"), "caf\\xe9\\\\\u{e9}");
        assert_eq!(escape(b"\\xe9"), "\\\\xe9");
        assert_eq!(unescape("\\q"), None);
        assert_eq!(unescape("\\xE9"), None);
        assert_eq!(unescape("\\x4"), None);
        assert_eq!(unescape("\\"), None);
    }

    #[test]
    fn a_name_cannot_draw_over_the_terminal() {
        let shown = locator(&[b"a\x1b[2J\n\xe2\x80\xaegpj.exe".to_vec()]).to_string();
        assert_eq!(shown, "a\\x1b[2J\\x0a\\xe2\\x80\\xaegpj.exe");
        let hidden = "a\u{ad}\u{180e}\u{e0000}\u{e0041}\u{e007f}b\u{e0080}";
        let bytes = r"a\xc2\xad\xe1\xa0\x8e\xf3\xa0\x80\x80\xf3\xa0\x81\x81\xf3\xa0\x81\xbfb";
        assert_eq!(visible(hidden).to_string(), format!("{bytes}\u{e0080}"));
        assert_eq!(visible(bytes).to_string(), bytes);
    }
}
