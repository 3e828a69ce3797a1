//! `lykta compare`.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use lykta::hash::Digests;
use lykta::media::Limits;
use lykta::media::pdq::{FileHash, Mode};
use lykta::scan::{Band, Comparison, FileHasher, GivenUp, PictureResult, Pictured, compare, pictured};
use lykta::source::{ItemKind, Locator, WalkOptions, visible, walk};
use lykta::{Digest, Kind};
use serde_json::{Value, json};

use crate::args::CompareArgs;
use crate::interrupt;

/// No match.
const DIFFERENT: u8 = 0;
/// A match.
const FOUND: u8 = 1;
/// No match, and a picture could not be examined.
const INCOMPLETE: u8 = 3;
/// The same bytes, of a picture that could not be examined.
const FOUND_INCOMPLETE: u8 = 4;

pub(crate) fn run(args: &CompareArgs) -> anyhow::Result<u8> {
    let (first, second) = (File::read(&args.first, args)?, File::read(&args.second, args)?);
    let findings = Findings::new(&first, &second, args);
    if args.json {
        writeln!(io::stdout().lock(), "{}", findings.json(&first, &second))?;
    } else {
        findings.print(&first, &second, &mut io::stdout().lock())?;
    }
    Ok(findings.exit_code())
}

/// One of the two files.
struct File {
    path: String,
    size: u64,
    digests: Digests,
    picture: PictureResult<Pictured>,
}

impl File {
    fn read(path: &Path, args: &CompareArgs) -> anyhow::Result<Self> {
        let name = Locator::from_path(path).to_string();
        if path.is_dir() {
            bail!("{name} is a folder: name two files, or use `lykta cluster` for folders");
        }
        let kinds = Kind::DIGESTS.into_iter().collect();
        let hasher = FileHasher::new(kinds, args.memory, NonZeroUsize::MIN, Limits::default())
            .with_pictures(pictured, Mode::Full);
        let options = WalkOptions { follow_links: true, ..WalkOptions::default() };
        let item = walk(&[path.to_owned()], &options).next();
        let file = match item.map(|item| item.kind) {
            Some(ItemKind::File(file)) => file,
            Some(ItemKind::Failed(error)) => bail!("{name} {error}"),
            Some(ItemKind::Skipped { reason, .. }) => bail!("{name} is no file to compare: {reason}"),
            None => bail!("there is no file {name}"),
        };
        let mut open = file.open()?;
        let size = open.size();
        let hashes =
            hasher.hash(&mut open, &|_| {}, interrupt::orderly()).map_err(|given_up| match given_up {
                GivenUp::Failed(_, detail) => anyhow!("{name} was not read: {detail}"),
                GivenUp::Skipped(..) => anyhow!("stopped"),
            })?;
        let (digests, picture) = (hashes.digests, hashes.picture);
        open.finish().with_context(|| format!("{name} was not read to its end"))?;
        Ok(Self { path: name, size, digests, picture })
    }

    fn hashed(&self) -> Option<&FileHash<Pictured>> {
        match &self.picture {
            PictureResult::Hashed(hashed) => Some(hashed),
            _ => None,
        }
    }

    /// Why it has no hash of likeness.
    fn problem(&self) -> Option<&str> {
        match &self.picture {
            PictureResult::Failed(_, detail) => Some(detail),
            PictureResult::NotOne | PictureResult::NotWanted => Some("not a picture"),
            PictureResult::Hashed(_) => None,
        }
    }

    fn json(&self) -> Value {
        let digests: serde_json::Map<String, Value> = self
            .digests
            .iter()
            .map(|digest| (digest.kind().name().to_owned(), json!(digest.to_string())))
            .collect();
        let mut line = json!({ "path": self.path, "size": self.size, "digests": digests });
        if let Some(FileHash { hash, dimensions, unread_scans, .. }) = self.hashed() {
            if *unread_scans > 0 {
                line["unread_scans"] = json!(unread_scans);
            }
            line["width"] = json!(dimensions.width);
            line["height"] = json!(dimensions.height);
            line["pdq"] = json!(hash.crops.whole.pdq.to_string());
            line["pdq_quality"] = json!(hash.crops.whole.quality);
            line["plain"] = json!(hash.views.whole.plain);
        }
        if let Some(problem) = self.problem() {
            line["problem"] = json!(problem);
        }
        line
    }
}

/// What came of it.
struct Findings {
    /// Kinds of digest that agree.
    same: Vec<Kind>,
    /// Within the radius and above the gate, the best first.
    matches: Vec<Comparison>,
    /// The nearest of all, whatever it is worth.
    nearest: Option<Comparison>,
    compared: usize,
    radius: u32,
    min_quality: u8,
    /// A picture that could not be decoded.
    failed: bool,
}

impl Findings {
    fn new(first: &File, second: &File, args: &CompareArgs) -> Self {
        let digest = |file: &File, kind| -> Option<Digest> { file.digests.get(kind) };
        let same =
            Kind::DIGESTS.into_iter().filter(|kind| digest(first, *kind) == digest(second, *kind)).collect();
        let all = match (first.hashed(), second.hashed()) {
            (Some(first), Some(second)) => compare(&first.hash, &second.hash),
            _ => Vec::new(),
        };
        let is_match = |found: &&Comparison| found.is_match(args.radius, args.min_quality);
        Self {
            same,
            matches: all.iter().filter(is_match).copied().collect(),
            nearest: all.iter().min_by_key(|found| found.distance).copied(),
            compared: all.len(),
            radius: args.radius,
            min_quality: args.min_quality,
            failed: [first, second].iter().any(|file| matches!(file.picture, PictureResult::Failed(..))),
        }
    }

    fn is_same_file(&self) -> bool {
        self.same.contains(&Kind::Sha256)
    }

    /// The result in a word and its reason in a sentence.
    fn result(&self) -> (&'static str, String) {
        let best = self.matches.first().or(self.nearest.as_ref());
        match (self.is_same_file(), best) {
            (true, _) => ("same bytes", "every digest agrees".to_owned()),
            (false, Some(best)) if !self.matches.is_empty() => ("near match", {
                let worth = match best.band {
                    Band::Strong => "nothing unrelated came as near in measurements",
                    Band::Medium => {
                        "no unrelated photograph came as near in measurements; pages and screens may"
                    }
                    Band::Weak if best.plain => {
                        "it is plain, as pages and patterns are, and those are near to one another"
                    }
                    Band::Weak => "its quality or distance is such that different pictures may be as near",
                };
                format!("{} of 256 bits differ and the radius is {}: {worth}", best.distance, self.radius)
            }),
            (false, Some(best)) if best.distance <= self.radius => {
                let (quality, least) = (best.quality.min(best.entry_quality), self.min_quality);
                (
                    "no match",
                    format!("near, but too flat to tell: quality {quality}, and {least} is asked for"),
                )
            }
            (false, Some(best)) => {
                let (distance, radius) = (best.distance, self.radius);
                (
                    "no match",
                    format!(
                        "at least {distance} of 256 bits differ in every view, and the radius is {radius}"
                    ),
                )
            }
            (false, None) => ("no match", "the bytes differ, and likeness was not compared".to_owned()),
        }
    }

    fn exit_code(&self) -> u8 {
        match (self.is_same_file() || !self.matches.is_empty(), self.failed) {
            (false, false) => DIFFERENT,
            (true, false) => FOUND,
            (false, true) => INCOMPLETE,
            (true, true) => FOUND_INCOMPLETE,
        }
    }

    fn json(&self, first: &File, second: &File) -> Value {
        let (result, why) = self.result();
        let same: Vec<&str> = self.same.iter().map(|kind| kind.name()).collect();
        let matches: Vec<Value> = self.matches.iter().map(comparison_json).collect();
        json!({
            "v": 1,
            "files": [first.json(), second.json()],
            "same_digests": same,
            "compared": self.compared,
            "radius": self.radius,
            "min_quality": self.min_quality,
            "matches": matches,
            "nearest": self.nearest.as_ref().map(comparison_json),
            "result": result,
            "why": why,
        })
    }

    fn print(&self, first: &File, second: &File, out: &mut impl Write) -> io::Result<()> {
        for (name, file) in [("A", first), ("B", second)] {
            write!(out, "{name}  {}, {} bytes", visible(&file.path), file.size)?;
            match (file.hashed(), file.problem()) {
                (Some(FileHash { hash, dimensions, unread_scans, .. }), _) => {
                    let (quality, plain) = (hash.crops.whole.quality, hash.views.whole.plain);
                    let plain = if plain { ", plain" } else { "" };
                    writeln!(
                        out,
                        ", {} x {} pixels, PDQ quality {quality}{plain}",
                        dimensions.width, dimensions.height
                    )?;
                    if *unread_scans > 0 {
                        writeln!(
                            out,
                            "   scans of colour alone were not read: damage in them may be unseen"
                        )?;
                    }
                }
                (None, problem) => writeln!(out, ": {}", visible(problem.unwrap_or_default()))?,
            }
        }
        for kind in Kind::DIGESTS {
            writeln!(
                out,
                "{:8}{}",
                kind.name(),
                if self.same.contains(&kind) { "same" } else { "different" }
            )?;
        }
        const MOST_SHOWN: usize = 10;
        let (shown, title) = match &self.nearest {
            Some(nearest) if self.matches.is_empty() => (std::slice::from_ref(nearest), "the nearest:"),
            _ => (&self.matches[..self.matches.len().min(MOST_SHOWN)], "the best:"),
        };
        if !shown.is_empty() {
            writeln!(out, "pdq     {} of {} comparisons match; {title}", self.matches.len(), self.compared)?;
        }
        for found in shown {
            let (of, with) = if found.swapped { ("B", "A") } else { ("A", "B") };
            let place = found.view.part.rectangle().map_or_else(String::new, |part| {
                format!(" ({} x {} pixels at {}, {})", part.width, part.height, part.left, part.top)
            });
            writeln!(
                out,
                "        {:3} bits, {:2} of them coarse, band {}: {} of {of}{place} with {} of {with}",
                found.distance,
                found.coarse_distance,
                found.band.name(),
                found.view.name(),
                found.entry_view.unwrap_or("the whole"),
            )?;
        }
        let (result, why) = self.result();
        writeln!(out, "result  {result}: {}", visible(&why))
    }
}

fn comparison_json(found: &Comparison) -> Value {
    let (of, with) = if found.swapped { (1, 0) } else { (0, 1) };
    let rectangle = found.view.part.rectangle().map(|part| [part.left, part.top, part.width, part.height]);
    json!({
        "file": of,
        "view": found.view.name(),
        "rectangle": rectangle,
        "with_file": with,
        "entry_view": found.entry_view,
        "distance": found.distance,
        "coarse_distance": found.coarse_distance,
        "band": found.band.name(),
        "quality": found.quality,
        "entry_quality": found.entry_quality,
        "plain": found.plain,
    })
}
