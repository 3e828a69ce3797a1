//! Building an index: entries collected, tables sorted, one file written and renamed into place.

use std::collections::HashMap;
use std::path::Path;

use lykta_hash::{Digest, Hash, Kind, Pdq};
use rayon::slice::ParallelSliceMut;

use crate::entry::Label;
use crate::error::{Error, Problem};
use crate::exact::directory_bits;
use crate::format::{
    EntryRecord, LabelRecord, MANY, MihSlot, NO_LABEL, NO_QUALITY, NO_VIEW, SectionKind, TextRef, bucket,
};
use crate::hamming::Key;
use crate::meta::{Meta, Role, Source};
use crate::near::{Structure, bk, cost, mih, slots};
use crate::write::{NewSection, write_file, write_sections};

/// How to lay out the index.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions {
    /// The near structure; `None` chooses the one with the least expected cost.
    pub structure: Option<Structure>,
    /// The radius to be fast at, in bits, 0..=256. Any other has an exact answer too.
    pub near_radius: u32,
    /// Most bytes of memory to use, by an estimate from above; `None` sets no limit.
    pub memory: Option<u64>,
}

impl Default for BuildOptions {
    /// The cheapest structure at 31 bits, the threshold that PDQ's makers recommend.
    fn default() -> Self {
        Self { structure: None, near_radius: 31, memory: None }
    }
}

/// The number of a list in the index under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceId(u32);

/// A row of a list, to be added.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewEntry<'a> {
    /// Its row, counted from 1.
    pub row: u64,
    /// Its name; empty is none.
    pub name: Option<&'a str>,
    /// Its hashes, of any kinds. One that must never match (of an empty file, or a blank PDQ) is
    /// left out.
    pub hashes: &'a [Hash],
    /// The category that the list gives it.
    pub label: Option<Label<'a>>,
    /// Which part or version of the picture was hashed.
    pub view: Option<&'a str>,
    /// Quality of the PDQ hash, 0..=100; a hash of quality 0 is left out.
    pub pdq_quality: Option<u8>,
    /// What a match means; `None` is the role of the list.
    pub role: Option<Role>,
}

/// Collects entries and writes an index file.
///
/// The same sources and entries in the same order give the same bytes. Everything is held in
/// memory until [`Builder::write`]; [`Builder::memory`] says how much that takes.
pub struct Builder {
    options: BuildOptions,
    sources: Vec<Source>,
    views: Vec<String>,
    strings: Vec<u8>,
    last_name: TextRef,
    labels: Vec<LabelRecord>,
    labels_by_text: HashMap<[String; 4], u32>,
    entries: Vec<EntryRecord>,
    md5: Vec<([u8; 16], u32)>,
    sha1: Vec<([u8; 20], u32)>,
    sha256: Vec<([u8; 32], u32)>,
    blake3: Vec<([u8; 32], u32)>,
    pdq: Vec<(Key, u32)>,
}

impl Builder {
    /// An empty index.
    pub fn new(options: BuildOptions) -> Self {
        Self {
            options,
            sources: Vec::new(),
            views: Vec::new(),
            strings: Vec::new(),
            last_name: TextRef::default(),
            labels: Vec::new(),
            labels_by_text: HashMap::new(),
            entries: Vec::new(),
            md5: Vec::new(),
            sha1: Vec::new(),
            sha256: Vec::new(),
            blake3: Vec::new(),
            pdq: Vec::new(),
        }
    }

    /// Adds a list. Its counts may be filled in later by [`Builder::source_mut`]; `duplicates` is
    /// counted by [`Builder::write`].
    pub fn add_source(&mut self, source: Source) -> SourceId {
        self.sources.push(source);
        SourceId(self.sources.len() as u32 - 1)
    }

    /// The description of a list, to fill in what is known only after reading it.
    pub fn source_mut(&mut self, id: SourceId) -> &mut Source {
        &mut self.sources[id.0 as usize]
    }

    /// Adds a row of a list.
    ///
    /// # Errors
    /// When the index is full: 2^31 entries, 65,535 different views, or a text of 4 GiB; when
    /// building it would take more memory than the options allow; and when a hash is of 64 bits,
    /// which this version of the format does not hold.
    pub fn add(&mut self, source: SourceId, entry: &NewEntry<'_>) -> Result<(), Error> {
        self.check_memory()?;
        let id = u32::try_from(self.entries.len()).ok().filter(|id| id & MANY == 0);
        let id = id.ok_or(Problem::TooLarge("entries"))?;
        let role = entry.role.unwrap_or(self.sources[source.0 as usize].role);
        let record = EntryRecord {
            row: entry.row.into(),
            name: self.name(entry.name.unwrap_or_default())?,
            source: source.0.into(),
            label: self.label(entry.label)?.into(),
            view: self.view(entry.view)?.into(),
            pdq_quality: entry.pdq_quality.unwrap_or(NO_QUALITY),
            role: role as u8,
        };
        self.entries.push(record);
        for hash in entry.hashes {
            match hash {
                Hash::Digest(digest) if digest.is_of_empty_file() => {}
                Hash::Digest(Digest::Md5(key)) => self.md5.push((*key, id)),
                Hash::Digest(Digest::Sha1(key)) => self.sha1.push((*key, id)),
                Hash::Digest(Digest::Sha256(key)) => self.sha256.push((*key, id)),
                Hash::Digest(Digest::Blake3(key)) => self.blake3.push((*key, id)),
                Hash::Pdq(pdq) if pdq.is_blank() || entry.pdq_quality == Some(0) => {}
                Hash::Pdq(Pdq(key)) => self.pdq.push((*key, id)),
                Hash::Phash(_) | Hash::Dhash(_) => return Err(Problem::Kind(hash.kind()).into()),
            }
        }
        Ok(())
    }

    fn check_memory(&self) -> Result<(), Error> {
        match self.options.memory.filter(|limit| self.memory() > *limit) {
            Some(limit) => Err(Problem::Memory { limit, entries: self.entries.len() as u64 }.into()),
            None => Ok(()),
        }
    }

    /// Bytes that building the index of what was added so far takes at its peak, estimated from
    /// above. O(1).
    pub fn memory(&self) -> u64 {
        // Collected, collapsed, and as bytes of a section; vectors grow by doubling.
        let copies = |count: usize, size: usize| (count * size * 4) as u64;
        copies(self.entries.len(), size_of::<EntryRecord>())
            + copies(self.strings.len(), 1)
            + copies(self.labels.len(), size_of::<LabelRecord>() * 3)
            + copies(self.md5.len(), size_of::<([u8; 16], u32)>())
            + copies(self.sha1.len(), size_of::<([u8; 20], u32)>())
            + copies(self.sha256.len() + self.blake3.len(), size_of::<([u8; 32], u32)>())
            + copies(self.pdq.len(), size_of::<(Key, u32)>() + cost::MOST_SLOTS * size_of::<u32>())
    }

    /// Sorts everything and writes the file: to a temporary one beside it with access for the owner
    /// alone, flushed to disk, then renamed. Whoever has the old file open keeps it. Returns the
    /// lists with their duplicates counted.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is then left under its name that was not there.
    pub fn write(mut self, path: &Path) -> Result<Vec<Source>, Error> {
        let sections = self.sections()?;
        write_file(path, &sections).map_err(|error| error.at(path))?;
        Ok(self.sources)
    }

    /// The bytes of the index file, for an index that never is a file.
    ///
    /// # Errors
    /// When the index is too large for its format.
    pub fn into_bytes(mut self) -> Result<Vec<u8>, Error> {
        let sections = self.sections()?;
        let mut bytes = Vec::new();
        write_sections(&sections, &mut bytes)?;
        Ok(bytes)
    }

    fn sections(&mut self) -> Result<Vec<NewSection>, Error> {
        self.check_memory()?;
        let mut postings = Vec::new();
        let mut sections = Vec::new();
        self.exact_sections(&mut postings, &mut sections)?;
        self.pdq_sections(&mut postings, &mut sections)?;
        let meta = Meta {
            written_by: concat!("lykta ", env!("CARGO_PKG_VERSION")).to_owned(),
            near_radius: self.options.near_radius,
            sources: self.sources.clone(),
            views: std::mem::take(&mut self.views),
        };
        sections.extend([
            NewSection::new(SectionKind::Meta, meta.to_bytes()?),
            NewSection::new(SectionKind::Strings, std::mem::take(&mut self.strings)),
            NewSection::of_records(SectionKind::Labels, &self.labels),
            NewSection::of_records(SectionKind::Entries, &self.entries),
            NewSection::of_u32s(SectionKind::Postings, &postings),
        ]);
        sections.sort_by_key(|section| section.kind);
        Ok(sections)
    }

    fn exact_sections(
        &mut self,
        postings: &mut Vec<u32>,
        sections: &mut Vec<NewSection>,
    ) -> Result<(), Error> {
        let (md5, sha1) = (std::mem::take(&mut self.md5), std::mem::take(&mut self.sha1));
        let (sha256, blake3) = (std::mem::take(&mut self.sha256), std::mem::take(&mut self.blake3));
        self.exact_table(Kind::Md5, md5, postings, sections)?;
        self.exact_table(Kind::Sha1, sha1, postings, sections)?;
        self.exact_table(Kind::Sha256, sha256, postings, sections)?;
        self.exact_table(Kind::Blake3, blake3, postings, sections)
    }

    fn exact_table<const N: usize>(
        &mut self,
        kind: Kind,
        pairs: Vec<([u8; N], u32)>,
        postings: &mut Vec<u32>,
        sections: &mut Vec<NewSection>,
    ) -> Result<(), Error> {
        let Some((keys_kind, directory_kind)) = SectionKind::exact_table(kind).filter(|_| !pairs.is_empty())
        else {
            return Ok(());
        };
        let keys = self.collapse(pairs, postings)?;
        let bits = directory_bits(keys.len() as u64);
        let mut directory = vec![0u32; (1 << bits) + 1];
        let mut bytes = Vec::with_capacity(keys.len() * (N + size_of::<u32>()));
        for (key, reference) in &keys {
            directory[bucket(key, bits) + 1] += 1;
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&reference.to_le_bytes());
        }
        let mut sum = 0;
        for offset in &mut directory {
            sum += *offset;
            *offset = sum;
        }
        sections.push(NewSection::new(keys_kind, bytes));
        sections.push(NewSection { parameter: bits, ..NewSection::of_u32s(directory_kind, &directory) });
        Ok(())
    }

    fn pdq_sections(&mut self, postings: &mut Vec<u32>, sections: &mut Vec<NewSection>) -> Result<(), Error> {
        if self.pdq.is_empty() {
            return Ok(());
        }
        let pairs = std::mem::take(&mut self.pdq);
        let (mut keys, mut refs): (Vec<Key>, Vec<u32>) = self.collapse(pairs, postings)?.into_iter().unzip();
        let (count, radius) = (keys.len() as u64, self.options.near_radius);
        match self.options.structure.unwrap_or_else(|| cost::best_structure(count, radius)) {
            Structure::Flat => {}
            Structure::Bk => {
                let (order, nodes) = bk::build(&keys);
                keys = order.iter().map(|&from| keys[from as usize]).collect();
                refs = order.iter().map(|&from| refs[from as usize]).collect();
                sections.push(NewSection::of_records(SectionKind::BkNodes, &nodes));
            }
            Structure::Mih => mih_sections(&keys, &slots::deal(cost::best_slots(count, radius)), sections),
        }
        sections.push(NewSection::new(SectionKind::PdqKeys, keys.as_flattened().to_vec()));
        sections.push(NewSection::of_u32s(SectionKind::PdqRefs, &refs));
        Ok(())
    }

    /// Sorts keys, keeps each once with a reference to its entries, and counts what a list gave
    /// more than once.
    fn collapse<K: Ord + Copy + Send>(
        &mut self,
        mut pairs: Vec<(K, u32)>,
        postings: &mut Vec<u32>,
    ) -> Result<Vec<(K, u32)>, Error> {
        pairs.par_sort_unstable();
        let mut keys = Vec::with_capacity(pairs.len());
        let mut ids = Vec::new();
        for group in pairs.chunk_by(|a, b| a.0 == b.0) {
            ids.clear();
            ids.extend(group.iter().map(|(_, id)| *id));
            self.count_duplicates(&ids);
            ids.dedup();
            let reference = if let [id] = ids[..] {
                id
            } else {
                let at = u32::try_from(postings.len()).ok().filter(|at| at & MANY == 0);
                postings.push(ids.len() as u32);
                postings.extend_from_slice(&ids);
                at.ok_or(Problem::TooLarge("hashes with several entries"))? | MANY
            };
            keys.push((group[0].0, reference));
        }
        Ok(keys)
    }

    /// `ids`, ascending, share a hash: all but the first of each list are duplicates. Entries of a
    /// list are neighbours, since lists are mostly added one after the other.
    fn count_duplicates(&mut self, ids: &[u32]) {
        let mut seen = Vec::new();
        for id in ids {
            let source = self.entries[*id as usize].source.get();
            if seen.contains(&source) {
                self.sources[source as usize].duplicates += 1;
            } else {
                seen.push(source);
            }
        }
    }

    /// Stores a name; views of one picture come as neighbours and share it.
    fn name(&mut self, name: &str) -> Result<TextRef, Error> {
        let last = self.last_name.offset.get() as usize..self.strings.len();
        if self.strings.get(last).is_none_or(|last| last != name.as_bytes()) {
            self.last_name = self.text(name)?;
        }
        Ok(self.last_name)
    }

    fn text(&mut self, text: &str) -> Result<TextRef, Error> {
        let length = u32::try_from(text.len()).map_err(|_| Problem::TooLarge("bytes in a text"))?;
        let offset = self.strings.len() as u64;
        self.strings.extend_from_slice(text.as_bytes());
        Ok(TextRef { offset: offset.into(), length: length.into() })
    }

    fn label(&mut self, label: Option<Label<'_>>) -> Result<u32, Error> {
        let Some(label) = label else { return Ok(NO_LABEL) };
        let texts = [label.scheme, label.version, label.code, label.series].map(str::to_owned);
        if let Some(at) = self.labels_by_text.get(&texts) {
            return Ok(*at);
        }
        let at = u32::try_from(self.labels.len()).ok().filter(|at| *at != NO_LABEL);
        let at = at.ok_or(Problem::TooLarge("labels"))?;
        let [scheme, version, code, series] = [
            self.text(label.scheme)?,
            self.text(label.version)?,
            self.text(label.code)?,
            self.text(label.series)?,
        ];
        // A name stored next must not be taken for a continuation of a label.
        self.last_name = TextRef { offset: (self.strings.len() as u64).into(), length: 0.into() };
        self.labels.push(LabelRecord { scheme, version, code, series });
        self.labels_by_text.insert(texts, at);
        Ok(at)
    }

    fn view(&mut self, view: Option<&str>) -> Result<u16, Error> {
        let Some(view) = view else { return Ok(NO_VIEW) };
        let known = self.views.iter().position(|known| known == view);
        let at = known.unwrap_or_else(|| {
            self.views.push(view.to_owned());
            self.views.len() - 1
        });
        let at = u16::try_from(at).ok().filter(|at| *at != NO_VIEW);
        at.ok_or_else(|| Problem::TooLarge("different views").into())
    }
}

fn mih_sections(keys: &[Key], slots: &[Vec<u8>], sections: &mut Vec<NewSection>) {
    let tables = mih::build(keys, slots);
    let mut first_offset = 0u64;
    let mut records = Vec::with_capacity(slots.len());
    for (slot, table) in slots.iter().zip(&tables) {
        let mut bits = [0; 32];
        bits[..slot.len()].copy_from_slice(slot);
        records.push(MihSlot {
            width: (slot.len() as u32).into(),
            reserved: 0.into(),
            first_offset: first_offset.into(),
            bits,
        });
        first_offset += table.offsets.len() as u64;
    }
    let mut offsets = Vec::new();
    let mut ids = Vec::new();
    for table in tables {
        offsets.extend(table.offsets.iter().flat_map(|offset| offset.to_le_bytes()));
        ids.extend(table.ids.iter().flat_map(|id| id.to_le_bytes()));
    }
    sections.push(NewSection::of_records(SectionKind::MihSlots, &records));
    sections.push(NewSection::new(SectionKind::MihOffsets, offsets));
    sections.push(NewSection::new(SectionKind::MihIds, ids));
}
