//! Entries: what a hash in an index stands for.

use std::borrow::Cow;

use lykta_hash::PhotoDna;
use zerocopy::little_endian::U64;

use crate::format::{
    Attributes, EntryRun, LabelRecord, MANY, NAME_OFFSET_BITS, NO_LABEL, NO_VIEW, PhotoDnaRecord,
    RetractionRecord, SectionKind, TextRef,
};
use crate::layout::View;
use crate::meta::{Role, Source};

/// The number of an entry in its index. Entries are numbered in the order in which they were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub(crate) u32);

impl EntryId {
    /// The number, 0..2^31.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A category, as the list that gave it calls it. Parts that the list does not have are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label<'a> {
    /// The scheme, such as the name of an interchange standard.
    pub scheme: &'a str,
    /// The scheme's version or region.
    pub version: &'a str,
    /// The code within the scheme.
    pub code: &'a str,
    /// The series that the picture belongs to.
    pub series: &'a str,
    /// Whether the victim is identified, in the list's words.
    pub victim_identified: &'a str,
    /// What the site that built the index calls the code: its own words beside the list's.
    pub site: &'a str,
}

/// One accepted row of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry<'a> {
    /// Its number in the index.
    pub id: EntryId,
    /// The list that it comes from.
    pub source: &'a Source,
    /// What a match with it means.
    pub role: Role,
    /// Its row in the list, counted from 1.
    pub row: u64,
    /// The name that the list gives it.
    pub name: Option<&'a str>,
    /// The list's category.
    pub label: Option<Label<'a>>,
    /// Which part or version of the picture was hashed, when the list says so.
    pub view: Option<&'a str>,
    /// Quality of its PDQ hash, 0..=100, when the list says so.
    pub pdq_quality: Option<u8>,
}

impl<'a> Entry<'a> {
    /// The entry's name in results: the one that the list gives, or `row N`.
    pub fn name_or_row(&self) -> Cow<'a, str> {
        self.name.map_or_else(|| Cow::Owned(format!("row {}", self.row)), Cow::Borrowed)
    }
}

/// The entries with one hash, in ascending order of their numbers.
#[derive(Clone)]
pub struct Entries<'a> {
    view: View<'a>,
    ids: EntryIds<'a>,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(view: View<'a>, ids: EntryIds<'a>) -> Self {
        Self { view, ids }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let view = self.view;
        self.ids.find_map(|id| view.entry(id))
    }

    /// None is read: the upper bound is the number of entries, unless the file is damaged.
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, self.ids.size_hint().1)
    }
}

/// The numbers behind one reference: one, or a run of POSTINGS.
#[derive(Clone)]
pub(crate) enum EntryIds<'a> {
    One(Option<EntryId>),
    Many(std::slice::Iter<'a, zerocopy::little_endian::U32>),
}

impl Iterator for EntryIds<'_> {
    type Item = EntryId;

    fn next(&mut self) -> Option<EntryId> {
        match self {
            Self::One(id) => id.take(),
            Self::Many(ids) => ids.next().map(|id| EntryId(id.get())),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::One(id) => id.iter().size_hint(),
            Self::Many(ids) => ids.size_hint(),
        }
    }
}

impl<'a> View<'a> {
    /// What a reference beside a key stands for; nothing when a damaged file points nowhere.
    pub(crate) fn entry_ids(self, reference: u32) -> EntryIds<'a> {
        if reference & MANY == 0 {
            return EntryIds::One(Some(EntryId(reference)));
        }
        let postings = self.u32s(SectionKind::Postings);
        EntryIds::Many(run_of_postings(postings, reference).unwrap_or_default().iter())
    }

    pub(crate) fn entry(self, id: EntryId) -> Option<Entry<'a>> {
        if u64::from(id.0) >= self.layout.meta.entries {
            return None;
        }
        let run = self.run_of_entry(id)?;
        let attributes = self.attributes(id)?;
        Some(Entry {
            id,
            source: self.layout.meta.sources.get(run.source.get() as usize)?,
            role: *Role::ALL.get(usize::from(attributes.role))?,
            row: run.first_row.get().checked_add(u64::from(id.0 - run.first_entry.get()))?,
            name: self.name_ref(id).and_then(|name| self.text(name)).filter(|name| !name.is_empty()),
            label: self.label(attributes.label.get()),
            view: self.view_name(attributes.view.get()),
            pdq_quality: Some(attributes.pdq_quality).filter(|quality| *quality <= 100),
        })
    }

    /// The run that an entry lies in. O(log runs).
    pub(crate) fn run_of_entry(self, id: EntryId) -> Option<&'a EntryRun> {
        let runs = self.records::<EntryRun>(SectionKind::EntryRuns);
        let after = runs.partition_point(|run| run.first_entry.get() <= id.0);
        // In a damaged file, where runs are in no order, the one found may begin behind the entry.
        runs.get(after.checked_sub(1)?).filter(|run| run.first_entry.get() <= id.0)
    }

    fn attributes(self, id: EntryId) -> Option<&'a Attributes> {
        let at = self.attributes_position(id)?;
        self.records::<Attributes>(SectionKind::Attributes).get(at)
    }

    /// The position of an entry's attributes: a little-endian number of as many bytes as the section
    /// says.
    pub(crate) fn attributes_position(self, id: EntryId) -> Option<usize> {
        let section = self.layout.section(SectionKind::EntryAttributes)?;
        let width = section.parameter as usize;
        let start = (id.0 as usize).checked_mul(width)?;
        let bytes = self.bytes(SectionKind::EntryAttributes).get(start..start + width)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Where an entry's name is; `None` when no entry has one.
    pub(crate) fn name_ref(self, id: EntryId) -> Option<TextRef> {
        let name = self.records::<U64>(SectionKind::EntryNames).get(id.0 as usize)?.get();
        let offset = name & ((1 << NAME_OFFSET_BITS) - 1);
        Some(TextRef { offset: offset.into(), length: ((name >> NAME_OFFSET_BITS) as u32).into() })
    }

    pub(crate) fn text(self, text: TextRef) -> Option<&'a str> {
        std::str::from_utf8(self.text_bytes(text)?).ok()
    }

    pub(crate) fn text_bytes(self, text: TextRef) -> Option<&'a [u8]> {
        let start = usize::try_from(text.offset.get()).ok()?;
        let end = start.checked_add(text.length.get() as usize)?;
        self.bytes(SectionKind::Strings).get(start..end)
    }

    /// List and entry of each retraction; a text that a damaged file lacks is empty.
    pub(crate) fn retractions(self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        let text = move |text| self.text(text).unwrap_or_default();
        let records = self.records::<RetractionRecord>(SectionKind::Retractions).iter();
        records.map(move |record| (text(record.list), text(record.entry)))
    }

    /// Whether the pair is among the retractions. O(log retractions), no allocation.
    pub(crate) fn retracts(self, list: &str, entry: &str) -> bool {
        let bytes = |text| self.text_bytes(text).unwrap_or_default();
        let wanted = (list.as_bytes(), entry.as_bytes());
        let records = self.records::<RetractionRecord>(SectionKind::Retractions);
        records.binary_search_by(|record| (bytes(record.list), bytes(record.entry)).cmp(&wanted)).is_ok()
    }

    pub(crate) fn label(self, at: u32) -> Option<Label<'a>> {
        if at == NO_LABEL {
            return None;
        }
        let record = self.records::<LabelRecord>(SectionKind::Labels).get(at as usize)?;
        Some(Label {
            scheme: self.text(record.scheme)?,
            version: self.text(record.version)?,
            code: self.text(record.code)?,
            series: self.text(record.series)?,
            victim_identified: self.text(record.victim_identified)?,
            site: self.text(record.site)?,
        })
    }

    /// The PhotoDNA of an entry. O(log entries with one).
    pub(crate) fn photodna(self, id: EntryId) -> Option<&'a [u8; PhotoDna::BYTES]> {
        let records = self.records::<PhotoDnaRecord>(SectionKind::PhotoDna);
        let at = records.binary_search_by_key(&id.0, |record| record.entry.get()).ok()?;
        Some(&records.get(at)?.photodna)
    }

    fn view_name(self, at: u16) -> Option<&'a str> {
        if at == NO_VIEW {
            return None;
        }
        self.layout.meta.views.get(usize::from(at)).map(String::as_str)
    }
}

/// The entries of a run: POSTINGS holds their number, then the entries.
pub(crate) fn run_of_postings(
    postings: &[zerocopy::little_endian::U32],
    reference: u32,
) -> Option<&[zerocopy::little_endian::U32]> {
    let (length, rest) = postings.get((reference & !MANY) as usize..)?.split_first()?;
    rest.get(..length.get() as usize)
}
