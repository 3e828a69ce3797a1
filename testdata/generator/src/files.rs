//! Which files there are, and what is in them.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, RgbImage};
use lykta::hash::{Kind, KindSet};
use lykta::media::{Digester, Limits, decode, pdq};

use crate::landscape::landscape;

/// Seeds of the landscapes that the demonstration's list knows.
const KNOWN: [u32; 4] = [3, 5, 8, 13];

/// Seeds of those that it does not.
const UNKNOWN: [u32; 3] = [21, 34, 55];

/// Writes all generated files into `folder`, in place of older ones.
///
/// # Errors
/// When a file cannot be written.
pub fn write_all(folder: &Path) -> anyhow::Result<()> {
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("cannot write {}", path.display()))
    };
    for (name, bytes) in pictures()? {
        put(&format!("pictures/{name}"), &bytes)?;
    }
    put("demo/list.csv", &list()?)?;
    for (name, bytes) in dump()? {
        put(&format!("demo/dump/{name}"), &bytes)?;
    }
    Ok(())
}

type Files = Vec<(String, Vec<u8>)>;

/// One landscape in every format that this program can write.
fn pictures() -> anyhow::Result<Files> {
    let picture = landscape(1, 96, 72);
    let formats = [
        (ImageFormat::Png, "png"),
        (ImageFormat::Gif, "gif"),
        (ImageFormat::WebP, "webp"),
        (ImageFormat::Bmp, "bmp"),
        (ImageFormat::Tiff, "tiff"),
        (ImageFormat::Qoi, "qoi"),
        (ImageFormat::Pnm, "ppm"),
    ];
    let mut files = vec![("landscape.jpg".to_owned(), jpeg(&picture, 90)?)];
    for (format, extension) in formats {
        files.push((format!("landscape.{extension}"), encoded(&picture, format)?));
    }
    let grey = DynamicImage::from(picture).into_luma8();
    files.push(("landscape-grey.png".to_owned(), encode(&grey.into(), ImageFormat::Png)?));
    Ok(files)
}

/// The known pictures as whoever assessed them has them: large, well encoded.
fn known(seed: u32) -> anyhow::Result<Vec<u8>> {
    jpeg(&landscape(seed, 480, 360), 92)
}

/// What the demonstration's list says of the known pictures.
fn list() -> anyhow::Result<Vec<u8>> {
    let mut list = csv::Writer::from_writer(Vec::new());
    list.write_record([
        "id",
        "sha1",
        "sha256",
        "pdq",
        "pdq_quality",
        "label_scheme",
        "label_version",
        "label_code",
    ])?;
    let kinds: KindSet = [Kind::Sha1, Kind::Sha256].into_iter().collect();
    for seed in KNOWN {
        let bytes = known(seed)?;
        let mut digester = Digester::new(kinds);
        digester.update(&bytes);
        let digests = digester.finish();
        let hash = pdq::hash(&decode(&bytes, &Limits::default())?, pdq::Mode::Full);
        let digest = |kind| digests.get(kind).map(|digest| digest.to_string()).unwrap_or_default();
        list.write_record([
            format!("landscape-{seed}"),
            digest(Kind::Sha1),
            digest(Kind::Sha256),
            hash.pdq.to_string(),
            hash.quality.to_string(),
            "demonstration".to_owned(),
            "1".to_owned(),
            "landscape".to_owned(),
        ])?;
    }
    Ok(list.into_inner()?)
}

/// A dump as it may arrive: known pictures as they were and changed on their way, others, and what
/// else lies around.
fn dump() -> anyhow::Result<Files> {
    let [first, second, third, fourth] = KNOWN.map(|seed| landscape(seed, 480, 360));
    let mut files: Files = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| files.push((name.to_owned(), bytes));
    add("camera/IMG_0001.jpg", known(KNOWN[0])?);
    add("camera/IMG_0002.jpg", jpeg(&landscape(UNKNOWN[0], 480, 360), 85)?);
    add("camera/IMG_0003.jpg", jpeg(&landscape(UNKNOWN[1], 360, 480), 85)?);
    add("downloads/small copy.jpg", jpeg(&half(&first), 70)?);
    add("downloads/screenshot.png", encoded(&half(&second), ImageFormat::Png)?);
    add("downloads/chat/mirrored.jpg", jpeg(&imageops::flip_horizontal(&second), 60)?);
    add("downloads/chat/turned.jpg", jpeg(&imageops::rotate90(&third), 60)?);
    add("downloads/chat/grey.jpg", encode(&DynamicImage::from(fourth).grayscale(), ImageFormat::Jpeg)?);
    add("other/holiday.webp", encoded(&landscape(UNKNOWN[2], 240, 180), ImageFormat::WebP)?);
    add(
        "other/flat.png",
        encoded(&RgbImage::from_pixel(64, 48, image::Rgb([90, 120, 90])), ImageFormat::Png)?,
    );
    add("other/läs mig.txt", "Every picture here was computed. None shows a real place.\n".into());
    add("other/empty", Vec::new());
    Ok(files)
}

fn half(picture: &RgbImage) -> RgbImage {
    imageops::resize(picture, picture.width() / 2, picture.height() / 2, FilterType::Triangle)
}

fn jpeg(picture: &RgbImage, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture)?;
    Ok(bytes)
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> anyhow::Result<Vec<u8>> {
    encode(&DynamicImage::from(picture.clone()), format)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}
