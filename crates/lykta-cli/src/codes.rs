//! Codes of categorised lists: what was said on them, and what has to be.

use std::fs;
use std::io::{self, Write};

use anyhow::anyhow;
use lykta::source::Locator;
use lykta::{Breadth, CodeCount, Codes, Role, UNCATEGORISED};
use serde_json::{Value, json};

use crate::args::CodesArgs;
use crate::say::note;

/// What was said on codes, in arguments and in the site's file.
pub(crate) fn read(args: &CodesArgs) -> anyhow::Result<Codes> {
    let mut codes = Codes::default();
    args.codes.iter().try_for_each(|given| codes.merge(given.clone()))?;
    if let Some(path) = &args.codes_file {
        let shown = Locator::from_path(path);
        let text = fs::read_to_string(path)
            .map_err(|error| anyhow!("cannot read the codes in {shown}: {error}; check the path"))?;
        let site = Codes::from_toml(&text).map_err(|error| anyhow!("{shown}: {error}"))?;
        codes.merge(site).map_err(|error| anyhow!("{shown}: {error}"))?;
    }
    Ok(codes)
}

/// Prints codes that nobody decided on, and says what to do.
pub(crate) fn refusal(json: bool, lists: &[(&str, Vec<CodeCount>)]) -> anyhow::Result<String> {
    tell(json, lists)?;
    Ok(format!(
        "nothing was built: {} by codes, and what a code means is for you to say, for example --codes \
         'match=1,2 note=3 ignore=0,{UNCATEGORISED}', or in a file for --codes-file",
        match lists {
            [(list, _)] => format!("the list {list} sorts its entries"),
            lists => format!("{} lists sort their entries", lists.len()),
        }
    ))
}

fn tell(json: bool, lists: &[(&str, Vec<CodeCount>)]) -> anyhow::Result<()> {
    if json {
        let list = |(list, codes): &(&str, Vec<CodeCount>)| json!({ "list": list, "codes": to_json(codes) });
        let value = json!({ "v": 1, "built": false, "lists": lists.iter().map(list).collect::<Vec<_>>() });
        writeln!(io::stdout().lock(), "{value}")?;
    } else {
        for (list, codes) in lists.iter().filter(|(_, codes)| !codes.is_empty()) {
            note(format_args!("{list}:"));
            codes.iter().for_each(|code| note(format_args!("    {}", line(code))));
        }
    }
    Ok(())
}

/// Prints codes of several schemes on which one rule would decide, and says what to do.
pub(crate) fn ambiguity(json: bool, lists: &[(&str, Vec<CodeCount>)]) -> anyhow::Result<String> {
    tell(json, lists)?;
    Ok("a rule for any scheme would decide on codes of several, and they mean different things: name the scheme \
        or region of each, as in --codes 'projectvic/US: match=1,2; ncmec: match=A1'"
        .to_owned())
}

/// A code with its count, and what was decided on it.
pub(crate) fn line(code: &CodeCount) -> String {
    let decided = code.decided.map_or_else(String::new, |(role, _)| format!(" -> {}", role.name()));
    format!("{} code {}: {} entries{decided}", code.scope(), code.describe(), code.count)
}

/// The same as JSON.
pub(crate) fn to_json(codes: &[CodeCount]) -> Value {
    let one = |code: &CodeCount| {
        let CodeCount { scheme, version, code: own, count, decided } = code;
        let name = lykta::list::schemes::published_name(scheme, version, own);
        json!({
            "scheme": scheme, "version": version, "code": own, "name": name, "entries": count,
            "role": decided.map(|(role, _): (Role, Breadth)| role.name()),
        })
    };
    codes.iter().map(one).collect()
}
