//! Finds where a value ends, by quotation marks and brackets alone.

use memchr::memchr2;

/// How deep values may nest. Lists have five levels; a bit for each keeps the brackets in one word.
const MAX_DEPTH: u32 = 64;

/// How far the value that is being looked at has been scanned. Goes on where it stopped when there is more text.
pub(super) struct Scan {
    /// Bytes scanned, from the start of the value.
    pub(super) at: usize,
    depth: u32,
    /// The open brackets, the innermost in the lowest bit: set for an object.
    objects: u64,
    in_string: bool,
}

/// What a scan came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The text ends within the value.
    More,
    /// The value ends here.
    Whole,
    /// Here is the bracket of the array that is to be opened, and there its key begins.
    Opens { key: usize },
    /// Not JSON.
    Bad(&'static str),
}

impl Scan {
    /// At the start of a value.
    pub(super) fn new() -> Self {
        Self { at: 0, depth: 0, objects: 0, in_string: false }
    }

    /// Behind a member of an object: the scan ends with the object.
    pub(super) fn within_object() -> Self {
        Self { at: 0, depth: 1, objects: 1, in_string: false }
    }

    /// Goes on in `text`, which begins where the value does and is longer than last time. Stops at the array
    /// that is the member `list` of the value, when it is an object.
    pub(super) fn run(&mut self, text: &[u8], list: Option<&str>) -> Step {
        loop {
            if self.in_string && !self.string(text) {
                return Step::More;
            }
            if self.depth == 0 && self.at > 0 && text[self.at - 1] == b'"' {
                return Step::Whole;
            }
            let Some(byte) = text.get(self.at) else { return Step::More };
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    if let Some(list) = list
                        && *byte == b'['
                        && (self.depth, self.objects) == (1, 1)
                        && let Some(key) = key_before(&text[..self.at], list)
                    {
                        return Step::Opens { key };
                    }
                    if self.depth == MAX_DEPTH {
                        return Step::Bad("values are nested too deeply");
                    }
                    self.objects = self.objects << 1 | u64::from(*byte == b'{');
                    self.depth += 1;
                }
                b'}' | b']' if self.depth > 0 => {
                    if (self.objects & 1 == 1) != (*byte == b'}') {
                        return Step::Bad("a bracket is closed by one of another kind");
                    }
                    self.objects >>= 1;
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.at += 1;
                        return Step::Whole;
                    }
                }
                // The end of a number or a word that stands alone.
                b',' | b':' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return if self.at > 0 { Step::Whole } else { Step::Bad("a value is missing") };
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Goes on to behind the closing mark. Returns whether it is there.
    fn string(&mut self, text: &[u8]) -> bool {
        while let Some(found) = memchr2(b'"', b'\\', &text[self.at..]) {
            let found = self.at + found;
            if text[found] == b'"' {
                self.at = found + 1;
                self.in_string = false;
                return true;
            }
            if found + 1 == text.len() {
                // What is escaped is not there yet.
                self.at = found;
                return false;
            }
            self.at = found + 2;
        }
        self.at = text.len();
        false
    }
}

/// Where the key begins that stands right before `text` ends, if it is `list`.
fn key_before(text: &[u8], list: &str) -> Option<usize> {
    let text = text.trim_ascii_end().strip_suffix(b":")?.trim_ascii_end();
    let before = text.strip_suffix(b"\"")?.strip_suffix(list.as_bytes())?.strip_suffix(b"\"")?;
    // An escaped mark would be one within a longer key.
    (!before.ends_with(b"\\")).then_some(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(text: &str) -> Option<usize> {
        let mut scan = Scan::new();
        (scan.run(text.as_bytes(), None) == Step::Whole).then_some(scan.at)
    }

    #[test]
    fn values_end_where_they_end() {
        for value in [r#""a\"]""#, r#"{"a":[1,{"b":"}"}]}"#, "12", "null", r#""\\""#, "[]", "{}", r#""""#] {
            for after in [",", "]", " ", "\n"] {
                assert_eq!(whole(&format!("{value}{after}")), Some(value.len()), "{value}{after}");
            }
        }
        assert_eq!(whole(r#"{"a":[1}]"#), None);
        assert_eq!(whole("]"), None);
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(whole(&deep(64)), Some(128));
        assert_eq!(whole(&deep(65)), None);
    }

    #[test]
    fn only_the_member_of_that_name_opens() {
        let opens = |text: &str| match Scan::new().run(text.as_bytes(), Some("Media")) {
            Step::Opens { key } => Some(key),
            _ => None,
        };
        assert_eq!(opens(r#"{"a":1, "Media" : ["#), Some(8));
        assert_eq!(opens(r#"{"Media":["#), Some(1));
        for not in
            [r#"{"a":{"Media":["#, r#"[["#, r#"{"x\"Media":["#, r#"{"MediaFiles":["#, r#"{"Media":{"a":["#]
        {
            assert_eq!(opens(not), None, "{not}");
        }
    }

    proptest! {
        #[test]
        fn the_end_does_not_depend_on_the_pieces(text in r#"([\[\]{}:,"\\ ]|[a1]|"[a\\]{0,3}"){1,30}"#) {
            let at_once = { let mut scan = Scan::new(); (scan.run(text.as_bytes(), Some("a")), scan.at) };
            let mut scan = Scan::new();
            for end in 1..=text.len() {
                match scan.run(&text.as_bytes()[..end], Some("a")) {
                    Step::More => prop_assert!(end < text.len() || at_once.0 == Step::More),
                    step => { prop_assert_eq!((step, scan.at), at_once); break }
                }
            }
        }
    }
}
