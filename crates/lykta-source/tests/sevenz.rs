//! 7z, by a writer of the same crate; archives of 7-Zip itself are in `corpus.rs`.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]

mod common;

use std::io::Cursor;
use std::ops::ControlFlow;

use common::{all, each_member, good, noise};
use lykta_source::container::{Container, ContainerError, Content, Exceeded, Limits, Meter};
use proptest::prelude::*;
use sevenz_rust2::encoder_options::{
    AesEncoderOptions, DeltaOptions, EncoderOptions, Lzma2Options, PpmdOptions,
};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod, SourceReader};

const SEVENZ: Container = Container::SevenZ;

type Files = Vec<(&'static str, Vec<u8>)>;

fn files() -> Files {
    vec![("one", noise(40_000, 1)), ("folder/two", noise(70_000, 2)), ("d\u{e5}lig", noise(10, 3))]
}

fn archive(methods: Vec<EncoderConfiguration>, files: &Files, is_solid: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(methods);
    let entry = |name: &str| ArchiveEntry::new_file(name);
    writer.push_archive_entry(ArchiveEntry::new_directory("folder"), None::<&[u8]>).unwrap();
    if is_solid {
        let entries = files.iter().map(|(name, _)| entry(name)).collect();
        let readers = files.iter().map(|(_, bytes)| SourceReader::new(&bytes[..])).collect();
        writer.push_archive_entries(entries, readers).unwrap();
    } else {
        for (name, bytes) in files {
            writer.push_archive_entry(entry(name), Some(&bytes[..])).unwrap();
        }
    }
    let mut empty = entry("empty");
    empty.has_stream = false;
    writer.push_archive_entry(empty, None::<&[u8]>).unwrap();
    writer.finish().unwrap().into_inner()
}

fn methods() -> Vec<Vec<EncoderConfiguration>> {
    let of = |methods: &[EncoderMethod]| methods.iter().map(|method| (*method).into()).collect::<Vec<_>>();
    let delta = EncoderConfiguration::new(EncoderMethod::DELTA_FILTER)
        .with_options(EncoderOptions::Delta(DeltaOptions::from_distance(3)));
    let ppmd = EncoderConfiguration::new(EncoderMethod::PPMD)
        .with_options(EncoderOptions::Ppmd(PpmdOptions::from_order_memory_size(6, 1 << 20)));
    vec![
        of(&[EncoderMethod::COPY]),
        of(&[EncoderMethod::LZMA]),
        of(&[EncoderMethod::LZMA2]),
        of(&[EncoderMethod::BZIP2]),
        of(&[EncoderMethod::DEFLATE]),
        of(&[EncoderMethod::BCJ_X86_FILTER, EncoderMethod::LZMA2]),
        vec![ppmd],
        vec![delta, EncoderMethod::LZMA2.into()],
    ]
}

#[test]
fn every_method_is_read_solid_and_not() {
    let mut expected = files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect::<Vec<_>>();
    expected.push(("empty".to_owned(), Vec::new()));
    for (number, methods) in methods().into_iter().enumerate() {
        for is_solid in [false, true] {
            let bytes = archive(methods.clone(), &files(), is_solid);
            let found = good(SEVENZ, &bytes);
            assert!(found == expected, "{number} {is_solid}");
        }
    }
}

/// One attribute of a member must not hide what it holds.
#[test]
fn what_is_said_to_be_a_link_and_is_no_path_is_given() {
    let jpeg = [&b"\xff\xd8\xff\xe0"[..], &noise(3000, 1)].concat();
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for content in [&jpeg[..], b"far away", b"a\0b"] {
        let mut entry = ArchiveEntry::new_file("link");
        entry.has_windows_attributes = true;
        entry.windows_attributes = 0o120_777 << 16 | 0x8000;
        writer.push_archive_entry(entry, Some(content)).unwrap();
    }
    let (found, ending) = all(SEVENZ, &writer.finish().unwrap().into_inner());
    ending.unwrap();
    let link = format!("Link({:?})", b"far away");
    assert_eq!(
        found.iter().map(|found| found.skip.as_deref()).collect::<Vec<_>>(),
        [None, Some(&link[..]), None]
    );
    assert!(found[0].bytes == jpeg && found[2].bytes == b"a\0b");
}

fn encrypted(with_header: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let aes = AesEncoderOptions::new("secret".into());
    writer.set_content_methods(vec![aes.into(), EncoderMethod::LZMA2.into()]);
    writer.set_encrypt_header(with_header);
    writer.push_archive_entry(ArchiveEntry::new_file("name"), Some(&b"text"[..])).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn encrypted_members_keep_their_names_and_an_encrypted_header_is_told() {
    let (found, ending) = all(SEVENZ, &encrypted(false));
    ending.unwrap();
    assert_eq!((found[0].name.as_slice(), found[0].skip.as_deref()), (&b"name"[..], Some("Encrypted")));
    assert_eq!(found[0].size, Some(4));
    let (found, ending) = all(SEVENZ, &encrypted(true));
    assert!(found.is_empty() && matches!(ending, Err(ContainerError::Encrypted)), "{ending:?}");
}

#[test]
fn memory_is_bounded_before_it_is_taken() {
    let mut options = Lzma2Options::from_level(1);
    options.set_dictionary_size(256 << 20);
    let lzma = EncoderConfiguration::new(EncoderMethod::LZMA2).with_options(EncoderOptions::Lzma2(options));
    // The window is what a writer states, not what it used.
    let bytes = archive(vec![lzma], &vec![("one", noise(1000, 1)), ("two", noise(1000, 2))], false);
    let meter = |memory: u64| Meter::new(Limits { memory, ..Limits::default() }, bytes.len() as u64);
    let mut errors = Vec::new();
    each_member(SEVENZ, &bytes, &meter(128 << 20), &mut |member| {
        if let Content::Failed(error) = member.content {
            errors.push(error);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let is_memory =
        |error: &ContainerError| matches!(error, ContainerError::Exceeded(Exceeded::Memory { .. }));
    assert_eq!(errors.len(), 2);
    assert!(errors.iter().all(is_memory), "{errors:?}");
    // A header of some kilobytes that tells of very many files, with a structure for each.
    let mut header = vec![1, 5, 0xe0];
    header.extend((200_000u32).to_le_bytes()[..3].iter());
    header.resize(300_000, 0);
    let bytes = with_header(&header);
    let ending = each_member(SEVENZ, &bytes, &meter(16 << 20), &mut |_| ControlFlow::Continue(()));
    assert!(matches!(ending, Err(ref error) if is_memory(error)), "{ending:?}");
}

fn with_header(header: &[u8]) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum().to_le_bytes()
    };
    let start = [&0u64.to_le_bytes()[..], &(header.len() as u64).to_le_bytes(), &crc(header)].concat();
    [&b"7z\xbc\xaf\x27\x1c\0\x04"[..], &crc(&start), &start, header].concat()
}

/// Of a block that is spoiled, what was before stays; and other blocks are whole.
#[test]
fn a_spoiled_block_spoils_no_other() {
    for is_solid in [false, true] {
        let bytes = archive(vec![EncoderMethod::COPY.into()], &files(), is_solid);
        let mut spoiled = bytes.clone();
        spoiled[32 + 50_000] ^= 1;
        let (found, ending) = all(SEVENZ, &spoiled);
        ending.unwrap();
        let errors = found.iter().map(|found| found.error.as_deref()).collect::<Vec<_>>();
        let damaged = Some("container is damaged");
        assert_eq!(errors, [None, damaged, if is_solid { damaged } else { None }, None], "{found:?}");
        assert!(found[0].bytes == files()[0].1 && found[1].bytes.len() == 70_000);
    }
    let bytes = archive(vec![EncoderMethod::COPY.into()], &files(), true);
    for cut in [0, 6, 20, 40, bytes.len() - 1] {
        let (found, ending) = all(SEVENZ, &bytes[..cut]);
        assert!(found.is_empty() && matches!(ending, Err(ContainerError::CutShort)), "{cut}: {ending:?}");
    }
}

/// Nobody reads the members, and still all of them must be decoded to reach the last.
#[test]
fn what_is_not_read_counts_as_well() {
    let zeros = vec![("zeros", vec![0; 30 << 20]), ("more", vec![0; 30 << 20]), ("last", b"text".to_vec())];
    let bytes = archive(vec![EncoderMethod::LZMA2.into()], &zeros, true);
    assert!(bytes.len() < 20_000, "{}", bytes.len());
    let meter = Meter::new(Limits::default(), bytes.len() as u64);
    let ending = each_member(SEVENZ, &bytes, &meter, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(ending, Err(ContainerError::Exceeded(Exceeded::Ratio(_)))), "{ending:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// A member that is given without an error is as it was: checksums say so.
    #[test]
    fn spoiled_archives_give_what_was_in_them_or_errors(
        method in 0usize..8, is_solid: bool, with in 1u8..,
        at in any::<proptest::sample::Index>(), cut in proptest::option::of(any::<proptest::sample::Index>()),
    ) {
        let files: Files = vec![("one", noise(700, 1)), ("two", noise(900, 2)), ("three", noise(20, 3))];
        let mut bytes = archive(methods().swap_remove(method), &files, is_solid);
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let (found, _) = all(SEVENZ, &bytes);
        for found in found.iter().filter(|found| found.error.is_none()) {
            let is_there = found.bytes.is_empty() || files.iter().any(|(_, bytes)| *bytes == found.bytes);
            prop_assert!(is_there, "{found:?}");
        }
    }
}
