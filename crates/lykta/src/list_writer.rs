//! Lists written: what readers made of them, in a form that others read too.

use std::io::{self, Write};

use lykta_hash::{Hash, Kind};
use lykta_list::{COLUMNS, Entry, MAX_RECORD};
use serde_json::{Map, Value, json};

/// The columns of [`COLUMNS`] that an entry fills: the others say who decided on it, which readers leave in
/// the list.
const WRITTEN: usize = COLUMNS.len() - 4;

/// A form that entries can be written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// Lykta's own CSV: holds everything, and is read back to the same.
    Csv,
    /// hashdeep's format: size, the digests of these kinds, and the name of each entry that has all of them.
    Hashdeep(Vec<Kind>),
    /// One JSON object a line: holds everything.
    JsonLines,
}

/// Writes entries one behind the other.
pub struct ListWriter<W: Write> {
    form: ListForm,
    out: W,
}

impl<W: Write> ListWriter<W> {
    /// Begins a list.
    ///
    /// # Errors
    /// When its first lines cannot be written.
    pub fn new(form: ListForm, mut out: W) -> io::Result<Self> {
        match &form {
            ListForm::Csv => out.write_all(csv_line(COLUMNS[..WRITTEN].iter().copied()).as_bytes())?,
            ListForm::JsonLines => {}
            ListForm::Hashdeep(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                writeln!(out, "%%%% HASHDEEP-1.0\n%%%% size,{},filename", names.join(","))?;
            }
        }
        Ok(Self { form, out })
    }

    /// Writes an entry of the list called `list`. Returns whether the form can hold it: hashdeep's asks for
    /// size, name and every digest, and CSV holds no row that its readers would refuse the whole list for, with a
    /// byte of value 0 or longer than [`MAX_RECORD`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, list: &str, entry: &Entry) -> io::Result<bool> {
        match &self.form {
            ListForm::Csv => {
                let line = csv_line(cells(entry).iter().map(String::as_str));
                if line.contains('\0') || line.len() > MAX_RECORD {
                    return Ok(false);
                }
                self.out.write_all(line.as_bytes())?;
            }
            ListForm::JsonLines => writeln!(self.out, "{}", to_json(list, entry))?,
            ListForm::Hashdeep(kinds) => {
                let Some(line) = hashdeep_line(kinds, entry) else { return Ok(false) };
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(true)
    }

    /// Ends the list.
    ///
    /// # Errors
    /// When something cannot be written that was kept back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// An entry as a line of hashdeep. A name with a line break would begin another one.
fn hashdeep_line(kinds: &[Kind], entry: &Entry) -> Option<String> {
    let name = entry.name.as_deref().filter(|name| !name.contains(['\n', '\r']))?;
    let digests: Option<Vec<String>> = kinds.iter().map(|kind| digits(entry, *kind)).collect();
    Some(format!("{},{},{name}", entry.size?, digests?.join(",")))
}

fn digits(entry: &Entry, kind: Kind) -> Option<String> {
    entry.hashes.iter().find(|hash| hash.kind() == kind).map(digits_of)
}

fn digits_of(hash: &Hash) -> String {
    match hash {
        Hash::Digest(digest) => digest.to_string(),
        Hash::Pdq(pdq) => pdq.to_string(),
        Hash::Phash(bits) | Hash::Dhash(bits) => bits.to_string(),
    }
}

/// The cells of [`COLUMNS`], without the last four.
fn cells(entry: &Entry) -> Vec<String> {
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let label = entry.label.clone().unwrap_or_default();
    COLUMNS[..WRITTEN]
        .iter()
        .map(|column| match *column {
            // As results call it: in the new list the row is another.
            "id" => entry.name.clone().unwrap_or_else(|| format!("row {}", entry.row)),
            "pdq_quality" => number(entry.pdq_quality.map(u64::from)),
            "size" => number(entry.size),
            "view" => entry.view.clone().unwrap_or_default(),
            "label_scheme" => label.scheme.clone(),
            "label_version" => label.version.clone(),
            "label_code" => label.code.clone(),
            "series" => label.series.clone(),
            "victim_identified" => label.victim_identified.clone(),
            // Said of each, since an empty cell would take its meaning from the rows before.
            "categorised" => if entry.categorised { "yes" } else { "no" }.to_owned(),
            "photodna" => entry.photodna.as_ref().map(ToString::to_string).unwrap_or_default(),
            kind => kind.parse().ok().and_then(|kind| digits(entry, kind)).unwrap_or_default(),
        })
        .collect()
}

/// A row as RFC 4180 has it, exactly: text is not changed for spreadsheets, since it is an entry's name.
fn csv_line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut line = String::new();
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            line.push(',');
        }
        if cell.contains(['"', ',', '\n', '\r']) || cell.starts_with(' ') || cell.ends_with(' ') {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

fn to_json(list: &str, entry: &Entry) -> Value {
    let mut line = Map::new();
    line.insert("v".into(), json!(1));
    line.insert("list".into(), json!(list));
    line.insert("row".into(), json!(entry.row));
    line.insert("entry".into(), json!(entry.name));
    let hashes = entry.hashes.iter().map(|hash| (hash.kind().name().to_owned(), json!(digits_of(hash))));
    line.extend(hashes);
    let mut filled = |key: &str, value: Value| {
        if !value.is_null() {
            line.insert(key.to_owned(), value);
        }
    };
    filled("pdq_quality", json!(entry.pdq_quality));
    filled("photodna", json!(entry.photodna.as_ref().map(ToString::to_string)));
    filled("size", json!(entry.size));
    filled("view", json!(entry.view));
    let label = entry.label.as_ref().map(|label| {
        json!({
            "scheme": label.scheme, "version": label.version, "code": label.code,
            "series": label.series, "victim_identified": label.victim_identified,
        })
    });
    filled("label", json!(label));
    filled("categorised", json!(entry.categorised.then_some(true)));
    Value::Object(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_list::{MAX_RECORD, ReadOptions, Reader, Row};

    const LIST: &str = "id,md5,sha1,pdq,pdq_quality,size,view,label_scheme,label_code,series,victim_identified\n\
        \"a,\"\"b\"\"\",11111111111111111111111111111111,,,,7,,own,1,s,yes\n\
        c,22222222222222222222222222222222,1111111111111111111111111111111111111111,,,,,,,,\n\
        =d,,,f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,80,,crop,,,,\n";

    fn read(text: &str) -> Vec<Entry> {
        let rows = Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap();
        rows.map(|row| match row.unwrap() {
            Row::Accepted(entry) => entry,
            row => panic!("{row:?}"),
        })
        .collect()
    }

    fn write(form: ListForm) -> (String, usize) {
        let mut writer = ListWriter::new(form, Vec::new()).unwrap();
        let written = read(LIST).iter().filter(|entry| writer.write("l", entry).unwrap()).count();
        (String::from_utf8(writer.finish().unwrap()).unwrap(), written)
    }

    #[test]
    fn csv_is_read_back_to_the_same() {
        let (text, written) = write(ListForm::Csv);
        assert_eq!((read(&text), written), (read(LIST), 3));
    }

    /// What an entry is called, what it has, and what is said of it.
    fn said(entries: &[Entry]) -> Vec<(String, Vec<Hash>, Option<lykta_list::Label>, bool)> {
        let said = |entry: &Entry| {
            let name = entry.name.clone().unwrap_or_else(|| format!("row {}", entry.row));
            (name, entry.hashes.clone(), entry.label.as_deref().cloned(), entry.categorised)
        };
        entries.iter().map(said).collect()
    }

    /// In one file after a categorised list, rows of a list without categories were taken for uncategorised ones
    /// of the first, and `ignore=uncategorised` hid what were matches. Each row says which it is.
    #[test]
    fn lists_that_become_one_file_do_not_lend_each_other_categories() {
        let categorised = "id,md5,label_scheme,label_version,label_code\n\
            a,11111111111111111111111111111111,projectvic,US,1\nb,22222222222222222222222222222222,,,\n";
        let own = "id,md5,label_scheme,label_code\nc,33333333333333333333333333333333,,\n\
            d,44444444444444444444444444444444,,7\ne,55555555555555555555555555555555,own,1\n";
        let stopncii = r#"{"hashRecords":[{"lastModtimestamp":5,"signalType":"ImagePDQ","hashStatus":"Active",
            "hashValue":"f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"}]}"#;
        let native: Vec<Entry> = [categorised, own, stopncii].into_iter().flat_map(read).collect();
        let mut writer = ListWriter::new(ListForm::Csv, Vec::new()).unwrap();
        for entry in &native {
            assert!(writer.write("l", entry).unwrap());
        }
        let again = read(std::str::from_utf8(&writer.finish().unwrap()).unwrap());
        assert_eq!(said(&again), said(&native));
        let categorised: Vec<bool> = again.iter().map(|entry| entry.categorised).collect();
        assert_eq!(categorised, [true, true, false, false, false, false]);
    }

    /// One name with a byte of value 0, or as long as a row may be, made the whole list unreadable.
    #[test]
    fn an_entry_that_readers_would_refuse_the_list_for_is_not_written() {
        let entry = read(LIST).remove(0);
        let named = |name: String| Entry { name: Some(name), ..entry.clone() };
        let mut writer = ListWriter::new(ListForm::Csv, Vec::new()).unwrap();
        assert!(!writer.write("l", &named("a\0b".to_owned())).unwrap());
        // Half of it, since marks are doubled.
        let marks = MAX_RECORD / 2;
        assert!(!writer.write("l", &named("\"".repeat(marks))).unwrap());
        assert!(!writer.write("l", &named("a".repeat(MAX_RECORD))).unwrap());
        let long = named("a".repeat(MAX_RECORD - 1000));
        assert!(writer.write("l", &long).unwrap());
        assert_eq!(read(std::str::from_utf8(&writer.finish().unwrap()).unwrap()), [long]);
    }

    /// The longest row that is written is one that is read.
    #[test]
    fn the_bound_of_a_row_is_that_of_the_reader() {
        let entry = read(LIST).remove(1);
        let mut written = 0;
        for length in MAX_RECORD - 120..MAX_RECORD {
            let mut writer = ListWriter::new(ListForm::Csv, Vec::new()).unwrap();
            let entry = Entry { name: Some("a".repeat(length)), ..entry.clone() };
            if writer.write("l", &entry).unwrap() {
                read(std::str::from_utf8(&writer.finish().unwrap()).unwrap());
                written += 1;
            }
        }
        assert!((1..120).contains(&written), "{written}");
    }

    /// A list whose codes had to be decided on must not become one where nobody asks.
    #[test]
    fn a_categorised_entry_stays_one() {
        let entry = Entry { categorised: true, ..read(LIST).remove(0) };
        let mut writer = ListWriter::new(ListForm::Csv, Vec::new()).unwrap();
        writer.write("l", &entry).unwrap();
        let again = read(std::str::from_utf8(&writer.finish().unwrap()).unwrap());
        assert_eq!(again, [entry]);
    }

    #[test]
    fn hashdeep_takes_what_has_everything_and_says_so() {
        let (text, written) = write(ListForm::Hashdeep(vec![Kind::Md5]));
        let expected =
            "%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n7,11111111111111111111111111111111,a,\"b\"\n";
        assert_eq!((text.as_str(), written), (expected, 1));
    }

    #[test]
    fn json_lines_have_what_is_known() {
        let (text, _) = write(ListForm::JsonLines);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["label"]["series"], "s");
        assert_eq!((lines[2]["entry"].as_str(), lines[2]["pdq_quality"].as_u64()), (Some("=d"), Some(80)));
        assert!(lines[1].get("label").is_none());
    }
}
