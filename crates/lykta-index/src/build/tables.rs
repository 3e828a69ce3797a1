//! The sections of a file, in their order.

use lykta_hash::Kind;

use super::Builder;
use super::collapse::{Groups, Sources, collapse};
use super::sorter::Sorter;
use super::spool::Spool;
use crate::error::{Error, Problem};
use crate::exact::directory_bits;
use crate::format::{BkNode, SectionKind, bucket};
use crate::hamming::Key;
use crate::map::Written;
use crate::meta::{Meta, Source};
use crate::near::slots::NewSlot;
use crate::near::{Structure, bk, design, tables};
use crate::write::Output;
use zerocopy::IntoBytes;

/// Bytes of memory that building a BK-tree takes for each hash: twice the hash and its reference,
/// its place, its distance from a pivot, and its share of the nodes.
const BK_MEMORY: u64 = 2 * (32 + 4) + 4 + 8 + 8;

/// Bytes of the order value at the start of a PDQ record.
const ORDER_LEN: usize = 4;

/// What is decided with the PDQ hashes and written later.
enum NearTables {
    Flat,
    Bk(Vec<BkNode>),
    Mih(Written, Vec<NewSlot>),
}

impl Builder {
    /// Writes every section; the lists with their duplicates counted.
    pub(super) fn write_sections(&mut self, output: &mut Output<'_>) -> Result<Vec<Source>, Error> {
        let pairs = std::mem::take(&mut self.pairs);
        let sources = Sources::new(self.entries.take_stretches(), self.sources.len());
        let mut groups = Groups::new(&self.place, sources);
        self.exact_table(Kind::Md5, pairs.md5, &mut groups, output)?;
        self.exact_table(Kind::Sha1, pairs.sha1, &mut groups, output)?;
        self.exact_table(Kind::Sha256, pairs.sha256, &mut groups, output)?;
        self.exact_table(Kind::Blake3, pairs.blake3, &mut groups, output)?;
        let near = self.pdq_table(pairs.pdq, &mut groups, output)?;
        self.table_of_64_bits(Kind::Phash, pairs.phash, &mut groups, output)?;
        self.table_of_64_bits(Kind::Dhash, pairs.dhash, &mut groups, output)?;
        self.near_tables(near, output)?;
        output.step("writing entries");
        let (postings, duplicates) = groups.finish();
        spooled(SectionKind::Postings, postings, output)?;
        self.write_rest(duplicates, output)
    }

    /// From ENTRY_RUNS to META.
    fn write_rest(&mut self, duplicates: Vec<u64>, output: &mut Output<'_>) -> Result<Vec<Source>, Error> {
        let mut sources = std::mem::take(&mut self.sources);
        for (number, (source, duplicates)) in (0..).zip(sources.iter_mut().zip(duplicates)) {
            if !self.counted.contains(&number) {
                source.duplicates += duplicates;
            }
        }
        let entries = std::mem::replace(&mut self.entries, super::NewEntries::new(&self.place));
        let count = entries.count();
        let views = entries.write(&self.retractions, output)?;
        let meta = Meta {
            written_by: concat!("lykta ", env!("CARGO_PKG_VERSION")).to_owned(),
            entries: count.into(),
            near_radius: self.options.near_radius,
            sources,
            views,
        };
        output.section(SectionKind::Meta, &meta.to_bytes()?)?;
        Ok(meta.sources)
    }

    /// Memory for what is done while a table is written.
    fn memory_left(&self) -> u64 {
        self.options.memory.saturating_sub(self.memory())
    }

    fn exact_table<const L: usize>(
        &self,
        kind: Kind,
        pairs: Sorter<L>,
        groups: &mut Groups,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        let Some((keys_kind, directory_kind)) = SectionKind::exact_table(kind).filter(|_| !pairs.is_empty())
        else {
            return Ok(());
        };
        output.step(match kind {
            Kind::Md5 => "sorting and writing MD5",
            Kind::Sha1 => "sorting and writing SHA-1",
            Kind::Sha256 => "sorting and writing SHA-256",
            _ => "sorting and writing BLAKE3",
        });
        let sorted = pairs.into_sorted(self.place.folder.as_deref(), self.memory_left())?;
        output.begin(keys_kind)?;
        let count = collapse(sorted, groups, |key, reference| {
            output.put(key)?;
            output.put(&reference.to_le_bytes())
        })?;
        output.end(0);
        let keys = output.last_section()?;
        let bits = directory_bits(count);
        output.begin(directory_kind)?;
        write_directory(keys.as_ref().chunks_exact(keys_kind.record_len()), bits, output)?;
        output.end(bits);
        Ok(())
    }

    fn pdq_table<const L: usize>(
        &self,
        pairs: Sorter<L>,
        groups: &mut Groups,
        output: &mut Output<'_>,
    ) -> Result<NearTables, Error> {
        if pairs.is_empty() {
            return Ok(NearTables::Flat);
        }
        output.step("sorting and writing PDQ");
        let sorted = pairs.into_sorted(self.place.folder.as_deref(), self.memory_left())?;
        if self.options.structure == Some(Structure::Bk) {
            let mut keys: Vec<Key> = Vec::new();
            let mut refs = Vec::new();
            let limit = self.options.memory;
            collapse(sorted, groups, |record, reference| {
                keys.push(record[ORDER_LEN..].first_chunk().copied().unwrap_or_default());
                refs.push(reference);
                if keys.len() as u64 * BK_MEMORY > limit {
                    Err(Problem::TreeMemory { limit }.into())
                } else {
                    Ok(())
                }
            })?;
            return write_tree(&keys, &refs, output);
        }
        let mut refs = Spool::new(&self.place);
        output.begin(SectionKind::PdqKeys)?;
        collapse(sorted, groups, |record, reference| {
            output.put(&record[ORDER_LEN..])?;
            refs.put(&reference.to_le_bytes())
        })?;
        output.end(0);
        let keys = output.last_section()?;
        spooled(SectionKind::PdqRefs, refs, output)?;
        let design =
            design::design(keys.as_ref().as_chunks().0, self.options.structure, self.options.near_radius);
        Ok(match design.structure {
            Structure::Mih => NearTables::Mih(keys, design.slots),
            _ => NearTables::Flat,
        })
    }

    fn table_of_64_bits<const L: usize>(
        &self,
        kind: Kind,
        pairs: Sorter<L>,
        groups: &mut Groups,
        output: &mut Output<'_>,
    ) -> Result<(), Error> {
        let Some((keys, references)) = SectionKind::near_table(kind).filter(|_| !pairs.is_empty()) else {
            return Ok(());
        };
        output.step("sorting and writing 64-bit hashes");
        let sorted = pairs.into_sorted(self.place.folder.as_deref(), self.memory_left())?;
        let mut refs = Spool::new(&self.place);
        output.begin(keys)?;
        collapse(sorted, groups, |hash, reference| {
            output.put(hash)?;
            refs.put(&reference.to_le_bytes())
        })?;
        output.end(0);
        spooled(references, refs, output)
    }

    fn near_tables(&self, near: NearTables, output: &mut Output<'_>) -> Result<(), Error> {
        match near {
            NearTables::Flat => Ok(()),
            NearTables::Bk(nodes) => output.section(SectionKind::BkNodes, nodes.as_bytes()),
            NearTables::Mih(keys, slots) => {
                let keys = keys.as_ref().as_chunks().0;
                output.step("writing the tables of near search");
                output.section(SectionKind::MihSlots, tables::slot_records(keys, &slots).as_bytes())?;
                output.begin(SectionKind::MihTables)?;
                tables::write_tables(keys, &slots, self.memory_left(), &mut |bytes| output.put(bytes))?;
                output.end(0);
                Ok(())
            }
        }
    }
}

/// Writes where each bucket of `records`, which are in order, begins, and where the last one ends.
fn write_directory<'a>(
    records: impl ExactSizeIterator<Item = &'a [u8]>,
    bits: u32,
    output: &mut Output<'_>,
) -> Result<(), Error> {
    let count = records.len() as u32;
    let mut next = 0;
    for (at, record) in (0u32..).zip(records) {
        let bucket = bucket(record, bits);
        while next <= bucket {
            output.put(&at.to_le_bytes())?;
            next += 1;
        }
    }
    (next..=1 << bits).try_for_each(|_| output.put(&count.to_le_bytes()))
}

/// Writes keys and references in the order of a BK-tree.
fn write_tree(keys: &[Key], refs: &[u32], output: &mut Output<'_>) -> Result<NearTables, Error> {
    output.step("building the tree");
    let (order, nodes) = bk::build(keys);
    output.begin(SectionKind::PdqKeys)?;
    order.iter().try_for_each(|&from| output.put(&keys[from as usize]))?;
    output.end(0);
    output.begin(SectionKind::PdqRefs)?;
    order.iter().try_for_each(|&from| output.put(&refs[from as usize].to_le_bytes()))?;
    output.end(0);
    Ok(NearTables::Bk(nodes))
}

/// A section whose bytes were put aside.
fn spooled(kind: SectionKind, bytes: Spool, output: &mut Output<'_>) -> Result<(), Error> {
    output.begin(kind)?;
    bytes.drain(1, &mut |part| output.put(part))?;
    output.end(0);
    Ok(())
}
