//! The records of JSON documents, whatever contains them.

use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::parse::{Flaw, parse};
use super::text::{Next, Text};
use super::value::Value;
use crate::error::Error;
use crate::format::Format;
use crate::input::Input;

/// How the documents of a format contain its records.
pub(crate) trait Shape {
    /// The format.
    const FORMAT: Format;
    /// The arrays that are opened, from the outermost: an object of the document with a member of the first
    /// name contains records, and so does each of these with a member of the second name.
    const LISTS: &'static [&'static str];
    /// Whether a document may be a record or an array of records, and others may follow it.
    const BARE: bool;

    /// Takes note of a member of an object that contains records, `level` objects deep.
    ///
    /// # Errors
    /// When the member must not be there: says why.
    fn member(&mut self, level: usize, key: &str, value: &Value<'_>) -> Result<(), String>;
}

/// Takes one record after the other.
pub(crate) struct Records<'r, S> {
    text: Text<'r>,
    pub(crate) shape: S,
    /// The arrays that are open, from the outermost.
    open: Vec<Array>,
    documents: u64,
    /// The length of the record given out last, which is still in the buffer.
    taken: usize,
}

struct Array {
    /// The member of an object that it is, by its place in [`Shape::LISTS`]; `None` when it is the document.
    list: Option<usize>,
    /// Whether it has had a value.
    has_values: bool,
}

/// A record, as it stands in the text: any value.
pub(crate) struct Record<'t> {
    /// Where it begins, from the start of the input.
    pub(crate) offset: u64,
    /// Its bytes.
    pub(crate) bytes: &'t [u8],
}

impl<'r, S: Shape> Records<'r, S> {
    pub(crate) fn new(input: Input<'r>, shape: S) -> Result<Self, Error> {
        let mut text = Text::new(input.stream, S::FORMAT)?;
        if text.peek()?.is_none() {
            return Err(Error::Empty);
        }
        Ok(Self { text, shape, open: Vec::new(), documents: 0, taken: 0 })
    }

    /// The next record; `None` behind the last document.
    pub(crate) fn next(&mut self) -> Result<Option<(&mut S, Record<'_>)>, Error> {
        self.text.skip(std::mem::take(&mut self.taken));
        loop {
            let next = self.text.peek()?;
            let list = match (self.open.last_mut(), next) {
                (None, None) => return Ok(None),
                (Some(_), None) => return Err(self.text.truncated()),
                (Some(array), Some(b']')) => {
                    let list = array.list;
                    self.text.skip(1);
                    self.open.pop();
                    if let Some(level) = list {
                        self.close_object(level)?;
                    }
                    continue;
                }
                (Some(array), Some(_)) => {
                    if std::mem::replace(&mut array.has_values, true) {
                        if next != Some(b',') {
                            return Err(self.text.malformed("a comma is missing between two values"));
                        }
                        self.text.skip(1);
                        if self.text.peek()?.is_none() {
                            return Err(self.text.truncated());
                        }
                    }
                    array.list.map_or(0, |level| level + 1)
                }
                (None, Some(_)) if self.documents > 0 && !S::BARE => {
                    return Err(self.text.malformed("something follows the end of the document"));
                }
                (None, Some(b'[')) if S::BARE => {
                    self.documents += 1;
                    self.text.skip(1);
                    self.open.push(Array { list: None, has_values: false });
                    continue;
                }
                (None, Some(b'{')) => {
                    self.documents += 1;
                    0
                }
                (None, Some(_)) => return Err(self.text.malformed("a document does not begin with {")),
            };
            match self.text.value(S::LISTS.get(list).copied())? {
                Next::Opens { key, bracket } => {
                    self.members(list, 0..key)?;
                    self.text.skip(bracket + 1);
                    self.open.push(Array { list: Some(list), has_values: false });
                }
                Next::Whole(_) if self.open.is_empty() && !S::BARE => {
                    return Err(self.text.malformed(format!("the document has no array {:?}", S::LISTS[0])));
                }
                Next::Whole(length) => {
                    self.taken = length;
                    let offset = self.text.offset();
                    let record = Record { offset, bytes: &self.text.rest()[..length] };
                    return Ok(Some((&mut self.shape, record)));
                }
            }
        }
    }

    /// Takes what is left of an object behind its array.
    fn close_object(&mut self, level: usize) -> Result<(), Error> {
        let length = self.text.rest_of_object()?;
        self.members(level, 0..length)?;
        self.text.skip(length);
        Ok(())
    }

    /// Looks at the members on one side of an opened array: its object from the bracket up to the key, or from
    /// behind the array up to the bracket. Made whole, they are an object of their own.
    fn members(&mut self, level: usize, part: Range<usize>) -> Result<(), Error> {
        let part = self.text.rest()[part].trim_ascii();
        let inner = match part.strip_suffix(b"}") {
            Some(behind) => behind.trim_ascii().strip_prefix(b",").or((part == b"}").then_some(b"")),
            None => part[1..].trim_ascii().strip_suffix(b",").or((part == b"{").then_some(b"")),
        };
        let Some(inner) = inner.filter(|inner| !inner.trim_ascii().is_empty() || part.len() == 1) else {
            return Err(self.text.malformed("a comma is missing or too many beside an array"));
        };
        let object = [b"{", inner, b"}"].concat();
        let mut mended = String::new();
        let members: Members<'_> = match parse(&object, &mut mended) {
            Ok(parsed) => parsed.value,
            Err(Flaw::Syntax(detail)) => return Err(self.text.malformed(detail)),
            Err(Flaw::Content(cause)) => return Err(self.text.malformed(cause.to_string())),
        };
        for (key, value) in &members.0 {
            let is_list_again = S::LISTS.get(level) == Some(&key.as_str());
            let result = match is_list_again {
                true => Err(format!("two members {key:?} in one object")),
                false => self.shape.member(level, key, value),
            };
            result.map_err(|detail| self.text.malformed(detail))?;
        }
        Ok(())
    }

    /// The list is not what its format asks for, at the record given out last.
    pub(crate) fn malformed(&self, detail: String) -> Error {
        self.text.malformed(detail)
    }
}

/// The members of an object, in their order.
struct Members<'a>(Vec<(String, Value<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
