//! The structure of an index file: every field of header and section table checked, nothing else
//! read; and the view of the bytes that every search works on.

use lykta_hash::Kind;
use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::error::{Error, Problem};
use crate::format::{
    FIRST_SECTION, Header, MAGIC, MAX_DIRECTORY_BITS, MAX_ENTRIES, MihSlot, SectionKind, SectionRecord,
    TABLE_OFFSET, VERSION, align, table_end,
};
use crate::hamming::Key;
use crate::meta::Meta;
use crate::near::slots::Slots;

/// What a file says of its own structure, checked.
pub(crate) struct Layout {
    sections: Vec<Section>,
    pub(crate) meta: Meta,
    pub(crate) slots: Option<Slots>,
    pub(crate) checksum: [u8; 32],
}

/// A section, known to lie within the file.
#[derive(Clone, Copy)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) parameter: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) count: u64,
    pub(crate) checksum: [u8; 32],
}

/// The bytes of an index and their structure: what every search works on.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) layout: &'a Layout,
}

impl<'a> View<'a> {
    /// The bytes of a section; none when the file does not have it.
    pub(crate) fn bytes(self, kind: SectionKind) -> &'a [u8] {
        self.layout
            .section(kind)
            .and_then(|section| self.data.get(section.start..section.end))
            .unwrap_or_default()
    }

    pub(crate) fn records<T: FromBytes + Immutable + KnownLayout + Unaligned>(
        self,
        kind: SectionKind,
    ) -> &'a [T] {
        <[T]>::ref_from_bytes(self.bytes(kind)).unwrap_or_default()
    }

    pub(crate) fn u32s(self, kind: SectionKind) -> &'a [U32] {
        self.records(kind)
    }

    /// The PDQ hashes, in the order of the near structure.
    pub(crate) fn keys(self) -> &'a [Key] {
        self.bytes(SectionKind::PdqKeys).as_chunks().0
    }
}

impl Layout {
    pub(crate) fn new(data: &[u8]) -> Result<Self, Error> {
        let header = read_header(data)?;
        let sections = read_table(data, &header)?;
        let table_end = table_end(header.section_count.get()) as usize;
        let mut checksum = blake3::Hasher::new();
        checksum.update(data.get(..TABLE_OFFSET - 32).unwrap_or_default());
        checksum.update(data.get(TABLE_OFFSET..table_end).unwrap_or_default());
        if *checksum.finalize().as_bytes() != header.checksum {
            return Err(Problem::HeaderChecksum.into());
        }
        let meta = sections.iter().find(|section| section.kind == SectionKind::Meta);
        let meta = meta.and_then(|section| data.get(section.start..section.end)).unwrap_or_default();
        let mut layout =
            Self { meta: Meta::from_bytes(meta)?, sections, slots: None, checksum: header.checksum };
        layout.check_pairs()?;
        layout.slots = layout.read_slots(data)?;
        Ok(layout)
    }

    pub(crate) fn section(&self, kind: SectionKind) -> Option<&Section> {
        let at = self.sections.binary_search_by_key(&kind, |section| section.kind).ok()?;
        self.sections.get(at)
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    fn count(&self, kind: SectionKind) -> Option<u64> {
        self.section(kind).map(|section| section.count)
    }

    /// Sections that need one another are there together, with counts that fit.
    fn check_pairs(&self) -> Result<(), Error> {
        use SectionKind::{
            Attributes, BkNodes, EntryAttributes, EntryNames, EntryRuns, Labels, MihSlots, MihTables,
            PdqKeys, Postings, Strings,
        };
        for kind in [Postings, EntryRuns, EntryAttributes, EntryNames, Attributes, Labels, Strings] {
            self.count(kind).ok_or(Problem::Missing(kind))?;
        }
        self.check_entries()?;
        for (keys, directory) in Kind::ALL.into_iter().filter_map(SectionKind::exact_table) {
            match (self.section(keys), self.section(directory)) {
                (None, None) => {}
                (Some(_), None) => return Err(Problem::Missing(directory).into()),
                (None, Some(_)) => return Err(Problem::Missing(keys).into()),
                (Some(_), Some(directory)) => {
                    let bits = directory.parameter;
                    if bits > MAX_DIRECTORY_BITS || directory.count != (1 << bits) + 1 {
                        return Err(Problem::Content(directory.kind).into());
                    }
                }
            }
        }
        for (keys, refs) in Kind::ALL.into_iter().filter_map(SectionKind::near_table) {
            if self.count(keys) > Some(u32::MAX.into()) {
                return Err(Problem::Content(keys).into());
            }
            if self.count(refs) != self.count(keys) {
                return Err(Problem::Content(refs).into());
            }
        }
        for kind in [BkNodes, MihSlots] {
            if self.section(kind).is_some() && self.section(PdqKeys).is_none() {
                return Err(Problem::Missing(PdqKeys).into());
            }
        }
        if self.section(BkNodes).is_some() && self.section(MihSlots).is_some() {
            return Err(Problem::Content(MihSlots).into());
        }
        if self.section(MihTables).is_some() != self.section(MihSlots).is_some() {
            return Err(Problem::Missing(MihTables).into());
        }
        Ok(())
    }

    /// The columns of the entries are as long as META says.
    fn check_entries(&self) -> Result<(), Error> {
        let entries = self.meta.entries;
        if entries > MAX_ENTRIES {
            return Err(Problem::Content(SectionKind::Meta).into());
        }
        let attributes = self.section(SectionKind::EntryAttributes);
        let width = attributes.map_or(0, |section| u64::from(section.parameter));
        if ![0, 1, 2, 4].contains(&width) || self.count(SectionKind::EntryAttributes) != Some(entries * width)
        {
            return Err(Problem::Content(SectionKind::EntryAttributes).into());
        }
        if self.count(SectionKind::EntryNames).is_none_or(|names| names != 0 && names != entries) {
            return Err(Problem::Content(SectionKind::EntryNames).into());
        }
        Ok(())
    }

    fn read_slots(&self, data: &[u8]) -> Result<Option<Slots>, Error> {
        let Some(section) = self.section(SectionKind::MihSlots) else { return Ok(None) };
        let bytes = data.get(section.start..section.end).unwrap_or_default();
        let records = <[MihSlot]>::ref_from_bytes(bytes).map_err(|_| Problem::Content(section.kind))?;
        let count = |kind| self.count(kind).and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        Slots::new(records, count(SectionKind::PdqKeys), count(SectionKind::MihTables)).map(Some)
    }
}

/// Checks the header, one field after the other.
fn read_header(data: &[u8]) -> Result<Header, Error> {
    let actual = data.len() as u64;
    let too_short = |needed| Problem::TooShort { length: actual, needed };
    // The magic number first, so that a short file of another kind is called that.
    if data.first_chunk::<8>().is_some_and(|magic| *magic != MAGIC) {
        return Err(Problem::Magic.into());
    }
    let (header, _) = Header::read_from_prefix(data).map_err(|_| too_short(TABLE_OFFSET as u64))?;
    if header.version.get() != VERSION {
        return Err(Problem::Version { expected: VERSION, got: header.version.get() }.into());
    }
    if header.file_length.get() != actual {
        return Err(Problem::FileLength { header: header.file_length.get(), actual }.into());
    }
    let count = header.section_count.get();
    if count == 0 || count as usize > SectionKind::ALL.len() || FIRST_SECTION > actual {
        return Err(Problem::SectionCount { got: count }.into());
    }
    // Behind the table are zeros up to the first section: so a wrong count is seen as what it is.
    let behind = data.get(table_end(count) as usize..).unwrap_or_default();
    let last = data.get(..table_end(count) as usize).and_then(<[u8]>::last_chunk::<64>);
    if behind.first_chunk::<4>().is_none_or(|kind| *kind != [0; 4])
        || last.is_none_or(|row| row[..4] == [0; 4])
    {
        return Err(Problem::SectionCount { got: count }.into());
    }
    if header.reserved.get() != 0 {
        return Err(Problem::Reserved.into());
    }
    Ok(header)
}

/// Checks the section table: known kinds in ascending order, one section behind the other.
fn read_table(data: &[u8], header: &Header) -> Result<Vec<Section>, Error> {
    let table = data.get(TABLE_OFFSET..).unwrap_or_default();
    let count = header.section_count.get();
    let (records, _) = <[SectionRecord]>::ref_from_prefix_with_elems(table, count as usize)
        .map_err(|_| Problem::SectionCount { got: count })?;
    let mut sections: Vec<Section> = Vec::with_capacity(records.len());
    let mut expected_start = FIRST_SECTION;
    for (number, record) in records.iter().enumerate() {
        let at = table_end(number as u32);
        let wrong = |field, position: u64, got: u64, expected: String| -> Error {
            Problem::SectionField { number, field, offset: at + position, got, expected }.into()
        };
        let code = record.kind.get();
        let kind = SectionKind::from_code(code)
            .filter(|kind| sections.last().is_none_or(|before| before.kind < *kind))
            .ok_or_else(|| wrong("kind", 0, code.into(), "a known one, above the one before".to_owned()))?;
        let parameter = record.parameter.get();
        let mut directories = Kind::ALL.into_iter().filter_map(SectionKind::exact_table);
        let has_parameter =
            kind == SectionKind::EntryAttributes || directories.any(|(_, directory)| directory == kind);
        if !has_parameter && parameter != 0 {
            return Err(wrong("parameter", 4, parameter.into(), "0".to_owned()));
        }
        let start = record.offset.get();
        if start != expected_start {
            return Err(wrong("offset", 8, start, expected_start.to_string()));
        }
        let length = record.length.get();
        let end = start.checked_add(length).filter(|end| *end <= header.file_length.get());
        let Some(end) = end else {
            let room = header.file_length.get() - start.min(header.file_length.get());
            return Err(wrong("length", 16, length, format!("at most {room}")));
        };
        let records = record.count.get();
        if records.checked_mul(kind.record_len() as u64) != Some(length) {
            let fitting = format!("{} for {length} bytes", length / kind.record_len() as u64);
            return Err(wrong("count", 24, records, fitting));
        }
        let fits = |offset: u64| usize::try_from(offset).map_err(|_| Problem::TooLarge("bytes"));
        sections.push(Section {
            kind,
            parameter,
            start: fits(start)?,
            end: fits(end)?,
            count: records,
            checksum: record.checksum,
        });
        expected_start = align(end).ok_or(Problem::TooLarge("bytes"))?;
    }
    let last_end = sections.last().map_or(0, |section| section.end as u64);
    if last_end != header.file_length.get() {
        let number = sections.len() - 1;
        let offset = table_end(number as u32) + 16;
        let expected = format!("up to the end of the file, {} bytes", header.file_length.get());
        return Err(Problem::SectionField { number, field: "end", offset, got: last_end, expected }.into());
    }
    if sections.last().is_none_or(|section| section.kind != SectionKind::Meta) {
        return Err(Problem::Missing(SectionKind::Meta).into());
    }
    Ok(sections)
}
