//! XML of NCMEC's Hash Sharing API, version 2: one answer to a query for entries.
//!
//! An entry is known by its kind, its member and its id: `image/101/some-id` is the key. Its name is without the
//! kind, `101/some-id`. `deletedImage` and `deletedVideo` delete it. Entries come in no order of time, so their
//! timestamps decide which state holds.
//!
//! ```text
//! queryResult
//!   images, videos, any other but paging
//!     image, video, deletedImage, deletedVideo       a row each; any other name is a rejected row
//!       member@id, id, timestamp, classification, in any order
//!       fingerprints: md5, sha1, sha256, pdq, pdna; any other is dropped
//!       feedback and the like                         passed over
//! ```
//!
//! Prefixes of names do not count. A document type is refused, so that there are no entities but the five of
//! XML. A file is one document: a second one behind it is an error, not a list that ends early.

mod element;
mod events;

use quick_xml::events::Event;

use self::element::Element;
use self::events::Events;
use crate::entry::Row;
use crate::error::Error;
use crate::formats::Rows;
use crate::input::{Head, Input};

/// The element that a document is.
const ROOT: &str = "queryResult";

/// Whether the start is XML with the root of an answer.
pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    let has = |word: &str| memchr::memmem::find(head.bytes, word.as_bytes()).is_some();
    head.text().starts_with(b"<") && has(ROOT) && (has("hashsharing") || has("<images") || has("<videos"))
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let events = Events::new(input.stream)?;
    let mut rows = NcmecRows { events, version: None, row: 0 };
    rows.root()?;
    Ok(Box::new(rows))
}

struct NcmecRows<'r> {
    events: Events<'r>,
    version: Option<String>,
    row: u64,
}

impl Rows for NcmecRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        loop {
            // What is open: the root, then the list, then the entry.
            let depth = self.events.depth();
            let (event, offset) = self.events.next()?;
            match (depth, event) {
                (0, Event::Eof) => return Ok(None),
                (0, Event::Start(_) | Event::Empty(_) | Event::Decl(_)) => {
                    return Err(self
                        .events
                        .malformed("another document follows: give each a file of its own"));
                }
                (1, Event::Start(list)) if list.local_name().as_ref() == "paging" => self.events.skip()?,
                (2, Event::Start(entry)) => {
                    let name = events::name(&entry);
                    self.row += 1;
                    return Element::read(&mut self.events, &name)?.row(&name, self.row, offset).map(Some);
                }
                (2, Event::Empty(entry)) => {
                    let name = events::name(&entry);
                    self.row += 1;
                    return Element::default().row(&name, self.row, offset).map(Some);
                }
                (_, Event::Text(text)) => {
                    let is_blank = text.trim_ascii().is_empty();
                    if !is_blank {
                        return Err(self.events.malformed("there is text outside of entries"));
                    }
                }
                (_, Event::CData(_) | Event::GeneralRef(_)) => {
                    return Err(self.events.malformed("there is text outside of entries"));
                }
                _ => {}
            }
        }
    }

    fn version(&self) -> Option<String> {
        self.version.clone()
    }
}

impl NcmecRows<'_> {
    /// Reads up to behind the start of the root.
    fn root(&mut self) -> Result<(), Error> {
        let mut is_blank = true;
        loop {
            let (event, _) = self.events.next()?;
            let root = match event {
                Event::Start(root) | Event::Empty(root) => root,
                Event::Eof if is_blank => return Err(Error::Empty),
                Event::Eof => return Err(self.events.without_root()),
                Event::Text(text) if !text.trim_ascii().is_empty() => {
                    return Err(self.events.malformed("there is text before the first element"));
                }
                other => {
                    is_blank &= matches!(other, Event::Text(_));
                    continue;
                }
            };
            if root.local_name().as_ref() != ROOT {
                return Err(self.events.malformed("it is no queryResult, the answer to a query for entries"));
            }
            let namespace = events::attribute(&root, "xmlns");
            self.version = namespace.and_then(|name| {
                let version = name.rsplit('/').next()?;
                (version.len() <= 8 && version.starts_with('v')).then(|| version.to_owned())
            });
            return Ok(());
        }
    }
}
