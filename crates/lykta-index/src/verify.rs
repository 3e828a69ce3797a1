//! The full check of an index: checksums against damage, and every rule against made-up files.

use rayon::prelude::*;

use lykta_hash::Pdq;

use crate::entry::run_of_postings;
use crate::error::{Error, Problem};
use crate::format::{
    EntryRecord, LabelRecord, MANY, NO_LABEL, NO_QUALITY, NO_VIEW, SectionKind, sections_start,
};
use crate::layout::View;
use crate::meta::Role;
use crate::near::{Structure, bk, mih};

impl View<'_> {
    /// Reads everything. O(file), all cores.
    pub(crate) fn verify(self) -> Result<(), Error> {
        self.verify_checksums()?;
        self.verify_padding()?;
        self.verify_labels()?;
        self.verify_entries()?;
        let mut references = self.verify_postings()?;
        self.verify_exact(&mut references)?;
        self.verify_pdq(&mut references)?;
        match references.runs.iter().position(|unused| *unused) {
            Some(at) => Err(record(SectionKind::Postings, at, "a run that no hash refers to")),
            None => Ok(()),
        }
    }

    fn verify_checksums(self) -> Result<(), Error> {
        for section in self.layout.sections() {
            let mut checksum = blake3::Hasher::new();
            checksum.update_rayon(self.bytes(section.kind));
            if *checksum.finalize().as_bytes() != section.checksum {
                return Err(Problem::Checksum { section: section.kind, offset: section.start as u64 }.into());
            }
        }
        Ok(())
    }

    fn verify_padding(self) -> Result<(), Error> {
        let mut end = sections_start(self.layout.sections().len() as u32) as usize;
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

    fn verify_entries(self) -> Result<(), Error> {
        let meta = &self.layout.meta;
        let labels = self.records::<LabelRecord>(SectionKind::Labels).len();
        let entries = self.records::<EntryRecord>(SectionKind::Entries);
        if entries.len() > MANY as usize {
            return Err(record(SectionKind::Entries, MANY as usize, "one entry too many"));
        }
        entries.par_iter().enumerate().try_for_each(|(at, entry)| {
            let fault = if entry.source.get() as usize >= meta.sources.len() {
                "a list that is not there"
            } else if self.text(entry.name).is_none() {
                "a name that is not there"
            } else if entry.label.get() != NO_LABEL && entry.label.get() as usize >= labels {
                "a label that is not there"
            } else if entry.view.get() != NO_VIEW && usize::from(entry.view.get()) >= meta.views.len() {
                "a view that is not there"
            } else if usize::from(entry.role) >= Role::ALL.len() {
                "a role that is not there"
            } else if entry.pdq_quality != NO_QUALITY && entry.pdq_quality > 100 {
                "a quality above 100"
            } else {
                return Ok(());
            };
            Err(record(SectionKind::Entries, at, fault))
        })
    }

    /// Runs follow one another, each with two entries or more, ascending.
    fn verify_postings(self) -> Result<References, Error> {
        let postings = self.u32s(SectionKind::Postings);
        let entries = self.records::<EntryRecord>(SectionKind::Entries).len();
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
                if let Some(at) = keys.windows(2).position(|pair| pair[0] >= pair[1]) {
                    return Err(record(
                        SectionKind::PdqKeys,
                        at + 1,
                        "a hash that is not above the one before",
                    ));
                }
                if let Some(slots) = slots {
                    mih::Mih { slots, view: self, keys }.verify()?;
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

fn record(section: SectionKind, record: usize, what: &'static str) -> Error {
    Problem::Record { section, record: record as u64, what }.into()
}
