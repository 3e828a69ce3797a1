//! The full check of an index: checksums against damage, and every rule against made-up files.

mod mih;

use rayon::prelude::*;

use lykta_hash::{Bits64, Kind, Pdq};
use zerocopy::little_endian::U64;

use crate::entry::{EntryId, run_of_postings};
use crate::error::{Error, Problem};
use crate::format::{
    Attributes, EntryRun, FIRST_SECTION, LabelRecord, MANY, NO_LABEL, NO_QUALITY, NO_VIEW, PhotoDnaRecord,
    RetractionRecord, SectionKind, table_end,
};
use crate::hamming::Key;
use crate::layout::View;
use crate::meta::Role;
use crate::near::order::order_value;
use crate::near::{Structure, bk};

impl View<'_> {
    /// Reads everything. O(file), all cores.
    pub(crate) fn verify(self) -> Result<(), Error> {
        self.verify_checksums()?;
        self.verify_labels()?;
        self.verify_attributes()?;
        self.verify_entries()?;
        self.verify_retractions()?;
        self.verify_photodna()?;
        let mut references = self.verify_postings()?;
        self.verify_exact(&mut references)?;
        for (keys, refs) in [Kind::Phash, Kind::Dhash].into_iter().filter_map(SectionKind::near_table) {
            self.verify_64_bits(keys, refs, &mut references)?;
        }
        self.verify_pdq(&mut references)?;
        match references.runs.iter().position(|unused| *unused) {
            Some(at) => Err(record(SectionKind::Postings, at, "a run that no hash refers to")),
            None => Ok(()),
        }
    }

    /// Compares every section with its checksum, and what is between them with zeros.
    pub(crate) fn verify_checksums(self) -> Result<(), Error> {
        for section in self.layout.sections() {
            let mut checksum = blake3::Hasher::new();
            checksum.update_rayon(self.bytes(section.kind));
            if *checksum.finalize().as_bytes() != section.checksum {
                return Err(Problem::Checksum { section: section.kind, offset: section.start as u64 }.into());
            }
        }
        self.verify_padding()
    }

    fn verify_padding(self) -> Result<(), Error> {
        let mut end = table_end(self.layout.sections().len() as u32) as usize;
        debug_assert!(end as u64 <= FIRST_SECTION);
        for section in self.layout.sections() {
            let padding = self.data.get(end..section.start).unwrap_or_default();
            if let Some(at) = padding.iter().position(|byte| *byte != 0) {
                return Err(Problem::Padding { offset: (end + at) as u64 }.into());
            }
            end = section.end;
        }
        Ok(())
    }

    fn verify_labels(self) -> Result<(), Error> {
        let labels = self.records::<LabelRecord>(SectionKind::Labels);
        let unreadable = (0..labels.len() as u32).find(|at| self.label(*at).is_none());
        unreadable
            .map_or(Ok(()), |at| Err(record(SectionKind::Labels, at as usize, "a text that is not there")))
    }

    fn verify_attributes(self) -> Result<(), Error> {
        let meta = &self.layout.meta;
        let labels = self.records::<LabelRecord>(SectionKind::Labels).len();
        let attributes = self.records::<Attributes>(SectionKind::Attributes);
        for (at, one) in attributes.iter().enumerate() {
            let fault = if one.label.get() != NO_LABEL && one.label.get() as usize >= labels {
                "a label that is not there"
            } else if one.view.get() != NO_VIEW && usize::from(one.view.get()) >= meta.views.len() {
                "a view that is not there"
            } else if usize::from(one.role) >= Role::ALL.len() {
                "a role that is not there"
            } else if one.pdq_quality != NO_QUALITY && one.pdq_quality > 100 {
                "a quality above 100"
            } else {
                continue;
            };
            return Err(record(SectionKind::Attributes, at, fault));
        }
        Ok(())
    }

    /// Every entry is in a run, has attributes, and a name that can be read if it has one.
    fn verify_entries(self) -> Result<(), Error> {
        self.verify_entry_runs()?;
        let entries = self.layout.meta.entries as u32;
        let attributes = self.records::<Attributes>(SectionKind::Attributes).len();
        let names = self.records::<U64>(SectionKind::EntryNames).len() as u32;
        (0..entries).into_par_iter().try_for_each(|id| {
            if self.attributes_position(EntryId(id)).is_none_or(|at| at >= attributes) {
                let what = "attributes that are not there";
                return Err(record(SectionKind::EntryAttributes, id as usize, what));
            }
            Ok(())
        })?;
        (0..names).into_par_iter().try_for_each(|id| {
            if self.name_ref(EntryId(id)).and_then(|name| self.text(name)).is_none() {
                return Err(record(SectionKind::EntryNames, id as usize, "a name that is not there"));
            }
            Ok(())
        })
    }

    fn verify_entry_runs(self) -> Result<(), Error> {
        let sources = self.layout.meta.sources.len();
        let entries = self.layout.meta.entries;
        let runs = self.records::<EntryRun>(SectionKind::EntryRuns);
        if runs.is_empty() != (entries == 0) {
            return Err(record(SectionKind::EntryRuns, 0, "no run for the first entry"));
        }
        let first = |at: usize| runs.get(at).map_or(entries, |run| run.first_entry.get().into());
        for (at, run) in runs.iter().enumerate() {
            let fault = if at == 0 && first(at) != 0 {
                "a first run that does not begin with the first entry"
            } else if first(at) >= first(at + 1) {
                "a run without entries"
            } else if run.source.get() as usize >= sources {
                "a list that is not there"
            } else if run.first_row.get().checked_add(first(at + 1) - first(at) - 1).is_none() {
                "a row that has no number"
            } else {
                continue;
            };
            return Err(record(SectionKind::EntryRuns, at, fault));
        }
        Ok(())
    }

    fn verify_retractions(self) -> Result<(), Error> {
        let mut before = None;
        for (at, one) in self.records::<RetractionRecord>(SectionKind::Retractions).iter().enumerate() {
            let (Some(list), Some(entry)) = (self.text(one.list), self.text(one.entry)) else {
                return Err(record(SectionKind::Retractions, at, "a text that is not there"));
            };
            if before.replace((list, entry)).is_some_and(|before| before >= (list, entry)) {
                return Err(record(SectionKind::Retractions, at, "a pair that is not above the one before"));
            }
        }
        Ok(())
    }

    fn verify_photodna(self) -> Result<(), Error> {
        let records = self.records::<PhotoDnaRecord>(SectionKind::PhotoDna);
        let mut before = None;
        for (at, one) in records.iter().enumerate() {
            let entry = one.entry.get();
            if before.replace(entry).is_some_and(|before| before >= entry) {
                return Err(record(SectionKind::PhotoDna, at, "an entry that is not above the one before"));
            }
            if u64::from(entry) >= self.layout.meta.entries {
                return Err(record(SectionKind::PhotoDna, at, "an entry that is not there"));
            }
        }
        Ok(())
    }

    fn verify_64_bits(
        self,
        keys: SectionKind,
        refs: SectionKind,
        references: &mut References,
    ) -> Result<(), Error> {
        let hashes: &[[u8; 8]] = self.records(keys);
        if let Some(at) = self.u32s(refs).iter().position(|reference| !references.take(reference.get())) {
            return Err(record(refs, at, "a reference to no entries of its own"));
        }
        if let Some(at) = hashes.iter().position(|hash| Bits64(*hash).is_blank()) {
            return Err(record(keys, at, "a hash of all zeros or all ones"));
        }
        if let Some(at) = hashes.windows(2).position(|pair| pair[0] >= pair[1]) {
            return Err(record(keys, at + 1, "a hash that is not above the one before"));
        }
        Ok(())
    }

    /// Runs follow one another, each with two entries or more, ascending.
    fn verify_postings(self) -> Result<References, Error> {
        let postings = self.u32s(SectionKind::Postings);
        let entries = self.layout.meta.entries as usize;
        let mut references = References { entries, runs: vec![false; postings.len()] };
        let mut at = 0;
        while at < postings.len() {
            let wrong = |what| Err(record(SectionKind::Postings, at, what));
            let Some(run) = u32::try_from(at).ok().and_then(|at| run_of_postings(postings, at)) else {
                return wrong("a run beyond the end");
            };
            if run.len() < 2 || !run.is_sorted_by(|a, b| a.get() < b.get()) {
                return wrong("a run that is too short or out of order");
            }
            if run.last().is_some_and(|id| id.get() as usize >= entries) {
                return wrong("an entry that is not there");
            }
            references.runs[at] = true;
            at += 1 + run.len();
        }
        Ok(references)
    }

    fn verify_pdq(self, references: &mut References) -> Result<(), Error> {
        let keys = self.keys();
        let refs = self.u32s(SectionKind::PdqRefs);
        if let Some(at) = refs.iter().position(|reference| !references.take(reference.get())) {
            return Err(record(SectionKind::PdqRefs, at, "a reference to no entries of its own"));
        }
        if let Some(at) = keys.iter().position(|key| Pdq(*key).is_blank()) {
            return Err(record(SectionKind::PdqKeys, at, "a hash of all zeros or all ones"));
        }
        match (self.structure(), &self.layout.slots) {
            // The tree's distances show that its keys differ: equal ones would be 0 apart.
            (Structure::Bk, _) => bk::Bk { nodes: self.records(SectionKind::BkNodes), keys }.verify()?,
            (_, slots) => {
                if let Some(at) = keys.windows(2).position(|pair| in_order(&pair[0]) >= in_order(&pair[1])) {
                    return Err(record(
                        SectionKind::PdqKeys,
                        at + 1,
                        "a hash that is not above the one before",
                    ));
                }
                if let Some(slots) = slots {
                    mih::verify(slots, self.u32s(SectionKind::MihTables), keys)?;
                }
            }
        }
        Ok(())
    }
}

/// What references may stand for: an entry, or a run of POSTINGS that no other hash has.
pub(crate) struct References {
    entries: usize,
    /// For each position in POSTINGS: whether a run starts there that no hash has referred to yet.
    runs: Vec<bool>,
}

impl References {
    /// Whether a reference stands for entries that are there; its run is then taken.
    pub(crate) fn take(&mut self, reference: u32) -> bool {
        if reference & MANY == 0 {
            return (reference as usize) < self.entries;
        }
        self.runs.get_mut((reference & !MANY) as usize).is_some_and(std::mem::take)
    }
}

/// What PDQ hashes are sorted by in a file without a tree.
fn in_order(key: &Key) -> (u32, &Key) {
    (order_value(key), key)
}

fn record(section: SectionKind, record: usize, what: &'static str) -> Error {
    Problem::Record { section, record: record as u64, what }.into()
}
