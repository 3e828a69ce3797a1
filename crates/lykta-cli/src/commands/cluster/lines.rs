//! Families as lines: JSON, or CSV to be filled in.

use std::io::{self, Write};

use lykta::scan::{Families, Family, LeftOut, Member, disarm_formula};
use lykta::{Decision, Decisions, Ruling};
use serde::Serialize;

use super::Gathered;
use crate::say::note;

/// The columns of a table; those of a decision come last, to be filled in.
const COLUMNS: [&str; 18] = [
    "family",
    "members",
    "largest_distance",
    "representative",
    "id",
    "distance",
    "view",
    "size",
    "sha1",
    "sha256",
    "pdq",
    "pdq_quality",
    "decision",
    "scheme",
    "code",
    "by",
    "at",
    "viewed",
];

/// Further ones when there are decisions already.
const COLUMNS_OF_PROPOSALS: [&str; 4] = ["proposed", "proposed_scheme", "proposed_code", "contradictory"];

/// What is said of an item. Keys stay as they are.
#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    family: usize,
    members: usize,
    largest_distance: u32,
    representative: &'a str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<&'a str>,
    distance: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    view: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pdq: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pdq_quality: Option<u8>,
    /// Why it was not compared by likeness.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_compared: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decided<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed: Option<Proposed<'a>>,
    /// Members of the family were decided differently.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    contradictory: bool,
}

#[derive(Serialize)]
struct Decided<'a> {
    decision: &'static str,
    scheme: &'a str,
    code: &'a str,
    by: &'a str,
    at: &'a str,
    viewed: &'a str,
}

#[derive(Serialize)]
struct Proposed<'a> {
    decision: &'static str,
    scheme: &'a str,
    code: &'a str,
    from: &'a str,
}

/// The last line, and what is said at the end.
#[derive(Default, Serialize)]
pub(crate) struct Summary {
    items: usize,
    families: usize,
    families_of_several: usize,
    /// Items that were not compared by likeness.
    not_compared: usize,
    not_pictures: u64,
    failed: usize,
    skipped: u64,
    /// JPEGs whose scans of colour alone were not read.
    not_all_read: u64,
    ignored: u64,
    retracted: u64,
    without_pdq: u64,
    proposed: usize,
    contradictory_families: usize,
    /// Every member is with the nearest representative.
    nearest: bool,
}

#[derive(Serialize)]
struct LastLine<'a> {
    v: u32,
    summary: &'a Summary,
}

/// Everything that lines say.
pub(crate) struct Lines<'a> {
    pub(crate) gathered: &'a dyn Gathered,
    pub(crate) families: &'a Families,
    pub(crate) decisions: Option<&'a Decisions>,
}

enum Output {
    Json(io::BufWriter<io::StdoutLock<'static>>),
    Csv(Box<csv::Writer<io::StdoutLock<'static>>>, bool),
}

impl<'a> Lines<'a> {
    /// Writes all to standard output, in order.
    pub(crate) fn write(&self, csv: bool) -> anyhow::Result<Summary> {
        let mut summary = self.summary();
        let mut output = Output::new(csv, self.decisions.is_some())?;
        for (number, family) in (1..).zip(self.families.iter()) {
            let contradictory = self.is_contradictory(family);
            summary.contradictory_families += usize::from(contradictory);
            summary.families_of_several += usize::from(family.members.len() > 1);
            let common =
                Common { number, family, contradictory, largest_distance: family.largest_distance() };
            for member in family.members {
                let line = self.line(&common, member);
                summary.proposed += usize::from(line.proposed.is_some());
                summary.not_compared += usize::from(line.not_compared.is_some());
                output.write(&line)?;
            }
        }
        output.finish(self.gathered.apart().errors, &summary)?;
        Ok(summary)
    }

    fn summary(&self) -> Summary {
        let apart = self.gathered.apart();
        let LeftOut { ignored, retracted, without_pdq } = apart.left_out;
        Summary {
            items: self.gathered.items().len(),
            families: self.families.len(),
            not_pictures: apart.not_pictures,
            not_all_read: apart.not_all_read,
            failed: apart.errors.len(),
            skipped: apart.skipped,
            ignored,
            retracted,
            without_pdq,
            nearest: self.families.nearest(),
            ..Summary::default()
        }
    }

    fn line(&self, common: &Common<'_>, member: &Member) -> Line<'a> {
        let item = member.item as usize;
        let (about, items) = (self.gathered.about(item), self.gathered.items());
        let representative = self.gathered.about(common.family.representative() as usize).id;
        let shown = items.face(item, 0);
        let near = items.face(item, member.face as usize);
        let own = self.decision(member.item);
        let of_all = self.decision(common.family.representative()).filter(|_| own.is_none());
        Line {
            v: 1,
            family: common.number,
            members: common.family.members.len(),
            largest_distance: common.largest_distance,
            representative,
            id: about.id,
            path: about.list.is_none().then_some(about.id),
            list: about.list,
            distance: member.distance,
            view: near.map_or("", |face| face.view),
            size: about.size,
            sha1: about.sha1.map(|digest| digest.to_string()),
            sha256: about.sha256.map(|digest| digest.to_string()),
            pdq: shown.map(|face| face.pdq.to_string()),
            pdq_quality: shown.and_then(|face| face.quality),
            not_compared: (!common.family.compared).then(|| match shown {
                Some(face) if face.pdq.is_blank() => "all bits of the hash are equal",
                _ => "quality below the gate",
            }),
            decision: own.map(|own| Decided {
                decision: own.ruling.name(),
                scheme: &own.scheme,
                code: &own.code,
                by: &own.by,
                at: &own.at,
                viewed: &own.viewed,
            }),
            proposed: of_all.map(|decision| Proposed {
                decision: decision.ruling.name(),
                scheme: &decision.scheme,
                code: &decision.code,
                from: representative,
            }),
            contradictory: common.contradictory,
        }
    }

    fn decision(&self, item: u32) -> Option<&'a Decision> {
        let decision = self.decisions?.of(self.gathered.about(item as usize).id)?;
        (decision.ruling != Ruling::None).then_some(decision)
    }

    /// Whether two members were decided differently.
    fn is_contradictory(&self, family: Family<'_>) -> bool {
        let mut decided = family.members.iter().filter_map(|member| self.decision(member.item));
        decided.next().is_some_and(|first| decided.any(|other| !other.agrees(first)))
    }
}

/// What the members of a family share.
struct Common<'f> {
    number: usize,
    family: Family<'f>,
    contradictory: bool,
    largest_distance: u32,
}

impl Output {
    fn new(csv: bool, proposals: bool) -> anyhow::Result<Self> {
        let stdout = io::stdout().lock();
        if !csv {
            return Ok(Self::Json(io::BufWriter::with_capacity(1 << 16, stdout)));
        }
        let mut writer = csv::Writer::from_writer(stdout);
        let further = COLUMNS_OF_PROPOSALS.iter().filter(|_| proposals);
        writer.write_record(COLUMNS.iter().chain(further))?;
        Ok(Self::Csv(Box::new(writer), proposals))
    }

    fn write(&mut self, line: &Line<'_>) -> anyhow::Result<()> {
        match self {
            Self::Json(out) => {
                serde_json::to_writer(&mut *out, line)?;
                out.write_all(b"\n")?;
            }
            Self::Csv(out, proposals) => {
                let cells = cells(line);
                let shown = if *proposals { &cells[..] } else { &cells[..COLUMNS.len()] };
                out.write_record(shown.iter().map(|cell| disarm_formula(cell).into_owned()))?;
            }
        }
        Ok(())
    }

    /// Files that could not be examined, and in JSON the summary.
    fn finish(self, errors: &[(String, String)], summary: &Summary) -> anyhow::Result<()> {
        match self {
            Self::Json(mut out) => {
                for (path, error) in errors {
                    serde_json::to_writer(
                        &mut out,
                        &serde_json::json!({ "v": 1, "path": path, "error": error }),
                    )?;
                    out.write_all(b"\n")?;
                }
                serde_json::to_writer(&mut out, &LastLine { v: 1, summary })?;
                out.write_all(b"\n")?;
                out.flush()?;
            }
            Self::Csv(mut out, _) => {
                out.flush()?;
                errors.iter().for_each(|(path, error)| note(format_args!("{path}: {error}")));
            }
        }
        Ok(())
    }
}

/// The cells of a row, those of proposals included; see [`COLUMNS`].
fn cells(line: &Line<'_>) -> [String; COLUMNS.len() + COLUMNS_OF_PROPOSALS.len()] {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let decided = |text: fn(&Decided<'_>) -> String| line.decision.as_ref().map(text).unwrap_or_default();
    let proposed = |text: fn(&Proposed<'_>) -> String| line.proposed.as_ref().map(text).unwrap_or_default();
    [
        line.family.to_string(),
        line.members.to_string(),
        line.largest_distance.to_string(),
        line.representative.to_owned(),
        line.id.to_owned(),
        line.distance.to_string(),
        line.view.to_owned(),
        number(line.size),
        line.sha1.clone().unwrap_or_default(),
        line.sha256.clone().unwrap_or_default(),
        line.pdq.clone().unwrap_or_default(),
        number(line.pdq_quality.map(u64::from)),
        decided(|own| own.decision.to_owned()),
        decided(|own| own.scheme.to_owned()),
        decided(|own| own.code.to_owned()),
        decided(|own| own.by.to_owned()),
        decided(|own| own.at.to_owned()),
        decided(|own| own.viewed.to_owned()),
        proposed(|other| other.decision.to_owned()),
        proposed(|other| other.scheme.to_owned()),
        proposed(|other| other.code.to_owned()),
        if line.contradictory { "yes".to_owned() } else { String::new() },
    ]
}

impl Summary {
    /// Says it in words.
    pub(crate) fn say(&self) {
        note(format_args!(
            "{} items in {} families, {} of them of several items",
            self.items, self.families, self.families_of_several
        ));
        let counts = [
            ("not compared by likeness (quality below the gate, or a blank hash)", self.not_compared as u64),
            ("not pictures", self.not_pictures),
            ("could not be examined", self.failed as u64),
            ("skipped", self.skipped),
            (
                "JPEGs with scans of colour alone, which were not read: damage in them may be unseen",
                self.not_all_read,
            ),
            ("entries of ignore lists, left out", self.ignored),
            ("entries that a later index retracts, left out", self.retracted),
            ("entries without a PDQ hash, left out", self.without_pdq),
            ("items for which the decision on their representative is proposed", self.proposed as u64),
            ("families decided in contradictory ways", self.contradictory_families as u64),
        ];
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            note(format_args!("{what}: {count}"));
        }
        if !self.nearest {
            note("many items are near to very many: some are not with the nearest representative");
        }
    }
}
