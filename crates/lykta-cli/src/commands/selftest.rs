//! `lykta selftest`: a dump whose contents are known, scanned by this very program, and what came of it.
//!
//! ```text
//! desk dump, list --index build--> index --scan--> report --> each planted item: expected, actual
//! another list    --index build--> index --scan--> nothing
//! report          --verify--> as written;  an altered copy --verify--> noticed
//! ```
//!
//! Commands are run as a user would, in processes of their own: what is tested is the program, not a part of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use lykta::source::{Locator, escape, visible};
use lykta_testdata::{Desk, Planted, desk, list_of_others};
use serde::Serialize;
use serde_json::Value;

use crate::args::SelftestArgs;
use crate::commands::demo::new_folder;

/// Something is not as expected.
const NOT_AS_EXPECTED: u8 = 1;

/// What happened, for a file that is kept: the same in every run of one build.
#[derive(Serialize)]
struct Results {
    v: u32,
    tool: &'static str,
    version: &'static str,
    commit: &'static str,
    target: &'static str,
    as_expected: usize,
    of: usize,
    checks: Vec<Check>,
}

/// One thing that was expected.
#[derive(Serialize)]
struct Check {
    /// Steps of the locator of an item; of other checks what was done.
    item: Vec<String>,
    container: &'static str,
    expected: String,
    actual: String,
    ok: bool,
}

impl Check {
    fn new(item: Vec<String>, container: &'static str, expected: String, actual: String) -> Self {
        let ok = expected == actual;
        Self { item, container, expected, actual, ok }
    }

    /// Of none of the items.
    fn whole(what: &str, expected: &str, actual: &str) -> Self {
        Self::new(vec![what.to_owned()], "", expected.to_owned(), actual.to_owned())
    }
}

pub(crate) fn run(args: &SelftestArgs) -> anyhow::Result<u8> {
    match &args.output {
        Some(folder) => run_in(&new_folder(folder)?, args),
        None => {
            let folder = tempfile::Builder::new().prefix("lykta-selftest-").tempdir();
            run_in(folder.context("cannot make a temporary folder; give one with -o")?.path(), args)
        }
    }
}

fn run_in(folder: &Path, args: &SelftestArgs) -> anyhow::Result<u8> {
    let desk = desk()?;
    desk.write(&folder.join("dump"))?;
    write(&folder.join("list.csv"), &desk.list()?)?;
    write(&folder.join("others.csv"), &list_of_others()?)?;
    let mut checks = planted(folder, &desk)?;
    checks.extend(report(folder)?);
    checks.push(others(folder)?);
    let results = Results {
        v: 1,
        tool: "lykta",
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("LYKTA_COMMIT"),
        target: env!("LYKTA_TARGET"),
        as_expected: checks.iter().filter(|check| check.ok).count(),
        of: checks.len(),
        checks,
    };
    let json = serde_json::to_string_pretty(&results)? + "\n";
    write(&folder.join("selftest.json"), json.as_bytes())?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.json {
        true => out.write_all(json.as_bytes())?,
        false => print(&mut out, &results, args)?,
    }
    out.flush()?;
    Ok(if results.as_expected == results.of { 0 } else { NOT_AS_EXPECTED })
}

fn print(out: &mut impl Write, results: &Results, args: &SelftestArgs) -> io::Result<()> {
    if !args.quiet {
        writeln!(out, "{:<4} {:<40} {:<24} {:<24} item", "ok", "container", "expected", "actual")?;
    }
    // What is not as expected is told in any case.
    for Check { item, container, expected, actual, ok } in
        results.checks.iter().filter(|check| !args.quiet || !check.ok)
    {
        let ok = if *ok { "yes" } else { "NO" };
        let item = visible(&item.join("!")).to_string();
        writeln!(out, "{ok:<4} {container:<40} {expected:<24} {actual:<24} {item}")?;
    }
    writeln!(out, "{} of {} as expected", results.as_expected, results.of)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", Locator::from_path(path)))
}

/// Runs this program in `folder`; its exit code.
///
/// # Errors
/// When it does not run, or ends with none of the codes that are an answer.
fn lykta(folder: &Path, words: &str, answers: &[i32]) -> anyhow::Result<i32> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new(program);
    command.args(words.split(' ')).current_dir(folder).stdin(Stdio::null());
    let output = command.output().with_context(|| format!("cannot run lykta {words}"))?;
    match output.status.code() {
        Some(code) if answers.contains(&code) => Ok(code),
        _ => {
            let said = escape(&output.stderr).into_owned();
            bail!("lykta {words} ended with {}: {}", output.status, visible(said.trim()))
        }
    }
}

/// Every planted item: that it is found where it is, as which entry, and how; and that nothing else is.
fn planted(folder: &Path, desk: &Desk) -> anyhow::Result<Vec<Check>> {
    lykta(folder, "index build --quiet -o list.lykta list.csv", &[0])?;
    let code = lykta(folder, "scan --quiet --index list.lykta --record all -o report dump", &[0, 1, 3, 4])?;
    let mut checks = compared(desk, &fs::read_to_string(folder.join("report/findings.jsonl"))?)?;
    // Some are damaged, so not all could be examined.
    checks.push(Check::whole("exit code of the scan", "4", &code.to_string()));
    Ok(checks)
}

/// Planted items against the lines of findings.
fn compared(desk: &Desk, findings: &str) -> anyhow::Result<Vec<Check>> {
    let mut found = BTreeMap::new();
    for line in findings.lines() {
        let finding: Value = serde_json::from_str(line)?;
        found.entry(steps(&finding["locator"])).or_insert_with(VecDeque::new).push_back(told(&finding));
    }
    let mut checks = Vec::new();
    for Planted { entry, container, locator, is_exact, .. } in &desk.planted {
        let mut item: Vec<String> = locator.iter().map(|step| escape(step).into_owned()).collect();
        if let Some(path) = item.first_mut() {
            path.insert_str(0, "dump/");
        }
        let expected = how(*is_exact, entry);
        // Of several of one name in one archive, the one that is meant if it is there.
        let actual = found.get_mut(&item).and_then(|told: &mut VecDeque<String>| {
            let meant = told.iter().position(|actual| *actual == expected);
            told.remove(meant.unwrap_or(0))
        });
        checks.push(Check::new(item, container, expected, actual.unwrap_or_else(|| "not found".to_owned())));
    }
    for (item, more) in found {
        let more = more.into_iter();
        checks.extend(more.map(|actual| Check::new(item.clone(), "", "no match".to_owned(), actual)));
    }
    Ok(checks)
}

fn steps(locator: &Value) -> Vec<String> {
    let steps = locator.as_array().into_iter().flatten().filter_map(Value::as_str);
    steps.map(str::to_owned).collect()
}

/// What a finding says: by digest or by likeness, and which entries.
fn told(finding: &Value) -> String {
    let matches = finding["matches"].as_array().map(Vec::as_slice).unwrap_or_default();
    let entries: BTreeSet<&str> = matches.iter().filter_map(|found| found["entry"].as_str()).collect();
    let is_exact = matches.iter().any(|found| found["kind"] == "sha256");
    how(is_exact, &Vec::from_iter(entries).join(" "))
}

fn how(is_exact: bool, entries: &str) -> String {
    format!("{} {entries}", if is_exact { "same bytes" } else { "alike" })
}

/// That the report is as it was written, and that this is noticed when it is not.
fn report(folder: &Path) -> anyhow::Result<[Check; 2]> {
    let said = |code| if code == 0 { "as it was written" } else { "differs" };
    let untouched = said(lykta(folder, "report verify --quiet report", &[0, 1])?);
    let (report, altered) = (folder.join("report"), folder.join("altered"));
    fs::create_dir(&altered)?;
    for entry in fs::read_dir(&report)? {
        let name = entry?.file_name();
        fs::copy(report.join(&name), altered.join(&name))?;
    }
    let findings = altered.join("findings.jsonl");
    let text = fs::read_to_string(&findings)?;
    // An entry of the list under another name.
    write(&findings, text.replacen("\"entry\":\"desk-0", "\"entry\":\"desk-9", 1).as_bytes())?;
    let touched = said(lykta(folder, "report verify --quiet altered", &[0, 1])?);
    Ok([
        Check::whole("report, verified", "as it was written", untouched),
        Check::whole("report with one altered character", "differs", touched),
    ])
}

/// That pictures which an index does not have are not found with it.
fn others(folder: &Path) -> anyhow::Result<Check> {
    lykta(folder, "index build --quiet -o others.lykta others.csv", &[0])?;
    lykta(folder, "scan --quiet --index others.lykta -o unlisted dump", &[0, 1, 3, 4])?;
    let count = fs::read_to_string(folder.join("unlisted/findings.jsonl"))?.lines().count();
    Ok(Check::whole("scan with a list of other pictures", "0 found", &format!("{count} found")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_more_or_different_is_not_as_expected() {
        let planted = |entry: &str, name: &str, is_exact| Planted {
            entry: entry.to_owned(),
            container: "zip",
            locator: vec![b"a.zip".to_vec(), name.as_bytes().to_vec()],
            bytes: Vec::new(),
            is_exact,
        };
        let desk = Desk {
            files: Vec::new(),
            planted: vec![planted("1", "x", true), planted("2", "y", true), planted("2", "z", false)],
        };
        let finding = |name: &str, kind: &str, entry: &str| {
            let found = serde_json::json!({ "kind": kind, "entry": entry });
            serde_json::json!({ "locator": ["dump/a.zip", name], "matches": [found] }).to_string() + "\n"
        };
        let failing = |findings: &[String]| {
            let checks = compared(&desk, &findings.concat()).unwrap();
            let failing = checks.into_iter().filter(|check| !check.ok);
            failing.map(|check| format!("{}: {}", check.item[1], check.actual)).collect::<Vec<_>>()
        };
        let [x, y, z] = [finding("x", "sha256", "1"), finding("y", "sha256", "2"), finding("z", "pdq", "2")];
        assert!(failing(&[x.clone(), y.clone(), z.clone()]).is_empty());
        assert_eq!(failing(&[x.clone(), z.clone()]), ["y: not found"]);
        let more = finding("other", "pdq", "1");
        assert_eq!(failing(&[x.clone(), y.clone(), z.clone(), more]), ["other: alike 1"]);
        assert_eq!(failing(&[x.clone(), x.clone(), y.clone(), z]), ["x: same bytes 1"]);
        let as_other = finding("z", "pdq", "1");
        assert_eq!(failing(&[x, y, as_other]), ["z: alike 1"]);
    }
}
