//! Writing an index file: header, section table, sections; complete or not at all.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use zerocopy::{Immutable, IntoBytes};

use crate::error::{Error, Problem};
use crate::format::{
    Header, MAGIC, SectionKind, SectionRecord, TABLE_OFFSET, VERSION, align, sections_start,
};

/// A section to be written.
pub(crate) struct NewSection {
    pub(crate) kind: SectionKind,
    pub(crate) parameter: u32,
    pub(crate) bytes: Vec<u8>,
}

impl NewSection {
    pub(crate) fn new(kind: SectionKind, bytes: Vec<u8>) -> Self {
        Self { kind, parameter: 0, bytes }
    }

    pub(crate) fn of_records<T: IntoBytes + Immutable>(kind: SectionKind, records: &[T]) -> Self {
        Self::new(kind, records.as_bytes().to_vec())
    }

    pub(crate) fn of_u32s(kind: SectionKind, values: &[u32]) -> Self {
        Self::new(kind, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }
}

/// Writes `sections`, which are in ascending order of their kinds, as the file `path`.
pub(crate) fn write_file(path: &Path, sections: &[NewSection]) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // In the same folder, because a rename is atomic within one file system only. Made with
    // access for the owner alone: a hash list is a secret.
    let mut temporary = tempfile::Builder::new()
        .prefix(".lykta-index-")
        .suffix(".tmp")
        .tempfile_in(folder)
        .map_err(Error::io("make a temporary file in the index's folder"))?;
    let mut output = io::BufWriter::with_capacity(1 << 20, temporary.as_file_mut());
    write_sections(sections, &mut output)?;
    output.flush().map_err(Error::io("write the index"))?;
    drop(output);
    temporary.as_file().sync_all().map_err(Error::io("write the index to disk"))?;
    temporary.persist(path).map_err(|error| Error::io("put the index in its place")(error.error))?;
    sync_folder(folder);
    Ok(())
}

/// Makes the rename last through a power failure, where the platform can; the file itself is
/// complete either way.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Writes the whole file to `output`.
pub(crate) fn write_sections(sections: &[NewSection], output: &mut impl Write) -> Result<(), Error> {
    let too_large = || Error::from(Problem::TooLarge("bytes"));
    let mut table = Vec::with_capacity(sections.len());
    let mut end = sections_start(sections.len() as u32);
    for section in sections {
        let offset = align(end).ok_or_else(too_large)?;
        let length = section.bytes.len() as u64;
        end = offset.checked_add(length).ok_or_else(too_large)?;
        table.push(SectionRecord {
            kind: (section.kind as u32).into(),
            parameter: section.parameter.into(),
            offset: offset.into(),
            length: length.into(),
            count: (length / section.kind.record_len() as u64).into(),
            checksum: *blake3::Hasher::new().update_rayon(&section.bytes).finalize().as_bytes(),
        });
    }
    let mut header = Header {
        magic: MAGIC,
        version: VERSION.into(),
        section_count: (sections.len() as u32).into(),
        file_length: end.into(),
        reserved: 0.into(),
        checksum: [0; 32],
    };
    let mut checksum = blake3::Hasher::new();
    checksum.update(&header.as_bytes()[..TABLE_OFFSET - 32]);
    checksum.update(table.as_bytes());
    header.checksum = *checksum.finalize().as_bytes();

    let mut put = |bytes: &[u8]| output.write_all(bytes).map_err(Error::io("write the index"));
    put(header.as_bytes())?;
    put(table.as_bytes())?;
    let mut end = sections_start(sections.len() as u32);
    for (section, record) in sections.iter().zip(&table) {
        let padding = record.offset.get() - end;
        put(&[0; 64][..padding as usize])?;
        put(&section.bytes)?;
        end = record.offset.get() + record.length.get();
    }
    Ok(())
}
