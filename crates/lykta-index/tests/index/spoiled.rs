//! Damaged files: every one is refused or found by `verify`, by name, and none makes a query panic.

use crate::made_up::{Numbers, full_index};
use lykta_hash::{Digest, Pdq};
use lykta_index::{Index, Structure, fuzz};
use proptest::prelude::*;

const STRUCTURES: [Structure; 3] = [Structure::Bk, Structure::Mih, Structure::Flat];

const HEADER: usize = 64;
const RECORD: usize = 64;

/// An index file with something in every section.
fn full(structure: Structure) -> Vec<u8> {
    static FILES: std::sync::OnceLock<[Vec<u8>; 3]> = std::sync::OnceLock::new();
    let files = FILES.get_or_init(|| STRUCTURES.map(full_index));
    let at = STRUCTURES.iter().position(|one| *one == structure).unwrap();
    files[at].clone()
}

fn message(data: &[u8]) -> Option<String> {
    Index::new(data).err().map(|error| error.to_string())
}

fn section_count(data: &[u8]) -> usize {
    usize::from(data[12])
}

/// The fields of docs/format.md, and a word that must be in the message when one is spoiled.
fn field_of(data: &[u8], at: usize) -> &'static [&'static str] {
    if at < HEADER {
        return match at {
            0..8 => &["magic"],
            8..12 => &["version"],
            12..16 => &["section count"],
            16..24 => &["file length"],
            24..32 => &["reserved"],
            _ => &["header's checksum"],
        };
    }
    let number = (at - HEADER) / RECORD;
    match (at - HEADER) % RECORD {
        // One kind in place of another may be the one kind that is needed, or fit its neighbours.
        0..4 => &["kind", "section count", "count", "missing", "checksum", "content", "parameter"],
        4..8 => &["parameter", "content", "checksum"],
        8..16 => &["offset"],
        16..24 => &["length", "count"],
        24..32 => &["count"],
        _ if number < section_count(data) => &["header's checksum"],
        _ => unreachable!("beyond the table"),
    }
}

#[test]
fn every_spoiled_header_field_is_refused_by_name() {
    for structure in STRUCTURES {
        let sound = full(structure);
        let table_end = HEADER + RECORD * section_count(&sound);
        for at in 0..table_end {
            for bit in 0..8 {
                let mut spoiled = sound.clone();
                spoiled[at] ^= 1 << bit;
                let message = message(&spoiled).unwrap_or_else(|| panic!("byte {at} bit {bit} was accepted"));
                let expected = field_of(&sound, at);
                let named = expected.iter().any(|word| message.contains(word));
                assert!(named, "byte {at}, bit {bit}: {message:?} has none of {expected:?}");
            }
        }
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    for structure in STRUCTURES {
        let sound = full(structure);
        for length in (0..sound.len()).step_by(7).chain(sound.len() - 100..sound.len()) {
            let message = message(&sound[..length]).unwrap_or_else(|| panic!("{length} bytes were accepted"));
            let named = ["cut short", "file length", "magic"].iter().any(|word| message.contains(word));
            assert!(named, "{length} bytes: {message}");
        }
        let mut longer = sound.clone();
        longer.push(0);
        assert!(message(&longer).is_some_and(|message| message.contains("file length")));
    }
}

/// Sections as the table names them: start, end, code.
fn sections(data: &[u8]) -> Vec<(usize, usize, u32)> {
    let number = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap()) as usize;
    (0..section_count(data))
        .map(|i| HEADER + i * RECORD)
        .map(|at| (number(at + 8), number(at + 8) + number(at + 16), u32::from(data[at])))
        .collect()
}

#[test]
fn every_spoiled_byte_behind_the_header_is_found_by_verify() {
    for structure in STRUCTURES {
        let sound = full(structure);
        Index::new(&sound[..]).unwrap().verify().unwrap();
        let sections = sections(&sound);
        let mut numbers = Numbers(5);
        let mut spoil = |at: usize| {
            let mut spoiled = sound.clone();
            spoiled[at] ^= 1 << numbers.below(8);
            match Index::new(&spoiled[..]) {
                // META and MIH_SLOTS are read on opening.
                Err(error) => assert!(error.section().is_some(), "byte {at}: {error}"),
                Ok(index) => {
                    let error = index.verify().expect_err("a spoiled byte was not found");
                    let inside = sections.iter().any(|(start, end, _)| (*start..*end).contains(&at));
                    assert_eq!(error.section().is_some(), inside, "byte {at}: {error}");
                    if !inside {
                        assert!(error.to_string().contains(&format!("offset {at}")), "{error}");
                    }
                }
            }
        };
        for (start, end, _) in &sections {
            // The ends of each section, some bytes within, and the padding behind.
            for at in [*start, end.saturating_sub(1)].into_iter().chain((*start..*end).step_by(997)) {
                if at < *end {
                    spoil(at);
                }
            }
            (*end..end.next_multiple_of(64).min(sound.len())).for_each(&mut spoil);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Behind right checksums, as someone who makes up a file would have it.
    #[test]
    fn made_up_contents_never_panic_and_pass_verify_only_when_right(
        which in 0usize..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_table in any::<bool>(),
    ) {
        let mut data = full(STRUCTURES[which]);
        let table_end = HEADER + RECORD * section_count(&data);
        for (at, value) in changes {
            let at = if in_table { at.index(table_end) } else { table_end + at.index(data.len() - table_end) };
            data[at] = value;
        }
        fuzz::open_and_query(&data);
    }

    /// Small numbers are edited where they steer a search: directories, nodes, offsets, ids.
    #[test]
    fn made_up_structure_never_loops(
        which in 0usize..3,
        section in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0u32..400), 1..30),
    ) {
        let mut data = full(STRUCTURES[which]);
        let sections = sections(&data);
        let (start, end, _) = sections[section.index(sections.len())];
        for (at, value) in changes {
            if end - start >= 4 {
                let at = start + at.index((end - start) / 4) * 4;
                data[at..at + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        fuzz::open_and_query(&data);
    }
}

#[test]
fn an_empty_index_finds_nothing() {
    let bytes = lykta_index::Builder::new(lykta_index::BuildOptions::default()).into_bytes().unwrap();
    let index = Index::new(bytes).unwrap();
    index.verify().unwrap();
    assert!(index.kinds().is_empty());
    assert!(index.near(&Pdq([1; 32]), 256).is_empty());
    assert_eq!(index.exact(&Digest::Md5([1; 16])).count(), 0);
}

/// A tree whose nodes all have the same children, or whose leaves are all of the list, would keep a
/// search busy for as long as its maker likes.
#[test]
fn a_tree_that_leads_back_into_itself_ends_and_gives_the_right_answer() {
    let sound = full(Structure::Bk);
    let queries = [Pdq([0x33; 32])];
    let expected = Index::new(&sound[..]).unwrap().near_batch(&queries, 256);
    let (start, end, _) = sections(&sound).into_iter().find(|(_, _, code)| *code == 48).unwrap();
    let keys = u32::from_le_bytes(sound[start + 4..start + 8].try_into().unwrap());
    let nodes = (end - start) / 16;
    // Start, length, first child, children and distance of every node but the root.
    let whole_list = [0u32.to_le_bytes(), keys.to_le_bytes(), [0; 4], [0; 4]].concat();
    let same_children = [0u32.to_le_bytes(), keys.to_le_bytes(), 1u32.to_le_bytes(), [20, 0, 0, 0]].concat();
    for node in [whole_list, same_children] {
        let mut made_up = sound.clone();
        for i in 1..nodes {
            made_up[start + i * 16..][..16].copy_from_slice(&node);
        }
        fuzz::repair_checksums(&mut made_up);
        let index = Index::new(&made_up[..]).unwrap();
        assert_eq!(index.near_batch(&queries, 256), expected);
        assert_eq!(index.verify().unwrap_err().section(), Some("BK_NODES"));
    }
}

/// Hashes that share a run of entries would multiply each other's answers.
#[test]
fn a_run_of_entries_belongs_to_one_hash() {
    let mut builder = lykta_index::Builder::new(lykta_index::BuildOptions::default());
    let list = builder.add_source(lykta_index::Source::default());
    for seed in [1u64, 1, 1, 2, 3] {
        let hashes = [Numbers(seed).pdq().into()];
        builder.add(list, &lykta_index::NewEntry { hashes: &hashes, ..Default::default() }).unwrap();
    }
    let mut made_up = builder.into_bytes().unwrap();
    let index = Index::new(&made_up[..]).unwrap();
    index.verify().unwrap();
    assert_eq!(index.near(&Pdq([0; 32]), 256).len(), 5);
    let (start, end, _) = sections(&made_up).into_iter().find(|(_, _, code)| *code == 33).unwrap();
    for at in (start..end).step_by(4) {
        made_up[at..at + 4].copy_from_slice(&(1u32 << 31).to_le_bytes());
    }
    fuzz::repair_checksums(&mut made_up);
    let index = Index::new(&made_up[..]).unwrap();
    assert!(index.near(&Pdq([0; 32]), 256).len() <= 3 + 4, "no more than hashes and runs have");
    assert_eq!(index.verify().unwrap_err().section(), Some("PDQ_REFS"));
}
