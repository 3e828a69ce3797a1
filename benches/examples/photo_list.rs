//! Writes a list of PDQ hashes that are distributed as those of photographs are, and queries.
//!
//! Hundreds of photographs become a million hashes: each is that of a crop, or of two crops blended,
//! after changes to brightness, contrast and gamma, with noise. Some are another version of an earlier
//! one (other changes to the same crop), so that families grow as they do in real lists. The same
//! folders and numbers give the same files, on any number of threads.
#![forbid(unsafe_code)]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use lykta::Pdq;
use lykta::media::pdq::{self, Mode};
use lykta::media::{Limits, Picture, Pixels, decode};
use lykta_benches::{Numbers, write_list, write_queries};
use rayon::prelude::*;

const USAGE: &str = "usage: photo_list HASHES QUERIES LIST-FILE QUERY-FILE FOLDER...";

/// The longer side of a photograph in memory, in pixels: crops of it are still sharper than PDQ sees.
const PHOTO_SIDE: usize = 320;
/// The side of a derived picture, in pixels.
const SIDE: usize = 96;
/// Below this quality a hash says little, and scans leave it out.
const MIN_QUALITY: u8 = 50;
/// Two photographs nearer than this are one, in two sizes.
const SAME_PHOTO: u32 = 60;
/// One photograph in so many is held out: only queries are made of it.
const HELD_OUT: usize = 5;
/// Of a hundred derived pictures, how many are versions of an earlier one.
const VERSIONS_PERCENT: u64 = 30;
/// Derived at a time, in parallel.
const CHUNK: u64 = 1 << 14;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hashes, asked, list_file, query_file, folders @ ..] = arguments.as_slice() else {
        return Err(USAGE.into());
    };
    let (hashes, asked): (usize, usize) = (hashes.parse()?, asked.parse()?);
    let photos = photos(folders)?;
    let held_out: Vec<&Photo> = photos.iter().step_by(HELD_OUT).collect();
    let listed: Vec<&Photo> =
        photos.iter().enumerate().filter(|(at, _)| at % HELD_OUT != 0).map(|(_, photo)| photo).collect();
    if listed.is_empty() {
        return Err("no photographs: give folders that hold at least two JPEG, PNG or WebP files".into());
    }
    eprintln!("{} photographs, {} of them for queries alone", photos.len(), held_out.len());

    let mut known = HashSet::new();
    let (list, derived) = distinct(hashes, &mut known, |number| hash(&listed, base(number), number));
    eprintln!("{} hashes of {derived} derived pictures", list.len());
    // Another number for the changes gives another version of a picture in the list; numbers from
    // 2^40 on are for pictures that are in no list.
    let versions = (0u64..).map(|at| {
        let number = Numbers(at).below(derived);
        hash(&listed, base(number), (1 << 41) + at)
    });
    let strangers = (0u64..).map(|at| hash(&held_out, (1 << 40) + at, (1 << 40) + at));
    let queries: Vec<Pdq> =
        versions.zip(strangers).filter_map(|(a, b)| Some([a?, b?])).flatten().take(asked).collect();
    write_list(list_file, &list)?;
    write_queries(query_file, &queries)?;
    Ok(())
}

/// The first `count` different hashes of the pictures 0, 1, ..., and how many pictures it took.
fn distinct(
    count: usize,
    known: &mut HashSet<Pdq>,
    hash: impl Fn(u64) -> Option<Pdq> + Sync,
) -> (Vec<Pdq>, u64) {
    let mut list = Vec::with_capacity(count);
    for chunk in (0u64..).step_by(CHUNK as usize) {
        let hashes: Vec<Option<Pdq>> = (chunk..chunk + CHUNK).into_par_iter().map(&hash).collect();
        for (number, pdq) in (chunk..).zip(hashes) {
            if list.len() == count {
                return (list, number);
            }
            list.extend(pdq.filter(|pdq| known.insert(*pdq)));
        }
    }
    (list, u64::MAX)
}

/// A photograph in grey, its longer side at most [`PHOTO_SIDE`].
struct Photo {
    width: usize,
    height: usize,
    luma: Vec<f32>,
}

/// The photographs in `folders`, in the order of their paths; of near-identical ones the first.
fn photos(folders: &[String]) -> io::Result<Vec<Photo>> {
    let mut paths = Vec::new();
    for folder in folders {
        walk(Path::new(folder), &mut paths)?;
    }
    paths.sort();
    let read = |path: &PathBuf| -> Option<(Photo, Pdq)> {
        let picture = decode(&fs::read(path).ok()?, &Limits::default()).ok()?;
        let hash = pdq::hash(&picture, Mode::Full);
        (hash.quality >= MIN_QUALITY).then(|| (shrink(&picture), hash.pdq))
    };
    let read: Vec<Option<(Photo, Pdq)>> = paths.par_iter().map(read).collect();
    let mut seen: Vec<Pdq> = Vec::new();
    let mut photos = Vec::new();
    for (photo, pdq) in read.into_iter().flatten() {
        if seen.iter().all(|other| other.distance(&pdq) > SAME_PHOTO) {
            seen.push(pdq);
            photos.push(photo);
        }
    }
    Ok(photos)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// `picture` in grey and small: each new pixel is the average of those it covers.
fn shrink(picture: &Picture) -> Photo {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let longer = width.max(height).max(PHOTO_SIDE);
    let (new_width, new_height) =
        ((width * PHOTO_SIDE / longer).max(1), (height * PHOTO_SIDE / longer).max(1));
    let grey = |x: usize, y: usize| match picture.pixels() {
        Pixels::Grey(bytes) => f32::from(bytes[y * width + x]),
        Pixels::Rgb(bytes) => {
            let [red, green, blue] = std::array::from_fn(|c| f32::from(bytes[(y * width + x) * 3 + c]));
            0.299 * red + 0.587 * green + 0.114 * blue
        }
    };
    let mut luma = Vec::with_capacity(new_width * new_height);
    for y in 0..new_height {
        let rows = y * height / new_height..(y + 1) * height / new_height;
        for x in 0..new_width {
            let columns = x * width / new_width..(x + 1) * width / new_width;
            let sum: f32 = rows
                .clone()
                .flat_map(|row| columns.clone().map(move |c| (c, row)))
                .map(|(c, r)| grey(c, r))
                .sum();
            luma.push(sum / (rows.len() * columns.len()) as f32);
        }
    }
    Photo { width: new_width, height: new_height, luma }
}

/// The picture that number `number` is a version of: often itself.
fn base(number: u64) -> u64 {
    let mut numbers = Numbers(number.wrapping_mul(0x9e6c_63d0_676a_9a99));
    if number == 0 || numbers.below(100) >= VERSIONS_PERCENT { number } else { base(numbers.below(number)) }
}

/// The hash of picture `number` of `photos`, changed as `change` says; none when it is too flat.
fn hash(photos: &[&Photo], number: u64, change: u64) -> Option<Pdq> {
    let mut numbers = Numbers(number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let mut luma = crop(photos, &mut numbers);
    if numbers.below(2) == 0 {
        let weight = between(&mut numbers, 0.3, 0.7);
        let other = crop(photos, &mut numbers);
        luma.iter_mut().zip(other).for_each(|(value, other)| *value += weight * (other - *value));
    }
    let mut numbers = Numbers(change.wrapping_mul(0xaef1_7502_108e_f2d9));
    let gamma = between(&mut numbers, 0.7, 1.4);
    let contrast = between(&mut numbers, 0.7, 1.4);
    let brightness = between(&mut numbers, -30.0, 30.0);
    let noise = between(&mut numbers, 0.0, 8.0);
    let pixels = luma.iter().map(|value| {
        let value = 255.0 * (value / 255.0).powf(gamma);
        ((value - 128.0) * contrast + 128.0 + brightness + between(&mut numbers, -noise, noise)) as u8
    });
    let picture = Picture::new(SIDE as u32, SIDE as u32, Pixels::Grey(pixels.collect()))?;
    let hash = pdq::hash(&picture, Mode::Full);
    (hash.quality >= MIN_QUALITY).then_some(hash.pdq)
}

/// A part of a photograph, at times mirrored, [`SIDE`] pixels wide and high.
fn crop(photos: &[&Photo], numbers: &mut Numbers) -> Vec<f32> {
    let photo = photos[numbers.below(photos.len() as u64) as usize];
    let mut side = |length: usize| {
        let whole = (length - 1) as f32;
        let part = whole * between(numbers, 0.3, 1.0);
        (between(numbers, 0.0, whole - part), part / (SIDE - 1) as f32)
    };
    let (left, step_x) = side(photo.width);
    let (top, step_y) = side(photo.height);
    let mirrored = numbers.below(2) == 1;
    let mut luma = Vec::with_capacity(SIDE * SIDE);
    for row in 0..SIDE {
        let y = top + row as f32 * step_y;
        for column in 0..SIDE {
            let column = if mirrored { SIDE - 1 - column } else { column };
            luma.push(photo.at(left + column as f32 * step_x, y));
        }
    }
    luma
}

impl Photo {
    /// The value between four pixels.
    fn at(&self, x: f32, y: f32) -> f32 {
        let (column, row) = (x as usize, y as usize);
        let (right, below) = ((column + 1).min(self.width - 1), (row + 1).min(self.height - 1));
        let between = |row: usize| {
            let [a, b] = [self.luma[row * self.width + column], self.luma[row * self.width + right]];
            a + (b - a) * (x - column as f32)
        };
        let [a, b] = [between(row), between(below)];
        a + (b - a) * (y - row as f32)
    }
}

/// A number from `low` to `high`.
fn between(numbers: &mut Numbers, low: f32, high: f32) -> f32 {
    low + (high - low) * (numbers.number() >> 40) as f32 / (1u64 << 24) as f32
}
