//! The report for people: one page, in their language, without pictures or anything from elsewhere.
//!
//! Written front to back while the sorted lines pass by, so its size in memory is that of a line. There
//! is no clock in it and nothing of how or where it was made, so the same scan gives the same page.
//!
//! A small script filters and sorts. The policy of the page allows this script and this style, by their
//! digests, and nothing else; without it everything is there all the same.

mod telling;

use std::io::{self, Write};

use lykta_source::visible;

use crate::record::Label;
use crate::report::manifest::RunInfo;
use crate::report::rows::{ErrorRow, FindingRow, MatchRow};
use crate::report::texts::{self as say, Language, Text};
use crate::summary::Summary;
use telling::{notes, sentence};

/// Rows of a table; beyond that a page becomes too heavy to open.
const MOST_ROWS: u64 = 10_000;

/// Matches of a finding; one blank picture in a list may match thousands of entries.
const MOST_MATCHES: usize = 100;

const STYLE: &str = include_str!("style.css");

/// SHA-256 of [`STYLE`] in base64: the page may use this style and no other.
const STYLE_DIGEST: &str = "9R3b42epYWGBWk7FOmLUGIuH3B6KV4taeCalx8NR4eQ=";

const SCRIPT: &str = include_str!("script.js");

/// The same of [`SCRIPT`].
const SCRIPT_DIGEST: &str = "1VOt/rJ/sgofciLoFf4Y1QYZkfX2K7IPhSW5YC3WxZ4=";

/// How the page is to be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PageOptions {
    pub(crate) language: Language,
    /// No file name and no path of what was scanned.
    pub(crate) redact_names: bool,
}

/// A page under way.
pub(crate) struct Page<W> {
    out: W,
    options: PageOptions,
    rows: u64,
}

impl<W: Write> Page<W> {
    /// Writes everything before the findings. `scanned` are the paths that were scanned, escaped.
    pub(crate) fn begin(
        mut out: W,
        summary: &Summary,
        run: &RunInfo,
        scanned: &[String],
        options: PageOptions,
    ) -> io::Result<Self> {
        let language = options.language;
        write!(
            out,
            concat!(
                "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n",
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ",
                "style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\">\n",
                "<meta name=\"viewport\" content=\"width=device-width\">\n",
                "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                "<h1>{}</h1>\n<p class=\"result\">{}.</p>\n"
            ),
            language.code(),
            STYLE_DIGEST,
            SCRIPT_DIGEST,
            escape(say::TITLE.say(language)),
            STYLE,
            escape(say::TITLE.say(language)),
            escape(&sentence(summary, language))
        )?;
        let redacted = options.redact_names.then(|| say::REDACTED.say(language).to_owned());
        for note in redacted.into_iter().chain(notes(summary, options)) {
            writeln!(out, "<p class=\"note\">{}.</p>", escape(&note))?;
        }
        let mut page = Self { out, options, rows: 0 };
        page.write_outcomes(summary)?;
        page.write_run(run, scanned)?;
        page.write_lists(run)?;
        page.begin_findings()?;
        Ok(page)
    }

    fn begin_findings(&mut self) -> io::Result<()> {
        self.heading(say::FINDINGS)?;
        if !self.options.redact_names {
            let about = self.text(say::FINDINGS_ABOUT);
            writeln!(self.out, "<p>{about}</p>")?;
        }
        let [filter, text, all, shown] =
            [say::FILTER, say::FILTER_TEXT, say::FILTER_ALL, say::FILTER_SHOWN].map(|text| self.text(text));
        writeln!(
            self.out,
            "<div class=\"filter\" id=\"filter\" role=\"group\" aria-label=\"{filter}\" hidden>\n\
             <label>{text} <input type=\"search\"></label>"
        )?;
        for (name, label) in [("list", say::LIST), ("kind", say::FILTER_KIND), ("band", say::FILTER_BAND)] {
            let label = self.text(label);
            writeln!(
                self.out,
                "<label>{label} <select name=\"{name}\"><option value=\"\">{all}</option></select></label>"
            )?;
        }
        if !self.options.redact_names {
            let open_all = self.text(say::OPEN_ALL);
            writeln!(self.out, "<button type=\"button\">{open_all}</button>")?;
        }
        writeln!(self.out, "<span>{shown} <output></output></span>\n</div>")?;
        self.begin_table(
            " id=\"findings\" class=\"sortable\"",
            &[
                (say::FINDING_HEAD, ""),
                (say::BYTES, NUMBER),
                (say::NEAREST, NUMBER),
                (say::MATCHES, ""),
                (say::SHA256, ""),
            ],
        )
    }

    /// Writes one finding, or counts it when there are too many.
    pub(crate) fn finding(&mut self, finding: &FindingRow) -> io::Result<()> {
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Ok(());
        }
        let number = self.rows;
        let name = self.fill(say::FINDING, &[&number.to_string()]);
        let place = match self.options.redact_names {
            true => format!("{name}<br>{}", self.unnamed(finding)),
            false => folded(&name, &escape(&finding.place())),
        };
        let size = finding.size.map(|size| size.to_string()).unwrap_or_default();
        let distance = finding.matches.iter().map(|found| found.distance).min().unwrap_or_default();
        write!(
            self.out,
            "<tr class=\"finding\"><td data-value=\"{number}\">{place}</td>\
             <td class=\"number\" data-value=\"{size}\">{size}</td>\
             <td class=\"number\" data-value=\"{distance}\">{distance}</td><td><ul>"
        )?;
        for found in finding.matches.iter().take(MOST_MATCHES) {
            self.write_match(found)?;
        }
        let more = finding.matches.len().saturating_sub(MOST_MATCHES);
        if more > 0 {
            let more = self.fill(say::MORE_MATCHES, &[&more.to_string()]);
            write!(self.out, "<li>{more}</li>")?;
        }
        let sha256 = finding.digests.get("sha256").map(String::as_str).unwrap_or_default();
        writeln!(self.out, "</ul></td><td class=\"hash\">{}</td></tr>", escape(sha256))
    }

    /// An item by its digest and size, for where its name must not be.
    fn unnamed(&self, finding: &FindingRow) -> String {
        let unknown = || say::SIZE_UNKNOWN.say(self.options.language).to_owned();
        let size = finding.size.map_or_else(unknown, |size| size.to_string());
        match finding.digests.get("sha256") {
            Some(sha256) => self.fill(say::SHA256_SIZE, &[sha256, &size]),
            None => self.fill(say::NO_SHA256, &[&size]),
        }
    }

    fn write_match(&mut self, found: &MatchRow) -> io::Result<()> {
        let language = self.options.language;
        let fill = |text: Text, values: &[&str]| text.fill(language, values);
        let distance = found.distance.to_string();
        let mut about = vec![match &found.view {
            Some(view) => fill(say::NEAR, &[&found.kind, &distance, view]),
            None => fill(say::SAME_BYTES, &[&found.kind]),
        }];
        about.extend(found.place().map(|place| fill(say::RECTANGLE, &[&place])));
        about.extend(found.entry_view.as_ref().map(|view| fill(say::ENTRY_PART, &[view])));
        about.extend(found.coarse_distance.map(|bits| fill(say::COARSE, &[&bits.to_string()])));
        let band = found.band.as_deref().unwrap_or_default();
        let band_name = say::value(language, band);
        about.extend((!band.is_empty()).then(|| fill(say::BAND_IS, &[band_name])));
        about.extend(found.plain.then(|| fill(say::PLAIN, &[])));
        about.extend(found.below_band.then(|| fill(say::BELOW, &[])));
        about.push(fill(say::ROLE_IS, &[say::value(language, &found.role)]));
        about.extend(found.label.as_ref().map(|label| words(label, language)));
        about.extend(found.weak.then(|| fill(say::WEAK, &[])));
        about.extend(found.disputed.then(|| fill(say::DISPUTED, &[])));
        let about = escape(&about.join(", "));
        let version = if found.list_version.is_empty() { "" } else { " " };
        let list = format!("{}{version}{}", found.list, found.list_version);
        let row = found.row.to_string();
        // An entry may be called by a path, and lists may be made of the very files that are scanned.
        let entry = match self.options.redact_names {
            true => self.fill(say::ENTRY_UNNAMED, &[&list, &row]),
            false => self.fill(say::ENTRY, &[&list, &found.entry, &row]),
        };
        let (list, kind) = (escape(&found.list), escape(&found.kind));
        let (band, band_name) = (escape(band), escape(band_name));
        write!(
            self.out,
            "<li data-list=\"{list}\" data-kind=\"{kind}\" data-band=\"{band}\" \
             data-band-name=\"{band_name}\">{entry} <small>({about})</small></li>"
        )
    }

    /// Writes what is between the findings and the errors.
    pub(crate) fn begin_errors(&mut self) -> io::Result<()> {
        self.end_rows("findings.jsonl", 5)?;
        self.heading(say::PROBLEMS)?;
        self.begin_table(
            " class=\"sortable\"",
            &[(say::PROBLEM_HEAD, ""), (say::OUTCOME, ""), (say::REASON, ""), (say::COMPARED, "")],
        )
    }

    /// Writes one error, or counts it when there are too many.
    pub(crate) fn error(&mut self, error: &ErrorRow) -> io::Result<()> {
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Ok(());
        }
        let (language, number) = (self.options.language, self.rows.to_string());
        let name = self.fill(say::PROBLEM, &[&number]);
        let place = match self.options.redact_names {
            true => {
                let unknown = || say::SIZE_UNKNOWN.say(language).to_owned();
                let size = error.size.map_or_else(unknown, |size| size.to_string());
                format!("{name}<br>{}", self.fill(say::PROBLEM_UNNAMED, &[&number, &size]))
            }
            // The particulars may name files as well.
            false => {
                let (place, detail) = (escape(&error.place()), escape(&error.detail));
                folded(&name, &format!("{place}<br><small lang=\"en\">{detail}</small>"))
            }
        };
        let reason = say::reason(language, &error.reason);
        writeln!(
            self.out,
            "<tr><td data-value=\"{number}\">{place}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&error.outcome),
            escape(reason),
            escape(say::value(language, &error.compared)),
        )
    }

    /// Writes the rest and gives the writer back.
    pub(crate) fn end(mut self) -> io::Result<W> {
        self.end_rows("errors.jsonl", 4)?;
        self.heading(say::WORDS)?;
        writeln!(self.out, "<dl>")?;
        for (outcome, meaning) in say::MEANINGS {
            let meaning = self.text(meaning);
            writeln!(self.out, "<dt>{outcome}</dt><dd>{meaning}</dd>")?;
        }
        for (word, meaning) in say::WORDS_MEANT {
            self.term(word, |page| page.text(meaning))?;
        }
        writeln!(self.out, "</dl>")?;
        self.heading(say::LIMITS)?;
        writeln!(self.out, "<ul>")?;
        for limit in say::ALL_LIMITS {
            let limit = self.text(limit);
            writeln!(self.out, "<li>{limit}</li>")?;
        }
        writeln!(self.out, "</ul>\n</main>\n<script>{SCRIPT}</script>\n</body>\n</html>")?;
        Ok(self.out)
    }

    fn end_rows(&mut self, file: &str, columns: usize) -> io::Result<()> {
        if self.rows == 0 {
            let none = self.text(say::NONE);
            writeln!(self.out, "<tr><td colspan=\"{columns}\">{none}</td></tr>")?;
        }
        writeln!(self.out, "</tbody>\n</table>")?;
        if self.rows > MOST_ROWS {
            let cut = self.fill(say::CUT, &[&MOST_ROWS.to_string(), &self.rows.to_string(), file]);
            writeln!(self.out, "<p>{cut}</p>")?;
        }
        self.rows = 0;
        Ok(())
    }

    fn write_outcomes(&mut self, summary: &Summary) -> io::Result<()> {
        self.heading(say::SUMMARY)?;
        self.begin_table("", &[(say::OUTCOME, ""), (say::ITEMS_HEAD, NUMBER), (say::BYTES, NUMBER)])?;
        let (language, out) = (self.options.language, &mut self.out);
        let mut row = |class: &str, name: &str, items: u64, bytes: u64| {
            writeln!(
                out,
                "<tr class=\"{class}\"><td>{}</td><td class=\"number\">{items}</td>\
                 <td class=\"number\">{bytes}</td></tr>",
                escape(name)
            )
        };
        for (name, count) in summary.outcomes() {
            row("outcome", name, count.items, count.bytes)?;
            for (reason, count) in summary.reasons(name) {
                row("reason", say::reason(language, reason), count.items, count.bytes)?;
            }
        }
        let seen = summary.seen();
        row("total", say::ALL_SEEN.say(language), seen.items, seen.bytes)?;
        writeln!(self.out, "</tbody>\n</table>")
    }

    fn write_run(&mut self, run: &RunInfo, scanned: &[String]) -> io::Result<()> {
        let redact = self.options.redact_names;
        self.heading(say::HOW_MADE)?;
        writeln!(self.out, "<dl>")?;
        for (word, text) in [(say::CASE, &run.case), (say::OPERATOR, &run.operator)] {
            if let Some(text) = text {
                self.term(word, |_| escape(text))?;
            }
        }
        self.term(say::PROGRAM, |page| {
            let built = page.fill(say::BUILT, &[&run.commit, &run.target]);
            format!("{} {}<br>{built}", escape(&run.tool), escape(&run.version))
        })?;
        if !run.settings.is_empty() {
            self.term(say::SETTINGS, |_| escape(&run.settings.join(" ")))?;
        }
        let count = scanned.len().to_string();
        self.term(say::SCANNED, |page| match redact {
            true => page.fill(say::PATHS_UNNAMED, &[&count]),
            false => {
                let paths: Vec<String> = scanned.iter().map(|path| escape(path)).collect();
                folded(&page.fill(say::PATHS_SHOW, &[&count]), &paths.join("<br>"))
            }
        })?;
        for index in &run.indexes {
            // An index may lie beside what is scanned, or in it.
            let path = if redact { String::new() } else { escape(&index.path) };
            let sha256 = escape(&index.sha256);
            self.term(say::INDEX, |_| format!("{path} <span class=\"hash\">SHA-256 {sha256}</span>"))?;
        }
        if let Some(disputes) = &run.disputes {
            let (entries, sha256) = (disputes.entries.to_string(), escape(&disputes.sha256));
            self.term(say::DISPUTED_FILE, |page| {
                let named = match redact {
                    true => page.fill(say::DISPUTED_COUNT, &[&entries]),
                    false => page.fill(say::DISPUTED_NAMED, &[&entries, &disputes.path]),
                };
                format!("{named} <span class=\"hash\">SHA-256 {sha256}</span>")
            })?;
        }
        let manifest = self.text(say::MANIFEST);
        writeln!(self.out, "</dl>\n<p>{manifest}</p>")
    }

    fn write_lists(&mut self, run: &RunInfo) -> io::Result<()> {
        self.heading(say::LISTS)?;
        self.begin_table(
            "",
            &[
                (say::LIST, ""),
                (say::ROLE, ""),
                (say::ROWS, NUMBER),
                (say::ACCEPTED, NUMBER),
                (say::REJECTED, NUMBER),
                (say::SHA256, ""),
            ],
        )?;
        for list in run.indexes.iter().flat_map(|index| &index.lists) {
            writeln!(
                self.out,
                concat!(
                    "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td><td class=\"number\">{}</td>",
                    "<td class=\"number\">{}</td><td class=\"hash\">{}</td></tr>"
                ),
                escape(&list.name),
                escape(say::value(self.options.language, &list.role)),
                list.rows,
                list.accepted,
                list.rejected.values().sum::<u64>(),
                escape(&list.sha256),
            )?;
        }
        writeln!(self.out, "</tbody>\n</table>")
    }

    /// A text of the table as HTML.
    fn text(&self, text: Text) -> String {
        escape(text.say(self.options.language))
    }

    /// A text of the table with its values as HTML.
    fn fill(&self, text: Text, values: &[&str]) -> String {
        escape(&text.fill(self.options.language, values))
    }

    fn heading(&mut self, text: Text) -> io::Result<()> {
        let text = self.text(text);
        writeln!(self.out, "<h2>{text}</h2>")
    }

    /// A word and what is said of it, which is HTML already.
    fn term(&mut self, word: Text, html: impl FnOnce(&Self) -> String) -> io::Result<()> {
        let (word, html) = (self.text(word), html(self));
        writeln!(self.out, "<dt>{word}</dt><dd>{html}</dd>")
    }

    /// The head of a table, up to its first row. A column has a text and a class.
    fn begin_table(&mut self, attributes: &str, columns: &[(Text, &str)]) -> io::Result<()> {
        write!(self.out, "<table{attributes}>\n<thead><tr>")?;
        for (text, class) in columns {
            let text = self.text(*text);
            write!(self.out, "<th{class}>{text}</th>")?;
        }
        writeln!(self.out, "</tr></thead>\n<tbody>")
    }
}

const NUMBER: &str = " class=\"number\"";

/// HTML that is shown when somebody opens it, under a name that says nothing of it.
fn folded(name: &str, html: &str) -> String {
    format!("<details><summary>{name}</summary>{html}</details>")
}

/// Text as HTML text, in an element or an attribute. Characters that cannot be seen or that change
/// the direction of what follows are written as the bytes of their UTF-8, `\xNN`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in visible(text).to_string().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            plain => escaped.push(plain),
        }
    }
    escaped
}

/// A label in words: the list's own, then the site's.
fn words(label: &Label, language: Language) -> String {
    let Label { scheme, version, code, series, victim_identified, site } = label;
    let mut words = say::LABEL.fill(language, &[scheme, version, code]);
    for (what, value) in [(say::SERIES, series), (say::VICTIM, victim_identified), (say::SITE_LABEL, site)] {
        if !value.is_empty() {
            words.push_str(", ");
            words.push_str(&what.fill(language, &[value]));
        }
    }
    words
}

#[cfg(test)]
mod tests;
