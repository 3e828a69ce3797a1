//! The columns of the entries, and the texts that they refer to.

use std::collections::{BTreeSet, HashMap};

use zerocopy::IntoBytes;

use super::NewEntry;
use super::column::Column;
use super::spool::{Place, Spool};
use crate::entry::Label;
use crate::error::{Error, Problem};
use crate::format::{
    Attributes, EntryRun, LabelRecord, MANY, NAME_OFFSET_BITS, NO_LABEL, NO_QUALITY, NO_VIEW, PhotoDnaRecord,
    RetractionRecord, SectionKind, TextRef,
};
use crate::meta::Role;
use crate::write::Output;

/// Bytes of memory that a row of a hash map and its text take beside the text, roughly.
const KEPT: u64 = 96;

/// Everything that is known of the entries but their hashes.
pub(crate) struct NewEntries {
    count: u32,
    runs: Spool,
    open_run: Option<OpenRun>,
    /// The first entry of each stretch of entries of one source, and the source.
    stretches: Vec<(u32, u32)>,
    attributes: Vec<Attributes>,
    attributes_by_value: HashMap<Attributes, u32>,
    /// Those of the entry before, and their number: most entries are like their neighbours.
    last_attributes: Option<(Attributes, u32)>,
    attributes_column: Column,
    names: Column,
    last_name: String,
    last_name_number: u64,
    strings: Spool,
    photodna: Spool,
    labels: Vec<LabelRecord>,
    labels_by_text: HashMap<Vec<u8>, u32>,
    /// The texts of a label one behind the other, to look it up by; kept for its room.
    label_text: Vec<u8>,
    views: Vec<String>,
    views_by_name: HashMap<String, u16>,
    /// Bytes of what is kept in memory whatever there is on disk, estimated from above.
    kept: u64,
}

#[derive(Clone, Copy)]
struct OpenRun {
    first_entry: u32,
    source: u32,
    first_row: u64,
}

impl NewEntries {
    pub(crate) fn new(place: &Place) -> Self {
        Self {
            count: 0,
            runs: Spool::new(place),
            open_run: None,
            stretches: Vec::new(),
            attributes: Vec::new(),
            attributes_by_value: HashMap::new(),
            last_attributes: None,
            attributes_column: Column::new(&[0, 1, 2, 4], place),
            names: Column::new(&[0, 8], place),
            last_name: String::new(),
            last_name_number: 0,
            strings: Spool::new(place),
            photodna: Spool::new(place),
            labels: Vec::new(),
            labels_by_text: HashMap::new(),
            label_text: Vec::new(),
            views: Vec::new(),
            views_by_name: HashMap::new(),
            kept: 0,
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> u64 {
        self.kept
            + self.runs.memory()
            + self.attributes_column.memory()
            + self.names.memory()
            + self.strings.memory()
            + self.photodna.memory()
    }

    /// Adds an entry without its hashes; its number.
    pub(crate) fn add(&mut self, source: u32, role: Role, entry: &NewEntry<'_>) -> Result<u32, Error> {
        let id = Some(self.count).filter(|id| id & MANY == 0).ok_or(Problem::TooLarge("entries"))?;
        let attributes = Attributes {
            label: self.label(entry.label)?.into(),
            view: self.view(entry.view)?.into(),
            pdq_quality: entry.pdq_quality.unwrap_or(NO_QUALITY),
            role: role as u8,
        };
        let attributes = self.attributes_number(attributes);
        let name = self.name(entry.name.unwrap_or_default())?;
        self.continue_run(OpenRun { first_entry: id, source, first_row: entry.row })?;
        self.attributes_column.push(attributes.into())?;
        self.names.push(name)?;
        if let Some(photodna) = entry.photodna {
            self.photodna.put(PhotoDnaRecord { entry: id.into(), photodna: *photodna }.as_bytes())?;
        }
        self.count += 1;
        Ok(id)
    }

    /// Takes an entry that is alone into the open run when it is the next row of the same list.
    fn continue_run(&mut self, next: OpenRun) -> Result<(), Error> {
        if let Some(run) = self.open_run {
            let row = run.first_row.checked_add(u64::from(next.first_entry - run.first_entry));
            if run.source == next.source && row == Some(next.first_row) {
                return Ok(());
            }
        }
        if self.open_run.is_none_or(|run| run.source != next.source) {
            self.stretches.push((next.first_entry, next.source));
            self.kept += size_of::<(u32, u32)>() as u64;
        }
        self.close_run()?;
        self.open_run = Some(next);
        Ok(())
    }

    fn close_run(&mut self) -> Result<(), Error> {
        let Some(run) = self.open_run.take() else { return Ok(()) };
        let record = EntryRun {
            first_entry: run.first_entry.into(),
            source: run.source.into(),
            first_row: run.first_row.into(),
        };
        self.runs.put(record.as_bytes())
    }

    fn attributes_number(&mut self, attributes: Attributes) -> u32 {
        if let Some((_, number)) = self.last_attributes.filter(|(last, _)| *last == attributes) {
            return number;
        }
        let number = *self.attributes_by_value.entry(attributes).or_insert_with(|| {
            self.attributes.push(attributes);
            self.kept += KEPT;
            // Each entry has one of them, so there are never more than entries.
            self.attributes.len() as u32 - 1
        });
        self.last_attributes = Some((attributes, number));
        number
    }

    /// Stores a name; views of one picture come as neighbours and share it.
    fn name(&mut self, name: &str) -> Result<u64, Error> {
        if name.is_empty() {
            return Ok(0);
        }
        if self.last_name != name {
            let length = name.len() as u64;
            if length >> (u64::BITS - NAME_OFFSET_BITS) != 0 {
                return Err(Problem::TooLarge("bytes in a name (2^24 - 1 is the most)").into());
            }
            let offset = self.text(name)?.offset.get();
            if offset >> NAME_OFFSET_BITS != 0 {
                return Err(Problem::TooLarge("bytes of names (2^40 is the most)").into());
            }
            self.last_name_number = length << NAME_OFFSET_BITS | offset;
            self.last_name.clear();
            self.last_name.push_str(name);
        }
        Ok(self.last_name_number)
    }

    fn text(&mut self, text: &str) -> Result<TextRef, Error> {
        let length = u32::try_from(text.len()).map_err(|_| Problem::TooLarge("bytes in a text"))?;
        let offset = self.strings.len();
        self.strings.put(text.as_bytes())?;
        Ok(TextRef { offset: offset.into(), length: length.into() })
    }

    fn label(&mut self, label: Option<Label<'_>>) -> Result<u32, Error> {
        let Some(label) = label else { return Ok(NO_LABEL) };
        let Label { scheme, version, code, series, victim_identified, site } = label;
        let texts = [scheme, version, code, series, victim_identified, site];
        self.label_text.clear();
        for text in texts {
            self.label_text.extend_from_slice(&(text.len() as u64).to_le_bytes());
            self.label_text.extend_from_slice(text.as_bytes());
        }
        if let Some(number) = self.labels_by_text.get(&self.label_text) {
            return Ok(*number);
        }
        let number = u32::try_from(self.labels.len()).ok().filter(|number| *number != NO_LABEL);
        let number = number.ok_or(Problem::TooLarge("labels"))?;
        let record = LabelRecord {
            scheme: self.text(scheme)?,
            version: self.text(version)?,
            code: self.text(code)?,
            series: self.text(series)?,
            victim_identified: self.text(victim_identified)?,
            site: self.text(site)?,
        };
        self.labels.push(record);
        self.labels_by_text.insert(self.label_text.clone(), number);
        self.kept += KEPT + (self.label_text.len() + size_of::<LabelRecord>()) as u64;
        Ok(number)
    }

    fn view(&mut self, view: Option<&str>) -> Result<u16, Error> {
        let Some(view) = view else { return Ok(NO_VIEW) };
        if let Some(number) = self.views_by_name.get(view) {
            return Ok(*number);
        }
        let number = u16::try_from(self.views.len()).ok().filter(|number| *number != NO_VIEW);
        let number = number.ok_or(Problem::TooLarge("different views"))?;
        self.views.push(view.to_owned());
        self.views_by_name.insert(view.to_owned(), number);
        self.kept += KEPT + 2 * view.len() as u64;
        Ok(number)
    }

    /// The first entry of each stretch of entries of one source, and the source.
    pub(crate) fn take_stretches(&mut self) -> Vec<(u32, u32)> {
        std::mem::take(&mut self.stretches)
    }

    /// Writes the sections from ENTRY_RUNS to PHOTODNA; the names of views.
    pub(crate) fn write(
        mut self,
        retractions: &BTreeSet<(String, String)>,
        output: &mut Output<'_>,
    ) -> Result<Vec<String>, Error> {
        self.close_run()?;
        output.begin(SectionKind::EntryRuns)?;
        self.runs.drain(size_of::<EntryRun>(), &mut |bytes| output.put(bytes))?;
        output.end(0);
        let width = self.attributes_column.width();
        output.begin(SectionKind::EntryAttributes)?;
        self.attributes_column.drain(&mut |bytes| output.put(bytes))?;
        output.end(width);
        output.begin(SectionKind::EntryNames)?;
        self.names.drain(&mut |bytes| output.put(bytes))?;
        output.end(0);
        output.section(SectionKind::Attributes, self.attributes.as_bytes())?;
        output.section(SectionKind::Labels, self.labels.as_bytes())?;
        let mut strings = self.strings;
        if !retractions.is_empty() {
            write_retractions(retractions, &mut strings, output)?;
        }
        output.begin(SectionKind::Strings)?;
        strings.drain(1, &mut |bytes| output.put(bytes))?;
        output.end(0);
        if self.photodna.len() > 0 {
            output.begin(SectionKind::PhotoDna)?;
            self.photodna.drain(size_of::<PhotoDnaRecord>(), &mut |bytes| output.put(bytes))?;
            output.end(0);
        }
        Ok(self.views)
    }
}

/// Writes the pairs, which are in order, and stores their texts; neighbours mostly share a list.
fn write_retractions(
    retractions: &BTreeSet<(String, String)>,
    strings: &mut Spool,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let mut text = |text: &str| -> Result<TextRef, Error> {
        let length = u32::try_from(text.len()).map_err(|_| Problem::TooLarge("bytes in a text"))?;
        let offset = strings.len();
        strings.put(text.as_bytes())?;
        Ok(TextRef { offset: offset.into(), length: length.into() })
    };
    output.begin(SectionKind::Retractions)?;
    let mut last: Option<(&str, TextRef)> = None;
    for (list, entry) in retractions {
        let list = match last.filter(|(name, _)| *name == list) {
            Some((_, list)) => list,
            None => last.insert((list, text(list)?)).1,
        };
        output.put(RetractionRecord { list, entry: text(entry)? }.as_bytes())?;
    }
    output.end(0);
    Ok(())
}
