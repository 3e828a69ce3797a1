//! Views of a file: the hash of a part is that of the picture cut to its rectangle, however the file was
//! read.

#![expect(clippy::unwrap_used, reason = "what cannot be written fails the test")]

use lykta_media::pdq::{self, Mode};
use lykta_media::{Dimensions, Limits, Picture, Pixels, Rectangle, decode};
use mozjpeg::{ColorSpace, Compress};

/// Hills of light with some texture.
fn landscape(x: u32, y: u32) -> u8 {
    let (x, y) = (f64::from(x), f64::from(y));
    let wave = (x / 31.0).sin() + (y / 23.0 + x / 57.0).cos() + ((x * y) / 2900.0).sin() * 0.7;
    (127.0 + wave * 40.0) as u8
}

fn framed(Dimensions { width, height }: Dimensions, part: Rectangle, colour: u8) -> Vec<u8> {
    let is_within = |x: u32, y: u32| {
        (part.left..part.left + part.width).contains(&x) && (part.top..part.top + part.height).contains(&y)
    };
    let pixel = |x, y| if is_within(x, y) { landscape(x - part.left, y - part.top) } else { colour };
    (0..height).flat_map(|y| (0..width).map(move |x| pixel(x, y))).collect()
}

fn pgm(Dimensions { width, height }: Dimensions, pixels: &[u8]) -> Vec<u8> {
    [format!("P5 {width} {height} 255\n").as_bytes(), pixels].concat()
}

fn jpeg(Dimensions { width, height }: Dimensions, pixels: &[u8]) -> Vec<u8> {
    let mut compress = Compress::new(ColorSpace::JCS_GRAYSCALE);
    compress.set_size(width as usize, height as usize);
    compress.set_quality(92.0);
    compress.set_progressive_mode();
    let mut started = compress.start_compress(Vec::new()).unwrap();
    started.write_scanlines(pixels).unwrap();
    started.finish().unwrap()
}

fn cut(picture: &Picture, Rectangle { left, top, width, height }: Rectangle) -> Picture {
    let stride = picture.width() as usize;
    let rows = picture.pixels().bytes().chunks(stride).skip(top as usize).take(height as usize);
    let pixels = rows.flat_map(|row| &row[left as usize..][..width as usize]).copied().collect();
    Picture::new(width, height, Pixels::Grey(pixels)).unwrap()
}

/// Small ones are kept, larger ones read again, a large JPEG hashed without its pixels.
#[test]
fn the_hash_of_a_part_is_that_of_the_picture_cut_to_it() {
    let part = Rectangle { left: 60, top: 110, width: 560, height: 420 };
    let sizes = [(680, 640), (1700, 1600), (3000, 2600)];
    for (number, (width, height)) in sizes.into_iter().enumerate() {
        let dimensions = Dimensions { width, height };
        let scale = width / 680;
        let part = Rectangle {
            left: part.left * scale,
            top: part.top * scale,
            width: part.width * scale,
            height: part.height * scale,
        };
        let pixels = framed(dimensions, part, 250);
        for file in [pgm(dimensions, &pixels), jpeg(dimensions, &pixels)] {
            let found = pdq::views_and_ends_of_file(&file, &Limits::DEFAULT, Mode::Full).unwrap();
            let picture = decode(&file, &Limits::DEFAULT).unwrap();
            let views = found.hash;
            assert_eq!(
                pdq::hash_file(&file, &Limits::DEFAULT, Mode::Full).unwrap().hash.pdq,
                views.whole.hashes[0]
            );
            assert!(!views.unbordered.is_empty(), "size {number}");
            for (rectangle, variants) in &views.unbordered {
                assert_eq!(*variants, pdq::variants(&cut(&picture, *rectangle), Mode::Full));
            }
            let (nearest, _) = views.unbordered[0];
            assert!(
                nearest.left.abs_diff(part.left) <= 2 && nearest.top.abs_diff(part.top) <= 2,
                "{nearest:?}"
            );
            let without_pixels = number == 2 && file.starts_with(&[0xff, 0xd8]);
            assert_eq!(views.ends.len(), if without_pixels { 0 } else { 2 });
            for end in &views.ends {
                let hash = pdq::hash(&cut(&picture, end.view.part.rectangle().unwrap()), Mode::Full);
                assert_eq!((end.pdq, end.quality), (hash.pdq, hash.quality));
            }
        }
    }
}

#[test]
fn the_parts_of_a_list_are_the_views_that_are_looked_up() {
    let dimensions = Dimensions { width: 300, height: 211 };
    let whole = Rectangle { left: 0, top: 0, width: 300, height: 211 };
    let file = pgm(dimensions, &framed(dimensions, whole, 0));
    let crops = pdq::crops_of_file(&file, &Limits::DEFAULT, Mode::Full).unwrap().hash;
    let views = pdq::views_and_ends_of_file(&file, &Limits::DEFAULT, Mode::Full).unwrap().hash;
    assert_eq!(crops.whole.pdq, views.whole.hashes[0]);
    let both = pdq::views_and_crops_of_file(&file, &Limits::DEFAULT, Mode::Full).unwrap().hash;
    assert_eq!(both, (views.clone(), crops.clone()));
    let picture = decode(&file, &Limits::DEFAULT).unwrap();
    for crop in &crops.parts {
        assert_eq!(crop.hash, pdq::hash(&cut(&picture, crop.rectangle), Mode::Full), "{}", crop.name);
    }
    for end in views.ends {
        let crop = crops.parts.iter().find(|crop| crop.name == end.view.name()).unwrap();
        assert_eq!((Some(crop.rectangle), crop.hash.pdq), (end.view.part.rectangle(), end.pdq));
    }
    let mut names: Vec<_> = crops.parts.iter().map(|crop| crop.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), crops.parts.len());
}
