use proptest::prelude::*;

use super::super::testing::{Got, all, is_sturdy, noise, whole, zlib};
use super::*;

/// Objects, one behind the other; of streams the length is stated, unless `dict` states one.
#[derive(Default)]
struct Build(Vec<u8>);

impl Build {
    fn new() -> Self {
        Self(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec())
    }

    fn object(mut self, number: u32, value: &str) -> Self {
        self.0.extend(format!("{number} 0 obj\n{value}\nendobj\n").into_bytes());
        self
    }

    fn stream(mut self, number: u32, dict: &str, bytes: &[u8]) -> Self {
        let len = if dict.contains("/Length") { String::new() } else { format!("/Length {}", bytes.len()) };
        self.0.extend(format!("{number} 0 obj\n<<{dict}{len}>>\nstream\r\n").into_bytes());
        self.0.extend(bytes);
        self.0.extend(b"\nendstream\nendobj\n");
        self
    }

    fn image(self, number: u32, dict: &str, bytes: &[u8]) -> Self {
        self.stream(number, &format!("/Type/XObject /Subtype /Image {dict}"), bytes)
    }

    fn read(&self) -> Vec<Got> {
        whole(Container::Pdf, &self.0)
    }
}

fn jpeg() -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0][..], &noise(21, 5000), b"\xff\xd9\n"].concat()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    [bytes.iter().map(|byte| format!("{byte:02X}\n")).collect::<String>().as_bytes(), b">"].concat()
}

fn ascii85(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for group in bytes.chunks(4) {
        let mut padded = [0; 4];
        padded[..group.len()].copy_from_slice(group);
        let mut value = u32::from_be_bytes(padded);
        let mut digits = [0; 5];
        for digit in digits.iter_mut().rev() {
            *digit = (value % 85) as u8 + b'!';
            value /= 85;
        }
        if group.len() == 4 && digits == [b'!'; 5] {
            out.push(b'z');
        } else {
            out.extend(&digits[..=group.len()]);
        }
    }
    out.extend(b"~>");
    out
}

/// With the codes of single bytes only, which get longer all the same.
fn lzw(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut bits, mut count) = (Vec::new(), 0u64, 0);
    let mut add = |code: u64, width: u32| {
        bits = bits << width | code;
        count += width;
        while count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    };
    for block in bytes.chunks(3000) {
        add(256, if block.as_ptr() == bytes.as_ptr() { 9 } else { 12 });
        for (k, byte) in block.iter().enumerate() {
            let entries = 258 + k.saturating_sub(1) + 1;
            add(
                u64::from(*byte),
                match entries {
                    ..512 => 9,
                    512..1024 => 10,
                    1024..2048 => 11,
                    _ => 12,
                },
            );
        }
    }
    add(257, 12);
    add(0, 8);
    out
}

#[test]
fn jpegs_are_given_as_they_are() {
    let jpeg = jpeg();
    let pdf = Build::new()
        .image(1, "/Filter /DCTDecode", &jpeg)
        .image(2, "/Filter [/FlateDecode /DCTDecode]", &zlib(&jpeg))
        .image(3, "/Filter [ /ASCII85Decode/DCTDecode ]", &ascii85(&jpeg))
        .image(4, "/Filter [/AHx /Fl /DCT]", &hex(&zlib(&jpeg)))
        .image(5, "/Filter /DCTDecode /Length 9 0 R", &jpeg)
        .image(6, "/Filter /DCTDecode /Length 17", &jpeg)
        .image(7, "/Filter/JPXDecode", b"\0\0\0\x0cjP  ...")
        .stream(8, "/Type /Metadata", b"<xml/>")
        .object(9, &jpeg.len().to_string())
        .image(1, "/Filter /DCTDecode /Comment (of a later \\(revision\\))", &jpeg[..100]);
    let found = pdf.read();
    let names: Vec<&str> = found.iter().map(|got| &got.name[..]).collect();
    assert_eq!(
        names,
        [
            "object 1 image.jpg",
            "object 2 image.jpg",
            "object 3 image.jpg",
            "object 4 image.jpg",
            "object 5 image.jpg",
            "object 6 image.jpg",
            "object 7 image.jp2",
            "object 1 image.jpg"
        ]
    );
    for got in &found[..5] {
        assert!(got.bytes == jpeg && got.end.is_none(), "{} {} {:?}", got.name, got.bytes.len(), got.end);
        assert!(
            pdf.0[got.offset.unwrap() as usize..]
                .starts_with(format!("{} 0 obj", &got.name[7..8]).as_bytes())
        );
    }
    // Where the length lies, whether the last line end is of the stream nobody knows.
    assert!(found[5].bytes == jpeg);
    assert!(found[7].bytes == jpeg[..100]);
}

#[test]
fn stored_pixels_are_given_as_a_picture() {
    let pixels = noise(22, 30 * 20 * 4);
    let (gray, rgb) = (&pixels[..600], &pixels[..1800]);
    // Rows of each kind of PNG.
    let mut rows = Vec::new();
    for (y, row) in rgb.chunks(90).enumerate() {
        let kind = (y % 5) as u8;
        rows.push(kind);
        for x in 0..90 {
            let at = |dx: usize, dy: usize| {
                if x < dx || y < dy { 0 } else { rgb[(y - dy) * 90 + x - dx] }
            };
            let (left, above, corner) = (at(3, 0), at(0, 1), at(3, 1));
            let p = i32::from(left) + i32::from(above) - i32::from(corner);
            let near = |value: u8| (p - i32::from(value)).abs();
            let paeth = [left, above, corner].into_iter().min_by_key(|value| near(*value)).unwrap();
            let guess =
                [0, left, above, ((u16::from(left) + u16::from(above)) / 2) as u8, paeth][usize::from(kind)];
            rows.push(row[x].wrapping_sub(guess));
        }
    }
    let differences: Vec<u8> = gray
        .chunks(30)
        .flat_map(|row| (0..30).map(|x| row[x].wrapping_sub(if x > 0 { row[x - 1] } else { 0 })))
        .collect();
    let table: Vec<u8> = noise(23, 256 * 3);
    let mapped: Vec<u8> = gray.iter().flat_map(|k| table[3 * usize::from(*k)..][..3].to_vec()).collect();
    let bits: Vec<u8> = pixels[..80].to_vec();
    let inked: Vec<u8> = pixels
        .chunks(4)
        .flat_map(|ink| [0, 1, 2].map(|k| (u16::from(255 - ink[k]) * u16::from(255 - ink[3]) / 255) as u8))
        .collect();
    let pgm = |pixels: &[u8]| [b"P5\n30 20\n255\n", pixels].concat();
    let ppm = |pixels: &[u8]| [b"P6\n30 20\n255\n", pixels].concat();
    let runs: Vec<u8> = gray.chunks(100).flat_map(|run| [&[99], run].concat()).chain([128]).collect();
    let wide: Vec<u8> = gray.iter().flat_map(|light| [*light, 7]).collect();
    let text: String = table.iter().map(|byte| format!("{byte:02x}")).collect();
    for (dict, stored, expected) in [
        ("/ColorSpace /DeviceGray /Filter /FlateDecode", zlib(gray), pgm(gray)),
        ("/ColorSpace /DeviceGray", gray.to_vec(), pgm(gray)),
        ("/ColorSpace /DeviceRGB /Filter [/FlateDecode]", zlib(rgb), ppm(rgb)),
        ("/ColorSpace /DeviceCMYK /Filter /FlateDecode", zlib(&pixels), ppm(&inked)),
        ("/ColorSpace 50 0 R /Filter /FlateDecode", zlib(rgb), ppm(rgb)),
        ("/ColorSpace 99 0 R /Filter /FlateDecode", zlib(rgb), ppm(rgb)),
        ("/ColorSpace 98 0 R /Filter /FlateDecode", zlib(gray), pgm(gray)),
        (
            "/ColorSpace /DeviceRGB /Filter /FlateDecode /DecodeParms <</Predictor 15 /Colors 3 /Columns 30>>",
            zlib(&rows),
            ppm(rgb),
        ),
        (
            "/ColorSpace /DeviceGray /Filter [/FlateDecode] /DecodeParms [<</Predictor 2 /Columns 30>>]",
            zlib(&differences),
            pgm(gray),
        ),
        ("/ColorSpace /DeviceGray /Filter /LZWDecode", lzw(gray), pgm(gray)),
        ("/ColorSpace /DeviceGray /Filter /RunLengthDecode", runs, pgm(gray)),
        ("/ColorSpace [/Indexed /DeviceRGB 255 51 0 R] /Filter /FlateDecode", zlib(gray), ppm(&mapped)),
        (
            &format!("/ColorSpace [/Indexed [/ICCBased 52 0 R] 255 <{text}>] /Filter /FlateDecode"),
            zlib(gray),
            ppm(&mapped),
        ),
        ("/ColorSpace /DeviceGray /BitsPerComponent 16", wide, pgm(gray)),
        ("/ColorSpace /DeviceGray /Decode [1 0]", gray.iter().map(|light| !light).collect(), pgm(gray)),
        (
            "/ImageMask true",
            bits.clone(),
            [&b"P4\n30 20\n"[..], &bits.iter().map(|byte| !byte).collect::<Vec<_>>()].concat(),
        ),
        (
            "/ColorSpace /DeviceGray /BitsPerComponent 1 /Decode [1 0]",
            bits.clone(),
            [&b"P4\n30 20\n"[..], &bits].concat(),
        ),
    ] {
        let pdf = Build::new()
            .object(50, "[/ICCBased 52 0 R]")
            .image(1, &format!("/Width 30 /Height 20 {dict}"), &stored)
            .stream(51, "/Filter /FlateDecode", &zlib(&table))
            .stream(52, "/N 3", b"profile");
        let found = pdf.read();
        assert_eq!((found.len(), &found[0].end), (1, &None), "{dict}");
        assert!(found[0].bytes == expected, "{dict}");
    }
}

#[test]
fn lzw_of_long_streams_is_undone() {
    let pixels = noise(31, 100 * 100);
    let pdf = Build::new().image(
        1,
        "/Width 100 /Height 100 /ColorSpace /DeviceGray /Filter /LZWDecode",
        &lzw(&pixels),
    );
    assert!(pdf.read()[0].bytes.ends_with(&pixels));
    // The example of the specification.
    let mut out = Vec::new();
    let example = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
    Stepped::new(Lzw::new(&example[..], true)).read_to_end(&mut out).unwrap();
    assert_eq!(out, [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
}

#[test]
fn what_is_not_supported_is_said() {
    for (dict, says) in [
        ("/Filter /CCITTFaxDecode", "CCITTFaxDecode"),
        ("/Filter [/FlateDecode /JBIG2Decode]", "JBIG2Decode"),
        ("/Filter [/DCTDecode /FlateDecode]", "FlateDecode behind other filters"),
        ("/Width 3 /Height 3 /ColorSpace [/Separation /x /DeviceGray 3 0 R]", "a color space"),
        ("/Width 3 /Height 3 /ColorSpace /DeviceGray /BitsPerComponent 7", "3 x 3 pixels of 7 bits"),
        ("/Width 999999999999 /Height 3 /ColorSpace /DeviceGray", "999999999999 x 3"),
        ("/Width -1 /Height 3 /ColorSpace /DeviceGray", "0 x 3"),
    ] {
        let found = Build::new().image(1, dict, b"123456789").read();
        assert_eq!(found.len(), 1);
        let end = found[0].end.as_ref().unwrap();
        assert!(end.contains(says) && end.contains("not supported"), "{end}");
    }
}

#[test]
fn embedded_files_have_their_names() {
    let file = b"file with endstream in it, and an object 1 0 obj";
    let found = Build::new()
        .object(3, "<< /Names [(x) << /Type /Filespec /F (a.txt) /EF << /F 4 0 R >> >>] >>")
        .stream(4, "/Type /EmbeddedFile /Filter /FlateDecode", &zlib(file))
        .stream(5, "/Type /EmbeddedFile", file)
        .object(6, "<< /Type /Filespec /F (b.txt) /UF <FEFF00E5002E0074> /EF << /F 5 0 R >> >>")
        .stream(7, "/Type /EmbeddedFile", b"unnamed")
        .read();
    let names: Vec<_> = found.iter().map(|got| (&got.name[..], &got.bytes[..])).collect();
    assert_eq!(names, [("a.txt", &file[..]), ("å.t", file), ("object 7", b"unnamed")]);
}

#[test]
fn what_is_encrypted_is_skipped_and_what_is_not_is_given() {
    let jpeg = jpeg();
    let build = || {
        Build::new()
            .image(1, "/Filter /DCTDecode", &noise(40, 100))
            .image(2, "/Filter /FlateDecode /Width 2 /Height 1 /ColorSpace /DeviceGray", &[1, 2, 3])
            .image(3, "/Filter /DCTDecode", &jpeg)
    };
    let ends = |trailer: &str| {
        let pdf = [&build().0, trailer.as_bytes()].concat();
        whole(Container::Pdf, &pdf).into_iter().map(|got| got.end).collect::<Vec<_>>()
    };
    let encrypted = Some("Encrypted".to_owned());
    assert_eq!(ends("trailer << /Root 1 0 R /Encrypt 9 0 R >>"), [encrypted.clone(), encrypted, None]);
    let plain = ends("trailer << /Root 1 0 R /EncryptMetadata true >>");
    assert!(plain[0].is_none() && plain[1].as_ref().unwrap().contains("damaged") && plain[2].is_none());
}

#[test]
fn damage_gives_what_is_left() {
    let pixels = noise(41, 300 * 200);
    let dict = "/Width 300 /Height 200 /ColorSpace /DeviceGray /Filter /FlateDecode";
    let pdf = Build::new().image(1, dict, &zlib(&pixels)).0;
    let (found, error) = all(Container::Pdf, &pdf[..pdf.len() - 20_000]);
    assert_eq!((found.len(), error), (1, None));
    assert_eq!(found[0].end.as_deref(), Some("is cut short"));
    assert!(found[0].bytes.len() > 30_000 && pixels.starts_with(&found[0].bytes[15..]));
    let found = Build::new().image(1, dict, &zlib(&pixels[..50_000])).read();
    assert_eq!(found[0].end.as_deref(), Some("is cut short"));
    assert_eq!(found[0].bytes[15..], pixels[..50_000]);
    // A stream without its end does not hide what is behind.
    let bytes = b"%PDF-1.4\n1 0 obj <</Length 5>> stream\nabc\n2 0 obj <</Subtype/Image/Filter/DCTDecode>> stream\nabc";
    let (found, _) = all(Container::Pdf, bytes);
    assert_eq!(
        (found.len(), &found[0].bytes[..], found[0].end.as_deref()),
        (1, &b"abc"[..], Some("is cut short"))
    );
}

#[test]
fn hostile_documents_take_bounded_time() {
    let image = "/Subtype/Image/Width 1/Height 1/Filter[2 0 R 2 0 R]/ColorSpace 2 0 R/DecodeParms 2 0 R";
    let build = |text: &str, count: usize| [b"%PDF-1.7\n", text.repeat(count).as_bytes()].concat();
    for bytes in [
        build("1 0 obj<<", 300_000),
        build("1 0 obj<</a(", 300_000),
        build("1 0 obj<</a[", 300_000),
        build("1 0 obj%", 300_000),
        build("1 0 obj<<>>stream\n", 150_000),
        build("obj ", 500_000),
        build(&format!("2 0 obj 3 0 R 3 0 obj 2 0 R 1 0 obj<<{image}>>stream\nendstream "), 10_000),
        build("1 0 obj<</Subtype/Image/Filter/DCTDecode>>stream\n/EncryptX endstream ", 30_000),
        build("1 0 obj 1 0 R ", 200_000),
    ] {
        let start = std::time::Instant::now();
        let (found, error) = all(Container::Pdf, &bytes);
        println!("{} bytes, {} members, {error:?}: {:?}", bytes.len(), found.len(), start.elapsed());
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}

/// Terabytes, stored in some kilobytes by filters one behind the other.
fn bomb() -> Vec<u8> {
    let more = |bytes: &[u8], times: usize| {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        (0..times).for_each(|_| std::io::Write::write_all(&mut out, bytes).unwrap());
        out.finish().unwrap()
    };
    // A stream of zeros is mostly the same byte again and again, so that it can be packed once more.
    let once = more(&[0; 1 << 20], 1 << 10);
    more(&more(&once, 1), 1)
}

#[test]
fn what_is_decoded_for_no_member_is_bounded() {
    let bomb = bomb();
    let flate = "/FlateDecode/FlateDecode/FlateDecode";
    let table = "/ColorSpace [/Indexed /DeviceRGB 255 9 0 R]/Width 1/Height 1";
    assert!(bomb.len() < 5000, "{}", bomb.len());
    for (dict, ends) in [
        // The size says how many samples a pixel has, and is what the document says.
        (format!("/Width 16000000/Height 60000/Filter[{flate}]"), "for each of its own"),
        (format!("/Width 16000000/Height 60000/Filter[{flate}/AHx]"), "for each of its own"),
        ("/Width 16000000/Height 9000000000/Filter/FlateDecode".to_owned(), "is not supported"),
        (format!("/Width 99000000/Height 1/Filter[{flate}]"), "is not supported"),
        // Digits that are none.
        (format!("/Width 1/Height 1/ColorSpace/DeviceGray/Filter[{flate}/AHx]"), "for each of its own"),
        (format!("/Filter[{flate}/AHx/DCTDecode]"), "for each of its own"),
    ] {
        let start = std::time::Instant::now();
        let found = Build::new().image(1, &dict, &bomb).read();
        let end = found[0].end.as_deref().unwrap_or_default();
        assert!(found.len() == 1 && found[0].bytes.len() < 100 && end.contains(ends), "{dict}: {end}");
        assert!(start.elapsed() < std::time::Duration::from_secs(10), "{dict}: {:?}", start.elapsed());
    }
    let start = std::time::Instant::now();
    let dict = format!("/Filter[{flate}/AHx]");
    let mut build = Build::new().stream(9, &dict, &bomb);
    for number in 10..60 {
        build = build.image(number, table, b"a");
    }
    assert_eq!(build.read().len(), 50);
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_picture_without_a_color_space_is_read_by_its_size() {
    let pixels = noise(7, 4 * 40 * 30);
    for (samples, ending) in [(1, ".pgm"), (3, ".ppm"), (4, ".ppm")] {
        let bytes = zlib(&pixels[..samples * 40 * 30]);
        let found = Build::new().image(1, "/Width 40/Height 30/Filter/FlateDecode", &bytes).read();
        assert_eq!((&found[0].name[..], &found[0].end), (&format!("object 1 image{ending}")[..], &None));
    }
}

/// Each states a row of 16 MiB, and has a byte.
#[test]
fn many_small_streams_with_long_rows_end_in_time() {
    let mut build = Build::new();
    let params = "/DecodeParms<</Predictor 2/Columns 16000000>>";
    let zipped = zlib(b"x");
    for number in 1..2000 {
        let dict = format!("/Width 16000000/Height 2/ColorSpace/DeviceGray/Filter/FlateDecode{params}");
        build = build.image(number, &dict, &zipped);
    }
    let start = std::time::Instant::now();
    assert_eq!(build.read().len(), 1999);
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn spoiled_documents_end(
        cut in 0usize..2500,
        spoiled in prop::collection::vec((0usize..2500, any::<u8>()), 0..20),
    ) {
        let pixels = noise(42, 600);
        let pdf = Build::new()
            .object(9, "<< /F (a) /EF << /F 4 0 R >> >>")
            .image(1, "/Width 30 /Height 20 /ColorSpace [/Indexed /DeviceRGB 1 (abcdef)] /Filter /FlateDecode", &zlib(&pixels))
            .image(2, "/Filter [/ASCII85Decode /DCTDecode]", &ascii85(&pixels[..99]))
            .image(3, "/Width 30 /Height 20 /ColorSpace /DeviceGray /Filter /LZWDecode /DecodeParms <</Predictor 12 /Columns 30>>", &lzw(&pixels[..300]))
            .stream(4, "/Type /EmbeddedFile /Filter /RunLengthDecode", b"\x02abc\xf0d\x80");
        is_sturdy(Container::Pdf, &pdf.0, cut, &spoiled);
    }
}

/// By ReportLab, which knows nothing of this reader: one picture stored as pixels of a formula, and one as JPEG.
#[test]
fn a_document_of_another_writer_gives_its_pixels() {
    let found = whole(Container::Pdf, include_bytes!("reportlab.pdf"));
    let names: Vec<_> = found.iter().map(|got| (&got.name[..], &got.end)).collect();
    assert_eq!(names, [("object 3 image.ppm", &None), ("object 4 image.jpg", &None)]);
    let pixels = (0..16 * 24)
        .flat_map(|k| [k % 24 * 10, k / 24 * 15, k % 24 * (k / 24) % 256].map(|light| light as u8));
    assert_eq!(found[0].bytes, [b"P6\n24 16\n255\n", &pixels.collect::<Vec<_>>()[..]].concat());
    let digest = <sha1::Sha1 as sha1::Digest>::digest(&found[1].bytes);
    assert_eq!(data_encoding::HEXLOWER.encode(&digest), "6ca873637d2ca0de1bf01c8509650086c96962b8");
}

#[test]
fn a_picture_with_a_header_in_it_is_no_document() {
    for (bytes, expected) in [
        (&b"%PDF-1.4\n"[..], Some(Container::Pdf)),
        (b"\xef\xbb\xbf%PDF-1.4\n", Some(Container::Pdf)),
        (b"some text before\r\n%PDF-1.4\n", Some(Container::Pdf)),
        (b"\xff\xd8\xff\xfe\0\x10%PDF-1.4\n", None),
        (b"GIF89a\x01\0%PDF-1.4\n", None),
        (b"%!PS", None),
    ] {
        assert_eq!(Container::sniff(bytes), expected, "{bytes:?}");
    }
}
