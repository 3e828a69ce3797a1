//! `lykta index info`, and the description of an index that `index build` prints too.

use std::io::{self, Write};
use std::path::Path;

use lykta::hash::text::to_hex;
use lykta::index::{Plan, SlotPlan, Source, Structure};
use lykta::scan::NearMatching;
use lykta::source::{Locator, visible};
use lykta::{Index, Kind};
use serde_json::{Value, json};

use crate::args::InfoArgs;
use crate::chance;
use crate::known::open_index;

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<u8> {
    let index = open_index(&args.index)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", to_json(&args.index, &index))?;
    } else {
        for source in index.sources() {
            write_source(&mut out, source)?;
            writeln!(out, "    sha256 {}, {} bytes", to_hex(&source.sha256), source.bytes)?;
        }
        write_contents(&mut out, &args.index, &index)?;
        writeln!(
            out,
            "    written by {}, checksum {}",
            visible(index.written_by()),
            to_hex(&index.checksum())
        )?;
    }
    Ok(0)
}

/// One line on a list: what it is and what became of its rows.
pub(crate) fn write_source(out: &mut impl Write, source: &Source) -> io::Result<()> {
    let Source { name, role, format, rows, accepted, rejected, dropped, duplicates, .. } = source;
    let Source { near_radius, min_quality, version, deleted, is_partial, .. } = source;
    // An index may come from elsewhere, and what it says of its lists with it.
    let (name, format) = (visible(name), visible(format));
    let version = if version.is_empty() { String::new() } else { format!(" {}", visible(version)) };
    write!(out, "{name} ({} list, {format}{version}): {rows} rows, {accepted} accepted", role.name())?;
    if *deleted > 0 {
        write!(out, ", {deleted} deletions")?;
    }
    let total: u64 = rejected.iter().map(|(_, count)| count).sum();
    write!(out, ", {total} rejected{}", reasons(rejected))?;
    if !dropped.is_empty() {
        write!(out, ", values not used{}", reasons(dropped))?;
    }
    writeln!(out, ", {duplicates} duplicates")?;
    if *accepted == 0 && *rows > 0 {
        writeln!(
            out,
            "    NOTHING ACCEPTED: no entry of this list can be found; is it the list that was meant?"
        )?;
    }
    if *is_partial {
        writeln!(out, "    NOT COMPLETE: {CUT_SHORT}")?;
    }
    if let Some(bits) = near_radius {
        writeln!(out, "    matches by likeness up to {bits} bits only")?;
    }
    if let Some(quality) = min_quality {
        writeln!(out, "    matches by likeness from PDQ quality {quality} only")?;
    }
    Ok(())
}

fn reasons(counts: &[(String, u64)]) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let each: Vec<String> =
        counts.iter().map(|(reason, count)| format!("{} {count}", visible(reason))).collect();
    format!(" ({})", each.join(", "))
}

/// What the index as a whole holds.
pub(crate) fn write_contents(out: &mut impl Write, path: &Path, index: &Index) -> io::Result<()> {
    let path = Locator::from_path(path);
    writeln!(
        out,
        "{path}: {} entries, {} bytes, {:.1} an entry, {:.1} a hash",
        index.entry_count(),
        index.byte_len(),
        per_entry(index),
        per_hash(index)
    )?;
    if index.retractions().len() > 0 {
        writeln!(out, "    retracts {} entries of indexes given before it", index.retractions().len())?;
    }
    for kind in index.kinds().iter() {
        writeln!(out, "    {kind}: {} different{}", index.hash_count(kind), by_chance(index, kind))?;
    }
    if index.photodna_count() > 0 {
        writeln!(out, "    photodna: {} values, kept and not matched", index.photodna_count())?;
    }
    if index.hash_count(Kind::Pdq) == 0 {
        writeln!(out, "    {}", NO_PDQ.unwrap_or_default())?;
    } else {
        let widths = index.slot_widths();
        let slots = match (widths.iter().min(), widths.iter().max()) {
            (Some(least), Some(most)) => format!(", {} slots of {least} to {most} bits", widths.len()),
            _ => String::new(),
        };
        let structure = describe(index.structure());
        writeln!(out, "    near search: {structure} for radius {}{slots}", index.near_radius())?;
        writeln!(out, "    a query at that radius: {}", describe_plan(&index.plan(index.near_radius())))?;
    }
    Ok(())
}

/// How many hits chance gives a query, for the kinds that are compared by distance.
fn by_chance(index: &Index, kind: Kind) -> String {
    let at = |(radius, hits)| format!("{} at radius {radius}", chance::text(hits));
    match chance::of_index(index, kind).into_iter().map(at).collect::<Vec<_>>() {
        figures if figures.is_empty() => String::new(),
        figures => format!("; random hits a query: {}", figures.join(", ")),
    }
}

fn describe(structure: Structure) -> &'static str {
    match structure {
        Structure::Bk => "BK-tree (bk)",
        Structure::Mih => "multi-index hashing (mih)",
        Structure::Flat => "scan of all hashes (flat)",
    }
}

/// What a query is expected to do.
fn describe_plan(plan: &Plan) -> String {
    let Plan { built, used, slots, probes, ids, candidates } = plan;
    if slots.is_empty() {
        let instead = if built == used { String::new() } else { format!(", not {}", built.name()) };
        return format!("{}{instead}, up to {candidates} hashes compared", used.name());
    }
    format!("some {probes:.0} buckets, {ids:.0} ids, {candidates:.0} hashes compared")
}

/// The plan as JSON.
pub(crate) fn plan_json(plan: &Plan) -> Value {
    let slot = |slot: &SlotPlan| json!({"width": slot.width, "directory_bits": slot.directory_bits, "flips": slot.flips});
    json!({
        "structure": plan.used.name(),
        "slots": plan.slots.iter().map(slot).collect::<Vec<_>>(),
        "expected_probes": plan.probes.round(),
        "expected_ids": plan.ids.round(),
        "expected_candidates": plan.candidates.round(),
    })
}

fn per_entry(index: &Index) -> f64 {
    index.byte_len() as f64 / index.entry_count().max(1) as f64
}

fn per_hash(index: &Index) -> f64 {
    let hashes: u64 = Kind::ALL.into_iter().map(|kind| index.hash_count(kind)).sum();
    index.byte_len() as f64 / hashes.max(1) as f64
}

/// What a user must be told of an index that knows no picture by its looks.
const NO_PDQ: Option<&str> = NearMatching::NoPdqInLists.note();

/// The same as JSON.
pub(crate) fn to_json(path: &Path, index: &Index) -> Value {
    let hashes: serde_json::Map<String, Value> =
        index.kinds().iter().map(|kind| (kind.name().to_owned(), index.hash_count(kind).into())).collect();
    let near = (index.hash_count(Kind::Pdq) > 0).then(|| {
        json!({
            "structure": index.structure().name(),
            "radius": index.near_radius(),
            "slot_widths": index.slot_widths(),
            "bytes": index.structure_bytes(),
            "plan": plan_json(&index.plan(index.near_radius())),
        })
    });
    let perceptual = index.kinds().iter().filter(|kind| kind.is_perceptual());
    let chances: serde_json::Map<String, Value> = perceptual
        .map(|kind| {
            let at = |(radius, hits)| json!({ "radius": radius, "hits": hits });
            let figures = chance::of_index(index, kind).into_iter().map(at).collect();
            (kind.name().to_owned(), Value::Array(figures))
        })
        .collect();
    json!({
        "path": Locator::from_path(path).to_string(),
        "written_by": index.written_by(),
        "checksum": to_hex(&index.checksum()),
        "bytes": index.byte_len(),
        "entries": index.entry_count(),
        "bytes_per_entry": per_entry(index),
        "bytes_per_hash": per_hash(index),
        "retractions": index.retractions().len(),
        "hashes": hashes,
        "photodna": index.photodna_count(),
        "expected_random_hits": chances,
        "notes": near.is_none().then_some(NO_PDQ).into_iter().collect::<Vec<_>>(),
        "near": near,
        "lists": index.sources().iter().map(source_json).collect::<Vec<_>>(),
    })
}

/// What an index says of a list that is not complete: where it ends only its reader knew.
const CUT_SHORT: &str = "the list was cut short, this is what there was of it";

fn source_json(source: &Source) -> Value {
    let counts = |counts: &[(String, u64)]| -> serde_json::Map<String, Value> {
        counts.iter().map(|(reason, count)| (reason.clone(), (*count).into())).collect()
    };
    json!({
        "name": source.name,
        "role": source.role.name(),
        "format": source.format,
        "version": source.version,
        "cut_short": source.is_partial.then_some(CUT_SHORT),
        "sha256": to_hex(&source.sha256),
        "bytes": source.bytes,
        "rows": source.rows,
        "accepted": source.accepted,
        "deleted": source.deleted,
        "rejected": counts(&source.rejected),
        "dropped": counts(&source.dropped),
        "duplicates": source.duplicates,
        "near_radius": source.near_radius,
        "min_quality": source.min_quality,
    })
}
