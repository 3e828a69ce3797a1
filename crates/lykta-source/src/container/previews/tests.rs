use proptest::prelude::*;

use super::*;

/// A JPEG with these segments, and `scan` bytes of a scan.
fn jpeg_of(segments: &[(u8, Vec<u8>)], scan: usize) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8];
    let frame = (0xc0, vec![8, 0, 1, 0, 1, 1, 1, 0x11, 0]);
    for (marker, content) in segments.iter().chain([&frame, &(SOS, vec![1, 1, 0, 0, 63, 0])]) {
        out.extend([0xff, *marker]);
        out.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        out.extend(content);
    }
    // As stuffed, with restarts.
    out.extend([0x55, 0xff, 0, 0xff, 0xd3, 1].iter().cycle().take(6 * scan));
    out.extend([0xff, EOI]);
    out
}

struct Build {
    out: Vec<u8>,
    little: bool,
}

impl Build {
    fn new(little: bool) -> Self {
        Self { out: if little { b"II*\0".to_vec() } else { b"MM\0*".to_vec() }, little }
    }

    fn u16(&mut self, value: u16) {
        self.out.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn u32(&mut self, value: u32) {
        self.out.extend(if self.little { value.to_le_bytes() } else { value.to_be_bytes() });
    }

    fn ifd(&mut self, entries: &[(u16, u16, u32, u32)], next: u32) {
        self.u16(entries.len() as u16);
        for &(tag, kind, count, value) in entries {
            self.u16(tag);
            self.u16(kind);
            self.u32(count);
            if kind == SHORT {
                self.u16(value as u16);
                self.u16(0);
            } else {
                self.u32(value);
            }
        }
        self.u32(next);
    }
}

fn exif(little: bool, thumbnail: &[u8]) -> Vec<u8> {
    let mut tiff = Build::new(little);
    tiff.u32(8);
    tiff.ifd(&[(COMPRESSION, SHORT, 1, 6)], 26);
    tiff.ifd(&[(JPEG_OFFSET, LONG, 1, 56), (JPEG_LENGTH, LONG, 1, thumbnail.len() as u32)], 8);
    assert_eq!(tiff.out.len(), 56);
    [b"Exif\0\0", &tiff.out[..], thumbnail].concat()
}

fn texts(bytes: &[u8]) -> Vec<(String, &[u8])> {
    previews(bytes).into_iter().map(|preview| (preview.name, &bytes[preview.range])).collect()
}

#[test]
fn every_thumbnail_of_a_jpeg_is_found_once() {
    let [exif_one, photoshop, listed, appended] = [2, 3, 4, 5].map(|scan| jpeg_of(&[], scan));
    for little in [true, false] {
        let resources = [
            PHOTOSHOP,
            b"8BIM\x04\x04\x03abc\0\0\0\x01x\0",
            b"8BIM\x04\x0c\0\0",
            &(28 + photoshop.len() as u32).to_be_bytes(),
            &[0; 28],
            &photoshop,
        ];
        let segments =
            [(APP1, exif(little, &exif_one)), (APP1, exif(little, &exif_one)), (APP13, resources.concat())];
        let plain = jpeg_of(&segments, 100);
        let names = ["exif thumbnail", "exif thumbnail 2", "photoshop thumbnail"];
        let thumbnails = [&exif_one[..], &exif_one, &photoshop];
        let expected: Vec<_> = names.map(str::to_owned).into_iter().zip(thumbnails).collect();
        assert_eq!(texts(&plain), expected);

        // The index of pictures, and one more that it does not list.
        let index_at = plain.len() - jpeg_of(&[], 100).len() + 2;
        let mut mpf = Build::new(little);
        mpf.u32(8);
        mpf.ifd(&[(MP_ENTRY, UNDEFINED, 32, 26)], 0);
        let len = 26 + 32;
        let file = plain.len() + 2 + 2 + 4 + len;
        for (length, offset) in [(file, 0), (listed.len(), file - (index_at + 8))] {
            mpf.u32(0);
            mpf.u32(length as u32);
            mpf.u32(offset as u32);
            mpf.u32(0);
        }
        let segments: Vec<_> =
            segments.into_iter().chain([(APP2, [b"MPF\0", &mpf.out[..]].concat())]).collect();
        let main = jpeg_of(&segments, 100);
        assert_eq!(main.len(), file);
        let all = [&main[..], &listed, &appended].concat();
        let found = texts(&all);
        assert_eq!(found[3], ("mpf picture".to_owned(), &listed[..]));
        assert_eq!(found[4], ("appended picture".to_owned(), &appended[..]));
        assert_eq!(found.len(), 5);
    }
}

#[test]
fn appended_pictures_are_found_behind_a_film() {
    let [main, second] = [50, 20].map(|scan| jpeg_of(&[(APP1, exif(true, &jpeg_of(&[], 1)))], scan));
    let film = [b"ftypmp42", &[0xff, 0xd8, 0xff, 0x12][..], &[7; 100]].concat();
    let bytes = [&main[..], &film, &second].concat();
    let found = texts(&bytes);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[1], ("appended picture".to_owned(), &second[..]));
    assert_eq!(texts(&[&main[..], &film].concat()).len(), 1);
}

#[test]
fn every_jpeg_of_a_tiff_is_found_and_loops_end() {
    let [one, two, three] = [1, 2, 3].map(|scan| jpeg_of(&[], scan));
    for little in [true, false] {
        let mut tiff = Build::new(little);
        tiff.u32(8);
        let places = [1000, 1000 + one.len() as u32, 1000 + (one.len() + two.len()) as u32];
        let lens = [&one, &two, &three].map(|jpeg| jpeg.len() as u32);
        let strip = [
            (COMPRESSION, SHORT, 1, 7),
            (STRIP_OFFSETS, LONG, 1, places[1]),
            (STRIP_LENGTHS, LONG, 1, lens[1]),
        ];
        let first = [
            (COMPRESSION, SHORT, 1, 1),
            (STRIP_OFFSETS, LONG, 1, places[0]),
            (STRIP_LENGTHS, LONG, 1, lens[0]),
            (SUB_IFDS, LONG, 2, 300),
        ];
        tiff.ifd(&first, 100);
        tiff.out.resize(100, 0);
        tiff.ifd(&[(JPEG_OFFSET, LONG, 1, places[0]), (JPEG_LENGTH, LONG, 1, lens[0])], 8);
        tiff.out.resize(300, 0);
        tiff.u32(400);
        tiff.u32(500);
        tiff.out.resize(400, 0);
        tiff.ifd(&strip, 400);
        tiff.out.resize(500, 0);
        tiff.ifd(&[(JPEG_OFFSET, LONG, 1, places[2]), (JPEG_LENGTH, LONG, 1, lens[2])], 100);
        tiff.out.resize(1000, 0);
        let bytes = [&tiff.out[..], &one, &two, &three].concat();
        let mut found = texts(&bytes);
        found.sort_by_key(|preview| preview.1.len());
        assert_eq!(found.iter().map(|preview| preview.1).collect::<Vec<_>>(), [&one[..], &two, &three]);
        let mut names: Vec<_> = found.iter().map(|preview| &preview.0[..]).collect();
        names.sort_unstable();
        assert_eq!(names, ["preview", "preview 2", "preview 3"]);
    }
}

#[test]
fn ranges_are_together_no_longer_than_the_file() {
    let mut build = Build::new(true);
    build.u32(8);
    // A chain of directories, each with a picture at the same place, of its own length, and a small one first.
    let (count, at) = (40, 8 + 40 * 30);
    for k in 0..count {
        let len = if k == 20 { 100 } else { 5000 - k };
        let start = if k == 20 { at + 5000 } else { at };
        let next = if k + 1 < count { 8 + (k + 1) * 30 } else { 0 };
        build.ifd(&[(0x201, 4, 1, start), (0x202, 4, 1, len)], next);
    }
    build.out.resize(at as usize + 12_000, 0);
    for start in [at, at + 5000] {
        build.out[start as usize..][..4].copy_from_slice(b"\xff\xd8\xff\xe0");
    }
    let found = previews(&build.out);
    let lens: Vec<usize> = found.iter().map(|preview| preview.range.len()).collect();
    assert_eq!(lens, [100, 4962, 4961]);
    assert!(lens.iter().sum::<usize>() <= build.out.len());
}

#[test]
fn hostile_files_take_bounded_time() {
    let head = jpeg_of(&[], 1);
    let many = [&head[..], &[0xff, 0xd8].repeat(1_000_000), &[0xff; 1_000_000]].concat();
    let nested = [&head[..], &[0xff, 0xd8, 0xff, 0xe1, 0, 2].repeat(500_000)].concat();
    let long = [&head[..], &[0xff, 0xd8], &[0xff, 0xe1, 0, 2].repeat(500_000)].concat();
    let inside = [&head[..], &[0xff, 0xd8], &[0xff, 0xe1, 0, 4, 0xff, 0xd8].repeat(500_000)].concat();
    let open = [&head[..], &head[..head.len() - 2].repeat(100_000)].concat();
    let whole = head.repeat(100_000);
    for (bytes, most) in [(inside, 0), (open, MOST), (many, 0), (nested, 0), (long, 0), (whole, MOST)] {
        let start = std::time::Instant::now();
        assert!(previews(&bytes).len() <= most);
        println!("{} bytes: {:?}", bytes.len(), start.elapsed());
        assert!(start.elapsed() < std::time::Duration::from_secs(10));
    }
}

/// Nothing inside: the file is searched once, at the speed of memory.
#[test]
fn a_jpeg_without_any_costs_one_search() {
    let bytes = jpeg_of(&[(0xe0, vec![0; 14])], 1_000_000);
    let start = std::time::Instant::now();
    assert_eq!(previews(&bytes), []);
    println!("{} bytes: {:?}", bytes.len(), start.elapsed());
}

#[test]
fn thumbnails_of_photos_are_whole() {
    let Some(corpus) = super::super::testing::corpus("thumbnails of photos") else { return };
    let mut folders = vec![corpus.join("photos"), corpus.join("pdq")];
    let (mut files, mut total) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for preview in previews(&bytes) {
                let picture = &bytes[preview.range];
                let head = head_end(picture, 0, &mut MOST_SEGMENTS.clone());
                // What is behind the end is padding.
                let end = end_of_scans(picture, head.unwrap()).unwrap();
                assert!(picture[end..].iter().all(|byte| *byte == 0), "{}", path.display());
                total += 1;
            }
            files += 1;
        }
    }
    assert_eq!((files, total), (73, 23));
}

proptest! {
    #[test]
    fn spoiled_files_give_ranges_inside(
        cut in 0usize..2000,
        spoiled in prop::collection::vec((0usize..2000, any::<u8>()), 0..20),
        is_tiff: bool,
    ) {
        let mut bytes = jpeg_of(&[(APP1, exif(true, &jpeg_of(&[], 9)))], 100);
        bytes.extend(jpeg_of(&[], 100));
        bytes.truncate(cut.max(12));
        if is_tiff {
            bytes.drain(..12);
        }
        for (at, value) in spoiled {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        let found = previews(&bytes);
        let mut ranges: Vec<_> = found.iter().map(|preview| (preview.range.start, preview.range.end)).collect();
        ranges.sort_unstable();
        ranges.dedup();
        prop_assert_eq!(ranges.len(), found.len());
        prop_assert!(ranges.iter().all(|(start, end)| 0 < *start && start < end && *end <= bytes.len()));
    }
}
