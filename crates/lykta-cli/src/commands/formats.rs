//! `lykta formats`: the table of what is read, as docs/formats.md has it.

use std::io::{self, Write};

use lykta::{FormatGroup, Supported, supported};
use serde_json::json;

use crate::args::FormatsArgs;

pub(crate) fn run(args: &FormatsArgs) -> anyhow::Result<u8> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let table = supported();
    if args.json {
        for Supported { group, name, read, not_read } in table {
            let line = json!({
                "v": 1, "group": group.name(), "name": name, "read": read, "not_read": not_read
            });
            writeln!(out, "{line}")?;
        }
    } else {
        write_markdown(&mut out, &table)?;
    }
    out.flush()?;
    Ok(0)
}

fn write_markdown(out: &mut impl Write, table: &[Supported]) -> io::Result<()> {
    writeln!(out, "# Formats\n\nWhat `lykta formats` prints. docs/limits.md says what follows from it.")?;
    for group in FormatGroup::ALL {
        writeln!(out, "\n## {}\n", group.title())?;
        let rows = table.iter().filter(|row| row.group == group);
        match group {
            FormatGroup::NotLookedInto => rows.clone().try_for_each(|row| writeln!(out, "- {}", row.name))?,
            FormatGroup::List => {
                writeln!(out, "| name | what it is |\n|---|---|")?;
                rows.clone().try_for_each(|row| writeln!(out, "| {} | {} |", row.name, row.read))?;
            }
            FormatGroup::Picture | FormatGroup::Container => {
                writeln!(out, "| name | read | not read |\n|---|---|---|")?;
                for Supported { name, read, not_read, .. } in rows.clone() {
                    writeln!(out, "| {name} | {read} | {not_read} |")?;
                }
            }
        }
    }
    Ok(())
}
